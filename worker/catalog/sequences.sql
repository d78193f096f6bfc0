-- Sequences, but not those of identity columns: they come with their tables.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat sequences.sql) | psql "$SOURCE"
--
-- A sequence that a column owns has the owner of the table, and changes it with the table only:
-- its `owner` is null.
WITH relation AS (
    SELECT c.oid, c.relname, c.relowner, c.relpersistence, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind = 'S'
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND e.objid = c.oid AND e.objsubid = 0 AND e.deptype IN ('e', 'i')))
SELECT 'sequence' AS kind,
       'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS classid,
       r.oid AS objid,
       r.nspname AS schema_name,
       r.relname AS name,
       'SEQUENCE ' || r.name AS object_as,
       own.refobjid AS table_oid,
       CASE WHEN own.refobjid IS NULL THEN pg_catalog.pg_get_userbyid(r.relowner) END AS owner,
       pg_catalog.jsonb_build_array(
           CASE WHEN r.relpersistence = 'u' THEN 'CREATE UNLOGGED SEQUENCE '
                ELSE 'CREATE SEQUENCE ' END
           || r.name || ' AS ' || pg_catalog.format_type(s.seqtypid, NULL)
           || ' START WITH ' || s.seqstart || ' INCREMENT BY ' || s.seqincrement
           || ' MINVALUE ' || s.seqmin || ' MAXVALUE ' || s.seqmax || ' CACHE ' || s.seqcache
           || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
       || CASE WHEN a.attname IS NULL THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER SEQUENCE ' || r.name || ' OWNED BY '
                        || own.refobjid::pg_catalog.regclass::pg_catalog.text || '.'
                        || pg_catalog.quote_ident(a.attname)) END AS create_sql,
       'DROP SEQUENCE IF EXISTS ' || r.name AS drop_sql,
       CASE WHEN r.relpersistence = 'u' THEN 150000 ELSE 0 END AS needs_version,
       r.name AS relation,
       r.nspname AS source_schema,
       r.relname AS source_name
FROM relation r
JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.oid
LEFT JOIN pg_catalog.pg_depend own
       ON own.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND own.objid = r.oid
      AND own.objsubid = 0 AND own.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND own.refobjsubid > 0 AND own.deptype = 'a'
LEFT JOIN pg_catalog.pg_attribute a
       ON a.attrelid = own.refobjid AND a.attnum = own.refobjsubid
ORDER BY r.nspname, r.relname;
