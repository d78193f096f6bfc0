-- The database where a schema or a database is cloned to, and who asks. One row.
-- No parameter. (Its schemas: scope_schemas.sql. Extensions: scope_extensions.sql.)
--   psql "$TARGET" -f scope_place.sql
SELECT pg_catalog.current_setting('server_version_num') AS server_version,
       pg_catalog.current_setting('server_encoding') AS server_encoding,
       d.datname AS database,
       me.rolname AS role,
       me.rolsuper AS is_superuser,
       pg_catalog.has_database_privilege(d.oid, 'CREATE') AS can_create_schemas,
       pg_catalog.pg_has_role(d.datdba, 'USAGE') AS is_database_owner,
       EXISTS (SELECT FROM pg_catalog.pg_settings s
               WHERE s.name = 'default_toast_compression' AND 'lz4' = ANY (s.enumvals)) AS has_lz4
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
WHERE d.datname = pg_catalog.current_database();
