-- Extensions, but for pgclone itself and those that initdb installed.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f extensions.sql
--
-- version is the source's; the statement names none, so that the target's default version is
-- installed, as pg_dump has it. An extension that is there already, in whatever version, is kept.
SELECT 'extension' AS kind,
       x.tableoid AS classid,
       x.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       x.extname::pg_catalog.text AS name,
       'EXTENSION ' || pg_catalog.quote_ident(x.extname) AS object_as,
       pg_catalog.jsonb_build_array(
           'CREATE EXTENSION IF NOT EXISTS ' || pg_catalog.quote_ident(x.extname)
           || ' WITH SCHEMA ' || pg_catalog.quote_ident(n.nspname)) AS create_sql,
       'DROP EXTENSION IF EXISTS ' || pg_catalog.quote_ident(x.extname) AS drop_sql,
       pg_catalog.jsonb_build_array(
           pg_catalog.jsonb_build_object('kind', 'extension', 'name', x.extname)) AS requires,
       x.extversion AS version
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.oid >= 16384 AND x.extname <> 'pgclone'
ORDER BY x.extname;
