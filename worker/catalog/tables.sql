-- Ordinary, partitioned and foreign tables.
-- $1 = oid[] of the schemas.
-- psql 16+: (echo "\bind '{2200}'"; cat tables.sql) | psql "$SOURCE"
--
-- create_sql is empty: table_shape.cpp composes it from the further columns. All that a table is
-- and that has no node of its own is in them: columns with generated expressions, identity,
-- NOT NULL; storage; partition key and bounds; row security's FORCE (what enables it is with the
-- policies, since the rows come first). Defaults and checks are nodes of their own.
--
--   relation       as regclass prints it
--   head, tail     what stands before the name and after the columns (and INHERITS)
--   of_type        of a typed table
--   parents        [{"oid", "relation"}] in their order
--   columns        [{"name", "type", "generation", "not_null", "identity", "is_local", "parents"}],
--                  without the dropped ones, in physical order; texts as CREATE TABLE takes them, in
--                  a typed table without the type
--   helper         a name in its schema that no table has
--   after          statements that follow
--   after_children those that must not yet be true when children are made: these would inherit it
--   binary_safe, can_select are about the columns that COPY takes: not the generated ones
--   padded_columns of a type character(n) that are wide enough to gain by being sent without the
--                  padding, and wider than what is always full (SHA-256 in hexadecimal digits); none
--                  if the source can't take it off
--   own_types      enums and domains of these: their binary form is safe if the clone makes them
--   is_heap, heap_pages are what a large table is cut by (heap_pages: of the main fork, as it is now)
--   load_through_* the topmost table of a partition whose rows may belong to another one here:
--                  values of an enum hash by oid, and oids differ
--
-- The size is asked of the file system, since relpages is 0 until the first VACUUM or ANALYZE; of
-- the main forks alone, since pg_table_size() would look for a dozen of files a table.
WITH RECURSIVE relation AS (
    SELECT c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relowner, c.reloftype,
           c.reltablespace, c.relam, c.reloptions, c.reltoastrelid, c.reltuples,
           c.relpages, c.relreplident, c.relforcerowsecurity, c.relispartition, c.relpartbound,
           n.nspname,
           c.oid::pg_catalog.regclass::pg_catalog.text AS name,
           -- null if the table is gone already: whoever locks it finds out
           coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), true) AS can_select,
           CASE WHEN c.relkind = 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS word
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relnamespace = ANY ($1::pg_catalog.oid[]) AND c.relkind IN ('r', 'p', 'f')
      AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND c.oid <> ALL (ARRAY(SELECT e.objid FROM pg_catalog.pg_depend e
                              WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                AND e.objsubid = 0 AND e.deptype = 'e'))),
parents AS (
    SELECT i.inhrelid,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'oid', i.inhparent::pg_catalog.int8,
               'relation', i.inhparent::pg_catalog.regclass::pg_catalog.text)
               ORDER BY i.inhseqno) AS list,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'classid', 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
               'objid', i.inhparent::pg_catalog.int8)) AS needs,
           pg_catalog.min(i.inhparent::pg_catalog.regclass::pg_catalog.text) AS name
    FROM pg_catalog.pg_inherits i
    WHERE i.inhrelid IN (SELECT r.oid FROM relation r)
    GROUP BY i.inhrelid),
-- what a child gets from its parents by INHERITS
inherited AS (
    SELECT i.inhrelid, a.attname,
           pg_catalog.bool_or(a.attnotnull
                              AND NOT coalesce(nn.connoinherit, false)) AS not_null
    FROM relation r
    JOIN pg_catalog.pg_inherits i ON i.inhrelid = r.oid
    JOIN pg_catalog.pg_attribute a
         ON a.attrelid = i.inhparent AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_constraint nn
           ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey[1] = a.attnum
    WHERE NOT r.relispartition
    GROUP BY i.inhrelid, a.attname),
