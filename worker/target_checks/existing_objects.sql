-- What is in schemas of the target already, printed as the queries of ../catalog print it: an object
-- to be cloned whose object_as is here has its place taken.
-- $1 = names of the schemas, unquoted (text[]).
-- psql 16+: (echo "\bind '{shop}'"; cat existing_objects.sql) | psql "$TARGET"
--
-- For a clone into another schema search_path must be <target schema>, pg_catalog, as it is on the
-- source with the schema there. kind, schema and name are as in ../catalog, too; relations of all
-- kinds share their names, and so do functions, procedures and aggregates, and types with domains
-- and with the row types of relations. extension is the one that the object is a member of.
WITH place AS (
    SELECT n.oid, n.nspname, pg_catalog.quote_ident(n.nspname) || '.' AS prefix
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname = ANY ($1::pg_catalog.text[])
), object (classid, objid, kind, schema, name, object_as, owner) AS (
    SELECT c.tableoid, c.oid,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                          WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                          WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE 'table' END,
           s.nspname, c.relname::pg_catalog.text,
           CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW '
                          WHEN 'S' THEN 'SEQUENCE ' WHEN 'f' THEN 'FOREIGN TABLE '
                          WHEN 'i' THEN 'INDEX ' WHEN 'I' THEN 'INDEX ' ELSE 'TABLE ' END
           || c.oid::pg_catalog.regclass, c.relowner
    FROM place s
    JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I')
    UNION ALL
    SELECT t.tableoid, t.oid, CASE WHEN t.typtype = 'd' THEN 'domain' ELSE 'type' END,
           s.nspname, t.typname,
           CASE WHEN t.typtype = 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END
           || pg_catalog.format_type(t.oid, NULL), t.typowner
    FROM place s
    JOIN pg_catalog.pg_type t ON t.typnamespace = s.oid
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    WHERE (t.typrelid = 0 OR c.relkind = 'c') AND e.oid IS NULL
    UNION ALL
    SELECT p.tableoid, p.oid, p.kind, s.nspname, p.proname || '(' || p.types || ')',
           pg_catalog.upper(p.kind) || ' '
           || CASE WHEN pg_catalog.pg_function_is_visible(p.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(p.proname) || '(' || p.arguments || ')', p.proowner
    FROM place s
    JOIN (SELECT f.tableoid, f.oid, f.pronamespace, f.proname, f.proowner,
                 CASE f.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure'
                                ELSE 'function' END AS kind,
                 CASE WHEN f.prokind = 'a' AND f.pronargs = 0 THEN '*'
                      ELSE pg_catalog.oidvectortypes(f.proargtypes) END AS types,
                 CASE WHEN f.prokind = 'a' AND f.pronargs = 0 THEN '*'
                      ELSE pg_catalog.pg_get_function_identity_arguments(f.oid) END AS arguments
          FROM pg_catalog.pg_proc f) p ON p.pronamespace = s.oid
    UNION ALL
    SELECT o.tableoid, o.oid, 'operator', s.nspname,
           o.oprname || ' (' || CASE o.oprleft WHEN 0 THEN 'NONE'
                                     ELSE pg_catalog.format_type(o.oprleft, NULL) END
           || ', ' || CASE o.oprright WHEN 0 THEN 'NONE'
                           ELSE pg_catalog.format_type(o.oprright, NULL) END || ')',
           'OPERATOR ' || o.oid::pg_catalog.regoperator, o.oprowner
    FROM place s
    JOIN pg_catalog.pg_operator o ON o.oprnamespace = s.oid AND o.oprcode <> 0
    UNION ALL
    SELECT o.tableoid, o.oid, 'operator class', s.nspname, o.opcname || ' using ' || am.amname,
           'OPERATOR CLASS '
           || CASE WHEN pg_catalog.pg_opclass_is_visible(o.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(o.opcname) || ' USING ' || pg_catalog.quote_ident(am.amname),
           o.opcowner
    FROM place s
    JOIN pg_catalog.pg_opclass o ON o.opcnamespace = s.oid
    JOIN pg_catalog.pg_am am ON am.oid = o.opcmethod
    UNION ALL
    SELECT o.tableoid, o.oid, 'operator family', s.nspname, o.opfname || ' using ' || am.amname,
           'OPERATOR FAMILY '
           || CASE WHEN pg_catalog.pg_opfamily_is_visible(o.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(o.opfname) || ' USING ' || pg_catalog.quote_ident(am.amname),
           o.opfowner
    FROM place s
    JOIN pg_catalog.pg_opfamily o ON o.opfnamespace = s.oid
    JOIN pg_catalog.pg_am am ON am.oid = o.opfmethod
    UNION ALL
    SELECT c.tableoid, c.oid, 'collation', s.nspname, c.collname,
           'COLLATION '
           || CASE WHEN pg_catalog.pg_collation_is_visible(c.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(c.collname), c.collowner
    FROM place s
    JOIN pg_catalog.pg_collation c ON c.collnamespace = s.oid
    UNION ALL
    SELECT c.tableoid, c.oid, 'conversion', s.nspname, c.conname,
           'CONVERSION '
           || CASE WHEN pg_catalog.pg_conversion_is_visible(c.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(c.conname), c.conowner
    FROM place s
    JOIN pg_catalog.pg_conversion c ON c.connamespace = s.oid
    UNION ALL
    SELECT x.tableoid, x.oid, 'statistics object', s.nspname, x.stxname,
           'STATISTICS '
           || CASE WHEN pg_catalog.pg_statistics_obj_is_visible(x.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(x.stxname), x.stxowner
    FROM place s
    JOIN pg_catalog.pg_statistic_ext x ON x.stxnamespace = s.oid
    UNION ALL
    -- parsers and templates belong to superusers
    SELECT p.tableoid, p.oid, 'text search parser', s.nspname, p.prsname,
           'TEXT SEARCH PARSER '
           || CASE WHEN pg_catalog.pg_ts_parser_is_visible(p.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(p.prsname), 10
    FROM place s
    JOIN pg_catalog.pg_ts_parser p ON p.prsnamespace = s.oid
    UNION ALL
    SELECT t.tableoid, t.oid, 'text search template', s.nspname, t.tmplname,
           'TEXT SEARCH TEMPLATE '
           || CASE WHEN pg_catalog.pg_ts_template_is_visible(t.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(t.tmplname), 10
    FROM place s
    JOIN pg_catalog.pg_ts_template t ON t.tmplnamespace = s.oid
    UNION ALL
    SELECT d.tableoid, d.oid, 'text search dictionary', s.nspname, d.dictname,
           'TEXT SEARCH DICTIONARY '
           || CASE WHEN pg_catalog.pg_ts_dict_is_visible(d.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(d.dictname), d.dictowner
    FROM place s
    JOIN pg_catalog.pg_ts_dict d ON d.dictnamespace = s.oid
    UNION ALL
    SELECT c.tableoid, c.oid, 'text search configuration', s.nspname, c.cfgname,
           'TEXT SEARCH CONFIGURATION '
           || CASE WHEN pg_catalog.pg_ts_config_is_visible(c.oid) THEN '' ELSE s.prefix END
           || pg_catalog.quote_ident(c.cfgname), c.cfgowner
    FROM place s
    JOIN pg_catalog.pg_ts_config c ON c.cfgnamespace = s.oid
)
SELECT o.kind, o.classid, o.objid, o.schema, o.name, o.object_as,
       pg_catalog.pg_has_role(o.owner, 'USAGE') AS is_owner,
       x.extname AS extension,
       -- of a sequence or an index: the table that it goes with
       coalesce(owned.refobjid, i.indrelid) AS part_of
FROM object o
LEFT JOIN pg_catalog.pg_depend member
       ON member.classid = o.classid AND member.objid = o.objid AND member.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension x ON x.oid = member.refobjid
LEFT JOIN pg_catalog.pg_depend owned
       ON o.kind = 'sequence' AND owned.classid = o.classid AND owned.objid = o.objid
      AND owned.refclassid = o.classid AND owned.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_index i ON o.kind = 'index' AND i.indexrelid = o.objid
ORDER BY o.object_as;
