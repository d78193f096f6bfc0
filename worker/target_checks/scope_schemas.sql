-- Schemas of the target that a clone goes into; one row for each name.
-- $1 = names, unquoted (text[]).
-- psql 16+: (echo "\bind '{shop}'"; cat scope_schemas.sql) | psql "$TARGET"
--
-- can_create: may make objects in it, or the schema itself if it is not there.
-- others_may_create: roles but for its owner, superusers and the current one that may make objects
-- in it, "PUBLIC" among them; what one of them makes there under a working name, or under a name
-- that was free a moment ago, could get into the clone.
SELECT w.name,
       n.oid IS NOT NULL AS is_there,
       CASE WHEN n.oid IS NULL
            THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
            ELSE pg_catalog.has_schema_privilege(n.oid, 'CREATE') END AS can_create,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), true) AS can_use,
       pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text AS owner,
       coalesce(pg_catalog.pg_has_role(n.nspowner, 'USAGE'), true) AS is_owner,
       (SELECT coalesce(pg_catalog.jsonb_agg(g.grantee ORDER BY g.grantee), '[]')
        FROM (SELECT DISTINCT coalesce(r.rolname, 'PUBLIC')::pg_catalog.text AS grantee
              FROM pg_catalog.aclexplode(n.nspacl) x
              LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
              WHERE x.privilege_type = 'CREATE' AND x.grantee <> n.nspowner
                AND coalesce(r.rolname <> current_user AND NOT r.rolsuper, x.grantee = 0)) g)
           AS others_may_create
FROM pg_catalog.unnest($1::pg_catalog.text[]) w(name)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.name
ORDER BY w.name;
