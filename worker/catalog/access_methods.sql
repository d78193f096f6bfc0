-- Access methods for tables and indexes.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f access_methods.sql
SELECT 'access method' AS kind,
       am.tableoid AS classid,
       am.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       am.amname::pg_catalog.text AS name,
       'ACCESS METHOD ' || pg_catalog.quote_ident(am.amname) AS object_as,
       pg_catalog.jsonb_build_array(
           'CREATE ACCESS METHOD ' || pg_catalog.quote_ident(am.amname)
           || ' TYPE ' || CASE am.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END
           -- the name in a regprocedure: all up to the first parenthesis outside of double quotes
           || ' HANDLER ' || pg_catalog.substring(
                  am.amhandler::pg_catalog.oid::pg_catalog.regprocedure::pg_catalog.text,
                  '^(?:"[^"]*"|[^"(])+')) AS create_sql,
       'DROP ACCESS METHOD IF EXISTS ' || pg_catalog.quote_ident(am.amname) AS drop_sql
FROM pg_catalog.pg_am am
WHERE am.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = am.tableoid AND dep.objid = am.oid AND dep.deptype = 'e')
ORDER BY am.amname;
