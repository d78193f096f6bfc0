-- Settings of a session on the source, whatever ALTER ROLE/DATABASE ... SET says: names come out
-- qualified, values in one form, no time-out ends a long copy, and row-level security raises an
-- error instead of hiding rows. Rows come in the order in which they lie, from one process a session:
-- a COPY of a query may be planned with parallel workers, and hardly any query of a catalog gains what
-- it costs to start them. Parameters that a version does not have are left out. Until this
-- has run, the owner of the source database may have chosen the search path: nothing here is
-- looked up in it.
--   psql -f source_session.sql
SELECT pg_catalog.set_config(s.name, v.value, false)
FROM (VALUES
    ('search_path', ''),
    ('row_security', 'off'),
    ('statement_timeout', '0'),
    ('lock_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('transaction_timeout', '0'),
    ('default_transaction_read_only', 'on'),
    ('default_transaction_isolation', 'repeatable read'),
    ('default_transaction_deferrable', 'off'),
    ('client_min_messages', 'error'),
    ('standard_conforming_strings', 'on'),
    ('DateStyle', 'ISO, MDY'),
    ('IntervalStyle', 'postgres'),
    ('extra_float_digits', '3'),
    ('bytea_output', 'hex'),
    ('xmloption', 'content'),
    ('lc_monetary', 'C'),
    ('quote_all_identifiers', 'off'),
    ('jit', 'off'),
    ('synchronize_seqscans', 'off'),
    ('max_parallel_workers_per_gather', '0'),
    ('client_connection_check_interval', '1000')
) AS v (name, value)
JOIN pg_catalog.pg_settings AS s
    ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(v.name)
UNION ALL
-- pg_settings does not list it
SELECT pg_catalog.set_config('role', 'none', false)
