-- What debian/tests/clone runs: a clone from the source database to the target database. A step
-- that fails ends the script, and so the test.
\set QUIET on
CREATE DATABASE pgclone_source;
CREATE DATABASE pgclone_target;

\connect pgclone_source
CREATE SCHEMA sales;
CREATE TABLE sales.customers (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE sales.orders (
    id bigint PRIMARY KEY,
    customer integer NOT NULL REFERENCES sales.customers,
    total numeric(10, 2) CHECK (total >= 0)
);
INSERT INTO sales.customers (name) SELECT 'customer ' || n FROM generate_series(1, 100) AS n;
INSERT INTO sales.orders SELECT n, n % 100 + 1, n * 1.5 FROM generate_series(1, 20000) AS n;
CREATE VIEW sales.totals AS SELECT customer, sum(total) AS total FROM sales.orders GROUP BY customer;
SELECT md5(string_agg(o::text, ',' ORDER BY id)) AS expected FROM sales.orders AS o \gset

\connect pgclone_target
CREATE EXTENSION pgclone;
-- The source is this cluster, by its socket: a superuser may name it.
SELECT format('host=%s port=%s dbname=pgclone_source user=%s',
              split_part(current_setting('unix_socket_directories'), ',', 1),
              current_setting('port'), current_user) AS source \gset
SELECT pgclone_database(:'source') AS status \gset
SELECT :'status' = 'completed' AS ok \gset
\if :ok
\else
    SELECT * FROM pgclone_jobs_view \gx
    DO $$ BEGIN RAISE 'the job is not completed'; END $$;
\endif

SELECT md5(string_agg(o::text, ',' ORDER BY id)) = :'expected'
       AND (SELECT count(*) FROM sales.customers) = 100
       AND (SELECT count(*) FROM sales.totals) = 100
       AND EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'sales.orders'::regclass AND contype = 'f') AS ok
FROM sales.orders AS o \gset
\if :ok
\else
    DO $$ BEGIN RAISE 'the clone is not equal to its source'; END $$;
\endif

DROP EXTENSION pgclone;
SELECT NOT EXISTS (SELECT FROM pg_class WHERE relname LIKE 'pgclone%')
       AND NOT EXISTS (SELECT FROM pg_proc WHERE proname LIKE 'pgclone%')
       AND NOT EXISTS (SELECT FROM pg_type WHERE typname LIKE 'pgclone%')
       AND (SELECT count(*) FROM sales.orders) = 20000 AS ok \gset
\if :ok
    \echo 'the clone is equal, and the extension is gone'
\else
    DO $$ BEGIN RAISE 'DROP EXTENSION has left something behind, or taken too much'; END $$;
\endif

\connect postgres
DROP DATABASE pgclone_source;
DROP DATABASE pgclone_target;
