-- Primary keys, unique and exclusion constraints, with their indexes.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat constraints.sql) | psql "$SOURCE"
--
-- ONLY: those of the partitions are nodes of their own, and their indexes are attached afterwards.
-- pg_get_constraintdef() leaves out where the index is and, but for exclusion constraints, its
-- options. They belong before a WHERE and DEFERRABLE; if these are not printed as expected here,
-- the index is altered afterwards.
--
-- index_sql, use_index_sql and drop_index_sql make a key in two steps, the first of which lets
-- other indexes of the table be built; null where that is not possible (partitioned tables, ONLY
-- of which has an index; WITHOUT OVERLAPS), or where the index has so few pages that it is made
-- in no time.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
key AS (
    SELECT con.oid, con.conrelid, con.conname, con.contype, con.conindid, ic.relname AS index_name,
           ic.oid::pg_catalog.regclass::pg_catalog.text AS index, ts.spcname,
           pg_catalog.pg_get_constraintdef(con.oid) AS definition,
           coalesce(' WHERE (' || pg_catalog.pg_get_expr(i.indpred, i.indrelid) || ')', '')
           || CASE WHEN con.condeferrable THEN ' DEFERRABLE' ELSE '' END
           || CASE WHEN con.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END AS tail,
           CASE WHEN con.contype <> 'x' THEN
                (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.option_name) || '='
                                              || pg_catalog.quote_literal(o.option_value), ', ')
                 FROM pg_catalog.pg_options_to_table(ic.reloptions) o) END AS options,
           coalesce(pg_catalog.pg_relation_size(con.conindid), 0) AS size_bytes,
           con.has_period, i.nulls_not_distinct
    FROM relation r
    -- columns that pg_constraint (before 18) or pg_index (before 15) lacks mean those of `absent`
    CROSS JOIN (SELECT false AS conperiod, false AS indnullsnotdistinct) absent
    CROSS JOIN LATERAL (
        SELECT c.oid, c.conrelid, c.conname, c.contype, c.conindid, c.condeferrable,
               c.condeferred, conperiod AS has_period
        FROM pg_catalog.pg_constraint c
        WHERE c.conrelid = r.oid AND c.contype IN ('p', 'u', 'x')) con
    JOIN pg_catalog.pg_class ic ON ic.oid = con.conindid
    CROSS JOIN LATERAL (
        SELECT x.indpred, x.indrelid, indnullsnotdistinct AS nulls_not_distinct
        FROM pg_catalog.pg_index x
        WHERE x.indexrelid = con.conindid) i
    LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = ic.reltablespace),
column_settings AS (
    SELECT a.attrelid,
           pg_catalog.jsonb_agg('ALTER INDEX ' || k.index || ' ALTER COLUMN ' || a.attnum
                                || ' SET STATISTICS ' || a.attstattarget ORDER BY a.attnum)
               AS statements
    FROM key k
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conindid AND a.attstattarget >= 0
    WHERE k.contype = 'x'
    GROUP BY a.attrelid)
SELECT 'constraint' AS kind,
       'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid AS classid,
       k.oid AS objid,
       r.nspname AS schema_name,
       k.conname || ' on ' || r.relname AS name,
       'CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' ON ' || r.name AS object_as,
       r.oid AS table_oid,
       pg_catalog.jsonb_build_array(
           'ALTER TABLE ONLY ' || r.name || ' ADD CONSTRAINT ' || pg_catalog.quote_ident(k.conname)
           || ' ' || CASE WHEN x.is_known
                          THEN pg_catalog.left(k.definition, pg_catalog.length(k.definition)
                                                             - pg_catalog.length(k.tail))
                               || x.storage || k.tail
                          ELSE k.definition END)
       || CASE WHEN x.is_known OR k.options IS NULL THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER INDEX ' || k.index || ' SET (' || k.options || ')') END
       || CASE WHEN x.is_known OR k.spcname IS NULL THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER INDEX ' || k.index || ' SET TABLESPACE '
                        || pg_catalog.quote_ident(k.spcname)) END
       || coalesce(cs.statements, '[]') AS create_sql,
       'ALTER TABLE IF EXISTS ' || r.name || ' DROP CONSTRAINT IF EXISTS '
       || pg_catalog.quote_ident(k.conname) AS drop_sql,
       CASE WHEN k.spcname IS NULL THEN '[]'
            ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                     'kind', 'tablespace', 'name', k.spcname)) END AS requires,
       CASE WHEN k.has_period THEN 180000 WHEN k.nulls_not_distinct THEN 150000 ELSE 0 END
           AS needs_version,
       k.index_name,
       k.size_bytes,
       CASE WHEN y.has_head
            THEN y.head || r.name || ' '
                 || pg_catalog.substr(y.definition, pg_catalog.length(y.head || y.qualified) + 1)
                 || coalesce(' TABLESPACE ' || pg_catalog.quote_ident(k.spcname), '')
       END AS index_sql,
       CASE WHEN y.has_head
            THEN 'ALTER TABLE ONLY ' || r.name || ' ADD CONSTRAINT '
                 || pg_catalog.quote_ident(k.conname)
                 || CASE k.contype WHEN 'p' THEN ' PRIMARY KEY' ELSE ' UNIQUE' END
                 || ' USING INDEX ' || pg_catalog.quote_ident(k.index_name) || k.tail
       END AS use_index_sql,
       CASE WHEN y.has_head THEN 'DROP INDEX IF EXISTS ' || k.index END AS drop_index_sql
FROM key k
JOIN relation r ON r.oid = k.conrelid
LEFT JOIN column_settings cs ON cs.attrelid = k.conindid
CROSS JOIN LATERAL (
    SELECT coalesce(' WITH (' || k.options || ')', '')
           || coalesce(' USING INDEX TABLESPACE ' || pg_catalog.quote_ident(k.spcname), '')
               AS storage,
           pg_catalog.right(k.definition, pg_catalog.length(k.tail)) = k.tail
           OR k.tail = '' AS is_known) x
CROSS JOIN LATERAL (
    SELECT z.definition, z.head, z.qualified,
           pg_catalog.left(z.definition, pg_catalog.length(z.head || z.qualified))
           = z.head || z.qualified AS has_head
    FROM (SELECT CASE WHEN r.relkind = 'r' AND k.contype IN ('p', 'u')
                       AND NOT coalesce(k.has_period, false) AND k.index_name = k.conname
                       AND k.size_bytes > 2 * pg_catalog.current_setting('block_size')::pg_catalog.int8
                      THEN pg_catalog.pg_get_indexdef(k.conindid) END AS definition,
                 'CREATE UNIQUE INDEX ' || pg_catalog.quote_ident(k.index_name) || ' ON ' AS head,
                 pg_catalog.quote_ident(r.nspname) || '.' || pg_catalog.quote_ident(r.relname)
                 || ' ' AS qualified
          OFFSET 0) z) y
ORDER BY r.nspname, r.relname, k.conname;
