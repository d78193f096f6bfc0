-- The sequences that belong to columns of the table: by OWNED BY (serial) or as an identity.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_sequences.sql) | psql "$SOURCE"
SELECT c.relname AS name,
       c.oid::pg_catalog.regclass::pg_catalog.text AS regclass_text,
       a.attname AS column_name,
       dep.deptype = 'i' AS is_identity,
       c.relpersistence AS persistence,
       pg_catalog.format_type(s.seqtypid, NULL) AS type,
       s.seqstart AS start_value,
       s.seqincrement AS increment,
       s.seqmin AS minimum,
       s.seqmax AS maximum,
       s.seqcache AS cache,
       s.seqcycle AS cycle,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AS can_select
FROM pg_catalog.pg_depend dep
JOIN pg_catalog.pg_class c ON c.oid = dep.objid AND c.relkind = 'S'
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = dep.refobjid AND a.attnum = dep.refobjsubid
WHERE dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND dep.refobjid = $1::pg_catalog.oid AND dep.deptype IN ('a', 'i')
ORDER BY a.attnum, c.relname;
