-- Casts, but for those from ranges to their multiranges, which come with the range.
-- No parameter; in scope "database" only.
-- psql: psql "$SOURCE" -f casts.sql
SELECT 'cast' AS kind,
       c.tableoid AS classid,
       c.oid AS objid,
       NULL::pg_catalog.text AS schema_name,
       this.types AS name,
       'CAST (' || this.types || ')' AS object_as,
       pg_catalog.jsonb_build_array(
           'CREATE CAST (' || this.types || ') '
           || CASE c.castmethod
              WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::pg_catalog.regprocedure
              WHEN 'i' THEN 'WITH INOUT'
              ELSE 'WITHOUT FUNCTION' END
           || CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT'
                                 ELSE '' END) AS create_sql,
       'DROP CAST IF EXISTS (' || this.types || ')' AS drop_sql
FROM pg_catalog.pg_cast c
CROSS JOIN LATERAL (
    SELECT pg_catalog.format_type(c.castsource, NULL) || ' AS '
           || pg_catalog.format_type(c.casttarget, NULL) AS types) this
WHERE c.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = c.tableoid AND dep.objid = c.oid
                    AND dep.deptype IN ('e', 'i'))
ORDER BY name;
