-- Domains, without their check constraints, which are objects of their own.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat domains.sql) | psql "$SOURCE"
--
-- From 17 on NOT NULL is a constraint, too, with a name of its own.
SELECT 'domain' AS kind,
       t.tableoid AS classid,
       t.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       t.typname::pg_catalog.text AS name,
       'DOMAIN ' || this.name AS object_as,
       pg_catalog.pg_get_userbyid(t.typowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE DOMAIN ' || this.name
           || ' AS ' || pg_catalog.format_type(t.typbasetype, t.typtypmod)
           || coalesce(' COLLATE ' || c.printed_name, '')
           || CASE WHEN t.typnotnull
                   THEN coalesce((SELECT ' CONSTRAINT ' || pg_catalog.quote_ident(con.conname)
                                  FROM pg_catalog.pg_constraint con
                                  WHERE con.contypid = t.oid AND con.contype = 'n'), '')
                        || ' NOT NULL'
                   ELSE '' END
           || coalesce(' DEFAULT ' || coalesce(
                  pg_catalog.pg_get_expr(t.typdefaultbin, t.tableoid),
                  pg_catalog.quote_literal(t.typdefault)), '')) AS create_sql,
       'DROP DOMAIN IF EXISTS ' || this.name AS drop_sql,
       CASE WHEN c.is_of_the_system
            THEN pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                     'kind', 'collation', 'name', c.printed_name))
            ELSE '[]' END AS requires
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_type bt ON bt.oid = t.typbasetype
CROSS JOIN LATERAL (SELECT pg_catalog.format_type(t.oid, NULL) AS name) this
LEFT JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_collation_is_visible(co.oid) THEN ''
                ELSE pg_catalog.quote_ident(cn.nspname) || '.' END
           || pg_catalog.quote_ident(co.collname) AS printed_name,
           cn.nspname = 'pg_catalog'
           AND co.collname NOT IN ('default', 'C', 'POSIX') AS is_of_the_system
    FROM pg_catalog.pg_collation co
    JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
    WHERE co.oid = t.typcollation AND t.typcollation <> bt.typcollation) c ON true
WHERE t.typnamespace = ANY ($1::pg_catalog.oid[]) AND t.typtype = 'd'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = t.tableoid AND dep.objid = t.oid AND dep.deptype = 'e')
ORDER BY n.nspname, t.typname;
