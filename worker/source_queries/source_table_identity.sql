-- Which relations names stand for now, and which files they have now: both are looked up with the
-- latest catalog snapshot, not with that of the transaction.
--   psql -v ON_ERROR_STOP=1 -v names={public.orders} -f source_table_identity.sql
--   $1 = qualified, quoted names
SELECT t.position,
       t.relation::pg_catalog.oid AS oid,
       pg_catalog.pg_relation_filenode(t.relation) AS filenode
FROM (SELECT n.position, n.name::pg_catalog.regclass AS relation
      FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS n (name, position)) AS t
ORDER BY t.position
