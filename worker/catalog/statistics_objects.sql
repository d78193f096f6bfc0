-- Extended statistics objects on tables of these schemas.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat statistics_objects.sql) | psql "$SOURCE"
--
-- pg_get_statisticsobjdef() always qualifies the object's name: what stands before it is known, so it
-- is replaced.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relname, n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f', 'm')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e')))
SELECT 'statistics object' AS kind,
       'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid AS classid,
       s.oid AS objid,
       sn.nspname AS schema_name,
       s.stxname AS name,
       'STATISTICS ' || def.name AS object_as,
       r.oid AS table_oid,
       pg_catalog.pg_get_userbyid(s.stxowner) AS owner,
       pg_catalog.jsonb_build_array(
           CASE WHEN pg_catalog.left(def.text, pg_catalog.length(def.head)) = def.head
                THEN 'CREATE STATISTICS ' || def.name
                     || pg_catalog.substr(def.text, pg_catalog.length(def.head) + 1)
                ELSE def.text END)
       || CASE WHEN coalesce(later.columns->>'stxstattarget', '-1') = '-1' THEN '[]'
               ELSE pg_catalog.jsonb_build_array(
                        'ALTER STATISTICS ' || def.name || ' SET STATISTICS '
                        || (later.columns->>'stxstattarget')) END AS create_sql,
       'DROP STATISTICS IF EXISTS ' || def.name AS drop_sql
FROM relation r
JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = r.oid
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.stxnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(s) AS columns) later
CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_statisticsobjdef(s.oid) AS text,
           'CREATE STATISTICS ' || pg_catalog.quote_ident(sn.nspname) || '.'
           || pg_catalog.quote_ident(s.stxname) AS head,
           CASE WHEN pg_catalog.pg_statistics_obj_is_visible(s.oid) THEN ''
                ELSE pg_catalog.quote_ident(sn.nspname) || '.' END
           || pg_catalog.quote_ident(s.stxname) AS name) def
WHERE s.stxnamespace = ANY ($1::pg_catalog.oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
                    AND e.objid = s.oid AND e.deptype = 'e')
ORDER BY sn.nspname, s.stxname;
