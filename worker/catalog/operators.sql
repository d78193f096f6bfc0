-- Operators.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat operators.sql) | psql "$SOURCE"
--
-- A commutator or negator that does not exist yet is made as a shell by the server, and completed
-- by its own statement. Shells that were never completed are left out.
SELECT 'operator' AS kind,
       o.tableoid AS classid,
       o.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       o.oprname || ' (' || CASE o.oprleft WHEN 0 THEN 'NONE'
                                 ELSE pg_catalog.format_type(o.oprleft, NULL) END
       || ', ' || CASE o.oprright WHEN 0 THEN 'NONE'
                       ELSE pg_catalog.format_type(o.oprright, NULL) END || ')' AS name,
       'OPERATOR ' || o.oid::pg_catalog.regoperator AS object_as,
       pg_catalog.pg_get_userbyid(o.oprowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE OPERATOR '
           || CASE WHEN pg_catalog.pg_operator_is_visible(o.oid) THEN ''
                   ELSE pg_catalog.quote_ident(n.nspname) || '.' END || o.oprname || ' ('
           || pg_catalog.concat_ws(
                  ', ',
                  'FUNCTION = ' || pg_catalog.substring(
                      o.oprcode::pg_catalog.oid
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'LEFTARG = ' || pg_catalog.format_type(NULLIF(o.oprleft, 0), NULL),
                  'RIGHTARG = ' || pg_catalog.format_type(NULLIF(o.oprright, 0), NULL),
                  (SELECT 'COMMUTATOR = OPERATOR('
                          || CASE WHEN pg_catalog.pg_operator_is_visible(co.oid) THEN ''
                                  ELSE pg_catalog.quote_ident(cn.nspname) || '.' END
                          || co.oprname || ')'
                   FROM pg_catalog.pg_operator co
                   JOIN pg_catalog.pg_namespace cn ON cn.oid = co.oprnamespace
                   WHERE co.oid = o.oprcom),
                  (SELECT 'NEGATOR = OPERATOR('
                          || CASE WHEN pg_catalog.pg_operator_is_visible(ng.oid) THEN ''
                                  ELSE pg_catalog.quote_ident(nn.nspname) || '.' END
                          || ng.oprname || ')'
                   FROM pg_catalog.pg_operator ng
                   JOIN pg_catalog.pg_namespace nn ON nn.oid = ng.oprnamespace
                   WHERE ng.oid = o.oprnegate),
                  CASE WHEN o.oprcanmerge THEN 'MERGES' END,
                  CASE WHEN o.oprcanhash THEN 'HASHES' END,
                  'RESTRICT = ' || pg_catalog.substring(
                      NULLIF(o.oprrest::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
                  'JOIN = ' || pg_catalog.substring(
                      NULLIF(o.oprjoin::pg_catalog.oid, 0)
                      ::pg_catalog.regprocedure::pg_catalog.text, pattern.name))
           || ')') AS create_sql,
       'DROP OPERATOR IF EXISTS ' || o.oid::pg_catalog.regoperator AS drop_sql
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
-- the name in a regprocedure: all up to the first parenthesis outside of double quotes
CROSS JOIN (SELECT '^(?:"[^"]*"|[^"(])+'::pg_catalog.text AS name) pattern
WHERE o.oprnamespace = ANY ($1::pg_catalog.oid[]) AND o.oprcode <> 0
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = o.tableoid AND dep.objid = o.oid AND dep.deptype = 'e')
ORDER BY n.nspname, o.oprname, name;
