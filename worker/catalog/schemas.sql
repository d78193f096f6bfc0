-- Schemas, but for those that are members of extensions.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat schemas.sql) | psql "$SOURCE"
SELECT 'schema' AS kind,
       n.tableoid AS classid,
       n.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       n.nspname::pg_catalog.text AS name,
       'SCHEMA ' || pg_catalog.quote_ident(n.nspname) AS object_as,
       pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE SCHEMA ' || pg_catalog.quote_ident(n.nspname)) AS create_sql,
       'DROP SCHEMA IF EXISTS ' || pg_catalog.quote_ident(n.nspname) AS drop_sql
FROM pg_catalog.pg_namespace n
WHERE n.oid = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = n.tableoid AND dep.objid = n.oid AND dep.deptype = 'e')
ORDER BY n.nspname;
