-- Objects with names of their own that belong to a table: what is renamed along with it.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_parts.sql) | psql "$TARGET"
SELECT 'INDEX' AS kind, n.nspname AS schema, c.relname AS name
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1::pg_catalog.oid
UNION ALL
SELECT 'SEQUENCE', n.nspname, c.relname
FROM pg_catalog.pg_depend dep
JOIN pg_catalog.pg_class c ON c.oid = dep.objid AND c.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND dep.refobjid = $1::pg_catalog.oid AND dep.deptype IN ('a', 'i')
UNION ALL
SELECT 'STATISTICS', n.nspname, s.stxname
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = $1::pg_catalog.oid
ORDER BY kind, schema, name;
