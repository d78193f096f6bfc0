-- The database that a job has created.
-- $1 = name
--   psql 16+: echo "\bind 'template1'" | cat - database_oid.sql | psql
SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = $1::pg_catalog.name
