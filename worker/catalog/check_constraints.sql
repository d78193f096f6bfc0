-- Check constraints of tables.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat check_constraints.sql) | psql "$SOURCE"
--
-- Local ones only: adding one to a parent adds it to its children, so they come after all tables
-- (ATTACH PARTITION would miss it). Whether a child's own one of that name comes before or after
-- its parent's makes no difference.
--
-- after_data: it does not hold for all rows (NOT VALID), so they must be there before it. An
-- inherited constraint that was validated for a child alone is a node of its own, too. From 18 on
-- the same goes for NOT NULL constraints that are NOT VALID (others come with their tables).
WITH RECURSIVE relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           CASE WHEN c.relkind = 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END AS word,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
local_check AS (
    SELECT con.oid, con.conrelid, con.conname, con.convalidated,
           pg_catalog.pg_get_constraintdef(con.oid) AS definition,
           con.contype = 'n'
           OR NOT coalesce(pg_catalog.to_jsonb(con)->>'conenforced', 'true')::pg_catalog.bool
               AS is_new
    FROM relation r
    JOIN pg_catalog.pg_constraint con ON con.conrelid = r.oid
    WHERE con.conislocal
      AND (con.contype = 'c' OR (con.contype = 'n' AND NOT con.convalidated))),
validated_alone AS (
    SELECT con.oid, con.conrelid, con.conname
    FROM relation r
    JOIN pg_catalog.pg_constraint con
         ON con.conrelid = r.oid AND con.contype IN ('c', 'n') AND NOT con.conislocal
        AND con.convalidated
    WHERE EXISTS (
        SELECT FROM pg_catalog.pg_inherits i
        JOIN pg_catalog.pg_constraint parent
             ON parent.conrelid = i.inhparent AND parent.contype = con.contype
            AND parent.conname = con.conname AND NOT parent.convalidated
            AND coalesce(pg_catalog.to_jsonb(parent)->>'conenforced', 'true')::pg_catalog.bool
        WHERE i.inhrelid = con.conrelid)
      -- a NOT NULL that another parent has, too, and validated, comes from that one, with its name
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_inherits i
        JOIN pg_catalog.pg_constraint other
             ON other.conrelid = i.inhparent AND other.contype = 'n' AND other.convalidated
        JOIN pg_catalog.pg_attribute theirs
             ON theirs.attrelid = other.conrelid AND theirs.attnum = other.conkey[1]
        JOIN pg_catalog.pg_attribute own
             ON own.attrelid = con.conrelid AND own.attnum = con.conkey[1]
            AND own.attname = theirs.attname
        WHERE con.contype = 'n' AND i.inhrelid = con.conrelid)),
-- where it comes from
origin AS (
    SELECT v.oid, v.conname, v.conrelid AS relid FROM validated_alone v
    UNION
    SELECT o.oid, o.conname, i.inhparent
    FROM origin o JOIN pg_catalog.pg_inherits i ON i.inhrelid = o.relid)
SELECT 'check constraint' AS kind,
       'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid AS classid,
       l.oid AS objid,
       r.nspname AS schema_name,
       l.conname || ' on ' || r.relname AS name,
       'CONSTRAINT ' || pg_catalog.quote_ident(l.conname) || ' ON ' || r.name AS object_as,
       r.oid AS table_oid,
       pg_catalog.jsonb_build_array(
           'ALTER ' || r.word || r.name || ' ADD CONSTRAINT ' || pg_catalog.quote_ident(l.conname)
           || ' ' || l.definition) AS create_sql,
       '[]'::pg_catalog.jsonb AS needs,
       CASE WHEN l.is_new THEN 180000 ELSE 0 END AS needs_version,
       NOT l.convalidated AS after_data
FROM local_check l
JOIN relation r ON r.oid = l.conrelid
UNION ALL
SELECT 'check constraint',
       'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid,
       v.oid,
       r.nspname,
       v.conname || ' on ' || r.relname,
       'CONSTRAINT ' || pg_catalog.quote_ident(v.conname) || ' ON ' || r.name,
       r.oid,
       pg_catalog.jsonb_build_array(
           'ALTER ' || r.word || r.name || ' VALIDATE CONSTRAINT '
           || pg_catalog.quote_ident(v.conname)),
       (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'classid',
            'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
            'objid', l.oid::pg_catalog.int8)), '[]')
        FROM origin o
        JOIN local_check l ON l.conrelid = o.relid AND l.conname = o.conname
        WHERE o.oid = v.oid),
       0,
       true
FROM validated_alone v
JOIN relation r ON r.oid = v.conrelid
ORDER BY 4, 5;
