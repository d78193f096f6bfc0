-- The statistics of a table's columns, or of an index's expressions.
--   psql -v ON_ERROR_STOP=1 -f column_statistics.sql
--   $1 = schema, $2 = name, $3 = whether those of a partitioned table, its partitions included
SELECT s.attname AS column_name, s.inherited, s.null_frac, s.avg_width, s.n_distinct,
       s.most_common_vals::pg_catalog.text AS most_common_vals, s.most_common_freqs,
       s.histogram_bounds::pg_catalog.text AS histogram_bounds, s.correlation,
       s.most_common_elems::pg_catalog.text AS most_common_elems, s.most_common_elem_freqs,
       s.elem_count_histogram
FROM pg_catalog.pg_stats AS s
WHERE s.schemaname = $1::pg_catalog.name AND s.tablename = $2::pg_catalog.name
  AND s.inherited = $3::pg_catalog.bool
ORDER BY s.attname
