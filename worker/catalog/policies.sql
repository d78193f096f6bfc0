-- Row security: policies, and that a table has it.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat policies.sql) | psql "$SOURCE"
--
-- Enabling is a node of its own, (pg_index, oid of the table): if it came with the table, owners
-- that it is forced on could not load the rows.
-- As pg_dump, these are taken of extensions' tables, too. Such a policy may come with the
-- extension, hence the DROP.
WITH relation AS (
    SELECT c.oid, c.relname, c.relrowsecurity, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name,
           e.objid IS NOT NULL AS in_extension
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_depend e
           ON e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid
          AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND e.objsubid = 0 AND e.deptype = 'e'
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p')
      AND c.oid >= 16384 AND c.relpersistence <> 't')
SELECT 'policy' AS kind,
       'pg_catalog.pg_policy'::pg_catalog.regclass::pg_catalog.oid AS classid,
       p.oid AS objid,
       r.nspname AS schema_name,
       p.polname || ' on ' || r.relname AS name,
       'POLICY ' || pg_catalog.quote_ident(p.polname) || ' ON ' || r.name AS object_as,
       r.oid AS table_oid,
       CASE WHEN r.in_extension THEN pg_catalog.jsonb_build_array(x.drop_sql) ELSE '[]' END
       || pg_catalog.jsonb_build_array(
           pg_catalog.jsonb_build_array(
               'CREATE POLICY ' || pg_catalog.quote_ident(p.polname) || ' ON ' || r.name
               || CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END
               || CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT'
                                WHEN 'w' THEN ' FOR UPDATE' WHEN 'd' THEN ' FOR DELETE' ELSE '' END
               || ' TO ')
           || roles.pieces
           || pg_catalog.jsonb_build_array(
                  coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
                  || coalesce(' WITH CHECK ('
                              || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')))
           AS create_sql,
       x.drop_sql,
       '[]'::pg_catalog.jsonb AS needs
FROM relation r
JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
CROSS JOIN LATERAL (
    SELECT 'DROP POLICY IF EXISTS ' || pg_catalog.quote_ident(p.polname) || ' ON ' || r.name
               AS drop_sql) x
CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_agg(piece.json ORDER BY k.position, piece.nr) AS pieces
    FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY k(role, position)
    CROSS JOIN LATERAL (
        SELECT 1 AS nr, pg_catalog.to_jsonb(', '::pg_catalog.text) AS json WHERE k.position > 1
        UNION ALL
        SELECT 2, pg_catalog.jsonb_build_object(
            'role', CASE WHEN k.role <> 0 THEN pg_catalog.pg_get_userbyid(k.role) END)) piece) roles
UNION ALL
SELECT 'policy',
       'pg_catalog.pg_index'::pg_catalog.regclass::pg_catalog.oid,
       r.oid,
       r.nspname,
       'row security on ' || r.relname,
       NULL,
       r.oid,
       pg_catalog.jsonb_build_array('ALTER TABLE ' || r.name || ' ENABLE ROW LEVEL SECURITY'),
       NULL,
       pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
           'classid', 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
           'objid', r.oid::pg_catalog.int8))
FROM relation r
WHERE r.relrowsecurity
ORDER BY 4, 5;
