-- Collations.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat collations.sql) | psql "$SOURCE"
--
-- The locale of ICU's collations is in collcollate up to 14, in colliculocale in 15 and 16, in
-- colllocale (which the built-in provider has, too) from 17 on. The version is left to the target.
SELECT 'collation' AS kind,
       c.tableoid AS classid,
       c.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       c.collname::pg_catalog.text AS name,
       'COLLATION ' || this.name AS object_as,
       pg_catalog.pg_get_userbyid(c.collowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE COLLATION ' || this.name || ' ('
           || pg_catalog.concat_ws(
                  ', ',
                  'provider = ' || CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu'
                                                       WHEN 'b' THEN 'builtin' ELSE 'default' END,
                  CASE WHEN NOT (later.columns->>'collisdeterministic')::pg_catalog.bool
                       THEN 'deterministic = false' END,
                  CASE WHEN c.collprovider <> 'c'
                       THEN 'locale = ' || pg_catalog.quote_literal(
                                coalesce(later.columns->>'colllocale',
                                         later.columns->>'colliculocale', c.collcollate))
                       WHEN c.collcollate = c.collctype
                       THEN 'locale = ' || pg_catalog.quote_literal(c.collcollate)
                       ELSE 'lc_collate = ' || pg_catalog.quote_literal(c.collcollate)
                            || ', lc_ctype = ' || pg_catalog.quote_literal(c.collctype) END,
                  'rules = ' || pg_catalog.quote_literal(later.columns->>'collicurules'))
           || ')') AS create_sql,
       'DROP COLLATION IF EXISTS ' || this.name AS drop_sql,
       CASE WHEN c.collprovider = 'b' THEN 170000
            WHEN later.columns->>'collicurules' IS NOT NULL THEN 160000
            ELSE 0 END AS needs_version
FROM pg_catalog.pg_collation c
JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(c) AS columns) later
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_collation_is_visible(c.oid) THEN ''
                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(c.collname) AS name) this
WHERE c.collnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = c.tableoid AND dep.objid = c.oid AND dep.deptype = 'e')
ORDER BY n.nspname, c.collname, c.collencoding;
