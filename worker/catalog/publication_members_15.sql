-- Tables, with their columns and row filters, and schemas of publications, on servers from 15 on:
-- older ones lack pg_publication_namespace. (Before 15: publication_members.sql.)
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f publication_members_15.sql
SELECT 'publication member' AS kind,
       m.classid,
       m.objid,
       NULL::pg_catalog.text AS schema_name,
       m.name || ' in ' || p.pubname AS name,
       NULL::pg_catalog.text AS object_as,
       m.table_oid,
       pg_catalog.jsonb_build_array(
           'ALTER PUBLICATION ' || pg_catalog.quote_ident(p.pubname) || ' ADD ' || m.definition)
           AS create_sql,
       CASE WHEN m.is_of_15 THEN 150000 ELSE 0 END AS needs_version
FROM (SELECT r.tableoid AS classid, r.oid AS objid, r.prpubid AS publication, c.relname AS name,
             c.oid AS table_oid,
             'TABLE ONLY ' || c.oid::pg_catalog.regclass
             || coalesce(' (' || k.columns || ')', '')
             || coalesce(' WHERE (' || pg_catalog.pg_get_expr(r.prqual, r.prrelid) || ')', '')
                 AS definition,
             r.prqual IS NOT NULL OR k.columns IS NOT NULL AS is_of_15
      FROM pg_catalog.pg_publication_rel r
      JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
      CROSS JOIN LATERAL (
          SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY x.position)
                     AS columns
          FROM pg_catalog.unnest(r.prattrs::pg_catalog.int2[]) WITH ORDINALITY x(number, position)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.number) k
      -- tables that are excepted from FOR ALL TABLES (19)
      WHERE NOT coalesce((pg_catalog.to_jsonb(r)->>'prexcept')::pg_catalog.bool, false)
      UNION ALL
      SELECT s.tableoid, s.oid, s.pnpubid, n.nspname, NULL,
             'TABLES IN SCHEMA ' || pg_catalog.quote_ident(n.nspname), true
      FROM pg_catalog.pg_publication_namespace s
      JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid) m
JOIN pg_catalog.pg_publication p ON p.oid = m.publication
ORDER BY p.pubname, m.definition;
