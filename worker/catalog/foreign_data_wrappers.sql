-- Foreign-data wrappers that are no extension's.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f foreign_data_wrappers.sql
SELECT 'foreign-data wrapper' AS kind,
       w.tableoid AS classid,
       w.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       w.fdwname::pg_catalog.text AS name,
       'FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname) AS object_as,
       pg_catalog.pg_get_userbyid(w.fdwowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname)
           || coalesce(' HANDLER ' || f.handler, '')
           || coalesce(' VALIDATOR ' || f.validator, '')
           || coalesce(' CONNECTION ' || f.connection, '')
           || coalesce(' OPTIONS (' || o.list || ')', '')) AS create_sql,
       'DROP FOREIGN DATA WRAPPER IF EXISTS ' || pg_catalog.quote_ident(w.fdwname) AS drop_sql,
       CASE WHEN f.connection IS NOT NULL THEN 190000 ELSE 0 END AS needs_version
FROM pg_catalog.pg_foreign_data_wrapper w
-- the name in a regprocedure: all up to the first parenthesis outside of double quotes
CROSS JOIN (SELECT '^(?:"[^"]*"|[^"(])+'::pg_catalog.text AS name) pattern
CROSS JOIN LATERAL (
    SELECT pg_catalog.substring(
               NULLIF(w.fdwhandler, 0)::pg_catalog.regprocedure::pg_catalog.text,
               pattern.name) AS handler,
           pg_catalog.substring(
               NULLIF(w.fdwvalidator, 0)::pg_catalog.regprocedure::pg_catalog.text,
               pattern.name) AS validator,
           pg_catalog.substring(
               NULLIF((pg_catalog.to_jsonb(w)->>'fdwconnection')::pg_catalog.oid, 0)
               ::pg_catalog.regprocedure::pg_catalog.text, pattern.name) AS connection) f
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x.option_name) || ' '
                                 || pg_catalog.quote_literal(x.option_value), ', '
                                 ORDER BY x.option_name) AS list
    FROM pg_catalog.pg_options_to_table(w.fdwoptions) x) o
WHERE w.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = w.tableoid AND dep.objid = w.oid AND dep.deptype = 'e')
ORDER BY w.fdwname;
