-- What a table says of an index: CLUSTER ON, REPLICA IDENTITY USING INDEX.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat index_marks.sql) | psql "$SOURCE"
--
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
-- The index of a partitioned table is valid when those of all partitions are attached.
attached AS (
    SELECT h.inhparent,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'classid', 'pg_catalog.pg_inherits'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
               'objid', h.inhrelid::pg_catalog.int8)) AS needs
    FROM pg_catalog.pg_inherits h
    JOIN pg_catalog.pg_class c ON c.oid = h.inhparent AND c.relkind = 'I'
    GROUP BY h.inhparent)
SELECT 'index mark' AS kind,
       'pg_catalog.pg_index'::pg_catalog.regclass::pg_catalog.oid AS classid,
       i.indexrelid AS objid,
       r.nspname AS schema_name,
       ic.relname || ' on ' || r.relname AS name,
       NULL::pg_catalog.text AS object_as,
       r.oid AS table_oid,
       CASE WHEN i.indisclustered
            THEN pg_catalog.jsonb_build_array('ALTER TABLE ' || r.name || ' CLUSTER ON '
                                              || pg_catalog.quote_ident(ic.relname))
            ELSE '[]' END
       || CASE WHEN i.indisreplident
               THEN pg_catalog.jsonb_build_array(
                        'ALTER TABLE ONLY ' || r.name || ' REPLICA IDENTITY USING INDEX '
                        || pg_catalog.quote_ident(ic.relname))
               ELSE '[]' END AS create_sql,
       pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
           'classid', CASE WHEN con.oid IS NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass
                           ELSE 'pg_catalog.pg_constraint'::pg_catalog.regclass
                      END::pg_catalog.oid::pg_catalog.int8,
           'objid', coalesce(con.oid, i.indexrelid)::pg_catalog.int8))
       || coalesce(a.needs, '[]') AS needs
FROM relation r
JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
LEFT JOIN pg_catalog.pg_constraint con
       ON con.conrelid = i.indrelid AND con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x')
LEFT JOIN attached a ON a.inhparent = i.indexrelid
WHERE (i.indisclustered OR i.indisreplident)
  -- (those that indexes.sql leaves out)
  AND (con.oid IS NOT NULL OR ((i.indisvalid OR r.relkind = 'p') AND i.indisready))
ORDER BY r.nspname, r.relname, ic.relname;
