-- Aggregate functions: normal, ordered-set, hypothetical-set.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat aggregates.sql) | psql "$SOURCE"
SELECT 'aggregate' AS kind,
       p.tableoid AS classid,
       p.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       p.proname || '(' || CASE WHEN p.pronargs = 0 THEN '*'
                                ELSE pg_catalog.oidvectortypes(p.proargtypes) END || ')' AS name,
       'AGGREGATE ' || this.name || '(' || this.identity_arguments || ')' AS object_as,
       pg_catalog.pg_get_userbyid(p.proowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE AGGREGATE ' || this.name || '(' || this.arguments || ') ('
           || pg_catalog.concat_ws(
                  ', ',
                  'SFUNC = ' || pg_catalog.substring(
                      a.aggtransfn::pg_catalog.oid
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'STYPE = ' || pg_catalog.format_type(a.aggtranstype, NULL),
                  'SSPACE = ' || NULLIF(a.aggtransspace, 0),
                  'INITCOND = ' || pg_catalog.quote_literal(a.agginitval),
                  'FINALFUNC = ' || pg_catalog.substring(
                      NULLIF(a.aggfinalfn::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
                  'FINALFUNC_MODIFY = '
                  || CASE later.columns->>'aggfinalmodify' WHEN 'r' THEN 'READ_ONLY'
                          WHEN 's' THEN 'SHAREABLE' WHEN 'w' THEN 'READ_WRITE' END,
                  'COMBINEFUNC = ' || pg_catalog.substring(
                      NULLIF(a.aggcombinefn::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'SERIALFUNC = ' || pg_catalog.substring(
                      NULLIF(a.aggserialfn::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'DESERIALFUNC = ' || pg_catalog.substring(
                      NULLIF(a.aggdeserialfn::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'MSFUNC = ' || pg_catalog.substring(
                      NULLIF(a.aggmtransfn::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'MINVFUNC = ' || pg_catalog.substring(
                      NULLIF(a.aggminvtransfn::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'MSTYPE = ' || pg_catalog.format_type(NULLIF(a.aggmtranstype, 0), NULL),
                  'MSSPACE = ' || NULLIF(a.aggmtransspace, 0),
                  'MINITCOND = ' || pg_catalog.quote_literal(a.aggminitval),
                  'MFINALFUNC = ' || pg_catalog.substring(
                      NULLIF(a.aggmfinalfn::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
                  'MFINALFUNC_MODIFY = '
                  || CASE later.columns->>'aggmfinalmodify' WHEN 'r' THEN 'READ_ONLY'
                          WHEN 's' THEN 'SHAREABLE' WHEN 'w' THEN 'READ_WRITE' END,
                  (SELECT 'SORTOP = OPERATOR('
                          || CASE WHEN pg_catalog.pg_operator_is_visible(o.oid) THEN ''
                                  ELSE pg_catalog.quote_ident(opn.nspname) || '.' END
                          || o.oprname || ')'
                   FROM pg_catalog.pg_operator o
                   JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace
                   WHERE o.oid = a.aggsortop),
                  CASE p.proparallel WHEN 's' THEN 'PARALLEL = safe'
                                     WHEN 'r' THEN 'PARALLEL = restricted' END,
                  CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END)
           || ')') AS create_sql,
       'DROP AGGREGATE IF EXISTS ' || this.name || '(' || this.identity_arguments || ')' AS drop_sql
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(a) AS columns) later
-- the name in a regprocedure: all up to the first parenthesis outside of double quotes
CROSS JOIN (SELECT '^(?:"[^"]*"|[^"(])+'::pg_catalog.text AS name) pattern
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.pg_function_is_visible(p.oid) THEN ''
                ELSE pg_catalog.quote_ident(n.nspname) || '.' END
           || pg_catalog.quote_ident(p.proname) AS name,
           CASE WHEN p.pronargs = 0 THEN '*'
                ELSE pg_catalog.pg_get_function_arguments(p.oid) END AS arguments,
           CASE WHEN p.pronargs = 0 THEN '*'
                ELSE pg_catalog.pg_get_function_identity_arguments(p.oid)
           END AS identity_arguments) this
WHERE p.pronamespace = ANY ($1::pg_catalog.oid[])
  -- says nothing new, but keeps the planner from a join for each of the schemas' functions
  AND p.oid = ANY (ARRAY(SELECT u.aggfnoid::pg_catalog.oid FROM pg_catalog.pg_aggregate u
                         WHERE u.aggfnoid >= 16384))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = p.tableoid AND dep.objid = p.oid AND dep.deptype = 'e')
ORDER BY n.nspname, p.proname, name;
