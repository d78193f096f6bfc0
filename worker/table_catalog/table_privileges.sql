-- Who has which privileges on the table, its columns and its sequences, where they are not the
-- defaults: what to grant to others, and what to take from the owner, who has all by default.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_privileges.sql) | psql "$SOURCE"
--
-- grantee is null for PUBLIC.
WITH object (kind, name, owner, acl, default_acl) AS (
    SELECT 'table', NULL::pg_catalog.name, c.relowner, c.relacl,
           pg_catalog.acldefault('r', c.relowner)
    FROM pg_catalog.pg_class c
    WHERE c.oid = $1::pg_catalog.oid
    UNION ALL
    SELECT 'column', a.attname, c.relowner, a.attacl, pg_catalog.acldefault('c', c.relowner)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'sequence', c.relname, c.relowner, c.relacl, pg_catalog.acldefault('s', c.relowner)
    FROM pg_catalog.pg_depend dep JOIN pg_catalog.pg_class c ON c.oid = dep.objid
    WHERE dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND dep.refobjid = $1::pg_catalog.oid AND dep.deptype IN ('a', 'i') AND c.relkind = 'S')
SELECT 'grant' AS action, o.kind, o.name, x.privilege_type AS privilege, x.is_grantable,
       CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee) END AS grantee
FROM object o
CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) x
-- an owner's grant on a column adds nothing to what the owner has on the table, unless that
-- was revoked
WHERE x.grantee <> o.owner OR (o.kind = 'column')
UNION
SELECT 'revoke', o.kind, o.name, x.privilege_type, false, pg_catalog.pg_get_userbyid(o.owner)
FROM object o
CROSS JOIN LATERAL pg_catalog.aclexplode(o.default_acl) x
WHERE o.acl IS NOT NULL AND x.grantee = o.owner
  AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(o.acl) y
                  WHERE y.grantee = o.owner AND y.privilege_type = x.privilege_type)
-- what is taken comes first
ORDER BY action DESC, kind, name, grantee, privilege;
