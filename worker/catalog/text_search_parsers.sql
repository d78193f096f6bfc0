-- Text search parsers.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat text_search_parsers.sql) | psql "$SOURCE"
SELECT 'text search parser' AS kind,
       p.tableoid AS classid,
       p.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       p.prsname::pg_catalog.text AS name,
       'TEXT SEARCH PARSER ' || this.name AS object_as,
       pg_catalog.jsonb_build_array(
           'CREATE TEXT SEARCH PARSER ' || this.name || ' ('
           || pg_catalog.concat_ws(
                  ', ',
                  'START = ' || pg_catalog.substring(
                      p.prsstart::pg_catalog.oid
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'GETTOKEN = ' || pg_catalog.substring(
                      p.prstoken::pg_catalog.oid
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'END = ' || pg_catalog.substring(
                      p.prsend::pg_catalog.oid
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'HEADLINE = ' || pg_catalog.substring(
                      NULLIF(p.prsheadline::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'LEXTYPES = ' || pg_catalog.substring(
                      p.prslextype::pg_catalog.oid
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name))
           || ')') AS create_sql,
       'DROP TEXT SEARCH PARSER IF EXISTS ' || this.name AS drop_sql
FROM pg_catalog.pg_ts_parser p
JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
-- the name in a regprocedure: all up to the first parenthesis outside of double quotes
CROSS JOIN (SELECT '^(?:"[^"]*"|[^"(])+'::pg_catalog.text AS name) pattern
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_ts_parser_is_visible(p.oid) THEN ''
                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(p.prsname) AS name) this
WHERE p.prsnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = p.tableoid AND dep.objid = p.oid AND dep.deptype = 'e')
ORDER BY n.nspname, p.prsname;
