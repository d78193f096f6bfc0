-- Indexes of partitions that belong to an index of the partitioned table.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat index_attachments.sql) | psql "$SOURCE"
--
-- An attached index can't be dropped alone, so drop_sql drops the topmost one, and with it all that
-- are attached below.
WITH RECURSIVE relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
-- an index that a constraint made is that constraint's node
index_node AS (
    SELECT i.indexrelid, i.indrelid, ic.relname, con.oid AS constraint_oid, con.conname,
           i.indexrelid::pg_catalog.regclass::pg_catalog.text AS name,
           pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
               'classid', CASE WHEN con.oid IS NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass
                               ELSE 'pg_catalog.pg_constraint'::pg_catalog.regclass
                          END::pg_catalog.oid::pg_catalog.int8,
               'objid', coalesce(con.oid, i.indexrelid)::pg_catalog.int8)) AS needs
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    LEFT JOIN pg_catalog.pg_constraint con
           ON con.conrelid = i.indrelid AND con.conindid = i.indexrelid
          AND con.contype IN ('p', 'u', 'x')),
attached AS (
    SELECT h.inhrelid, h.inhparent
    FROM relation r
    JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
    JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid),
ancestor AS (
    SELECT a.inhrelid, a.inhparent AS ancestor FROM attached a
    UNION ALL
    SELECT a.inhrelid, h.inhparent
    FROM ancestor a JOIN pg_catalog.pg_inherits h ON h.inhrelid = a.ancestor)
SELECT 'index attachment' AS kind,
       'pg_catalog.pg_inherits'::pg_catalog.regclass::pg_catalog.oid AS classid,
       child.indexrelid AS objid,
       r.nspname AS schema_name,
       child.relname || ' to ' || parent.relname AS name,
       NULL::pg_catalog.text AS object_as,
       r.oid AS table_oid,
       pg_catalog.jsonb_build_array('ALTER INDEX ' || parent.name || ' ATTACH PARTITION '
                                    || child.name) AS create_sql,
       CASE WHEN top.constraint_oid IS NULL THEN 'DROP INDEX IF EXISTS ' || top.name
            ELSE 'ALTER TABLE IF EXISTS ' || top.indrelid::pg_catalog.regclass::pg_catalog.text
                 || ' DROP CONSTRAINT IF EXISTS ' || pg_catalog.quote_ident(top.conname)
       END AS drop_sql,
       child.needs || parent.needs AS needs
FROM attached a
JOIN index_node child ON child.indexrelid = a.inhrelid
JOIN index_node parent ON parent.indexrelid = a.inhparent
JOIN relation r ON r.oid = child.indrelid
JOIN ancestor t ON t.inhrelid = a.inhrelid
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = t.ancestor)
JOIN index_node top ON top.indexrelid = t.ancestor
ORDER BY r.nspname, child.relname;
