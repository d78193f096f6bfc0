-- The columns in physical order, without the dropped ones.
-- $1 = oid of the table.
-- psql 16+: (echo "\bind 16384"; cat table_columns.sql) | psql "$SOURCE"
--
-- binary_safe: the type is built in and its binary form is the same in all supported majors and
-- under all locales (so neither money nor xml), or an array of such. Types that carry object ids
-- (reg*) or that users define are not.
-- is_padded: as padded_columns in ../catalog/tables.sql.
SELECT a.attname AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       pg_catalog.format_type(a.atttypid, NULL) AS type_name,
       CASE WHEN a.attcollation <> t.typcollation
            THEN pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)
       END AS collation,
       a.attnotnull AS not_null,
       nn.conname AS not_null_name,
       coalesce(nn.connoinherit, false) AS not_null_no_inherit,
       coalesce(nn.convalidated, true) AS not_null_valid,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default_expression,
       coalesce(pg_catalog.to_jsonb(a)->>'attgenerated', '') AS generated,
       a.attidentity AS identity,
       CASE WHEN a.attstorage <> t.typstorage THEN
            CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                              WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END
       END AS storage,
       CASE pg_catalog.to_jsonb(a)->>'attcompression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4'
       END AS compression,
       CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics_target,
       -- but for the stamp that newer minor releases keep among them for themselves: no server
       -- takes it from us, and older ones refuse it
       pg_catalog.to_jsonb(ARRAY(
           SELECT o.option FROM pg_catalog.unnest(a.attoptions) o(option)
           WHERE pg_catalog.left(o.option, 10) <> 'pg_attver=')) AS options,
       pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS can_select,
       -- sequences that the default uses, as regclass constants print them
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT s.oid::pg_catalog.regclass::pg_catalog.text),
                        '[]')
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_class s ON s.oid = dep.refobjid AND s.relkind = 'S'
        WHERE dep.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND dep.objid = d.oid
          AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) AS default_sequences,
       -- columns that a generated one is made of
       (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT na.attname), '[]')
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_attribute na ON na.attrelid = dep.refobjid AND na.attnum = dep.refobjsubid
        WHERE dep.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND dep.objid = d.oid
          AND dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND dep.refobjid = a.attrelid AND dep.refobjsubid NOT IN (0, a.attnum)) AS needs,
       t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
       AND CASE WHEN t.typcategory = 'A' THEN e.typarray = t.oid AND e.typname = ANY (safe.names)
                ELSE t.typname = ANY (safe.names) END AS binary_safe,
       a.atttypid = 'pg_catalog.bpchar'::pg_catalog.regtype AND a.atttypmod > 64 + 4
       AND coalesce(
           pg_catalog.has_function_privilege(
               pg_catalog.to_regprocedure('pg_catalog.rtrim(bytea,bytea)')::pg_catalog.oid,
               'EXECUTE')
           AND pg_catalog.has_function_privilege('pg_catalog.bpcharsend(bpchar)', 'EXECUTE'),
           false) AS is_padded
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
-- since 18 NOT NULL has a row, and so a name
LEFT JOIN pg_catalog.pg_constraint nn
       ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey[1] = a.attnum
CROSS JOIN (SELECT '{bool,int2,int4,int8,float4,float8,numeric,oid,text,varchar,bpchar,name,char,
                     bytea,bit,varbit,uuid,json,jsonb,date,time,timetz,timestamp,timestamptz,
                     interval,inet,cidr,macaddr,macaddr8,point,lseg,line,box,path,polygon,circle,
                     tsvector,pg_lsn,int4range,int8range,numrange,daterange,tsrange,tstzrange}'
                   ::pg_catalog.text[] AS names) safe
WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;
