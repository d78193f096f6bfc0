-- A table, its partitions, and their indexes that have expressions, as in statistics_state.sql; and
-- whether there are rows in them.
--   psql -v ON_ERROR_STOP=1 -f statistics_relations.sql
--   $1 = qualified, quoted name of the table
WITH RECURSIVE tree AS (
    SELECT $1::pg_catalog.regclass::pg_catalog.oid AS oid
    UNION
    SELECT i.inhrelid FROM tree AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid
), relations AS (
    SELECT t.oid, t.oid AS table_oid FROM tree AS t
    UNION ALL
    SELECT i.indexrelid, i.indrelid
    FROM tree AS t
    JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid AND i.indexprs IS NOT NULL AND i.indisvalid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
)
SELECT c.oid, n.nspname AS relation_schema, c.relname AS relation_name,
       c.relkind <> 'p' AND pg_catalog.pg_relation_size(r.table_oid) = 0 AS is_empty
FROM relations AS r
JOIN pg_catalog.pg_class AS c ON c.oid = r.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
