-- Types: enums, composite types, ranges, base types, and shells that were never completed.
-- $1 = oids of the cloned schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat types.sql) | psql "$SOURCE"
--
-- Domains have a file of their own. Row types of tables, array types and multiranges come with what
-- they belong to. A base type is always made from its shell, since its input function returns it.
SELECT 'type' AS kind,
       t.tableoid AS classid,
       t.oid AS objid,
       n.nspname::pg_catalog.text AS schema_name,
       t.typname::pg_catalog.text AS name,
       'TYPE ' || this.name AS object_as,
       pg_catalog.pg_get_userbyid(t.typowner)::pg_catalog.text AS owner,
       pg_catalog.jsonb_build_array(
           'CREATE TYPE ' || this.name
           || CASE t.typtype
              WHEN 'e' THEN ' AS ENUM (' || coalesce(enum.labels, '') || ')'
              WHEN 'c' THEN ' AS (' || coalesce(composite.columns, '') || ')'
              WHEN 'r' THEN ' AS RANGE (' || range.options || ')'
              WHEN 'b' THEN ' (' || base.options || ')'
              ELSE '' END) AS create_sql,
       'DROP TYPE IF EXISTS ' || this.name AS drop_sql,
       CASE WHEN t.typtype IN ('b', 'r') THEN 'CREATE TYPE ' || this.name END AS shell_sql,
       coalesce(composite.requires, range.requires, '[]') AS requires
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.format_type(t.oid, NULL) AS name) this
-- the name in a regprocedure: all up to the first parenthesis outside of double quotes
CROSS JOIN (SELECT '^(?:"[^"]*"|[^"(])+'::pg_catalog.text AS name) pattern
LEFT JOIN LATERAL (
    SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', '
                                 ORDER BY e.enumsortorder) AS labels
    FROM pg_catalog.pg_enum e
    WHERE t.typtype = 'e' AND e.enumtypid = t.oid) enum ON true
LEFT JOIN LATERAL (
    SELECT pg_catalog.string_agg(
               pg_catalog.quote_ident(a.attname) || ' '
               || pg_catalog.format_type(a.atttypid, a.atttypmod)
               || coalesce(' COLLATE ' || c.printed_name, ''),
               ', ' ORDER BY a.attnum) AS columns,
           pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_object(
               'kind', 'collation', 'name', c.printed_name))
               FILTER (WHERE c.is_of_the_system) AS requires
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type at ON at.oid = a.atttypid
    LEFT JOIN LATERAL (
        SELECT CASE WHEN pg_catalog.pg_collation_is_visible(co.oid) THEN ''
                    ELSE pg_catalog.quote_ident(cn.nspname) || '.' END
               || pg_catalog.quote_ident(co.collname) AS printed_name,
               cn.nspname = 'pg_catalog'
               AND co.collname NOT IN ('default', 'C', 'POSIX') AS is_of_the_system
        FROM pg_catalog.pg_collation co
        JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
        WHERE co.oid = a.attcollation AND a.attcollation <> at.typcollation) c ON true
    WHERE t.typtype = 'c'
      AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) composite ON true
LEFT JOIN LATERAL (
    SELECT pg_catalog.concat_ws(
               ', ',
               'subtype = ' || pg_catalog.format_type(r.rngsubtype, NULL),
               'multirange_type_name = ' || pg_catalog.format_type(
                   (pg_catalog.to_jsonb(r)->>'rngmultitypid')::pg_catalog.oid, NULL),
               CASE WHEN NOT oc.opcdefault
                    THEN 'subtype_opclass = '
                         || CASE WHEN pg_catalog.pg_opclass_is_visible(oc.oid) THEN ''
                                 ELSE pg_catalog.quote_ident(ocn.nspname) || '.' END
                         || pg_catalog.quote_ident(oc.opcname) END,
               'collation = ' || c.printed_name,
               'canonical = ' || pg_catalog.substring(
                   NULLIF(r.rngcanonical::pg_catalog.oid, 0)
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               'subtype_diff = ' || pg_catalog.substring(
                   NULLIF(r.rngsubdiff::pg_catalog.oid, 0)
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name)) AS options,
           CASE WHEN c.is_of_the_system
                THEN pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                         'kind', 'collation', 'name', c.printed_name)) END AS requires
    FROM pg_catalog.pg_range r
    JOIN pg_catalog.pg_type st ON st.oid = r.rngsubtype
    JOIN pg_catalog.pg_opclass oc ON oc.oid = r.rngsubopc
    JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace
    LEFT JOIN LATERAL (
        SELECT CASE WHEN pg_catalog.pg_collation_is_visible(co.oid) THEN ''
                    ELSE pg_catalog.quote_ident(cn.nspname) || '.' END
               || pg_catalog.quote_ident(co.collname) AS printed_name,
               cn.nspname = 'pg_catalog'
               AND co.collname NOT IN ('default', 'C', 'POSIX') AS is_of_the_system
        FROM pg_catalog.pg_collation co
        JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
        WHERE co.oid = r.rngcollation AND r.rngcollation <> st.typcollation) c ON true
    WHERE t.typtype = 'r' AND r.rngtypid = t.oid) range ON true
