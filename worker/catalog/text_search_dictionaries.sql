-- Text search dictionaries.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat text_search_dictionaries.sql) | psql "$SOURCE"
--
-- The server keeps the options as the text of a definition list.
SELECT 'text search dictionary' AS kind,
       d.tableoid AS classid,
       d.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       d.dictname::pg_catalog.text AS name,
       'TEXT SEARCH DICTIONARY ' || this.name AS object_as,
       pg_catalog.pg_get_userbyid(d.dictowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE TEXT SEARCH DICTIONARY ' || this.name || ' (TEMPLATE = '
           || CASE WHEN pg_catalog.pg_ts_template_is_visible(t.oid) THEN ''
                   ELSE pg_catalog.quote_ident(tn.nspname) || '.' END
           || pg_catalog.quote_ident(t.tmplname)
           || coalesce(', ' || d.dictinitoption, '') || ')') AS create_sql,
       'DROP TEXT SEARCH DICTIONARY IF EXISTS ' || this.name AS drop_sql
FROM pg_catalog.pg_ts_dict d
JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace
CROSS JOIN LATERAL (SELECT d.oid::pg_catalog.regdictionary::pg_catalog.text AS name) this
WHERE d.dictnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = d.tableoid AND dep.objid = d.oid AND dep.deptype = 'e')
ORDER BY n.nspname, d.dictname;
