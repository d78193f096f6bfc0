-- The table itself, by name. One row, or none if there is no such relation.
-- $1 = schema, $2 = name, both unquoted.
-- psql 16+: (echo "\bind shop orders"; cat table_itself.sql) | psql "$SOURCE"
--
-- relfilenode is read from the row of pg_class, since pg_relation_filenode() looks past the
-- snapshot.
SELECT c.oid,
       c.relkind AS kind,
       c.relpersistence AS persistence,
       c.oid < 16384 AS is_system,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       ts.spcname AS tablespace,
       am.amname AS access_method,
       coalesce(pg_catalog.to_jsonb(c.reloptions), '[]') AS storage_options,
       coalesce(pg_catalog.to_jsonb(tc.reloptions), '[]') AS toast_options,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       c.relreplident AS replica_identity,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS can_use_schema,
       -- null if the table is gone already: whoever locks it finds out
       coalesce(pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), true) AS can_select,
       -- rows alone: maps of free space and visibility are not copied
       coalesce(pg_catalog.pg_relation_size(c.oid)
                / pg_catalog.current_setting('block_size')::pg_catalog.int8, 0) AS heap_pages,
       coalesce(pg_catalog.pg_relation_size(c.oid), 0)
       + CASE WHEN c.reltoastrelid <> 0
              THEN coalesce(pg_catalog.pg_relation_size(c.reltoastrelid), 0) ELSE 0
         END AS size_bytes,
       pg_catalog.current_setting('server_version_num') AS server_version,
       pg_catalog.current_setting('server_encoding') AS server_encoding
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_class tc ON tc.oid = c.reltoastrelid
WHERE n.nspname = $1 AND c.relname = $2;
