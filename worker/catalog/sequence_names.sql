-- All sequences whose values are cloned: those of identity columns, too, and those that an extension
-- says hold its users' data.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat sequence_names.sql) | psql "$SOURCE"
--
-- classid and objid are those of the node that it comes with: itself, the table of an identity
-- column, the extension. source_schema and source_name are plain, relation is what to call it on the
-- target.
SELECT CASE WHEN e.objid IS NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass
            ELSE 'pg_catalog.pg_extension'::pg_catalog.regclass END::pg_catalog.oid AS classid,
       coalesce(e.refobjid, i.refobjid, c.oid) AS objid,
       n.nspname AS source_schema,
       c.relname AS source_name,
       c.oid::pg_catalog.regclass::pg_catalog.text AS relation,
       coalesce(pg_catalog.has_sequence_privilege(c.oid, 'SELECT'), true) AS can_select
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend e
       ON e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid
      AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
      AND e.objsubid = 0 AND e.deptype = 'e'
LEFT JOIN pg_catalog.pg_depend i
       ON i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.objid = c.oid
      AND i.objsubid = 0 AND i.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND i.deptype = 'i'
WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind = 'S'
  AND c.oid >= 16384 AND c.relpersistence <> 't'
  AND (e.objid IS NULL
       OR EXISTS (SELECT FROM pg_catalog.pg_extension x
                  WHERE x.oid = e.refobjid AND c.oid = ANY (x.extconfig)))
ORDER BY n.nspname, c.relname;
