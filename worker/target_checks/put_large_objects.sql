-- Writes the first bytes of large objects.
--   psql -v ON_ERROR_STOP=1 -f put_large_objects.sql
--   $1 = their OIDs, $2 = the bytes of each, in the same order
SELECT pg_catalog.lo_put(o.id, 0, o.data)
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.bytea[]))
    AS o (id, data)
