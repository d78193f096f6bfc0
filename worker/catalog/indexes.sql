-- Indexes, but not those of constraints.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat indexes.sql) | psql "$SOURCE"
--
-- Those of partitioned tables are made ON ONLY these; the partitions' are nodes of their own, and
-- are attached afterwards. Invalid ones (a CREATE INDEX CONCURRENTLY that failed) are left out.
-- pg_get_indexdef() always qualifies the table and leaves out the tablespace: the head is replaced,
-- and the tablespace put before WHERE; if either is not what is expected here, the pretty form is
-- taken, which names the table by search_path, and the index is moved afterwards.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'm')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
index_def AS (
    SELECT i.indexrelid, i.indrelid, ic.relname, ts.spcname,
           i.indexrelid::pg_catalog.regclass::pg_catalog.text AS name,
           pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
           'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
           || 'INDEX ' || pg_catalog.quote_ident(ic.relname) || ' ON '
           || CASE WHEN ic.relkind = 'I' THEN 'ONLY ' ELSE '' END AS head,
           pg_catalog.quote_ident(r.nspname) || '.' || pg_catalog.quote_ident(r.relname) || ' '
               AS qualified,
           coalesce(' WHERE ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS tail,
           i.nulls_not_distinct
    FROM relation r
    -- where pg_index lacks the column (before 15), its name means the one of `absent`
    CROSS JOIN (SELECT false AS indnullsnotdistinct) absent
    CROSS JOIN LATERAL (
        SELECT x.indexrelid, x.indrelid, x.indisunique, x.indisvalid, x.indisready, x.indpred,
               indnullsnotdistinct AS nulls_not_distinct
        FROM pg_catalog.pg_index x
        WHERE x.indrelid = r.oid) i
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = ic.reltablespace
    WHERE (i.indisvalid OR r.relkind = 'p') AND i.indisready
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint con
                      WHERE con.conrelid = i.indrelid AND con.conindid = i.indexrelid
                        AND con.contype IN ('p', 'u', 'x'))),
column_settings AS (
    SELECT a.attrelid,
           pg_catalog.jsonb_agg('ALTER INDEX ' || d.name || ' ALTER COLUMN ' || a.attnum
                                || ' SET STATISTICS ' || a.attstattarget ORDER BY a.attnum)
               AS statements
    FROM index_def d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.indexrelid AND a.attnum > 0
                                  AND a.attstattarget >= 0
    GROUP BY a.attrelid),
on_extension AS (
    SELECT dep.objid,
           pg_catalog.jsonb_agg(
               'ALTER INDEX ' || dep.objid::pg_catalog.regclass::pg_catalog.text
               || ' DEPENDS ON EXTENSION ' || pg_catalog.quote_ident(e.extname)
               ORDER BY e.extname) AS statements
    FROM pg_catalog.pg_depend dep
    JOIN pg_catalog.pg_extension e ON e.oid = dep.refobjid
    WHERE dep.deptype = 'x' AND dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND dep.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    GROUP BY dep.objid),
-- collations that initdb found on the source's system
required_collation AS (
    SELECT c.indexrelid,
           pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_object(
               'kind', 'collation',
               'name', pg_catalog.quote_ident(cn.nspname) || '.'
                       || pg_catalog.quote_ident(co.collname))) AS list
    FROM (SELECT i.indexrelid, pg_catalog.unnest(i.indcollation::pg_catalog.oid[]) AS collation
          FROM pg_catalog.pg_index i
          WHERE i.indexrelid IN (SELECT d.indexrelid FROM index_def d)) c
    JOIN pg_catalog.pg_collation co
         ON co.oid = c.collation AND co.oid < 16384
        AND co.collname NOT IN ('default', 'C', 'POSIX')
    JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
    GROUP BY c.indexrelid)
SELECT 'index' AS kind,
       'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS classid,
       d.indexrelid AS objid,
       r.nspname AS schema_name,
       d.relname AS name,
       'INDEX ' || d.name AS object_as,
       r.oid AS table_oid,
       pg_catalog.jsonb_build_array(
           CASE WHEN NOT x.has_head THEN pg_catalog.pg_get_indexdef(d.indexrelid, 0, true)
                WHEN d.spcname IS NOT NULL AND x.has_tail
                THEN d.head || r.name || ' '
                     || pg_catalog.substr(d.definition, x.start,
                                          pg_catalog.length(d.definition) - x.start + 1
                                          - pg_catalog.length(d.tail))
                     || ' TABLESPACE ' || pg_catalog.quote_ident(d.spcname) || d.tail
                ELSE d.head || r.name || ' ' || pg_catalog.substr(d.definition, x.start) END)
       || CASE WHEN d.spcname IS NULL OR (x.has_head AND x.has_tail) THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER INDEX ' || d.name || ' SET TABLESPACE '
                        || pg_catalog.quote_ident(d.spcname)) END
       || coalesce(cs.statements, '[]') || coalesce(e.statements, '[]') AS create_sql,
       'DROP INDEX IF EXISTS ' || d.name AS drop_sql,
       coalesce(rc.list, '[]')
       || CASE WHEN d.spcname IS NULL THEN '[]'
               ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                        'kind', 'tablespace', 'name', d.spcname)) END AS requires,
       CASE WHEN d.nulls_not_distinct THEN 150000 ELSE 0 END AS needs_version,
       coalesce(pg_catalog.pg_relation_size(d.indexrelid), 0) AS size_bytes
FROM index_def d
JOIN relation r ON r.oid = d.indrelid
LEFT JOIN column_settings cs ON cs.attrelid = d.indexrelid
LEFT JOIN on_extension e ON e.objid = d.indexrelid
LEFT JOIN required_collation rc ON rc.indexrelid = d.indexrelid
CROSS JOIN LATERAL (
    SELECT pg_catalog.left(d.definition, pg_catalog.length(d.head || d.qualified))
           = d.head || d.qualified AS has_head,
           pg_catalog.length(d.head || d.qualified) + 1 AS start,
           d.tail = ''
           OR pg_catalog.right(d.definition, pg_catalog.length(d.tail)) = d.tail AS has_tail) x
ORDER BY r.nspname, d.relname;