LEFT JOIN LATERAL (
    SELECT pg_catalog.concat_ws(
               ', ',
               'INTERNALLENGTH = ' || CASE t.typlen WHEN -1 THEN 'variable'
                                                    ELSE t.typlen::pg_catalog.text END,
               'INPUT = ' || pg_catalog.substring(
                   t.typinput::pg_catalog.oid
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               'OUTPUT = ' || pg_catalog.substring(
                   t.typoutput::pg_catalog.oid
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               'RECEIVE = ' || pg_catalog.substring(
                   NULLIF(t.typreceive::pg_catalog.oid, 0)
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               'SEND = ' || pg_catalog.substring(
                   NULLIF(t.typsend::pg_catalog.oid, 0)
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               'TYPMOD_IN = ' || pg_catalog.substring(
                   NULLIF(t.typmodin::pg_catalog.oid, 0)
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               'TYPMOD_OUT = ' || pg_catalog.substring(
                   NULLIF(t.typmodout::pg_catalog.oid, 0)
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               'ANALYZE = ' || pg_catalog.substring(
                   NULLIF(t.typanalyze::pg_catalog.oid, 0)
                   ::pg_catalog.regprocedure::pg_catalog.text, pattern.name),
               -- to_jsonb() prints a regproc as its name, from which its oid is found again:
               -- these functions have one argument, internal
               'SUBSCRIPT = ' || pg_catalog.substring(
                   pg_catalog.to_regprocedure(
                       NULLIF(pg_catalog.to_jsonb(t)->>'typsubscript', '-') || '(internal)')
                   ::pg_catalog.text, pattern.name),
               CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END,
               'DEFAULT = ' || coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 0),
                                        pg_catalog.quote_literal(t.typdefault)),
               'ELEMENT = ' || pg_catalog.format_type(NULLIF(t.typelem, 0), NULL),
               CASE WHEN t.typcategory <> 'U'
                    THEN 'CATEGORY = '
                         || pg_catalog.quote_literal(t.typcategory::pg_catalog.text) END,
               CASE WHEN t.typispreferred THEN 'PREFERRED = true' END,
               CASE WHEN t.typdelim <> ','
                    THEN 'DELIMITER = '
                         || pg_catalog.quote_literal(t.typdelim::pg_catalog.text) END,
               'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2'
                                                 WHEN 'd' THEN 'double' ELSE 'int4' END,
               'STORAGE = ' || CASE t.typstorage WHEN 'e' THEN 'external' WHEN 'm' THEN 'main'
                                                 WHEN 'x' THEN 'extended' ELSE 'plain' END,
               CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END) AS options
    WHERE t.typtype = 'b') base ON true
WHERE t.typnamespace = ANY ($1::pg_catalog.oid[])
  AND (t.typtype IN ('e', 'r')
       OR (t.typtype = 'c' AND (SELECT c.relkind FROM pg_catalog.pg_class c
                                WHERE c.oid = t.typrelid) = 'c')
       OR (t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type element
                                           WHERE element.oid = t.typelem
                                             AND element.typarray = t.oid))
       OR (t.typtype = 'p' AND NOT t.typisdefined))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep
                  WHERE dep.classid = t.tableoid AND dep.objid = t.oid AND dep.deptype = 'e')
ORDER BY n.nspname, t.typname;
