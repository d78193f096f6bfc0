-- What turns the privileges of a freshly made object into those of the source's: the REVOKEs and
-- GRANTs by which they differ. Objects of the schemas, and the schemas themselves.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat privileges.sql) | psql "$SOURCE"
--
-- To be run when all owners are set, those of schemas first, each row in one transaction, as
-- somebody who may act for the owners: what a third role granted is granted as that role (SET LOCAL
-- ROLE), which may need the schema.
-- A new schema public may be used by all on new servers, created in by all on old ones, and is
-- nobody's if it was made anew; so nothing is taken for granted there.
WITH object (classid, objid, sub_id, named_as, column_name, type, owner, acl, initial) AS (
    -- named_as: pieces of a statement, the name of a schema as one of its own
    SELECT n.tableoid, n.oid, 0,
           pg_catalog.jsonb_build_array('SCHEMA ', pg_catalog.quote_ident(n.nspname)),
           NULL::pg_catalog.text, 'n', n.nspowner,
           coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
           pg_catalog.acldefault('n', n.nspowner)
           || CASE WHEN n.nspname = 'public'
                   THEN ARRAY[pg_catalog.makeaclitem(0, n.nspowner, 'CREATE', true),
                              pg_catalog.makeaclitem(0, n.nspowner, 'USAGE', true)] END
    FROM pg_catalog.pg_namespace n
    WHERE n.oid = ANY ($1::pg_catalog.oid[])
      AND (n.nspacl IS NOT NULL OR n.nspname = 'public')
    UNION ALL
    -- an identity sequence belongs to its table
    SELECT c.tableoid, coalesce(part.refobjid, c.oid),
           CASE WHEN part.refobjid IS NULL THEN 0 ELSE 100000 + part.refobjsubid END,
           pg_catalog.jsonb_build_array(
               CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
               || c.oid::pg_catalog.regclass::pg_catalog.text),
           NULL, CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END, c.relowner, c.relacl,
           pg_catalog.acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
    FROM pg_catalog.pg_class c
    LEFT JOIN pg_catalog.pg_depend part
           ON part.classid = c.tableoid AND part.objid = c.oid AND part.deptype = 'i'
          AND part.refclassid = c.tableoid AND c.relkind = 'S'
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relacl IS NOT NULL
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    -- system columns included
    SELECT c.tableoid, c.oid, 1000 + a.attnum,
           pg_catalog.jsonb_build_array('TABLE ' || c.oid::pg_catalog.regclass::pg_catalog.text),
           pg_catalog.quote_ident(a.attname), 'c', c.relowner, a.attacl,
           pg_catalog.acldefault('c', c.relowner)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND a.attacl IS NOT NULL
      AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT t.tableoid, t.oid, 0,
           pg_catalog.jsonb_build_array('TYPE ' || pg_catalog.format_type(t.oid, NULL)),
           NULL, 'T', t.typowner, t.typacl, pg_catalog.acldefault('T', t.typowner)
    FROM pg_catalog.pg_type t
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    WHERE t.typnamespace = ANY ($1::pg_catalog.oid[]) AND t.typacl IS NOT NULL
      AND (t.typrelid = 0 OR c.relkind = 'c') AND e.oid IS NULL AND t.typtype <> 'm'
    UNION ALL
    SELECT p.tableoid, p.oid, 0,
           pg_catalog.jsonb_build_array(
               CASE WHEN pg_catalog.to_jsonb(p)->>'prokind' = 'p'
                    THEN 'PROCEDURE '
                         || pg_catalog.substring(p.oid::pg_catalog.regprocedure::pg_catalog.text,
                                                 '^(?:"[^"]*"|[^"(])+')
                         || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
                    ELSE 'FUNCTION ' || p.oid::pg_catalog.regprocedure::pg_catalog.text END),
           NULL, 'f', p.proowner, p.proacl, pg_catalog.acldefault('f', p.proowner)
    FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = ANY ($1::pg_catalog.oid[]) AND p.proacl IS NOT NULL
)
SELECT o.classid, o.objid,
       pg_catalog.jsonb_agg(s.statement ORDER BY o.sub_id, c.step, i.position, c.with_option,
                                                 l.since NULLS FIRST, s.number) AS statements
