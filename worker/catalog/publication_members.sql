-- Tables of publications, on servers older than 15. (From 15 on: publication_members_15.sql.)
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f publication_members.sql
SELECT 'publication member' AS kind,
       r.tableoid AS classid,
       r.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       c.relname || ' in ' || p.pubname AS name,
       NULL::pg_catalog.text AS object_as,
       r.prrelid AS table_oid,
       pg_catalog.jsonb_build_array(
           'ALTER PUBLICATION ' || pg_catalog.quote_ident(p.pubname)
           || ' ADD TABLE ONLY ' || c.oid::pg_catalog.regclass) AS create_sql
FROM pg_catalog.pg_publication_rel r
JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
WHERE pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 150000
ORDER BY p.pubname, c.oid::pg_catalog.regclass::pg_catalog.text;
