-- Conversions between encodings.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat conversions.sql) | psql "$SOURCE"
SELECT 'conversion' AS kind,
       c.tableoid AS classid,
       c.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       c.conname::pg_catalog.text AS name,
       'CONVERSION ' || this.name AS object_as,
       pg_catalog.pg_get_userbyid(c.conowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE ' || CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END
           || 'CONVERSION ' || this.name
           || ' FOR ' || pg_catalog.quote_literal(
                             pg_catalog.pg_encoding_to_char(c.conforencoding))
           || ' TO ' || pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(c.contoencoding))
           -- the name in a regprocedure: all up to the first parenthesis outside of double quotes
           || ' FROM ' || pg_catalog.substring(
                  c.conproc::pg_catalog.oid::pg_catalog.regprocedure::pg_catalog.text,
                  '^(?:"[^"]*"|[^"(])+')) AS create_sql,
       'DROP CONVERSION IF EXISTS ' || this.name AS drop_sql
FROM pg_catalog.pg_conversion c
JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_conversion_is_visible(c.oid) THEN ''
                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(c.conname) AS name) this
WHERE c.connamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = c.tableoid AND dep.objid = c.oid AND dep.deptype = 'e')
ORDER BY n.nspname, c.conname;
