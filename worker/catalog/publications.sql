-- Publications, without their members.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f publications.sql
--
-- Tables that FOR ALL TABLES excepts (19) have rows among the members; they are named here.
SELECT 'publication' AS kind,
       p.tableoid AS classid,
       p.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       p.pubname::pg_catalog.text AS name,
       'PUBLICATION ' || pg_catalog.quote_ident(p.pubname) AS object_as,
       pg_catalog.pg_get_userbyid(p.pubowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE PUBLICATION ' || pg_catalog.quote_ident(p.pubname)
           || coalesce(' FOR ' || NULLIF(pg_catalog.concat_ws(
                  ', ',
                  CASE WHEN p.puballtables
                       THEN 'ALL TABLES' || coalesce(' EXCEPT (' || except_.tables || ')', '') END,
                  CASE WHEN later.all_sequences THEN 'ALL SEQUENCES' END), ''), '')
           -- of sequences nothing can be said
           || CASE WHEN later.all_sequences AND NOT p.puballtables THEN ''
                   ELSE ' WITH (publish = '
                        || pg_catalog.quote_literal(pg_catalog.concat_ws(
                               ', ', CASE WHEN p.pubinsert THEN 'insert' END,
                               CASE WHEN p.pubupdate THEN 'update' END,
                               CASE WHEN p.pubdelete THEN 'delete' END,
                               CASE WHEN (later.columns->>'pubtruncate')::pg_catalog.bool
                                    THEN 'truncate' END))
                        || CASE WHEN (later.columns->>'pubviaroot')::pg_catalog.bool
                                THEN ', publish_via_partition_root = true' ELSE '' END
                        || CASE WHEN later.columns->>'pubgencols' = 's'
                                THEN ', publish_generated_columns = stored' ELSE '' END
                        || ')' END) AS create_sql,
       'DROP PUBLICATION IF EXISTS ' || pg_catalog.quote_ident(p.pubname) AS drop_sql,
       coalesce(except_.needs, '[]') AS needs,
       CASE WHEN later.all_sequences OR except_.tables IS NOT NULL THEN 190000
            WHEN later.columns->>'pubgencols' = 's' THEN 180000
            ELSE 0 END AS needs_version
FROM pg_catalog.pg_publication p
CROSS JOIN LATERAL (
    SELECT pg_catalog.to_jsonb(p) AS columns,
           coalesce((pg_catalog.to_jsonb(p)->>'puballsequences')::pg_catalog.bool, false)
               AS all_sequences) later
LEFT JOIN LATERAL (
    SELECT pg_catalog.string_agg('TABLE ONLY ' || r.prrelid::pg_catalog.regclass, ', '
                                 ORDER BY r.oid) AS tables,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'classid', 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.int8,
               'objid', r.prrelid::pg_catalog.int8)) AS needs
    FROM pg_catalog.pg_publication_rel r
    WHERE r.prpubid = p.oid
      AND (pg_catalog.to_jsonb(r)->>'prexcept')::pg_catalog.bool) except_ ON true
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = p.tableoid AND dep.objid = p.oid AND dep.deptype = 'e')
ORDER BY p.pubname;
