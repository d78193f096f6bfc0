-- Transforms.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f transforms.sql
SELECT 'transform' AS kind,
       t.tableoid AS classid,
       t.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       pg_catalog.format_type(t.trftype, NULL) || ' in ' || l.lanname AS name,
       'TRANSFORM ' || this.name AS object_as,
       pg_catalog.jsonb_build_array(
           'CREATE TRANSFORM ' || this.name || ' ('
           || pg_catalog.concat_ws(
                  ', ',
                  'FROM SQL WITH FUNCTION '
                  || NULLIF(t.trffromsql::pg_catalog.oid, 0)::pg_catalog.regprocedure,
                  'TO SQL WITH FUNCTION '
                  || NULLIF(t.trftosql::pg_catalog.oid, 0)::pg_catalog.regprocedure)
           || ')') AS create_sql,
       'DROP TRANSFORM IF EXISTS ' || this.name AS drop_sql,
       CASE WHEN l.oid < 16384 AND l.lanname NOT IN ('internal', 'c', 'sql')
            THEN pg_catalog.jsonb_build_array(
                     pg_catalog.jsonb_build_object('kind', 'language', 'name', l.lanname))
            ELSE '[]' END AS requires
FROM pg_catalog.pg_transform t
JOIN pg_catalog.pg_language l ON l.oid = t.trflang
CROSS JOIN LATERAL (
    SELECT 'FOR ' || pg_catalog.format_type(t.trftype, NULL)
           || ' LANGUAGE ' || pg_catalog.quote_ident(l.lanname) AS name) this
WHERE t.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = t.tableoid AND dep.objid = t.oid AND dep.deptype = 'e')
ORDER BY name;
