-- What belongs to the table and is not cloned, with the reason; each becomes a skipped task.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_leftovers.sql) | psql "$SOURCE"
SELECT 'rule' AS kind, r.rulename::pg_catalog.text AS name,
       'rules are not cloned in scope "table" yet' AS reason
FROM pg_catalog.pg_rewrite r
WHERE r.ev_class = $1::pg_catalog.oid
UNION ALL
SELECT 'security label', l.provider || coalesce(' on column ' || pg_catalog.quote_ident(a.attname), ''),
       'security labels are not cloned yet'
FROM pg_catalog.pg_seclabel l
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid
                                   AND l.objsubid > 0
WHERE l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND l.objoid = $1::pg_catalog.oid
UNION ALL
SELECT 'inheritance', p.inhparent::pg_catalog.regclass::pg_catalog.text,
       'the clone is a table of its own, neither partition nor child of another'
FROM pg_catalog.pg_inherits p
WHERE p.inhrelid = $1::pg_catalog.oid
UNION ALL
SELECT 'inheritance', p.inhrelid::pg_catalog.regclass::pg_catalog.text,
       'child tables are not cloned with their parent in scope "table"'
FROM pg_catalog.pg_inherits p
WHERE p.inhparent = $1::pg_catalog.oid
UNION ALL
SELECT 'type', pg_catalog.format_type(c.reloftype, NULL),
       'the clone of a typed table is an ordinary table with the same columns'
FROM pg_catalog.pg_class c
WHERE c.oid = $1::pg_catalog.oid AND c.reloftype <> 0
UNION ALL
SELECT 'column', 'oid', 'system column oid (WITH OIDS) does not exist on newer servers'
FROM pg_catalog.pg_class c
WHERE c.oid = $1::pg_catalog.oid AND (pg_catalog.to_jsonb(c)->>'relhasoids')::pg_catalog.bool
UNION ALL
SELECT 'extension dependency', pg_catalog.pg_describe_object(dep.classid, dep.objid, dep.objsubid),
       'DEPENDS ON EXTENSION is not cloned yet'
FROM pg_catalog.pg_depend dep
WHERE dep.deptype = 'x'
  AND ((dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND dep.objid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i
                          WHERE i.indrelid = $1::pg_catalog.oid))
       OR (dep.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
           AND dep.objid IN (SELECT t.oid FROM pg_catalog.pg_trigger t
                             WHERE t.tgrelid = $1::pg_catalog.oid)))
ORDER BY kind, name;
