-- What the parts of the table need and do not bring with them: types, functions, operators, ...
-- (objects of the server itself are in no row of pg_depend).
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_dependencies.sql) | psql "$SOURCE"
--
-- part_kind and part_name say which part needs it; extension is the one that provides it.
WITH part (kind, name, classid, objid, objsubid) AS (
    SELECT 'column', a.attname::pg_catalog.text, 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'column', a.attname, 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid, 0
    FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE d.adrelid = $1::pg_catalog.oid
    UNION ALL
    SELECT 'constraint', con.conname, 'pg_catalog.pg_constraint'::pg_catalog.regclass, con.oid, 0
    FROM pg_catalog.pg_constraint con
    WHERE con.conrelid = $1::pg_catalog.oid AND con.contype <> 'f'
    UNION ALL
    SELECT 'index', ic.relname, 'pg_catalog.pg_class'::pg_catalog.regclass, ic.oid, 0
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
    WHERE i.indrelid = $1::pg_catalog.oid
    UNION ALL
    SELECT 'trigger', tg.tgname, 'pg_catalog.pg_trigger'::pg_catalog.regclass, tg.oid, 0
    FROM pg_catalog.pg_trigger tg
    WHERE tg.tgrelid = $1::pg_catalog.oid
    UNION ALL
    SELECT 'policy', p.polname, 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 0
    FROM pg_catalog.pg_policy p
    WHERE p.polrelid = $1::pg_catalog.oid
    UNION ALL
    SELECT 'statistics', pg_catalog.format('%I.%I', sn.nspname, s.stxname),
           'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid, 0
    FROM pg_catalog.pg_statistic_ext s
    JOIN pg_catalog.pg_namespace sn ON sn.oid = s.stxnamespace
    WHERE s.stxrelid = $1::pg_catalog.oid)
SELECT DISTINCT p.kind AS part_kind, p.name AS part_name, x.kind, x.name, e.extname AS extension
FROM part p
JOIN pg_catalog.pg_depend dep
     ON dep.classid = p.classid AND dep.objid = p.objid AND dep.objsubid = p.objsubid
CROSS JOIN LATERAL (
    SELECT 'type', pg_catalog.format_type(t.oid, NULL)
    FROM pg_catalog.pg_type t
    WHERE t.oid = dep.refobjid AND dep.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    UNION ALL
    SELECT 'function', f.oid::pg_catalog.regprocedure::pg_catalog.text
    FROM pg_catalog.pg_proc f
    WHERE f.oid = dep.refobjid AND dep.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    UNION ALL
    SELECT 'operator', o.oid::pg_catalog.regoperator::pg_catalog.text
    FROM pg_catalog.pg_operator o
    WHERE o.oid = dep.refobjid AND dep.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
    UNION ALL
    SELECT 'collation', pg_catalog.format('%I.%I', n.nspname, co.collname)
    FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace n ON n.oid = co.collnamespace
    WHERE co.oid = dep.refobjid AND dep.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass
    UNION ALL
    SELECT 'operator class', pg_catalog.format('%I.%I USING %I', n.nspname, oc.opcname, am.amname)
    FROM pg_catalog.pg_opclass oc
    JOIN pg_catalog.pg_namespace n ON n.oid = oc.opcnamespace
    JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod
    WHERE oc.oid = dep.refobjid AND dep.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass
    UNION ALL
    SELECT 'text search configuration', pg_catalog.format('%I.%I', n.nspname, tsc.cfgname)
    FROM pg_catalog.pg_ts_config tsc JOIN pg_catalog.pg_namespace n ON n.oid = tsc.cfgnamespace
    WHERE tsc.oid = dep.refobjid AND dep.refclassid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass
    UNION ALL
    -- sequences of defaults: table_columns.sql
    -- what a trigger names is the table of its FROM clause
    SELECT CASE WHEN p.kind = 'trigger' THEN 'trigger relation' ELSE 'relation' END,
           pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = dep.refobjid AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND c.oid <> $1::pg_catalog.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) x(kind, name)
LEFT JOIN pg_catalog.pg_depend member
       ON member.classid = dep.refclassid AND member.objid = dep.refobjid AND member.objsubid = 0
      AND member.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
      AND member.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension e ON e.oid = member.refobjid
-- a trigger goes with the table of its FROM clause, too
WHERE dep.deptype = 'n' OR (dep.deptype = 'a' AND p.kind = 'trigger')
ORDER BY x.kind, x.name, part_kind, part_name;
