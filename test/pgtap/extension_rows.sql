-- Rows that users put into the tables of extensions come along with a clone of the database.
select plan(29);
\ir jobs.psql
create extension dblink;
select dblink_connect('source', :'source') \g /dev/null

create function pg_temp.rows_of(relation text) returns text language plpgsql as $$
declare
    result text;
begin
    execute format('select string_agg(t::text, '' '' order by t::text) from %s as t', relation)
        into result;
    return result;
end
$$;

-- The tables that the script of the extension would make, with its own rows.
create schema settings;
create schema circle;
create schema known;
create procedure pg_temp.make_tables() language plpgsql as $$
begin
    create table settings.units (name text primary key, standard boolean);
    insert into settings.units values ('metre', true);
    create table settings.rates (
        id integer primary key,
        unit text references settings.units,
        per numeric,
        doubled numeric generated always as (2 * per) stored
    );
    insert into settings.rates values (1, 'metre', 1);
    create table settings.logs (rate integer references settings.rates, said text);
    create table settings.own (id integer primary key);
    create sequence settings.tickets;
    create table circle.a (id integer primary key, other integer);
    create table circle.b (id integer primary key, other integer references circle.a);
    create table circle.c (id integer primary key, other integer references circle.b);
    create table circle.after (id integer references circle.a);
    create table known.words (word text);
end
$$;
call pg_temp.make_tables();
create extension pg_trgm;
-- This one needs a type of the extension.
create function make_extras() returns event_trigger language plpgsql as $$
begin
    if to_regtype('public.hstore') is not null and to_regclass('settings.extras') is null then
        create table settings.extras (id integer primary key, extra public.hstore);
    end if;
end
$$;
create event trigger make_extras on ddl_command_end when tag in ('CREATE EXTENSION')
    execute function make_extras();

-- what is planned
select is((select string_agg(object, ' ' order by object) from pgclone_plan(:'source', 'database')
           where kind = 'data'),
          'circle.a circle.after circle.b circle.c settings.extras settings.logs settings.rates '
          'settings.units',
          'the plan has the tables of extensions that the clone installs');
select is((select array_agg(object order by step) from pgclone_plan(:'source', 'database')
           where kind = 'data' and object in ('settings.units', 'settings.rates', 'settings.logs')),
          '{settings.units,settings.rates,settings.logs}', 'each after what it refers to');
select is((select string_agg(object, ' ') from pgclone_plan(:'source', 'database')
           where kind = 'sequence value'), 'settings.tickets', 'and their sequences');
select is((select string_agg(object, ' ')
           from pgclone_plan(:'source', 'database', null, '{"data": false}')
           where kind in ('data', 'sequence value')), null, 'without data, none of them');

call pg_temp.clone('database', null);
select is((pg_temp.job()).status, 'completed', 'a database with extensions is cloned');
select is(pg_temp.rows_of(t), rows, 'rows of ' || t)
from (values ('settings.units', '(metre,t) (mile,f) (yard,f)'),
             ('settings.rates', '(1,metre,1,2) (101,mile,1609.344,3218.688) (102,yard,0.9144,1.8288)'),
             ('settings.logs', '(101,said) (102,nothing)'),
             ('settings.extras', '(2,"""c""=>""x y""")'),
             ('settings.own', null),
             ('circle.a', '(1,2) (2,1)'),
             ('circle.b', '(1,1) (2,2)'),
             ('circle.c', '(1,1) (2,2)'),
             ('circle.after', '(1)'),
             ('known.words', null)) as r (t, rows);
select is(nextval('settings.tickets'), 78::bigint, 'the value of a sequence');


select is((select string_agg(concat_ws(' ', object_name, format, btrim(predicate)), E'\n' order by task_id)
           from pgclone_tasks_view where job_id = (pg_temp.job()).job_id and schema_name = 'settings'
             and kind = 'data'),
'extras text where extra operator(public.?) ''c''
units binary WHERE NOT standard
rates binary WHERE id > 100
logs binary', 'formats and conditions');
select is((pg_temp.job()).rows_copied, 14::bigint, 'rows are counted');

-- again: the extensions are there
call pg_temp.clone('database', null, '{"conflict": "skip"}');
select is((pg_temp.job()).status, 'completed', 'again: completed');
select is((pg_temp.job()).rows_copied, 0::bigint, 'no rows are copied to extensions that exist');
select is(pg_temp.rows_of('settings.logs'), '(101,said) (102,nothing)', 'all is as it was');
select is(nextval('settings.tickets'), 79::bigint, 'the sequence, too');

-- the target has the circle's last foreign key, too
drop extension hstore cascade;
drop extension citext;
drop table if exists settings.units, settings.rates, settings.logs, settings.extras, settings.own,
    circle.a, circle.b, circle.c, circle.after, known.words cascade;
drop sequence settings.tickets;
call pg_temp.make_tables();
alter table circle.a add constraint a_other foreign key (other) references circle.c;
call pg_temp.clone('database', null);
select is((pg_temp.job()).sqlstate, '23503', 'a circle of foreign keys on the target: the job fails');
select matches((pg_temp.job()).error_message, 'circle.*a_other', 'and names the one');
select is(pg_temp.rows_of('circle.a'), null, 'no rows are left there');
select hasnt_extension('citext', 'nor the extension');

-- a table that may not be read at the source
drop event trigger make_extras;
drop extension hstore cascade;
create table settings.secret (id integer);
select set_config('test.source', format('host=%s port=%s dbname=extension_rows_closed user=extension_rows_reader',
    :'source_host', :'source_port'), false) \g /dev/null
call pg_temp.clone('database', null, '{"owners": false, "acls": false}');
select is((pg_temp.job()).sqlstate, '42501', 'a table that may not be read: the job fails');
select is((pg_temp.job()).error_detail, 'SELECT is missing on: table "settings"."secret".', 'and names it');
select hasnt_extension('hstore', 'before anything is made');
select dblink_exec('source', 'drop database extension_rows_closed') \g /dev/null
select dblink_exec('source', 'drop role extension_rows_reader') \g /dev/null
