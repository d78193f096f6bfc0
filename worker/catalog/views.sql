-- Views.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat views.sql) | psql "$SOURCE"
--
-- shell_sql has the same columns, with their types and collations, and no source: what needs the
-- view's row type, and is needed by the view, can be made in between.
WITH relation AS (
    SELECT c.oid, c.relname, c.relowner, c.reloptions, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind = 'v'
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
columns AS (
    SELECT a.attrelid,
           pg_catalog.string_agg(
               'NULL::' || pg_catalog.format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attcollation = t.typcollation THEN ''
                       ELSE ' COLLATE '
                            || CASE WHEN pg_catalog.pg_collation_is_visible(co.oid) THEN ''
                                    ELSE pg_catalog.quote_ident(cn.nspname) || '.' END
                            || pg_catalog.quote_ident(co.collname) END
               || ' AS ' || pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) AS list
    FROM relation r
    JOIN pg_catalog.pg_attribute a
         ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
    LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
    GROUP BY a.attrelid)
SELECT 'view' AS kind,
       'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS classid,
       r.oid AS objid,
       r.nspname AS schema_name,
       r.relname AS name,
       'VIEW ' || r.name AS object_as,
       pg_catalog.pg_get_userbyid(r.relowner) AS owner,
       pg_catalog.jsonb_build_array('CREATE VIEW ' || def.text) AS create_sql,
       'DROP VIEW IF EXISTS ' || r.name AS drop_sql,
       CASE WHEN r.reloptions::pg_catalog.text LIKE '%security\_invoker%' THEN 150000 ELSE 0 END
           AS needs_version,
       'CREATE VIEW ' || r.name || ' AS SELECT ' || coalesce(c.list, '') AS shell_sql,
       pg_catalog.jsonb_build_array('CREATE OR REPLACE VIEW ' || def.text) AS complete_sql
FROM relation r
LEFT JOIN columns c ON c.attrelid = r.oid
CROSS JOIN LATERAL (
    SELECT r.name
           || coalesce((SELECT ' WITH (' || pg_catalog.string_agg(
                                   pg_catalog.quote_ident(o.option_name) || '='
                                   || pg_catalog.quote_literal(o.option_value), ', ') || ')'
                        FROM pg_catalog.pg_options_to_table(r.reloptions) o), '')
           || ' AS ' || pg_catalog.rtrim(pg_catalog.pg_get_viewdef(r.oid), ';') AS text) def
ORDER BY r.nspname, r.relname;
