-- The schemas whose objects are cloned.
-- $1 = name of one schema (text), or null for all.
-- psql 16+: (echo "\bind sales"; cat namespaces.sql) | psql "$SOURCE"
--
-- A schema that is a member of an extension is made by the extension, but what users put into it is
-- cloned as anything else; extension is that extension's name. tables: how many it has, all in all.
SELECT n.oid,
       n.nspname::pg_catalog.text AS name,
       (SELECT x.extname::pg_catalog.text
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_extension x ON x.oid = dep.refobjid
        WHERE dep.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
          AND dep.objid = n.oid
          AND dep.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND dep.deptype = 'e') AS extension,
       coalesce(c.tables, 0) AS tables
FROM pg_catalog.pg_namespace n
LEFT JOIN (SELECT r.relnamespace, pg_catalog.count(*) AS tables
           FROM pg_catalog.pg_class r
           WHERE r.relkind IN ('r', 'p', 'f')
           GROUP BY r.relnamespace) c ON c.relnamespace = n.oid
WHERE pg_catalog.left(n.nspname, 3) <> 'pg_'
  AND n.nspname <> 'information_schema'
  AND ($1::pg_catalog.text IS NULL OR n.nspname = $1::pg_catalog.text)
ORDER BY n.nspname;
