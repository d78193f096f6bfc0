-- Row-level security policies.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_policies.sql) | psql "$SOURCE"
--
-- names_table: the expressions may hold the table's name (a whole row, a subquery).
-- roles is empty for PUBLIC.
SELECT p.polname AS name,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                     WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       p.polpermissive AS is_permissive,
       (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.pg_get_userbyid(r.role) ORDER BY r.position),
                        '[]')
        FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY r(role, position)
        WHERE r.role <> 0) AS roles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS using_expression,
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS check_expression,
       tree.text LIKE '%:varattno 0 %' OR tree.text LIKE '%{SUBLINK %' AS names_table,
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT a.attname), '[]')
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_attribute a ON a.attrelid = dep.refobjid AND a.attnum = dep.refobjsubid
        WHERE dep.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND dep.objid = p.oid
          AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND dep.refobjid = p.polrelid AND dep.refobjsubid > 0) AS needs
FROM pg_catalog.pg_policy p
CROSS JOIN LATERAL (
    SELECT coalesce(p.polqual::pg_catalog.text, '')
           || coalesce(p.polwithcheck::pg_catalog.text, '') AS text) tree
WHERE p.polrelid = $1::pg_catalog.oid
ORDER BY p.polname;
