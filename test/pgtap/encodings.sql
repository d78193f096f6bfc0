-- Databases of different encodings: values are converted, or the job fails and says in which row; no
-- character is ever replaced.
select plan(14);
create extension dblink;
select format('%s_latin1', current_database()) as latin1, format('%s_ascii', current_database()) as ascii \gset
create database :"latin1" encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0;
create database :"ascii" encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0;
select regexp_replace(:'target', 'dbname=\S+', format('dbname=%s', :'latin1')) as to_latin1,
       regexp_replace(:'target', 'dbname=\S+', format('dbname=%s', :'ascii')) as to_ascii \gset
-- The sources below are databases of this server.
select format('%s', :'to_latin1') as from_latin1, format('%s', :'to_ascii') as from_ascii \gset

-- Runs a job in a database; returns status, SQLSTATE and message.
create function pg_temp.clone(target text, source text, relation text) returns text[] language plpgsql as $$
declare
    job bigint;
    outcome text[];
begin
    perform dblink_connect('it', target);
    perform dblink_exec('it', 'set client_encoding = ''UTF8''');
    select j into job from dblink('it', format('select pgclone_submit(%L, ''table'', %L, ''{"conflict": "replace"}'')',
        source, relation)) as x (j bigint);
    perform * from dblink('it', format('select pgclone_wait(%s, ''60 s'')', job)) as x (t text);
    select array[s, c, m] into outcome from dblink('it', format(
        'select status, sqlstate, error_message from pgclone_jobs_view where job_id = %s', job))
        as x (s text, c text, m text);
    perform dblink_disconnect('it');
    return outcome;
end
$$;
select dblink_exec(:'to_latin1', 'create extension pgclone') \g /dev/null
select dblink_exec(:'to_ascii', 'create extension pgclone') \g /dev/null

-- UTF8 to LATIN1
select is(pg_temp.clone(:'to_latin1', :'source', 'public.fits'), array['completed', null, null], 'UTF8 to LATIN1: what fits');
select is((select encode(b, 'hex') from dblink(:'to_latin1', 'select convert_to(t, ''LATIN1'') from fits where id = 1')
               as x (b bytea)), '4772fcdf652c20c672f8736bf862696e672c20bd20ff', 'is converted');
select is((select array_agg(t order by id) from dblink(:'to_latin1' || ' client_encoding=UTF8', 'select id, fits::text from fits') as x (id int, t text)),
          (select array_agg(t order by id) from dblink(:'source', 'select id, fits::text from fits') as x (id int, t text)),
          'and is the same text');
select pg_temp.clone(:'to_latin1', :'source', 'public.fits_not') as said \gset
select is((:'said'::text[])[1:2], array['failed', '22P05'], 'UTF8 to LATIN1: what does not fit fails');
select alike((:'said'::text[])[3], '%0xe4 0xb8 0xad%', 'with the character');
select is((select n from dblink(:'to_latin1', 'select to_regclass(''fits_not'')::text') as x (n text)), null,
          'and leaves nothing');

-- LATIN1 to UTF8
select dblink_exec(:'from_latin1', 'create table back as select * from fits') \g /dev/null
select is(pgclone_table(:'from_latin1', 'public', 'back'), 'completed', 'LATIN1 to UTF8');
select is((select array_agg(back::text order by id) from back),
          (select array_agg(t order by id) from dblink(:'source', 'select id, fits::text from fits') as x (id int, t text)),
          'and back again: the same text');

-- SQL_ASCII, which knows no characters: bytes that are valid pass, others do not
select dblink_exec(:'from_ascii', 'create table valid (id integer, t text); '
    'insert into valid values (1, ''plain''), (2, E''Gr\xc3\xbc\xc3\x9fe''); '
    'create table invalid (id integer, t text); '
    'insert into invalid select g, ''row '' || g from generate_series(1, 50) as g; '
    'update invalid set t = E''Gr\xfc\xdfe'' where id = 50') \g /dev/null
select is(pgclone_table(:'from_ascii', 'public', 'valid'), 'completed', 'SQL_ASCII to UTF8: valid bytes');
select is((select array_agg(t order by id) from valid), array['plain', 'Grüße'], 'are taken as they are');
select pg_temp.clone(:'target', :'from_ascii', 'public.invalid') as said \gset
select is((:'said'::text[])[1:2], array['failed', '22021'], 'SQL_ASCII to UTF8: other bytes fail');
select alike((:'said'::text[])[3], 'invalid byte sequence for encoding "UTF8": 0xfc%', 'with the bytes');
select is(to_regclass('invalid'), null, 'and leave nothing');
select is(pg_temp.clone(:'to_ascii', :'source', 'public.fits_not'), array['completed', null, null], 'UTF8 to SQL_ASCII');

select pg_sleep(0.2) \g /dev/null
drop database :"latin1" with (force);
drop database :"ascii" with (force);
