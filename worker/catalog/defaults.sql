-- Defaults of columns. (Expressions of generated columns come with their tables.)
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat defaults.sql) | psql "$SOURCE"
--
-- They come after all tables, since a child that has no default of its own would be made with its
-- parent's.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f', 'v')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e')))
SELECT 'default' AS kind,
       'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid AS classid,
       d.oid AS objid,
       r.nspname AS schema_name,
       a.attname || ' on ' || r.relname AS name,
       NULL::pg_catalog.text AS object_as,
       r.oid AS table_oid,
       pg_catalog.jsonb_build_array(
           CASE WHEN r.relkind = 'f' THEN 'ALTER FOREIGN TABLE ONLY ' ELSE 'ALTER TABLE ONLY ' END
           || r.name || ' ALTER COLUMN ' || pg_catalog.quote_ident(a.attname)
           || ' SET DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid)) AS create_sql
FROM relation r
JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid
JOIN pg_catalog.pg_attribute a
     ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND NOT a.attisdropped
WHERE coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') = ''
ORDER BY r.nspname, r.relname, a.attnum;
