-- Foreign keys, but not those that partitions have from their parents.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat foreign_keys.sql) | psql "$SOURCE"
--
-- add_not_valid (as create_sql) and validate_sql do the same in two steps, the second of which lets
-- others write; null where the key is not valid, or where one of the tables is partitioned: there
-- NOT VALID is refused, or would leave the parts of the key invalid for ever.
--
-- index_classid, index_objid: an index of a referencing table that is not small, or its constraint's,
-- that gives the rows in the order of the referenced index: then the two can be merged.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, c.relpages, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
foreign_key AS (
    SELECT con.*, pg_catalog.pg_get_constraintdef(con.oid) AS definition
    FROM relation r
    -- columns that pg_constraint lacks (before 11, 15, 18) mean those of `absent`
    CROSS JOIN (SELECT 0::pg_catalog.oid AS conparentid, NULL AS confdelsetcols,
                       false AS conperiod, true AS conenforced) absent
    CROSS JOIN LATERAL (
        SELECT c.oid, c.conrelid, c.conname, c.confrelid, c.conindid, c.convalidated, c.conkey,
               c.confkey, conparentid AS parent, confdelsetcols IS NOT NULL AS has_set_columns,
               conperiod AS has_period, conenforced AS is_enforced
        FROM pg_catalog.pg_constraint c
        WHERE c.conrelid = r.oid AND c.contype = 'f') con
    WHERE con.parent = 0
    OFFSET 0), -- so that the definition is asked for once
-- The index of a partitioned table can be referenced when those of all partitions are attached.
attached AS (
    SELECT h.inhparent,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'classid', 'pg_catalog.pg_inherits'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
               'objid', h.inhrelid::pg_catalog.int8)) AS needs
    FROM pg_catalog.pg_inherits h
    JOIN pg_catalog.pg_class c ON c.oid = h.inhparent AND c.relkind = 'I'
    GROUP BY h.inhparent)
SELECT 'foreign key' AS kind,
       'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid AS classid,
       k.oid AS objid,
       r.nspname AS schema_name,
       k.conname || ' on ' || r.relname AS name,
       'CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' ON ' || r.name AS object_as,
       r.oid AS table_oid,
       pg_catalog.jsonb_build_array(x.statement) AS create_sql,
       'ALTER TABLE IF EXISTS ' || r.name || ' DROP CONSTRAINT IF EXISTS '
       || pg_catalog.quote_ident(k.conname) AS drop_sql,
       coalesce(a.needs, '[]') AS needs,
       CASE WHEN k.has_period OR NOT k.is_enforced
                 OR (r.relkind = 'p' AND NOT k.convalidated) THEN 180000
            WHEN k.has_set_columns THEN 150000
            ELSE 0 END AS needs_version,
       CASE WHEN x.in_two_steps THEN pg_catalog.jsonb_build_array(x.statement || ' NOT VALID') END
           AS add_not_valid,
       CASE WHEN x.in_two_steps
            THEN 'ALTER TABLE ' || r.name || ' VALIDATE CONSTRAINT '
                 || pg_catalog.quote_ident(k.conname) END AS validate_sql,
       own.classid AS index_classid,
       own.objid AS index_objid
FROM foreign_key k
JOIN relation r ON r.oid = k.conrelid
LEFT JOIN pg_catalog.pg_class ref ON ref.oid = k.confrelid
LEFT JOIN attached a ON a.inhparent = k.conindid
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.relkind = 'p' THEN 'ALTER TABLE ' ELSE 'ALTER TABLE ONLY ' END || r.name
           || ' ADD CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' ' || k.definition
               AS statement,
           k.convalidated AND r.relkind = 'r' AND ref.relkind = 'r' AS in_two_steps) x
LEFT JOIN LATERAL (
    SELECT CASE WHEN con.oid IS NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass
                ELSE 'pg_catalog.pg_constraint'::pg_catalog.regclass END::pg_catalog.oid AS classid,
           coalesce(con.oid, i.indexrelid) AS objid
    FROM pg_catalog.pg_index f
    JOIN pg_catalog.pg_index i ON i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
    LEFT JOIN pg_catalog.pg_constraint con
           ON con.conrelid = i.indrelid AND con.conindid = i.indexrelid AND con.contype IN ('p', 'u')
    WHERE f.indexrelid = k.conindid AND x.in_two_steps AND r.relpages NOT BETWEEN 1 AND 127
      -- column by column as many as the key has; an index with fewer gives null, which is no
      AND (SELECT pg_catalog.bool_and(coalesce(
                      i.indkey[n] = k.conkey[pg_catalog.array_position(k.confkey, f.indkey[n])]
                      AND i.indoption[n] = f.indoption[n] AND i.indcollation[n] = f.indcollation[n]
                      AND io.opcfamily = fo.opcfamily AND io.opcmethod = 403, false)) -- btree
           FROM pg_catalog.generate_series(0, pg_catalog.array_upper(k.conkey, 1) - 1) n
           LEFT JOIN pg_catalog.pg_opclass io ON io.oid = i.indclass[n]
           LEFT JOIN pg_catalog.pg_opclass fo ON fo.oid = f.indclass[n])
    ORDER BY i.indexrelid
    LIMIT 1) own ON true
ORDER BY r.nspname, r.relname, k.conname;
