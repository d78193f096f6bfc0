-- Event triggers that may fire, and the statements that keep them from it for a while.
--   psql -f enabled_event_triggers.sql
SELECT 'ALTER EVENT TRIGGER ' || pg_catalog.quote_ident(e.evtname) || ' DISABLE' AS disable,
       'ALTER EVENT TRIGGER ' || pg_catalog.quote_ident(e.evtname) || ' ENABLE'
       || CASE e.evtenabled WHEN 'A' THEN ' ALWAYS' WHEN 'R' THEN ' REPLICA' ELSE '' END AS enable
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtenabled <> 'D'
ORDER BY e.evtname
