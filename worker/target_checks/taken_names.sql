-- Names in a schema that are alike the ones that a clone would like to use.
-- $1 = schema, $2 = array of names.
-- psql 16+: (echo "\bind shop '{orders,orders_pkey}'"; cat taken_names.sql) | psql "$TARGET"
--
-- Alike: with the same first characters, since a name that is taken gets another ending.
SELECT x.kind, x.name
FROM (SELECT 'relation' AS kind, c.relname::pg_catalog.text AS name
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1
      UNION ALL
      SELECT 'statistics', s.stxname::pg_catalog.text
      FROM pg_catalog.pg_statistic_ext s
      JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
      WHERE n.nspname = $1) x
WHERE EXISTS (SELECT FROM pg_catalog.unnest($2::pg_catalog.text[]) wanted(name)
              WHERE pg_catalog.starts_with(x.name, pg_catalog.left(wanted.name, 12)));
