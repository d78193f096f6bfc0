-- Which relation a name stands for now, and which file it has now: both are looked up with the
-- latest catalog snapshot, not with that of the transaction.
--   psql -v ON_ERROR_STOP=1 -c '\set name ''public.orders''' -f source_table_identity.sql
--   $1 = qualified, quoted name
SELECT t.relation::pg_catalog.oid AS oid,
       pg_catalog.pg_relation_filenode(t.relation) AS filenode
FROM (SELECT $1::pg_catalog.regclass AS relation) AS t
