-- Large objects, made empty: what is in them is data.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f large_objects.sql
SELECT 'large object' AS kind,
       'pg_catalog.pg_largeobject'::pg_catalog.regclass::pg_catalog.oid AS classid,
       m.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       m.oid::pg_catalog.text AS name,
       'LARGE OBJECT ' || m.oid AS object_as,
       pg_catalog.pg_get_userbyid(m.lomowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array('SELECT pg_catalog.lo_create(' || m.oid || ')') AS create_sql,
       'SELECT pg_catalog.lo_unlink(m.oid) FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = '
           || m.oid AS drop_sql
FROM pg_catalog.pg_largeobject_metadata m
ORDER BY m.oid;