attribute AS (
    SELECT a.attrelid, a.attnum, a.attname, a.attislocal, a.attinhcount,
           pg_catalog.quote_ident(a.attname) AS quoted,
           r.relispartition,
           r.can_select OR pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
               AS can_select,
           CASE WHEN r.reloftype = 0 THEN pg_catalog.format_type(a.atttypid, a.atttypmod)
           END AS data_type,
           CASE WHEN r.reloftype = 0 AND a.attcollation <> t.typcollation
                THEN CASE WHEN pg_catalog.pg_collation_is_visible(co.oid)
                          THEN pg_catalog.quote_ident(co.collname)
                          ELSE pg_catalog.quote_ident(cn.nspname) || '.'
                               || pg_catalog.quote_ident(co.collname) END
           END AS collation,
           CASE WHEN co.oid < 16384 AND a.attcollation <> t.typcollation
                 AND co.collname NOT IN ('default', 'C', 'POSIX')
                THEN pg_catalog.quote_ident(cn.nspname) || '.'
                     || pg_catalog.quote_ident(co.collname)
           END AS required_collation,
           a.generated,
           CASE WHEN a.generated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid)
           END AS generation,
           CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS' WHEN 'd' THEN 'GENERATED BY DEFAULT'
           END || id.text AS identity,
           id.persistence AS sequence_persistence,
           a.attnotnull,
           -- 18: NOT NULL has a name and may be inherited; before, it is a property of the column
           nn.oid IS NOT NULL AS has_constraint,
           nn.conislocal AS not_null_is_local,
           nn.coninhcount > 0 AS not_null_is_inherited,
           coalesce(nn.connoinherit, false) AS not_null_no_inherit,
           coalesce(nn.convalidated, true) AS not_null_is_valid,
           CASE WHEN nn.conname <> r.relname || '_' || a.attname || '_not_null'
                THEN 'CONSTRAINT ' || pg_catalog.quote_ident(nn.conname) || ' ' ELSE ''
           END AS not_null_name,
           coalesce(inh.not_null, false) AS parent_not_null,
           CASE WHEN a.attstorage <> t.typstorage THEN
                CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                  WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END
           END AS storage,
           CASE a.compression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
           CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics_target,
           -- but for the stamp that newer minor releases keep among them for themselves: no
           -- server takes it from us, and older ones refuse it
           CASE WHEN a.attoptions[1] NOT LIKE 'pg\_attver=%' OR a.attoptions[2] IS NOT NULL THEN
                (SELECT pg_catalog.string_agg(
                            pg_catalog.quote_ident(o.option_name) || '='
                            || pg_catalog.quote_literal(o.option_value), ', ')
                 FROM pg_catalog.pg_options_to_table(a.attoptions) o
                 WHERE o.option_name <> 'pg_attver') END AS options,
           CASE WHEN a.attfdwoptions IS NOT NULL AND r.relkind = 'f' THEN
                (SELECT pg_catalog.string_agg(
                            pg_catalog.quote_ident(o.option_name) || ' '
                            || pg_catalog.quote_literal(o.option_value), ', ')
                 FROM pg_catalog.pg_options_to_table(a.attfdwoptions) o) END AS fdw_options,
           -- The type is built in and its binary form is the same in all supported majors and
           -- under all locales (so neither money nor xml), or an array of such. Types that carry
           -- object ids (reg*) or that users define are not, but for enums, which send their label,
           -- and domains over such a type, which send that.
           CASE WHEN t.typtype = 'e' THEN true
                WHEN t.typtype = 'd'
                THEN b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
                     AND b.typname = ANY (safe.names)
                ELSE t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
                     AND CASE WHEN t.typcategory = 'A'
                              THEN e.typarray = t.oid AND e.typname = ANY (safe.names)
                              ELSE t.typname = ANY (safe.names) END END AS binary_safe,
           CASE WHEN t.typtype IN ('d', 'e') THEN t.oid END AS own_type,
           -- (4 = VARHDRSZ is part of a length)
           a.atttypid = 'pg_catalog.bpchar'::pg_catalog.regtype AND a.atttypmod > 64 + 4
               AS is_padded
    FROM relation r
    -- to_jsonb() of each column would be most of the query's time. So: where pg_attribute lacks a
    -- column, its name means the one of `absent`.
    CROSS JOIN (SELECT ''::"char" AS attgenerated, ''::"char" AS attcompression) absent
    CROSS JOIN LATERAL (
        SELECT at.attrelid, at.attnum, at.attname, at.atttypid, at.atttypmod, at.attcollation,
               at.attislocal, at.attinhcount, at.attnotnull, at.atthasdef, at.attidentity,
               at.attstorage, at.attstattarget, at.attoptions, at.attfdwoptions,
               attgenerated AS generated, attcompression AS compression
        FROM pg_catalog.pg_attribute at
        WHERE at.attrelid = r.oid AND at.attnum > 0 AND NOT at.attisdropped) a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
    LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
    LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
    LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
    LEFT JOIN pg_catalog.pg_attrdef d
           ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_catalog.pg_constraint nn
           ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey[1] = a.attnum
    -- Of a partition only the topmost table has the sequence. (LATERAL, so that it is an index look-up
    -- each: taken for one row, a join of all sequences would be a nested loop over all columns.)
    LEFT JOIN LATERAL (
        SELECT ' AS IDENTITY (SEQUENCE NAME ' || s.seqrelid::pg_catalog.regclass::pg_catalog.text
               || ' START WITH ' || s.seqstart || ' INCREMENT BY ' || s.seqincrement
               || ' MINVALUE ' || s.seqmin || ' MAXVALUE ' || s.seqmax || ' CACHE ' || s.seqcache
               || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END || ')' AS text,
               -- Before 15 the sequence of an unlogged table was a logged one: there was no choice.
               CASE WHEN c.relpersistence <> r.relpersistence
                     AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 150000
                    THEN 'ALTER SEQUENCE ' || c.oid::pg_catalog.regclass::pg_catalog.text || ' SET '
                         || CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END
               END AS persistence
        FROM pg_catalog.pg_depend dep
        JOIN pg_catalog.pg_class c ON c.oid = dep.objid AND c.relkind = 'S'
        JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
        WHERE dep.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND dep.refobjid = a.attrelid AND dep.refobjsubid = a.attnum AND dep.deptype = 'i'
          AND dep.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND a.attidentity <> ''
        OFFSET 0) id ON true -- and not looked for where there is none
    LEFT JOIN inherited inh ON inh.inhrelid = a.attrelid AND inh.attname = a.attname
    CROSS JOIN (SELECT '{bool,int2,int4,int8,float4,float8,numeric,oid,text,varchar,bpchar,name,
                         char,bytea,bit,varbit,uuid,json,jsonb,date,time,timetz,timestamp,
                         timestamptz,interval,inet,cidr,macaddr,macaddr8,point,lseg,line,box,path,
                         polygon,circle,tsvector,pg_lsn,int4range,int8range,numrange,daterange,
                         tsrange,tstzrange}'::pg_catalog.text[] AS names) safe),
