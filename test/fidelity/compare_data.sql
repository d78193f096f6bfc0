-- Prints a line for everything in this database that holds data. compare_data.pl runs this on two
-- servers and compares the lines. Fields are parted by tabs; names are JSON strings, so that none
-- can break a line.
--
--   table     SCHEMA NAME   columns, in their order; rows; two sums of hash values
--   sequence  SCHEMA NAME   last value, whether it was used, parameters
--   blob      OID           length, hash, owner, privileges, comment
--   extension NAME          version, which pg_dump does not tell, and schema
--
-- psql variables: schema, or '' for all; shown_schema, the name that is printed for it.
--
-- Each row gets two hash values of 64 bits, of the row as text; sums of them depend on how often
-- each row occurs, not on the order of rows. So equal sums mean equal multisets of rows.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
\pset pager off
begin transaction isolation level repeatable read, read only;
set local search_path = '';
set local row_security = off;
set local statement_timeout = 0;
set local datestyle = 'ISO, YMD';
set local intervalstyle = 'postgres';
set local timezone = 'UTC';
set local extra_float_digits = 3;
set local bytea_output = 'hex';
set local xmlbinary = 'base64';

-- Relations of users, without those of extension pgclone. Child tables have rows of their own, so
-- each table is read with ONLY. A materialized view without data can't be read.
select case
           when c.relkind = 'S' then
               format($$select concat_ws(E'\t', %L, s.last_value, s.is_called, %L) from %s s$$,
                      concat_ws(E'\t', 'sequence', names.schema, names.relation),
                      format('%s start %s increment %s min %s max %s cache %s cycle %s',
                             format_type(q.seqtypid, null), q.seqstart, q.seqincrement, q.seqmin,
                             q.seqmax, q.seqcache, q.seqcycle),
                      names.quoted)
           when c.relkind in ('p', 'f') or not c.relispopulated then
               format('select %L', concat_ws(E'\t', 'table', names.schema, names.relation, columns.list,
                                             case when not c.relispopulated then 'no data' end))
           else
               format($$select concat_ws(E'\t', %L, count(*), sum(hashtextextended(r, 0)),
                                         sum(hashtextextended(r, 1)))
                        from (select textin(record_out(x.*)) collate "C" from %s %s x) rows (r)$$,
                      concat_ws(E'\t', 'table', names.schema, names.relation, columns.list),
                      case c.relkind when 'r' then 'only' end, names.quoted)
       end
from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_sequence q on q.seqrelid = c.oid
     cross join lateral (select to_json(case when n.nspname = :'schema' then :'shown_schema'
                                             else n.nspname end), to_json(c.relname),
                                format('%I.%I', n.nspname, c.relname)) names (schema, relation, quoted)
     cross join lateral (select coalesce(json_agg(attname || ' ' || case
                                    when :'schema' <> '' and position(quote_ident(:'schema') || '.' in type) = 1
                                    then quote_ident(:'shown_schema') || substr(type, length(quote_ident(:'schema')) + 1)
                                    else type end order by attnum), '[]')
                         from pg_attribute, format_type(atttypid, atttypmod) type
                         where attrelid = c.oid and attnum > 0 and not attisdropped) columns (list)
where c.relkind in ('r', 'p', 'm', 'f', 'S') and c.relpersistence <> 't'
      and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp_)'
      and :'schema' in (n.nspname, '')
      and not exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
                            and d.refclassid = 'pg_extension'::regclass and e.extname = 'pgclone')
order by n.nspname collate "C", c.relname collate "C" \gexec

select concat_ws(E'\t', 'blob', m.oid, length(content.bytes), md5(content.bytes),
                 to_json(pg_get_userbyid(m.lomowner)), acl.list,
                 to_json(obj_description(m.oid, 'pg_largeobject')))
from pg_largeobject_metadata m
     cross join lateral (select lo_get(m.oid)) content (bytes)
     cross join lateral (select json_agg(format('%s from %s: %s %s', grantee::regrole, grantor::regrole,
                                                privilege_type, is_grantable) order by 1)
                         from aclexplode(coalesce(m.lomacl, acldefault('L', m.lomowner)))) acl (list)
where :'schema' = ''
order by m.oid;

select concat_ws(E'\t', 'extension', to_json(extname), to_json(extversion),
                 to_json(extnamespace::regnamespace::text))
from pg_extension
where extname <> 'pgclone' and :'schema' = ''
order by extname collate "C";
commit;
