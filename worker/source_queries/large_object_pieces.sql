-- Some pieces of a large object, in order. `data` is null if all of the piece is zeros, as in the
-- holes of a sparse object; a piece that is shorter than asked for is the end of the object. No
-- piece begins where a large object cannot reach: to seek there is an error.
--   psql -v ON_ERROR_STOP=1 -f large_object_pieces.sql
--   $1 = OID, $2 = offset of the first piece, $3 = bytes of a piece, $4 = how many pieces
SELECT pg_catalog.octet_length(p.data) AS bytes,
       CASE WHEN pg_catalog.octet_length(pg_catalog.btrim(p.data, '\x00'::pg_catalog.bytea)) > 0
            THEN p.data END AS data
FROM (SELECT n.number,
             pg_catalog.lo_get($1::pg_catalog.oid, $2::pg_catalog.int8 + n.number * $3,
                               $3::pg_catalog.int4) AS data
      FROM pg_catalog.generate_series(0::pg_catalog.int8, $4::pg_catalog.int8 - 1) AS n (number)
      WHERE $2::pg_catalog.int8 + n.number * $3 < 2147483647::pg_catalog.int8
                * (pg_catalog.current_setting('block_size')::pg_catalog.int8 / 4)
      OFFSET 0) AS p
ORDER BY p.number
