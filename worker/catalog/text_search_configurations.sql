-- Text search configurations, with their mappings.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat text_search_configurations.sql) | psql "$SOURCE"
--
-- Token types that go through the same dictionaries share a statement.
SELECT 'text search configuration' AS kind,
       c.tableoid AS classid,
       c.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       c.cfgname::pg_catalog.text AS name,
       'TEXT SEARCH CONFIGURATION ' || this.name AS object_as,
       pg_catalog.pg_get_userbyid(c.cfgowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE TEXT SEARCH CONFIGURATION ' || this.name || ' (PARSER = '
           || CASE WHEN pg_catalog.pg_ts_parser_is_visible(p.oid) THEN ''
                   ELSE pg_catalog.quote_ident(pn.nspname) || '.' END
           || pg_catalog.quote_ident(p.prsname) || ')')
       || coalesce(mappings.statements, '[]') AS create_sql,
       'DROP TEXT SEARCH CONFIGURATION IF EXISTS ' || this.name AS drop_sql
FROM pg_catalog.pg_ts_config c
JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace
CROSS JOIN LATERAL (SELECT c.oid::pg_catalog.regconfig::pg_catalog.text AS name) this
CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_agg(
               'ALTER TEXT SEARCH CONFIGURATION ' || this.name || ' ADD MAPPING FOR '
               || s.tokens || ' WITH ' || s.dictionaries ORDER BY s.first_type) AS statements
    FROM (
        SELECT t.dictionaries,
               pg_catalog.min(t.type) AS first_type,
               pg_catalog.string_agg(pg_catalog.quote_ident(tt.alias), ', ' ORDER BY t.type)
               AS tokens
        FROM (
            SELECT m.maptokentype AS type,
                   pg_catalog.string_agg(m.mapdict::pg_catalog.regdictionary::pg_catalog.text,
                                         ', ' ORDER BY m.mapseqno) AS dictionaries
            FROM pg_catalog.pg_ts_config_map m
            WHERE m.mapcfg = c.oid
            GROUP BY m.maptokentype) t
        JOIN pg_catalog.ts_token_type(c.cfgparser) tt ON tt.tokid = t.type
        GROUP BY t.dictionaries) s) mappings
WHERE c.cfgnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = c.tableoid AND dep.objid = c.oid AND dep.deptype = 'e')
ORDER BY n.nspname, c.cfgname;
