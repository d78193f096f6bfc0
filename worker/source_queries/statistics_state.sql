-- A table, its partitions, and their indexes that have expressions: what ANALYZE of the table keeps
-- statistics of; and whether the source's say how a snapshot was that is younger than a point in time.
-- They do if they are there for each column, were made before that point, and no more rows have
-- changed until now than autovacuum lets change by default. Nobody counts changes of a partitioned
-- table: its statistics have to be about as old as the youngest of a partition (ANALYZE of the table
-- makes those right after it), and it must have about as many rows as it had. What pg_stats does not
-- show (of extended statistics, or for want of rights) is not good. Of relations that have been
-- truncated since, the catalog does not know how many rows they had.
--   psql -v ON_ERROR_STOP=1 -f statistics_state.sql
--   $1 = oid of the table, $2 = how many seconds ago the point was
WITH RECURSIVE tree AS (
    SELECT $1::pg_catalog.oid AS oid, ARRAY[]::pg_catalog.oid[] AS ancestors
    UNION ALL
    SELECT i.inhrelid, t.ancestors || t.oid
    FROM tree AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid
), tables AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relhassubclass, tree.ancestors,
           greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid),
                    pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)) AS analyzed,
           pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS changes
    FROM tree
    JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
), partitioned AS (
    SELECT p.oid, p.analyzed + '10 minutes'::pg_catalog.interval >= pg_catalog.max(l.analyzed)
               AND pg_catalog.abs(p.reltuples - pg_catalog.sum(greatest(l.reltuples, 0)))
                   <= 50 + 0.1 * pg_catalog.sum(greatest(l.reltuples, 0)) AS is_like_partitions
    FROM tables AS p
    JOIN tables AS l ON l.relkind = 'r' AND p.oid = ANY (l.ancestors)
    WHERE p.relkind = 'p'
    GROUP BY p.oid, p.analyzed, p.reltuples
), relations AS (
    SELECT t.oid, t.nspname, t.relname, t.relkind::pg_catalog.text AS kind, t.reltuples,
           NULL::pg_catalog.int2vector AS columns_of_table,
           t.analyzed < pg_catalog.clock_timestamp() - $2::pg_catalog.float8 * '1 s'::pg_catalog.interval
           AND CASE t.relkind
                   WHEN 'r' THEN NOT t.relhassubclass AND t.reltuples > 0
                                 AND t.changes <= 50 + 0.1 * t.reltuples
                   WHEN 'p' THEN p.is_like_partitions
                   ELSE false
               END
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext AS e WHERE e.stxrelid = t.oid)
               AS is_new
    FROM tables AS t
    LEFT JOIN partitioned AS p ON p.oid = t.oid
    UNION ALL
    SELECT c.oid, n.nspname, c.relname, 'i', c.reltuples, i.indkey, true
    FROM tables AS t
    JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid AND i.indexprs IS NOT NULL AND i.indisvalid
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE t.relkind = 'r'
)
SELECT r.nspname AS relation_schema, r.relname AS relation_name, r.kind,
       greatest(r.reltuples, 0) AS row_count,
       coalesce(r.is_new, false) AND NOT EXISTS (
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