-- The pieces of a definition, and of the one ALTER TABLE that follows.
piece AS (
    SELECT a.*,
           coalesce(a.data_type || coalesce(' COLLATE ' || a.collation, ''), '') AS type,
           CASE a.generated WHEN 's' THEN 'GENERATED ALWAYS AS (' || a.generation || ') STORED'
                            WHEN 'v' THEN 'GENERATED ALWAYS AS (' || a.generation || ')'
                            ELSE '' END AS generation_clause,
           CASE WHEN a.attnotnull AND a.not_null_is_valid
                     AND (a.relispartition
                          OR CASE WHEN a.has_constraint THEN a.not_null_is_local
                                  ELSE NOT a.parent_not_null END)
                THEN a.not_null_name || 'NOT NULL'
                     || CASE WHEN a.not_null_no_inherit THEN ' NO INHERIT' ELSE '' END
                ELSE '' END AS not_null,
           -- a column that comes from a parent, and so does its NOT NULL, which it has by itself, too:
           -- under its own name, if it says so when it is made
           CASE WHEN a.attnotnull AND a.not_null_is_valid AND a.not_null_is_local
                     AND a.not_null_is_inherited AND NOT a.attislocal AND NOT a.relispartition
                THEN a.not_null_name || 'NOT NULL ' || a.quoted ELSE '' END AS own_not_null,
           -- a column that comes from a parent, but its NOT NULL does not
           CASE WHEN a.attislocal OR a.relispartition OR NOT a.attnotnull
                     OR NOT a.not_null_is_valid THEN NULL
                WHEN NOT a.has_constraint
                THEN CASE WHEN NOT a.parent_not_null
                          THEN 'ALTER COLUMN ' || a.quoted || ' SET NOT NULL' END
                WHEN NOT a.not_null_is_local THEN NULL
                WHEN a.not_null_is_inherited
                     OR (a.not_null_name = '' AND NOT a.not_null_no_inherit)
                THEN 'ALTER COLUMN ' || a.quoted || ' SET NOT NULL'
                ELSE 'ADD ' || a.not_null_name || 'NOT NULL ' || a.quoted
                     || CASE WHEN a.not_null_no_inherit THEN ' NO INHERIT' ELSE '' END
           END AS set_not_null,
           -- and the other way round: before 18 a parent could have it ONLY
           CASE WHEN NOT a.attnotnull AND a.parent_not_null AND NOT a.relispartition
                THEN 'ALTER COLUMN ' || a.quoted || ' DROP NOT NULL' END AS drop_not_null
    FROM attribute a),
