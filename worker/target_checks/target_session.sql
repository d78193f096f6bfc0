-- Settings of a loopback session, whatever ALTER ROLE/DATABASE ... SET says. Commits need not
-- wait for the disk one by one: the one that makes the job complete is synchronous, and it
-- flushes all before it. Until this has run, the owner of the database may have chosen the search
-- path: nothing here is looked up in it.
--   psql -f target_session.sql
SELECT pg_catalog.set_config(s.name, v.value, false)
FROM (VALUES
    ('search_path', ''),
    ('row_security', 'off'),
    ('statement_timeout', '0'),
    ('lock_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('transaction_timeout', '0'),
    ('default_transaction_read_only', 'off'),
    ('default_transaction_isolation', 'read committed'),
    ('default_transaction_deferrable', 'off'),
    ('client_min_messages', 'error'),
    ('check_function_bodies', 'off'),
    ('standard_conforming_strings', 'on'),
    ('transform_null_equals', 'off'),
    ('array_nulls', 'on'),
    ('DateStyle', 'ISO, MDY'),
    ('IntervalStyle', 'postgres'),
    ('extra_float_digits', '3'),
    ('bytea_output', 'hex'),
    ('xmloption', 'content'),
    ('lc_monetary', 'C'),
    ('default_tablespace', ''),
    ('default_table_access_method', 'heap'),
    ('synchronous_commit', 'off'),
    ('client_connection_check_interval', '1000')
) AS v (name, value)
JOIN pg_catalog.pg_settings AS s
    ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(v.name)
UNION ALL
-- pg_settings does not list it
SELECT pg_catalog.set_config('role', 'none', false)
