-- Check, primary key, unique, exclusion and foreign key constraints. (NOT NULL: table_columns.sql.)
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_constraints.sql) | psql "$SOURCE"
--
-- foreign_head and foreign_tail are what pg_get_constraintdef() prints before and after
-- " REFERENCES <table>"; both are null if it does not print what is expected here.
SELECT con.conname AS name,
       con.contype AS type,
       def.text AS definition,
       con.convalidated AS is_valid,
       con.condeferrable AS is_deferrable,
       con.condeferred AS is_deferred,
       coalesce(pg_catalog.to_jsonb(con)->>'conperiod', 'false')::pg_catalog.bool AS has_period,
       ic.relname AS index_name,
       CASE WHEN con.contype = 'f' AND con.confrelid = con.conrelid THEN ri.relname
       END AS referenced_index,
       -- the oldest server that understands the definition, as far as it matters
       CASE WHEN (pg_catalog.to_jsonb(con)->>'conperiod')::pg_catalog.bool
                 OR NOT (pg_catalog.to_jsonb(con)->>'conenforced')::pg_catalog.bool THEN 180000
            WHEN pg_catalog.to_jsonb(con)->>'confdelsetcols' IS NOT NULL THEN 150000
            ELSE 0 END AS needs_version,
       -- a reference to the whole row is printed with the table's name
       con.contype = 'c' AND coalesce(0 = ANY (con.conkey), false) AS has_whole_row,
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT a.attname), '[]')
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = con.conrelid AND a.attnum > 0
          AND (a.attnum = ANY (con.conkey)
               OR (con.confrelid = con.conrelid AND a.attnum = ANY (con.confkey))
               OR EXISTS (SELECT FROM pg_catalog.pg_depend dep
                          WHERE dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND dep.refobjid = a.attrelid AND dep.refobjsubid = a.attnum
                            AND ((dep.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                                  AND dep.objid = con.oid)
                                 OR (con.contype IN ('p', 'u', 'x') AND dep.objid = con.conindid
                                     AND dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)))
              )) AS needs,
       con.confrelid = con.conrelid AS is_self_reference,
       CASE WHEN con.contype = 'f' THEN ref.name END AS referenced_table,
       CASE WHEN con.contype = 'f' THEN ref.columns END AS referenced_columns,
       CASE WHEN con.contype = 'f' THEN ref.types END AS referenced_types,
       CASE WHEN pg_catalog.left(def.text, pg_catalog.length(fk.head || fk.middle)) = fk.head || fk.middle
            THEN fk.head END AS foreign_head,
       CASE WHEN pg_catalog.left(def.text, pg_catalog.length(fk.head || fk.middle)) = fk.head || fk.middle
            THEN pg_catalog.substr(def.text, pg_catalog.length(fk.head || fk.middle) + 1)
       END AS foreign_tail
FROM pg_catalog.pg_constraint con
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_constraintdef(con.oid) AS text) def
LEFT JOIN pg_catalog.pg_class ic ON ic.oid = con.conindid AND con.contype IN ('p', 'u', 'x')
LEFT JOIN pg_catalog.pg_class ri ON ri.oid = con.conindid
LEFT JOIN LATERAL (
    SELECT pg_catalog.quote_ident(rn.nspname) || '.' || pg_catalog.quote_ident(rc.relname) AS name,
           (SELECT pg_catalog.jsonb_agg(ra.attname ORDER BY k.position)
            FROM pg_catalog.unnest(con.confkey) WITH ORDINALITY k(number, position)
            JOIN pg_catalog.pg_attribute ra ON ra.attrelid = rc.oid AND ra.attnum = k.number
           ) AS columns,
           (SELECT pg_catalog.jsonb_agg(pg_catalog.format_type(ra.atttypid, NULL)
                                        ORDER BY k.position)
            FROM pg_catalog.unnest(con.confkey) WITH ORDINALITY k(number, position)
            JOIN pg_catalog.pg_attribute ra ON ra.attrelid = rc.oid AND ra.attnum = k.number
           ) AS types
    FROM pg_catalog.pg_class rc
    JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
    WHERE rc.oid = con.confrelid) ref ON true
LEFT JOIN LATERAL (
    SELECT 'FOREIGN KEY (' || pg_catalog.string_agg(
               CASE WHEN k.position = pg_catalog.cardinality(con.conkey)
                         AND (pg_catalog.to_jsonb(con)->>'conperiod')::pg_catalog.bool
                    THEN 'PERIOD ' ELSE '' END || pg_catalog.quote_ident(a.attname),
               ', ' ORDER BY k.position) || ')' AS head,
           ' REFERENCES ' || ref.name AS middle
    FROM pg_catalog.unnest(con.conkey) WITH ORDINALITY k(number, position)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.number) fk
    ON con.contype = 'f'
WHERE con.conrelid = $1::pg_catalog.oid AND con.contype IN ('c', 'p', 'u', 'x', 'f')
  -- a foreign key to a partitioned table has further rows, one for each partition
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint parent
                  WHERE parent.oid = (pg_catalog.to_jsonb(con)->>'conparentid')::pg_catalog.oid
                    AND parent.conrelid = con.conrelid)
ORDER BY con.conname;
