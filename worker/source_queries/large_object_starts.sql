-- The first bytes of large objects.
--   psql -v ON_ERROR_STOP=1 -c '\set ids ''{16401,16402}''' -f large_object_starts.sql
--   $1 = their OIDs, $2 = how many bytes
SELECT o.id, pg_catalog.lo_get(o.id, 0, $2::pg_catalog.int4) AS data
FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS o (id)
