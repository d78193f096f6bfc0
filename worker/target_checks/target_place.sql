-- The place where the clone goes, and who asks. One row.
-- $1 = schema, $2 = name, both unquoted.
-- psql 16+: (echo "\bind shop orders"; cat target_place.sql) | psql "$TARGET"
SELECT pg_catalog.current_setting('server_version_num') AS server_version,
       pg_catalog.current_setting('server_encoding') AS server_encoding,
       me.rolname AS role,
       me.rolsuper AS is_superuser,
       n.oid IS NOT NULL AS schema_exists,
       CASE WHEN n.oid IS NULL
            THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
            ELSE pg_catalog.has_schema_privilege(n.oid, 'CREATE') END AS can_create,
       c.oid AS relation,
       c.relkind AS kind,
       coalesce(pg_catalog.pg_has_role(c.relowner, 'USAGE'), true) AS is_owner,
       EXISTS (SELECT FROM pg_catalog.pg_settings s
               WHERE s.name = 'default_toast_compression' AND 'lz4' = ANY (s.enumvals)) AS has_lz4
FROM pg_catalog.pg_roles me
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = $2
WHERE me.rolname = current_user;
