-- Tables of unusual shapes, sequences, and families of tables: no row lost or there twice, and the next
-- value of a sequence is the source's.
select plan(46);
create extension dblink;
select dblink_connect('source', :'source') \g /dev/null
create function pg_temp.there(query text) returns text language sql as $$
    select t from dblink('source', query) as x (t text)
$$;
create function pg_temp.here(query text) returns text language plpgsql as $$
declare
    result text;
begin
    execute query into result;
    return result;
end
$$;
-- An error is an answer, too.
create function pg_temp.next_here(sequence text) returns text language plpgsql as $$
begin
    return nextval(sequence)::text;
exception when others then
    return sqlstate;
end
$$;
create function pg_temp.next_there(sequence text) returns text language plpgsql as $$
begin
    return pg_temp.there(format('select nextval(%L)', sequence));
exception when others then
    return sqlstate;
end
$$;

-- Somebody else's temporary table is nobody else's affair.
select dblink_exec('source', 'create temporary table passing as select 1 as id') \g /dev/null
select pgclone_submit(:'source', 'database') as job \gset
select is(pgclone_wait(:job, '120 s'), 'completed', 'the job completes');
select is(pg_temp.here(query), pg_temp.there(query), label)
from (values
    ('select count(*)::text from nothing', 'five rows without a column'),
    ('select count(*)::text from empty', 'no row'),
    ('select md5(string_agg(w::text, chr(10) order by c1)) from widest as w', '1,600 columns'),
    ('select md5(string_agg(d::text, chr(10) order by b)) from dropped as d', 'columns that were dropped and added'),
    ('select count(*)::text from all_dropped', 'rows whose last column was dropped'),
    ('select string_agg(id || md5(content) || md5(bytes), chr(10) order by id) from large', 'values of 32 MB'),
    ('select md5(string_agg(n::text, chr(10) order by id)) from numbered as n', 'identities and a generated column'),
    ('select string_agg(p::text, chr(10) order by id) from only parent as p', 'only the parent'),
    ('select string_agg(p::text, chr(10) order by id) from only child as p', 'only the child'),
    ('select string_agg(tableoid::regclass || p::text, chr(10) order by id) from parent as p', 'the whole family'),
    ('select string_agg(tableoid::regclass || p::text, chr(10) order by a) from part as p', 'partitions'),
    ('select string_agg(t::text, chr(10)) from typed as t', 'a typed table'),
    ('select count(*)::text from not_logged', 'an unlogged table'),
    ('select n::text from filled', 'a materialized view'),
    ('select relispopulated::text from pg_class where oid = ''not_filled''::regclass', 'one that is not filled'),
    ('select s::text from seen', 'a view')) as q (query, label);
select is(to_regclass('passing'), null, 'no temporary table');
select is((select sum(rows_target) from pgclone_tasks_view where job_id = :job and kind = 'data'),
          (5 + 0 + 2 + 101 + 3 + 2 + 2 + 1 + 2 + 1 + 30 + 1 + 10)::numeric, 'each row was copied once');
select is(pg_temp.next_here(name), pg_temp.next_there(name), name || ': next value')
from (values ('plain'), ('untouched'), ('set_not_called'), ('backwards'), ('circle'), ('exhausted'), ('tiny'),
             ('numbered_id_seq'), ('numbered_other_seq'), ('numbered_old_seq')) as s (name);
select is(pg_temp.next_here(name), pg_temp.next_there(name), name || ': and the one after it')
from (values ('plain'), ('untouched'), ('set_not_called'), ('circle'), ('exhausted'), ('tiny'),
             ('numbered_id_seq')) as s (name);
select throws_ok('insert into numbered (id) values (1)', '428C9', null, 'an identity is one');
insert into numbered default values;
select is((select double from numbered order by old desc limit 1), (select 2 * max(old) from numbered),
          'a generated column goes on');
select is(pg_get_serial_sequence('numbered', 'old'), 'public.numbered_old_seq', 'serial owns its sequence');
insert into part values (12, 3, 'new'), (99, 1, 'far');
select is((select count(*) from part_rest), 12::bigint, 'rows go on into the right partition');
select is((select relpersistence::text from pg_class where oid = 'not_logged'::regclass), 'u', 'unlogged stays so');

-- The same table by itself, under scope `table`.
select is(pgclone_wait(pgclone_id, '60 s'), 'completed', name || ' alone')
from (select name, (select j from dblink('self', format('select pgclone_submit(%L, ''table'', %L, %L)', :'source',
          'public.' || name, jsonb_build_object('target_name', name || '_alone'))) as x (j bigint)) as pgclone_id
      from (values ('nothing'), ('widest'), ('dropped'), ('child')) as t (name),
           (select dblink_connect('self', :'target')) as c offset 0) as submitted;
select is((select count(*) from nothing_alone), 5::bigint, 'five rows without a column, alone');