FROM object o
CROSS JOIN LATERAL (
    SELECT false, x.item, x.position
    FROM pg_catalog.unnest(o.initial) WITH ORDINALITY x(item, position)
    WHERE NOT x.item = ANY (o.acl)
    UNION ALL
    SELECT true, x.item, x.position
    FROM pg_catalog.unnest(o.acl) WITH ORDINALITY x(item, position)
    WHERE NOT x.item = ANY (o.initial)) i(is_grant, item, position)
-- what the owner gives to itself comes first, as the rest may hang on it
CROSS JOIN LATERAL (
    SELECT x.grantor, x.grantee, x.is_grantable AND i.is_grant,
           CASE WHEN NOT i.is_grant THEN 1
                WHEN x.grantee = o.owner AND x.grantor = o.owner THEN 2 ELSE 3 END,
           pg_catalog.array_agg(x.privilege_type)
    FROM pg_catalog.aclexplode(ARRAY[i.item]) x
    GROUP BY 1, 2, 3, 4) c(grantor, grantee, with_option, step, privileges)
CROSS JOIN LATERAL (
    SELECT coalesce(' (' || o.column_name || ')', '') AS columns,
           CASE o.type WHEN 'c' THEN 4
                       ELSE (SELECT pg_catalog.count(*)
                             FROM pg_catalog.aclexplode(
                                      pg_catalog.acldefault(o.type::"char", o.owner)) x
                             WHERE x.grantee = o.owner) END AS all_privileges) k
-- MAINTAIN came with 17: a statement of its own, which older targets do without
CROSS JOIN LATERAL (
    SELECT x.privileges, x.since
    FROM (SELECT pg_catalog.cardinality(c.privileges) = k.all_privileges
                 -- an owner who may do nothing has lost what there was to lose
                 AND (i.is_grant OR o.type <> 'r'
                      OR pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000)
                     AS are_all) w
    CROSS JOIN LATERAL (
        SELECT CASE WHEN w.are_all THEN '{ALL}'
                    ELSE pg_catalog.array_remove(c.privileges, 'MAINTAIN') END,
               NULL::pg_catalog.int4
        UNION ALL
        SELECT '{MAINTAIN}', 170000
        WHERE NOT w.are_all AND 'MAINTAIN' = ANY (c.privileges)) x(privileges, since)
    WHERE x.privileges <> '{}') l
CROSS JOIN LATERAL (
    SELECT CASE WHEN l.since IS NULL THEN '[]'
                ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('since', l.since))
           END
           || pg_catalog.jsonb_build_array(
               CASE WHEN i.is_grant THEN 'GRANT ' ELSE 'REVOKE ' END
               || pg_catalog.array_to_string(l.privileges, k.columns || ', ')
               || k.columns || ' ON ')
           || o.named_as
           || pg_catalog.jsonb_build_array(
                  CASE WHEN i.is_grant THEN ' TO ' ELSE ' FROM ' END,
                  pg_catalog.jsonb_build_object('role', grantee.rolname),
                  CASE WHEN c.with_option THEN ' WITH GRANT OPTION' ELSE '' END) AS change,
           i.is_grant AND c.grantor <> o.owner AS is_of_others
    FROM (SELECT) one
    LEFT JOIN pg_catalog.pg_roles grantee ON grantee.oid = c.grantee
    WHERE c.grantee = 0 OR grantee.oid IS NOT NULL) g
CROSS JOIN LATERAL (
    SELECT 1, pg_catalog.jsonb_build_array(
                  'SET LOCAL ROLE ',
                  pg_catalog.jsonb_build_object('role', pg_catalog.pg_get_userbyid(c.grantor)))
    WHERE g.is_of_others
    UNION ALL
    SELECT 2, g.change
    UNION ALL
    SELECT 3, '"RESET ROLE"'
    WHERE g.is_of_others) s(number, statement)
-- extensions' members: database_privileges.sql
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = o.classid AND dep.objid = o.objid AND dep.deptype = 'e')
GROUP BY o.classid, o.objid
ORDER BY o.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass DESC, o.classid, o.objid;