table_columns AS (
    SELECT p.attrelid,
           -- (jsonb would sort the keys of each)
           pg_catalog.json_agg(pg_catalog.json_build_object(
               'name', p.attname,
               'type', p.type,
               'generation', p.generation_clause,
               'not_null', p.not_null,
               'own_not_null', p.own_not_null,
               'identity', coalesce(p.identity, ''),
               'is_local', p.attislocal,
               'parents', p.attinhcount) ORDER BY p.attnum) AS list,
           -- (in any order: sorting costs more than all else)
           pg_catalog.string_agg(nullif(pg_catalog.concat_ws(', ', p.set_not_null, p.drop_not_null,
                   'ALTER COLUMN ' || p.quoted || ' SET STATISTICS ' || p.statistics_target,
                   'ALTER COLUMN ' || p.quoted || ' SET (' || p.options || ')',
                   'ALTER COLUMN ' || p.quoted || ' OPTIONS (' || p.fdw_options || ')'), ''),
               ', ') AS settings,
           pg_catalog.string_agg(nullif(pg_catalog.concat_ws(', ',
                   'ALTER COLUMN ' || p.quoted || ' SET STORAGE ' || p.storage,
                   'ALTER COLUMN ' || p.quoted || ' SET COMPRESSION ' || p.compression), ''),
               ', ') AS inheritable,
           pg_catalog.jsonb_agg(p.sequence_persistence)
               FILTER (WHERE p.sequence_persistence IS NOT NULL) AS sequence_settings,
           coalesce(pg_catalog.bool_and(p.binary_safe) FILTER (WHERE p.generated = ''), true)
               AS binary_safe,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'classid', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
               'objid', p.own_type::pg_catalog.int8))
               FILTER (WHERE p.generated = '' AND p.own_type IS NOT NULL) AS own_types,
           pg_catalog.jsonb_agg(p.attname)
               FILTER (WHERE p.generated = '' AND p.is_padded) AS padded_columns,
           pg_catalog.bool_and(p.can_select) FILTER (WHERE p.generated = '') AS can_select,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'kind', 'collation', 'name', p.required_collation))
               FILTER (WHERE p.required_collation IS NOT NULL) AS collations,
           CASE WHEN pg_catalog.bool_or(p.not_null_no_inherit OR p.generated = 'v') THEN 180000
                ELSE 0 END AS needs_version
    FROM piece p
    GROUP BY p.attrelid),
-- rtrim(bytea, bytea) came with 14; somebody may have revoked what all roles can execute.
unpadding AS (
    SELECT coalesce(pg_catalog.bool_and(coalesce(
                        pg_catalog.has_function_privilege(
                            pg_catalog.to_regprocedure(f.signature)::pg_catalog.oid, 'EXECUTE'),
                        false)), false) AS may
    FROM (VALUES ('pg_catalog.rtrim(bytea,bytea)'),
                 ('pg_catalog.bpcharsend(bpchar)')) f(signature)),
