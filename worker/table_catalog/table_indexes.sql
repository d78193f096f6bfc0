-- All indexes, those behind constraints included.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_indexes.sql) | psql "$SOURCE"
--
-- definition_tail is what pg_get_indexdef() prints from USING on; null if what stands before is
-- not what is expected here.
SELECT ic.relname AS name,
       CASE WHEN pg_catalog.left(def.text, pg_catalog.length(def.head)) = def.head
            THEN pg_catalog.substr(def.text, pg_catalog.length(def.head) + 1)
       END AS definition_tail,
       i.indisunique AS is_unique,
       i.indisvalid AND i.indisready AS is_valid,
       i.indisclustered AS is_clustered,
       i.indisreplident AS is_replica_identity,
       con.conname AS constraint_name,
       -- the oldest server that understands the definition, as far as it matters
       CASE WHEN (pg_catalog.to_jsonb(i)->>'indnullsnotdistinct')::pg_catalog.bool THEN 150000
            ELSE 0 END AS needs_version,
       ts.spcname AS tablespace,
       coalesce(i.indexprs::pg_catalog.text, '') || coalesce(i.indpred::pg_catalog.text, '')
           LIKE '%:varattno 0 %' AS has_whole_row,
       (SELECT coalesce(pg_catalog.jsonb_agg(ia.attnum::pg_catalog.text ORDER BY ia.attnum), '[]')
        FROM pg_catalog.pg_attribute ia
        WHERE ia.attrelid = ic.oid AND ia.attstattarget >= 0) AS statistics_columns,
       (SELECT coalesce(pg_catalog.jsonb_agg(ia.attstattarget::pg_catalog.text ORDER BY ia.attnum),
                        '[]')
        FROM pg_catalog.pg_attribute ia
        WHERE ia.attrelid = ic.oid AND ia.attstattarget >= 0) AS statistics_targets,
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT a.attname), '[]')
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum > 0
          AND (a.attnum = ANY (i.indkey::pg_catalog.int2[])
               OR EXISTS (SELECT FROM pg_catalog.pg_depend dep
                          WHERE dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND dep.objid = ic.oid
                            AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND dep.refobjid = a.attrelid AND dep.refobjsubid = a.attnum))
       ) AS needs
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
JOIN pg_catalog.pg_class tc ON tc.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS text,
           'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
           || 'INDEX ' || pg_catalog.quote_ident(ic.relname)
           || ' ON ' || pg_catalog.quote_ident(tn.nspname)
           || '.' || pg_catalog.quote_ident(tc.relname) || ' ' AS head) def
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = ic.reltablespace
LEFT JOIN pg_catalog.pg_constraint con
       ON con.conindid = ic.oid AND con.conrelid = i.indrelid AND con.contype IN ('p', 'u', 'x')
WHERE i.indrelid = $1::pg_catalog.oid
ORDER BY ic.relname;
