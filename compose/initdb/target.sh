#!/bin/bash
# Run once, by the image's entry point, when a target's data folder is new: the extension, its source
# as a foreign server, and the roles. Workers log in through the socket, which the image's
# pg_hba.conf lets every role do.
set -eu

psql -X -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
\set source_host `printenv SOURCE_HOST`
\set source_port `printenv SOURCE_PORT || echo 5432`
\set source_password `printenv SOURCE_PASSWORD`
\set monitor_password `printenv MONITOR_PASSWORD`

CREATE EXTENSION pgclone;
-- With a foreign server no password stands in any query.
CREATE EXTENSION postgres_fdw;
CREATE SERVER source FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'source_host', port :'source_port', dbname 'shop');
CREATE USER MAPPING FOR CURRENT_USER SERVER source OPTIONS (user 'postgres', password :'source_password');

-- Members of pg_read_all_stats (pg_monitor is one) see all jobs, and can change none.
CREATE ROLE monitor LOGIN PASSWORD :'monitor_password' IN ROLE pg_monitor;

-- A question that a lock holds up is given up, before the next ones queue behind it.
ALTER ROLE monitor SET statement_timeout = '4s';

-- The owners of what test/demo/shop.sql has: roles belong to a server, not to a database.
CREATE ROLE shop_owner;
CREATE ROLE shop_clerk;
CREATE ROLE shop_reader;
SQL
