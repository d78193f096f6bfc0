-- Text search templates.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat text_search_templates.sql) | psql "$SOURCE"
SELECT 'text search template' AS kind,
       t.tableoid AS classid,
       t.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       t.tmplname::pg_catalog.text AS name,
       'TEXT SEARCH TEMPLATE ' || this.name AS object_as,
       pg_catalog.jsonb_build_array(
           'CREATE TEXT SEARCH TEMPLATE ' || this.name || ' ('
           || pg_catalog.concat_ws(
                  ', ',
                  'INIT = ' || pg_catalog.substring(
                      NULLIF(t.tmplinit::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'LEXIZE = ' || pg_catalog.substring(
                      t.tmpllexize::pg_catalog.oid
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name))
           || ')') AS create_sql,
       'DROP TEXT SEARCH TEMPLATE IF EXISTS ' || this.name AS drop_sql
FROM pg_catalog.pg_ts_template t
JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
-- the name in a regprocedure: all up to the first parenthesis outside of double quotes
CROSS JOIN (SELECT '^(?:"[^"]*"|[^"(])+'::pg_catalog.text AS name) pattern
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_ts_template_is_visible(t.oid) THEN ''
                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(t.tmplname) AS name) this
WHERE t.tmplnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = t.tableoid AND dep.objid = t.oid AND dep.deptype = 'e')
ORDER BY n.nspname, t.tmplname;
