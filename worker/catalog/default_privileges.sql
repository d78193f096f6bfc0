-- Privileges that objects to come get in the schemas (ALTER DEFAULT PRIVILEGES ... IN SCHEMA).
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat default_privileges.sql) | psql "$SOURCE"
--
-- They add to the global ones (global_default_privileges.sql), so they are all grants.
SELECT 'default privileges' AS kind,
       d.tableoid AS classid,
       d.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       'for ' || pg_catalog.lower(k.word) || ' of ' || owner.rolname AS name,
       NULL::pg_catalog.text AS object_as,
       pg_catalog.jsonb_agg(
           pg_catalog.jsonb_build_array(
               'ALTER DEFAULT PRIVILEGES FOR ROLE ',
               pg_catalog.jsonb_build_object('role', owner.rolname),
               ' IN SCHEMA ', pg_catalog.quote_ident(n.nspname),
               ' GRANT '
               || CASE WHEN pg_catalog.cardinality(c.privileges) = k.all_privileges THEN 'ALL'
                       ELSE pg_catalog.array_to_string(c.privileges, ', ') END
               || ' ON ' || k.word || ' TO ',
               pg_catalog.jsonb_build_object('role', grantee.rolname),
               CASE WHEN c.with_option THEN ' WITH GRANT OPTION' ELSE '' END)
           ORDER BY i.position, c.with_option) AS create_sql,
       pg_catalog.max(CASE WHEN d.defaclobjtype = 'L' THEN 180000
                           WHEN 'MAINTAIN' = ANY (c.privileges) THEN 170000
                           ELSE 0 END) AS needs_version
FROM pg_catalog.pg_default_acl d
JOIN pg_catalog.pg_roles owner ON owner.oid = d.defaclrole
JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL (
    SELECT CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                                WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                                WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS word,
           (SELECT pg_catalog.count(*)
            FROM pg_catalog.aclexplode(pg_catalog.acldefault(
                     CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END,
                     d.defaclrole)) x
            WHERE x.grantee = d.defaclrole) AS all_privileges) k
CROSS JOIN LATERAL pg_catalog.unnest(d.defaclacl) WITH ORDINALITY i(item, position)
CROSS JOIN LATERAL (
    SELECT x.grantee, x.is_grantable, pg_catalog.array_agg(x.privilege_type)
    FROM pg_catalog.aclexplode(ARRAY[i.item]) x
    GROUP BY 1, 2) c(grantee, with_option, privileges)
LEFT JOIN pg_catalog.pg_roles grantee ON grantee.oid = c.grantee
WHERE (c.grantee = 0 OR grantee.oid IS NOT NULL)
  AND d.defaclnamespace = ANY ($1::pg_catalog.oid[])
GROUP BY d.tableoid, d.oid, n.nspname, owner.rolname, k.word
ORDER BY n.nspname, owner.rolname, k.word;
