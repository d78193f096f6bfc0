-- A table, its partitions, and their indexes that have expressions: what ANALYZE of the table keeps
-- statistics of; and whether the source's are as good as new. They are if they are there for each
-- column, and if no more rows have changed since than autovacuum lets change by default. Of a
-- partitioned table, whose changes nobody counts: if no partition had enough of them for autovacuum,
-- and it has about as many rows as it had. What pg_stats does not show (of extended statistics, or for
-- want of rights) is not good. An empty table needs none.
--   psql -v ON_ERROR_STOP=1 -f statistics_state.sql
--   $1 = oid of the table
WITH RECURSIVE tree AS (
    SELECT $1::pg_catalog.oid AS oid
    UNION
    SELECT i.inhrelid FROM tree AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid
), tables AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relhassubclass,
           pg_catalog.pg_stat_get_last_analyze_time(c.oid) AS analyzed,
           pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) AS autoanalyzed,
           pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS changes,
           c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) = 0 AS is_empty
    FROM tree
    JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
), leaves AS (
    SELECT pg_catalog.max(autoanalyzed) AS autoanalyzed,
           coalesce(pg_catalog.sum(greatest(reltuples, 0)), 0) AS row_count
    FROM tables WHERE relkind = 'r'
), relations AS (
    SELECT t.oid, t.nspname, t.relname, t.relkind::pg_catalog.text AS kind, t.reltuples, t.is_empty,
           NULL::pg_catalog.int2vector AS columns_of_table,
           CASE t.relkind
               WHEN 'r' THEN NOT t.relhassubclass
                    AND coalesce(t.analyzed, t.autoanalyzed) IS NOT NULL
                    AND t.changes <= 50 + 0.1 * t.reltuples
               WHEN 'p' THEN t.analyzed IS NOT NULL
                    AND (l.autoanalyzed IS NULL OR l.autoanalyzed <= t.analyzed)
                    AND (t.oid <> $1::pg_catalog.oid
                         OR pg_catalog.abs(t.reltuples - l.row_count) <= 50 + 0.1 * l.row_count)
               ELSE false
           END AND NOT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext AS e WHERE e.stxrelid = t.oid)
               AS is_new
    FROM tables AS t CROSS JOIN leaves AS l
    UNION ALL
    SELECT c.oid, n.nspname, c.relname, 'i', c.reltuples, t.is_empty, i.indkey, true
    FROM tables AS t
    JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid AND i.indexprs IS NOT NULL
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE t.relkind = 'r'
)
SELECT r.nspname AS relation_schema, r.relname AS relation_name, r.kind, r.is_empty,
       greatest(r.reltuples, 0) AS row_count,
       r.is_empty OR r.is_new AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_attribute AS a
           WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
             AND a.attstattarget IS DISTINCT FROM 0
             AND coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> 'v'
             AND (r.kind <> 'i' OR r.columns_of_table[a.attnum - 1] = 0)
             AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_stats AS s
                 WHERE s.schemaname = r.nspname AND s.tablename = r.relname
                   AND s.attname = a.attname AND s.inherited = (r.kind = 'p'))) AS is_usable
FROM relations AS r
