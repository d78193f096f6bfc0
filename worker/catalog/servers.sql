-- Foreign servers. Their options are for all to see, so they are taken as no secret.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f servers.sql
SELECT 'server' AS kind,
       s.tableoid AS classid,
       s.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       s.srvname::pg_catalog.text AS name,
       'SERVER ' || pg_catalog.quote_ident(s.srvname) AS object_as,
       pg_catalog.pg_get_userbyid(s.srvowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE SERVER ' || pg_catalog.quote_ident(s.srvname)
           || coalesce(' TYPE ' || pg_catalog.quote_literal(NULLIF(s.srvtype, '')), '')
           || coalesce(' VERSION ' || pg_catalog.quote_literal(NULLIF(s.srvversion, '')), '')
           || ' FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname)
           || coalesce(' OPTIONS (' || o.list || ')', '')) AS create_sql,
       'DROP SERVER IF EXISTS ' || pg_catalog.quote_ident(s.srvname) AS drop_sql
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x.option_name) || ' '
                                 || pg_catalog.quote_literal(x.option_value), ', '
                                 ORDER BY x.option_name) AS list
    FROM pg_catalog.pg_options_to_table(s.srvoptions) x) o
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = s.tableoid AND dep.objid = s.oid AND dep.deptype = 'e')
ORDER BY s.srvname;
