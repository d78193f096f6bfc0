-- Event triggers.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f event_triggers.sql
SELECT 'event trigger' AS kind,
       e.tableoid AS classid,
       e.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       e.evtname::pg_catalog.text AS name,
       'EVENT TRIGGER ' || pg_catalog.quote_ident(e.evtname) AS object_as,
       pg_catalog.pg_get_userbyid(e.evtowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE EVENT TRIGGER ' || pg_catalog.quote_ident(e.evtname)
           || ' ON ' || pg_catalog.quote_ident(e.evtevent)
           || coalesce(' WHEN TAG IN ('
                       || (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(t.tag), ', '
                                                        ORDER BY t.position)
                           FROM pg_catalog.unnest(e.evttags) WITH ORDINALITY t(tag, position))
                       || ')', '')
           || ' EXECUTE FUNCTION ' || pg_catalog.substring(
                  e.evtfoid::pg_catalog.regprocedure::pg_catalog.text, '^(?:"[^"]*"|[^"(])+')
           || '()')
       || CASE e.evtenabled
          WHEN 'O' THEN '[]'
          ELSE pg_catalog.jsonb_build_array(
                   'ALTER EVENT TRIGGER ' || pg_catalog.quote_ident(e.evtname)
                   || CASE e.evtenabled WHEN 'D' THEN ' DISABLE' WHEN 'R' THEN ' ENABLE REPLICA'
                                        ELSE ' ENABLE ALWAYS' END) END AS create_sql,
       'DROP EVENT TRIGGER IF EXISTS ' || pg_catalog.quote_ident(e.evtname) AS drop_sql,
       CASE WHEN e.evtevent = 'login' THEN 170000 ELSE 0 END AS needs_version
FROM pg_catalog.pg_event_trigger e
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = e.tableoid AND dep.objid = e.oid AND dep.deptype = 'e')
ORDER BY e.evtname;
