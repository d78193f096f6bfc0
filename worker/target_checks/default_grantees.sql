-- Who gets privileges on new tables and sequences of the current role by default.
-- $1 = schema.
-- psql 16+: (echo "\bind shop"; cat default_grantees.sql) | psql "$TARGET"
--
-- grantee is null for PUBLIC.
SELECT DISTINCT CASE d.defaclobjtype WHEN 'r' THEN 'table' ELSE 'sequence' END AS kind,
       CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee) END AS grantee
FROM pg_catalog.pg_default_acl d
JOIN pg_catalog.pg_roles me ON me.oid = d.defaclrole AND me.rolname = current_user
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) x
WHERE d.defaclobjtype IN ('r', 'S') AND x.grantee <> d.defaclrole
  AND (d.defaclnamespace = 0
       OR d.defaclnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
ORDER BY kind, grantee;
