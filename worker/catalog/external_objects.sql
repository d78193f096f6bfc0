-- Kind and name, as ../target_checks/missing_objects.sql takes them, of objects that cloned ones
-- need and that are not cloned themselves.
-- $1 = oids of their catalogs, $2 = their oids: two arrays of the same length.
-- psql 16+: (echo "\bind '{1247}' '{16385}'"; cat external_objects.sql) | psql "$SOURCE"
--
-- Nodes that cannot be named stand for what they are a part of; some have no row, some have two.
-- extension is the one that provides it, null if none does.
SELECT o.classid, o.objid, x.kind, x.name,
       coalesce(own.extname, e.extname)::pg_catalog.text AS extension
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]),
                pg_catalog.unnest($2::pg_catalog.oid[])) o(classid, objid)
LEFT JOIN pg_catalog.pg_constraint con
       ON con.oid = o.objid AND o.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
CROSS JOIN LATERAL (
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END,
           c.oid::pg_catalog.regclass::pg_catalog.text
    FROM pg_catalog.pg_class c
    WHERE (c.oid = o.objid AND c.tableoid = o.classid) OR c.oid = con.conrelid
    UNION ALL
    SELECT 'type', pg_catalog.format_type(t.oid, NULL)
    FROM pg_catalog.pg_type t
    WHERE (t.oid = o.objid AND t.tableoid = o.classid) OR t.oid = con.contypid
    UNION ALL
    SELECT 'function', f.oid::pg_catalog.regprocedure::pg_catalog.text
    FROM pg_catalog.pg_proc f
    WHERE f.oid = o.objid AND f.tableoid = o.classid
    UNION ALL
    SELECT 'operator', p.oid::pg_catalog.regoperator::pg_catalog.text
    FROM pg_catalog.pg_operator p
    WHERE p.oid = o.objid AND p.tableoid = o.classid
    UNION ALL
    SELECT 'collation', pg_catalog.format('%I.%I', n.nspname, c.collname)
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    WHERE c.oid = o.objid AND c.tableoid = o.classid
    UNION ALL
    SELECT 'operator class', pg_catalog.format('%I.%I USING %I', n.nspname, c.opcname, am.amname)
    FROM pg_catalog.pg_opclass c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
    JOIN pg_catalog.pg_am am ON am.oid = c.opcmethod
    WHERE c.oid = o.objid AND c.tableoid = o.classid
    UNION ALL
    SELECT 'operator family', pg_catalog.format('%I.%I USING %I', n.nspname, f.opfname, am.amname)
    FROM pg_catalog.pg_opfamily f
    JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
    JOIN pg_catalog.pg_am am ON am.oid = f.opfmethod
    WHERE f.oid = o.objid AND f.tableoid = o.classid
    UNION ALL
    SELECT 'text search configuration', pg_catalog.format('%I.%I', n.nspname, c.cfgname)
    FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
    WHERE c.oid = o.objid AND c.tableoid = o.classid
    UNION ALL
    SELECT 'text search dictionary', pg_catalog.format('%I.%I', n.nspname, d.dictname)
    FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
    WHERE d.oid = o.objid AND d.tableoid = o.classid
    UNION ALL
    SELECT 'text search parser', pg_catalog.format('%I.%I', n.nspname, p.prsname)
    FROM pg_catalog.pg_ts_parser p JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
    WHERE p.oid = o.objid AND p.tableoid = o.classid
    UNION ALL
    SELECT 'text search template', pg_catalog.format('%I.%I', n.nspname, t.tmplname)
    FROM pg_catalog.pg_ts_template t JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
    WHERE t.oid = o.objid AND t.tableoid = o.classid
    UNION ALL
    SELECT 'transform', pg_catalog.format('FOR %s LANGUAGE %I',
                                          pg_catalog.format_type(t.trftype, NULL), l.lanname)
    FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
    WHERE t.oid = o.objid AND t.tableoid = o.classid
    UNION ALL
    -- from here on names are not quoted
    SELECT 'language', l.lanname::pg_catalog.text
    FROM pg_catalog.pg_language l
    WHERE l.oid = o.objid AND l.tableoid = o.classid
    UNION ALL
    SELECT 'access method', am.amname::pg_catalog.text
    FROM pg_catalog.pg_am am
    WHERE am.oid = o.objid AND am.tableoid = o.classid
    UNION ALL
    SELECT 'foreign-data wrapper', w.fdwname::pg_catalog.text
    FROM pg_catalog.pg_foreign_data_wrapper w
    WHERE w.oid = o.objid AND w.tableoid = o.classid
    UNION ALL
    SELECT 'server', s.srvname::pg_catalog.text
    FROM pg_catalog.pg_foreign_server s
    WHERE s.oid = o.objid AND s.tableoid = o.classid
    UNION ALL
    SELECT 'installed extension', x.extname::pg_catalog.text
    FROM pg_catalog.pg_extension x
    WHERE x.oid = o.objid AND x.tableoid = o.classid
    UNION ALL
    -- definitions name its members with their schema
    SELECT 'extension in schema', pg_catalog.format('%I IN %I', x.extname, n.nspname)
    FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
    WHERE x.oid = o.objid AND x.tableoid = o.classid) x(kind, name)
LEFT JOIN pg_catalog.pg_extension own
       ON own.oid = o.objid AND o.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass
LEFT JOIN pg_catalog.pg_depend member
       ON member.classid = o.classid AND member.objid = o.objid AND member.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension e ON e.oid = member.refobjid
ORDER BY x.kind, x.name;
