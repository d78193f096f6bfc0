-- As privileges.sql, for what is in no schema (languages, foreign-data wrappers, servers, large
-- objects), and for what nobody clones but whose privileges may have been changed: members of
-- extensions, of which the node is the extension, and the server's own objects, which are no nodes.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f database_privileges.sql
--
-- pg_init_privs has the privileges that initdb or an extension's script gave, but for those of
-- information_schema, which is left alone.
WITH object (classid, objid, sub_id, named_as, column_name, type, owner, acl, initial) AS (
    SELECT coalesce(x.tableoid, o.classid), coalesce(x.oid, o.objid),
           CASE WHEN x.oid IS NULL THEN o.sub_id ELSE o.objid END,
           pg_catalog.jsonb_build_array(
               CASE WHEN o.type IN ('r', 'c') THEN 'TABLE ' || o.objid::pg_catalog.regclass
                    WHEN o.type = 's' THEN 'SEQUENCE ' || o.objid::pg_catalog.regclass
                    -- not format_type(): GRANT takes int4 and no integer
                    WHEN o.type = 'T' THEN 'TYPE ' || o.schema::pg_catalog.regnamespace || '.'
                                           || pg_catalog.quote_ident(o.name)
                    WHEN o.type = 'f'
                    THEN CASE WHEN p.kind = 'p'
                              THEN 'PROCEDURE ' || pg_catalog.substring(
                                       o.objid::pg_catalog.regprocedure::pg_catalog.text,
                                       '^(?:"[^"]*"|[^"(])+')
                                   || '(' || p.identity_arguments || ')'
                              ELSE 'FUNCTION ' || o.objid::pg_catalog.regprocedure END
                    WHEN o.type = 'n' THEN 'SCHEMA ' || pg_catalog.quote_ident(o.name)
                    WHEN o.type = 'l' THEN 'LANGUAGE ' || pg_catalog.quote_ident(o.name)
                    WHEN o.type = 'F' THEN 'FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(o.name)
                    WHEN o.type = 'S' THEN 'FOREIGN SERVER ' || pg_catalog.quote_ident(o.name)
                    ELSE 'LARGE OBJECT ' || o.objid END),
           CASE WHEN o.type = 'c' THEN pg_catalog.quote_ident(o.name) END, o.type, o.owner,
           coalesce(o.acl, pg_catalog.acldefault(o.type::"char", o.owner)),
           coalesce(i.initprivs, pg_catalog.acldefault(o.type::"char", o.owner))
    FROM (SELECT c.tableoid, c.oid, 0, c.relnamespace, c.relname,
                 CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END, c.relowner, c.relacl
          FROM pg_catalog.pg_class c
          WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
          UNION ALL
          SELECT c.tableoid, c.oid, a.attnum::pg_catalog.int4, c.relnamespace, a.attname, 'c', c.relowner,
                 a.attacl
          FROM pg_catalog.pg_attribute a
          JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
          WHERE NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            AND (a.attacl IS NOT NULL
                 OR (a.attrelid, a.attnum) IN (
                        SELECT i.objoid, i.objsubid FROM pg_catalog.pg_init_privs i
                        WHERE i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
                          AND i.objsubid <> 0))
          UNION ALL
          SELECT t.tableoid, t.oid, 0, t.typnamespace, t.typname, 'T', t.typowner, t.typacl
          FROM pg_catalog.pg_type t
          UNION ALL
          SELECT p.tableoid, p.oid, 0, p.pronamespace, p.proname, 'f', p.proowner, p.proacl
          FROM pg_catalog.pg_proc p
          UNION ALL
          SELECT n.tableoid, n.oid, 0, n.oid, n.nspname, 'n', n.nspowner, n.nspacl
          FROM pg_catalog.pg_namespace n
          UNION ALL
          SELECT l.tableoid, l.oid, 0, 0, l.lanname, 'l', l.lanowner, l.lanacl
          FROM pg_catalog.pg_language l
          UNION ALL
          SELECT w.tableoid, w.oid, 0, 0, w.fdwname, 'F', w.fdwowner, w.fdwacl
          FROM pg_catalog.pg_foreign_data_wrapper w
          UNION ALL
          SELECT s.tableoid, s.oid, 0, 0, s.srvname, 'S', s.srvowner, s.srvacl
          FROM pg_catalog.pg_foreign_server s
          UNION ALL
          SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass, m.oid, 0, 0, '', 'L',
                 m.lomowner, m.lomacl
          FROM pg_catalog.pg_largeobject_metadata m)
         o(classid, objid, sub_id, schema, name, type, owner, acl)
    LEFT JOIN pg_catalog.pg_init_privs i
           ON i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = o.sub_id
    LEFT JOIN pg_catalog.pg_depend member
           ON member.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND member.classid = o.classid AND member.objid = o.objid AND member.deptype = 'e'
    LEFT JOIN pg_catalog.pg_extension x ON x.oid = member.refobjid AND x.oid >= 16384
    LEFT JOIN LATERAL (
        SELECT pg_catalog.to_jsonb(f)->>'prokind' AS kind,
               pg_catalog.pg_get_function_identity_arguments(f.oid) AS identity_arguments
        FROM pg_catalog.pg_proc f
        WHERE f.oid = o.objid) p ON o.type = 'f'
    WHERE (o.acl IS NOT NULL OR i.objoid IS NOT NULL)
      AND (o.schema = 'pg_catalog'::pg_catalog.regnamespace OR x.oid IS NOT NULL
           OR o.type IN ('l', 'F', 'S', 'L'))
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
GROUP BY o.classid, o.objid
ORDER BY o.classid, o.objid;
