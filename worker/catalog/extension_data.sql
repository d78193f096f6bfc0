-- Rows that users put into configuration tables of extensions (pg_extension_config_dump).
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat extension_data.sql) | psql "$SOURCE"
--
-- The tables come with CREATE EXTENSION, and so may some rows; `condition` (a WHERE clause with the
-- word, or empty) says which are the users'. Sequences of this kind are in sequence_names.sql.
-- references_oids: tables of this file that foreign keys lead to; their rows come first.
WITH config AS (
    SELECT e.oid AS extension_oid, e.extname, k.relid,
           coalesce(e.extcondition[k.position], '') AS condition
    FROM pg_catalog.pg_extension e
    CROSS JOIN LATERAL pg_catalog.unnest(e.extconfig) WITH ORDINALITY k(relid, position)),
columns AS (
    SELECT a.attrelid,
           pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum) AS list,
           pg_catalog.bool_and(
               t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
               AND CASE WHEN t.typcategory = 'A'
                        THEN el.typarray = t.oid AND el.typname = ANY (safe.names)
                        ELSE t.typname = ANY (safe.names) END) AS binary_safe,
           pg_catalog.bool_and(pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'))
               AS can_select
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type el ON el.oid = t.typelem
    -- (see tables.sql)
    CROSS JOIN (SELECT '{bool,int2,int4,int8,float4,float8,numeric,oid,text,varchar,bpchar,name,
                         char,bytea,bit,varbit,uuid,json,jsonb,date,time,timetz,timestamp,
                         timestamptz,interval,inet,cidr,macaddr,macaddr8,point,lseg,line,box,path,
                         polygon,circle,tsvector,pg_lsn,int4range,int8range,numrange,daterange,
                         tsrange,tstzrange}'::pg_catalog.text[] AS names) safe
    WHERE a.attrelid IN (SELECT c.relid FROM config c) AND a.attnum > 0 AND NOT a.attisdropped
      AND coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') = ''
    GROUP BY a.attrelid)
SELECT c.oid AS table_oid,
       k.extension_oid,
       k.extname AS extension,
       n.nspname AS schema_name,
       c.relname AS name,
       c.oid::pg_catalog.regclass::pg_catalog.text AS relation,
       k.condition,
       coalesce(cols.list, '[]') AS copy_columns,
       coalesce(cols.binary_safe, true) AS binary_safe,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), true)
       OR coalesce(cols.can_select, false) AS can_select,
       coalesce(pg_catalog.pg_table_size(c.oid), 0) AS size_bytes,
       CASE WHEN c.reltuples = 0 AND c.relpages = 0 THEN -1 ELSE c.reltuples::pg_catalog.int8 END
           AS estimated_rows,
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT con.confrelid::pg_catalog.text), '[]')
        FROM pg_catalog.pg_constraint con
        WHERE con.conrelid = c.oid AND con.contype = 'f' AND con.confrelid <> c.oid
          AND con.confrelid IN (SELECT other.relid FROM config other)) AS references_oids
FROM config k
JOIN pg_catalog.pg_class c ON c.oid = k.relid AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN columns cols ON cols.attrelid = c.oid
WHERE c.relnamespace = ANY ($1::pg_catalog.oid[])
ORDER BY n.nspname, c.relname;
