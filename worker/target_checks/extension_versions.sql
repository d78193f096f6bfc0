-- Which versions of extensions can be installed.
-- $1 = names, $2 = versions, two arrays of the same length.
-- psql 16+: (echo "\bind '{hstore}' '{1.4}'"; cat extension_versions.sql) | psql "$TARGET"
SELECT w.name
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]),
                pg_catalog.unnest($2::pg_catalog.text[])) w(name, version)
JOIN pg_catalog.pg_available_extension_versions v ON v.name = w.name AND v.version = w.version;
