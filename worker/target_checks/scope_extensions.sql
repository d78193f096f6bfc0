-- Extensions that a clone needs, as the target has them; one row for each name.
-- $1 = names, unquoted (text[]).
-- psql 16+: (echo "\bind '{pg_trgm}'"; cat scope_extensions.sql) | psql "$TARGET"
--
-- default_version is null if it is not available here, installed_version if it is not installed.
-- can_install: it is available, and the current role is a superuser, or may create in the database
-- and the extension is trusted.
SELECT w.name,
       a.default_version,
       x.extversion AS installed_version,
       n.nspname AS installed_in,
       v.name IS NOT NULL
       AND (me.rolsuper OR NOT v.superuser
            OR (v.trusted
                AND pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')))
           AS can_install
FROM pg_catalog.unnest($1::pg_catalog.text[]) w(name)
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = w.name
LEFT JOIN pg_catalog.pg_available_extension_versions v
       ON v.name = w.name AND v.version = a.default_version
LEFT JOIN pg_catalog.pg_extension x ON x.extname = w.name
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
ORDER BY w.name;
