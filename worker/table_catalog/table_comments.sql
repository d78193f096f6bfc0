-- Comments on the table and all that belongs to it.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_comments.sql) | psql "$SOURCE"
WITH object (kind, name, classoid, objoid, objsubid) AS (
    SELECT 'table', NULL::pg_catalog.text, 'pg_catalog.pg_class'::pg_catalog.regclass,
           $1::pg_catalog.oid, 0
    UNION ALL
    SELECT 'column', a.attname, 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint', con.conname, 'pg_catalog.pg_constraint'::pg_catalog.regclass, con.oid, 0
    FROM pg_catalog.pg_constraint con
    WHERE con.conrelid = $1::pg_catalog.oid AND con.contype <> 't'
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
    WHERE s.stxrelid = $1::pg_catalog.oid
    UNION ALL
    SELECT 'sequence', c.relname, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0
    FROM pg_catalog.pg_depend dep JOIN pg_catalog.pg_class c ON c.oid = dep.objid
    WHERE dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND dep.refobjid = $1::pg_catalog.oid AND dep.deptype IN ('a', 'i') AND c.relkind = 'S')
SELECT o.kind, o.name, d.description AS comment
FROM object o
JOIN pg_catalog.pg_description d
     ON d.classoid = o.classoid AND d.objoid = o.objoid AND d.objsubid = o.objsubid
ORDER BY o.kind, o.objsubid, o.name;
