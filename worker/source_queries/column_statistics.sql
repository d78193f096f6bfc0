-- The statistics of a table's columns, by their names, or of an index's expressions, by their numbers:
-- what such a column is called depends on what the table's columns were called once.
--   psql -v ON_ERROR_STOP=1 -f column_statistics.sql
--   $1 = schema, $2 = name, $3 = kind: r, p (its partitions included) or i
SELECT CASE WHEN $3::pg_catalog.text <> 'i' THEN s.attname END AS column_name,
       CASE WHEN $3::pg_catalog.text = 'i' THEN a.attnum END AS column_number,
       s.inherited, s.null_frac, s.avg_width, s.n_distinct,
       s.most_common_vals::pg_catalog.text AS most_common_vals, s.most_common_freqs,
       s.histogram_bounds::pg_catalog.text AS histogram_bounds, s.correlation,
       s.most_common_elems::pg_catalog.text AS most_common_elems, s.most_common_elem_freqs,
       s.elem_count_histogram
FROM pg_catalog.pg_stats AS s
JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
WHERE s.schemaname = $1::pg_catalog.name AND s.tablename = $2::pg_catalog.name
  AND s.inherited = ($3::pg_catalog.text = 'p')
ORDER BY a.attnum