unsafe_key AS (
    SELECT p.partrelid
    FROM pg_catalog.pg_partitioned_table p
    WHERE p.partstrat = 'h'
      AND EXISTS (SELECT FROM pg_catalog.pg_opclass oc
                  JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod AND am.amname = 'hash'
                  WHERE oc.opcname = 'enum_ops'
                    AND oc.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace
                    AND oc.oid = ANY (p.partclass::pg_catalog.oid[]))),
unsafe_partition AS (
    SELECT i.inhrelid
    FROM unsafe_key k JOIN pg_catalog.pg_inherits i ON i.inhparent = k.partrelid
    UNION
    SELECT i.inhrelid
    FROM unsafe_partition u JOIN pg_catalog.pg_inherits i ON i.inhparent = u.inhrelid),
ancestor AS (
    SELECT u.inhrelid AS relid, i.inhparent AS ancestor
    FROM unsafe_partition u JOIN pg_catalog.pg_inherits i ON i.inhrelid = u.inhrelid
    UNION
    SELECT a.relid, i.inhparent
    FROM ancestor a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.ancestor),
load_through AS (
    SELECT a.relid, n.nspname, c.relname
    FROM ancestor a
    JOIN pg_catalog.pg_class c ON c.oid = a.ancestor AND NOT c.relispartition
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
SELECT CASE r.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
       'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS classid,
       r.oid AS objid,
       r.nspname AS schema_name,
       r.relname AS name,
       r.word || ' ' || r.name AS object_as,
       pg_catalog.pg_get_userbyid(r.relowner) AS owner,
       '[]'::pg_catalog.jsonb AS create_sql,
       'DROP ' || r.word || ' IF EXISTS ' || r.name AS drop_sql,
       coalesce(p.needs, '[]') AS needs,
       coalesce(tc.collations, '[]')
       || CASE WHEN ts.spcname IS NULL THEN '[]'
               ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                        'kind', 'tablespace', 'name', ts.spcname)) END
       || CASE WHEN am.amname IS NULL OR am.amname = 'heap' THEN '[]'
               ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
                        'kind', 'access method', 'name', am.amname)) END AS requires,
       greatest(coalesce(tc.needs_version, 0),
                CASE WHEN r.relkind = 'p' AND am.amname IS NOT NULL THEN 170000 ELSE 0 END)
           AS needs_version,
       -- how it is made
       r.name AS relation,
       CASE WHEN r.relpersistence = 'u' THEN 'CREATE UNLOGGED ' ELSE 'CREATE ' END || r.word
           AS head,
       CASE WHEN r.reloftype <> 0 THEN pg_catalog.format_type(r.reloftype, NULL) END AS of_type,
       coalesce(p.list, '[]') AS parents,
       r.relispartition AS is_partition,
       CASE WHEN pg_catalog.pg_table_is_visible(r.oid) THEN ''
            ELSE pg_catalog.quote_ident(r.nspname) || '.' END || 'pgclone_columns_' || r.oid
           AS helper,
       coalesce(tc.list, '[]') AS columns,
       pg_catalog.concat_ws(' ',
           CASE WHEN r.relkind = 'p'
                THEN 'PARTITION BY ' || pg_catalog.pg_get_partkeydef(r.oid) END,
           'SERVER ' || pg_catalog.quote_ident(fs.srvname),
           CASE WHEN ft.ftoptions IS NOT NULL THEN
                (SELECT 'OPTIONS (' || pg_catalog.string_agg(
                            pg_catalog.quote_ident(o.option_name) || ' '
                            || pg_catalog.quote_literal(o.option_value), ', ') || ')'
                 FROM pg_catalog.pg_options_to_table(ft.ftoptions) o) END,
           'USING ' || pg_catalog.quote_ident(am.amname),
           CASE WHEN r.reloptions IS NOT NULL OR toast.reloptions IS NOT NULL THEN
                (SELECT 'WITH (' || pg_catalog.string_agg(
                            o.prefix || pg_catalog.quote_ident(o.option_name) || '='
                            || pg_catalog.quote_literal(o.option_value), ', '
                            ORDER BY o.prefix, o.nr) || ')'
                 FROM (SELECT '' AS prefix, x.*
                       FROM pg_catalog.pg_options_to_table(r.reloptions)
                            WITH ORDINALITY x(option_name, option_value, nr)
                       UNION ALL
                       SELECT 'toast.', x.*
                       FROM pg_catalog.pg_options_to_table(toast.reloptions)
                            WITH ORDINALITY x(option_name, option_value, nr)) o) END,
           'TABLESPACE ' || pg_catalog.quote_ident(ts.spcname)) AS tail,
       CASE WHEN r.relispartition
            THEN pg_catalog.jsonb_build_array(
                     'ALTER TABLE ONLY ' || p.name || ' ATTACH PARTITION ' || r.name || ' '
                     || pg_catalog.pg_get_expr(r.relpartbound, r.oid))
            ELSE '[]' END
       || CASE WHEN settings.text <> ''
               THEN pg_catalog.jsonb_build_array(
                        'ALTER ' || r.word || ' ONLY ' || r.name || ' ' || settings.text)
               ELSE '[]' END
       || coalesce(tc.sequence_settings, '[]') AS after,
       CASE WHEN tc.inheritable IS NULL THEN '[]'
            ELSE pg_catalog.jsonb_build_array(
                     'ALTER ' || r.word || ' ONLY ' || r.name || ' ' || tc.inheritable)
       END AS after_children,
       -- its rows
       r.relkind = 'r' AS has_rows,
       coalesce(tc.binary_safe, true) AS binary_safe,
       coalesce(tc.own_types, '[]') AS own_types,
       CASE WHEN (SELECT u.may FROM unpadding u) THEN coalesce(tc.padded_columns, '[]')
            ELSE '[]' END AS padded_columns,
       coalesce(tc.can_select, r.can_select) AS can_select,
       r.relkind = 'r' AND coalesce(am.amname = 'heap', false) AS is_heap,
       size.main / pg_catalog.current_setting('block_size')::pg_catalog.int8 AS heap_pages,
       size.main + size.toast AS size_bytes,
       -- -1 = unknown; before 14 that was 0 rows on 0 pages
       CASE WHEN r.reltuples = 0 AND r.relpages = 0 THEN -1
            ELSE r.reltuples::pg_catalog.int8 END AS estimated_rows,
       CASE WHEN r.relkind = 'r' THEN lt.nspname END AS load_through_schema,
       CASE WHEN r.relkind = 'r' THEN lt.relname END AS load_through_name
