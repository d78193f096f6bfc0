-- Which server and database the source is, and where its log stands.
--   psql -f source_identity.sql
SELECT d.oid AS database_oid,
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_lsn()
       END AS lsn,
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
           AS may_read_control
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
