-- Subscriptions of this database: they keep it from being dropped.
--   psql -f database_subscriptions.sql
SELECT s.subname
FROM pg_catalog.pg_subscription AS s
JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid
WHERE d.datname = pg_catalog.current_database()
ORDER BY s.subname
