-- Privileges that objects to come get, whatever their schema (ALTER DEFAULT PRIVILEGES).
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f global_default_privileges.sql
--
-- They take the place of the built-in ones, so they are given by how they differ from these.
SELECT 'default privileges' AS kind,
       d.tableoid AS classid,
       d.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       'for ' || pg_catalog.lower(k.word) || ' of ' || owner.rolname AS name,
       NULL::pg_catalog.text AS object_as,
       pg_catalog.jsonb_agg(
           pg_catalog.jsonb_build_array(
               'ALTER DEFAULT PRIVILEGES FOR ROLE ',
               pg_catalog.jsonb_build_object('role', owner.rolname),
               CASE WHEN i.is_grant THEN ' GRANT ' ELSE ' REVOKE ' END
               || CASE WHEN pg_catalog.cardinality(c.privileges) = k.all_privileges THEN 'ALL'
                       ELSE pg_catalog.array_to_string(c.privileges, ', ') END
               || ' ON ' || k.word || CASE WHEN i.is_grant THEN ' TO ' ELSE ' FROM ' END,
               pg_catalog.jsonb_build_object('role', grantee.rolname),
               CASE WHEN c.with_option THEN ' WITH GRANT OPTION' ELSE '' END)
           ORDER BY c.step, i.position, c.with_option) AS create_sql,
       pg_catalog.max(CASE WHEN d.defaclobjtype = 'L' THEN 180000
                           WHEN 'MAINTAIN' = ANY (c.privileges) THEN 170000
                           ELSE 0 END) AS needs_version
FROM pg_catalog.pg_default_acl d
JOIN pg_catalog.pg_roles owner ON owner.oid = d.defaclrole
CROSS JOIN LATERAL (
    SELECT CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                                WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                                WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS word,
           b.built_in,
           (SELECT pg_catalog.count(*)
            FROM pg_catalog.aclexplode(b.built_in) x
            WHERE x.grantee = d.defaclrole) AS all_privileges
    FROM (SELECT pg_catalog.acldefault(
                     CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END,
                     d.defaclrole) AS built_in) b) k
CROSS JOIN LATERAL (
    SELECT false, x.item, x.position
    FROM pg_catalog.unnest(k.built_in) WITH ORDINALITY x(item, position)
    WHERE NOT x.item = ANY (d.defaclacl)
    UNION ALL
    SELECT true, x.item, x.position
    FROM pg_catalog.unnest(d.defaclacl) WITH ORDINALITY x(item, position)
    WHERE NOT x.item = ANY (k.built_in)) i(is_grant, item, position)
CROSS JOIN LATERAL (
    SELECT x.grantee, x.is_grantable AND i.is_grant,
           CASE WHEN NOT i.is_grant THEN 1 WHEN x.grantee = d.defaclrole THEN 2 ELSE 3 END,
           pg_catalog.array_agg(x.privilege_type)
    FROM pg_catalog.aclexplode(ARRAY[i.item]) x
    GROUP BY 1, 2, 3) c(grantee, with_option, step, privileges)
LEFT JOIN pg_catalog.pg_roles grantee ON grantee.oid = c.grantee
WHERE (c.grantee = 0 OR grantee.oid IS NOT NULL)
  AND d.defaclnamespace = 0
GROUP BY d.tableoid, d.oid, owner.rolname, k.word
ORDER BY owner.rolname, k.word;