FROM relation r
LEFT JOIN parents p ON p.inhrelid = r.oid
LEFT JOIN table_columns tc ON tc.attrelid = r.oid
LEFT JOIN load_through lt ON lt.relid = r.oid
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = r.reltablespace
LEFT JOIN pg_catalog.pg_am am ON am.oid = r.relam
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = r.reltoastrelid
LEFT JOIN pg_catalog.pg_foreign_table ft ON ft.ftrelid = r.oid
LEFT JOIN pg_catalog.pg_foreign_server fs ON fs.oid = ft.ftserver
CROSS JOIN LATERAL (
    SELECT CASE WHEN r.relkind = 'r'
                THEN coalesce(pg_catalog.pg_relation_size(r.oid), 0) ELSE 0 END AS main,
           CASE WHEN r.relkind = 'r' AND r.reltoastrelid <> 0
                THEN coalesce(pg_catalog.pg_relation_size(r.reltoastrelid), 0) ELSE 0
           END AS toast) size
CROSS JOIN LATERAL (
    SELECT pg_catalog.concat_ws(', ', tc.settings,
               CASE WHEN r.relkind <> 'f' THEN
                    CASE r.relreplident WHEN 'n' THEN 'REPLICA IDENTITY NOTHING'
                                        WHEN 'f' THEN 'REPLICA IDENTITY FULL' END END,
               CASE WHEN r.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END) AS text)
    settings
ORDER BY r.nspname, r.relname;
