-- Check constraints of domains.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat domain_constraints.sql) | psql "$SOURCE"
SELECT 'domain constraint' AS kind,
       con.tableoid AS classid,
       con.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       con.conname || ' on ' || t.typname AS name,
       'CONSTRAINT ' || pg_catalog.quote_ident(con.conname)
       || ' ON DOMAIN ' || pg_catalog.format_type(t.oid, NULL) AS object_as,
       pg_catalog.jsonb_build_array(
           'ALTER DOMAIN ' || pg_catalog.format_type(t.oid, NULL)
           || ' ADD CONSTRAINT ' || pg_catalog.quote_ident(con.conname)
           || ' ' || pg_catalog.pg_get_constraintdef(con.oid)) AS create_sql
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_constraint con ON con.contypid = t.oid AND con.contype = 'c'
WHERE t.typnamespace = ANY ($1::pg_catalog.oid[]) AND t.typtype = 'd'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = t.tableoid AND dep.objid = t.oid AND dep.deptype = 'e')
ORDER BY n.nspname, t.typname, con.conname;
