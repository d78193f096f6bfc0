-- Rules, but for those that make a view a view.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat rules.sql) | psql "$SOURCE"
--
-- pg_get_ruledef() always qualifies the table: what stands before it is known, so it is replaced;
-- if it is not as expected here, the pretty form is taken, which names it by search_path.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e')))
SELECT 'rule' AS kind,
       'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid AS classid,
       w.oid AS objid,
       r.nspname AS schema_name,
       w.rulename || ' on ' || r.relname AS name,
       'RULE ' || pg_catalog.quote_ident(w.rulename) || ' ON ' || r.name AS object_as,
       r.oid AS table_oid,
       pg_catalog.jsonb_build_array(pg_catalog.rtrim(
           CASE WHEN pg_catalog.left(def.text, pg_catalog.length(def.head || def.qualified))
                     = def.head || def.qualified
                THEN def.head || r.name
                     || pg_catalog.substr(def.text,
                                          pg_catalog.length(def.head || def.qualified) + 1)
                ELSE pg_catalog.pg_get_ruledef(w.oid, true) END, ';'))
       || CASE WHEN w.ev_enabled = 'O' THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER TABLE ' || r.name
                        || CASE w.ev_enabled WHEN 'A' THEN ' ENABLE ALWAYS RULE '
                                             WHEN 'R' THEN ' ENABLE REPLICA RULE '
                                             ELSE ' DISABLE RULE ' END
                        || pg_catalog.quote_ident(w.rulename)) END AS create_sql,
       'DROP RULE IF EXISTS ' || pg_catalog.quote_ident(w.rulename) || ' ON ' || r.name AS drop_sql
FROM relation r
JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_ruledef(w.oid) AS text,
           'CREATE RULE ' || pg_catalog.quote_ident(w.rulename) || E' AS\n    ON '
           || CASE w.ev_type WHEN '1' THEN 'SELECT' WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT'
                             ELSE 'DELETE' END || ' TO ' AS head,
           pg_catalog.quote_ident(r.nspname) || '.' || pg_catalog.quote_ident(r.relname)
               AS qualified) def
ORDER BY r.nspname, r.relname, w.rulename;
