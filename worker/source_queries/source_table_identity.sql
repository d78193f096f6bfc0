-- Which relations names stand for now, and whether they have the files that the snapshot sees: names
-- and pg_relation_filenode go by the latest catalog, pg_class is read as the transaction sees it.
--   psql -v ON_ERROR_STOP=1 -v names={public.orders} -f source_table_identity.sql
--   $1 = qualified, quoted names
SELECT t.position,
       t.relation::pg_catalog.oid AS oid,
       EXISTS (SELECT FROM pg_catalog.pg_class c
               WHERE c.oid = t.relation
                 AND c.relfilenode = coalesce(pg_catalog.pg_relation_filenode(t.relation), 0))
           AS is_same
FROM (SELECT n.position, n.name::pg_catalog.regclass AS relation
      FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS n (name, position)) AS t
ORDER BY t.position
