-- Procedural languages that are no extension's.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f languages.sql
SELECT 'language' AS kind,
       l.tableoid AS classid,
       l.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       l.lanname::pg_catalog.text AS name,
       'LANGUAGE ' || pg_catalog.quote_ident(l.lanname) AS object_as,
       pg_catalog.pg_get_userbyid(l.lanowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE ' || CASE WHEN l.lanpltrusted THEN 'TRUSTED ' ELSE '' END
           || 'PROCEDURAL LANGUAGE ' || pg_catalog.quote_ident(l.lanname)
           || ' HANDLER ' || f.handler
           || coalesce(' INLINE ' || f.inline, '')
           || coalesce(' VALIDATOR ' || f.validator, '')) AS create_sql,
       'DROP LANGUAGE IF EXISTS ' || pg_catalog.quote_ident(l.lanname) AS drop_sql
FROM pg_catalog.pg_language l
-- the name in a regprocedure: all up to the first parenthesis outside of double quotes
CROSS JOIN (SELECT '^(?:"[^"]*"|[^"(])+'::pg_catalog.text AS name) pattern
CROSS JOIN LATERAL (
    SELECT pg_catalog.substring(
               l.lanplcallfoid::pg_catalog.regprocedure::pg_catalog.text, pattern.name) AS handler,
           pg_catalog.substring(
               NULLIF(l.laninline, 0)::pg_catalog.regprocedure::pg_catalog.text,
               pattern.name) AS inline,
           pg_catalog.substring(
               NULLIF(l.lanvalidator, 0)::pg_catalog.regprocedure::pg_catalog.text,
               pattern.name) AS validator) f
WHERE l.lanispl AND l.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = l.tableoid AND dep.objid = l.oid AND dep.deptype = 'e')
ORDER BY l.lanname;
