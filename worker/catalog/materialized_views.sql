-- Materialized views, made without data.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat materialized_views.sql) | psql "$SOURCE"
--
-- is_populated: whether it is to be refreshed when the data is there.
WITH relation AS (
    SELECT c.oid, c.relname, c.relowner, c.reloptions, c.reltablespace, c.relam, c.reltoastrelid,
           c.relreplident, c.relispopulated, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind = 'm' AND c.oid >= 16384
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
columns AS (
    SELECT a.attrelid,
           pg_catalog.string_agg(nullif(pg_catalog.concat_ws(', ',
               'ALTER COLUMN ' || a.quoted || ' SET STATISTICS ' || a.statistics_target,
               'ALTER COLUMN ' || a.quoted || ' SET STORAGE ' || a.storage,
               'ALTER COLUMN ' || a.quoted || ' SET COMPRESSION ' || a.compression,
               'ALTER COLUMN ' || a.quoted || ' SET (' || a.options || ')'), ''),
               ', ' ORDER BY a.attnum) AS settings
    FROM (SELECT at.attrelid, at.attnum, pg_catalog.quote_ident(at.attname) AS quoted,
                 CASE WHEN at.attstattarget >= 0 THEN at.attstattarget END AS statistics_target,
                 CASE WHEN at.attstorage <> t.typstorage THEN
                      CASE at.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                         WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END
                 END AS storage,
                 CASE pg_catalog.to_jsonb(at)->>'attcompression'
                      WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
                 (SELECT pg_catalog.string_agg(
                             pg_catalog.quote_ident(o.option_name) || '='
                             || pg_catalog.quote_literal(o.option_value), ', ')
                  FROM pg_catalog.pg_options_to_table(at.attoptions) o
                  WHERE o.option_name <> 'pg_attver') AS options -- (see tables.sql)
          FROM relation r
          JOIN pg_catalog.pg_attribute at
               ON at.attrelid = r.oid AND at.attnum > 0 AND NOT at.attisdropped
          JOIN pg_catalog.pg_type t ON t.oid = at.atttypid) a
    GROUP BY a.attrelid),
on_extension AS (
    SELECT dep.objid,
           pg_catalog.jsonb_agg(
               'ALTER MATERIALIZED VIEW ' || dep.objid::pg_catalog.regclass::pg_catalog.text
               || ' DEPENDS ON EXTENSION ' || pg_catalog.quote_ident(e.extname)
               ORDER BY e.extname) AS statements
    FROM pg_catalog.pg_depend dep
    JOIN pg_catalog.pg_extension e ON e.oid = dep.refobjid
    WHERE dep.deptype = 'x' AND dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND dep.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    GROUP BY dep.objid)
SELECT 'materialized view' AS kind,
       'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS classid,
       r.oid AS objid,
       r.nspname AS schema_name,
       r.relname AS name,
       'MATERIALIZED VIEW ' || r.name AS object_as,
       pg_catalog.pg_get_userbyid(r.relowner) AS owner,
       pg_catalog.jsonb_build_array(
           pg_catalog.concat_ws(' ', 'CREATE MATERIALIZED VIEW', r.name,
               'USING ' || pg_catalog.quote_ident(am.amname),
               (SELECT 'WITH (' || pg_catalog.string_agg(
                           o.prefix || pg_catalog.quote_ident(o.option_name) || '='
                           || pg_catalog.quote_literal(o.option_value), ', '
                           ORDER BY o.prefix, o.nr) || ')'
                FROM (SELECT '' AS prefix, x.*
                      FROM pg_catalog.pg_options_to_table(r.reloptions)
                           WITH ORDINALITY x(option_name, option_value, nr)
                      UNION ALL
                      SELECT 'toast.', x.*
                      FROM pg_catalog.pg_options_to_table(toast.reloptions)
                           WITH ORDINALITY x(option_name, option_value, nr)) o),
               'TABLESPACE ' || pg_catalog.quote_ident(ts.spcname),
               'AS', pg_catalog.rtrim(pg_catalog.pg_get_viewdef(r.oid), ';'), 'WITH NO DATA'))
       || CASE WHEN settings.text <> ''
               THEN pg_catalog.jsonb_build_array(
                        'ALTER TABLE ONLY ' || r.name || ' ' || settings.text)
               ELSE '[]' END
       || coalesce(x.statements, '[]') AS create_sql,
       'DROP MATERIALIZED VIEW IF EXISTS ' || r.name AS drop_sql,
       CASE WHEN ts.spcname IS NULL THEN '[]'
            ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                     'kind', 'tablespace', 'name', ts.spcname)) END
       || CASE WHEN am.amname IS NULL OR am.amname = 'heap' THEN '[]'
               ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                        'kind', 'access method', 'name', am.amname)) END AS requires,
       r.name AS relation,
       r.relispopulated AS is_populated,
       coalesce(pg_catalog.pg_table_size(r.oid), 0) AS size_bytes
FROM relation r
LEFT JOIN columns c ON c.attrelid = r.oid
LEFT JOIN on_extension x ON x.objid = r.oid
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = r.reltablespace
LEFT JOIN pg_catalog.pg_am am ON am.oid = r.relam
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = r.reltoastrelid
CROSS JOIN LATERAL (
    SELECT pg_catalog.concat_ws(', ', c.settings,
               CASE r.relreplident WHEN 'n' THEN 'REPLICA IDENTITY NOTHING'
                                   WHEN 'f' THEN 'REPLICA IDENTITY FULL' END) AS text) settings
ORDER BY r.nspname, r.relname;
