-- Values of sequences that have been called. The rows of others are left out.
-- $1 = bigint, the number of the first; $2 = oid[].
SELECT $1::pg_catalog.int8 + s.position - 1 AS number,
       v.last_value,
       true AS is_called
FROM pg_catalog.unnest($2::pg_catalog.oid[]) WITH ORDINALITY AS s(oid, position),
     LATERAL (SELECT pg_catalog.pg_sequence_last_value(s.oid::pg_catalog.regclass) AS last_value) AS v
WHERE v.last_value IS NOT NULL;
