-- Foreign keys, but not those that partitions have from their parents.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat foreign_keys.sql) | psql "$SOURCE"
--
-- add_not_valid (as create_sql) and validate_sql do the same in two steps, the second of which lets
-- others write; null where the key is not valid, or where one of the tables is partitioned: there
-- NOT VALID is refused, or would leave the parts of the key invalid for ever.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND e.objid = c.oid AND e.objsubid = 0 AND e.deptype = 'e')),
foreign_key AS (
    SELECT con.oid, con.conrelid, con.conname, con.confrelid, con.conindid, con.convalidated,
           pg_catalog.pg_get_constraintdef(con.oid) AS definition, later.columns
    FROM relation r
    JOIN pg_catalog.pg_constraint con ON con.conrelid = r.oid AND con.contype = 'f'
    CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(con) AS columns) later
    WHERE coalesce(later.columns->>'conparentid', '0') = '0'),
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
       CASE WHEN (k.columns->>'conperiod')::pg_catalog.bool
                 OR NOT (k.columns->>'conenforced')::pg_catalog.bool
                 OR (r.relkind = 'p' AND NOT k.convalidated) THEN 180000
            WHEN k.columns->>'confdelsetcols' IS NOT NULL THEN 150000
            ELSE 0 END AS needs_version,
       CASE WHEN x.in_two_steps THEN pg_catalog.jsonb_build_array(x.statement || ' NOT VALID') END
           AS add_not_valid,
       CASE WHEN x.in_two_steps
            THEN 'ALTER TABLE ' || r.name || ' VALIDATE CONSTRAINT '
                 || pg_catalog.quote_ident(k.conname) END AS validate_sql
FROM foreign_key k
JOIN relation r ON r.oid = k.conrelid
LEFT JOIN pg_catalog.pg_class ref ON ref.oid = k.confrelid
LEFT JOIN attached a ON a.inhparent = k.conindid
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.relkind = 'p' THEN 'ALTER TABLE ' ELSE 'ALTER TABLE ONLY ' END || r.name
           || ' ADD CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' ' || k.definition
               AS statement,
           k.convalidated AND r.relkind = 'r' AND ref.relkind = 'r' AS in_two_steps) x
ORDER BY r.nspname, r.relname, k.conname;
