-- Errors of single objects among many, and what becomes of the rest; the content of large objects.
select plan(29);
create extension dblink;
select dblink_connect('source', :'source') \g /dev/null
select set_config('test.source', :'source', false) \g /dev/null

-- Refuses what is asked of it, some of it only so many times.
create schema refusal;
create table refusal.object (identity text, sqlstate text, times int);
create sequence refusal.counter;
create function refusal.refuse() returns event_trigger language plpgsql as $$
declare
    refused record;
begin
    for refused in
        select r.* from pg_event_trigger_ddl_commands() as c
        join refusal.object as r on r.identity = c.object_identity
    loop
        if nextval('refusal.counter') <= refused.times then
            raise exception using errcode = refused.sqlstate,
                message = format('%s is refused', refused.identity);
        end if;
    end loop;
end
$$;
create event trigger refusal on ddl_command_end execute function refusal.refuse();

create procedure pg_temp.clone(object text, options jsonb) language plpgsql as $$
declare
    job bigint;
begin
    execute 'drop schema if exists busy cascade';
    commit;
    job := pgclone_submit(current_setting('test.source'), 'schema', object, options);
    commit;
    perform pgclone_wait(job, '2 minutes');
    perform set_config('test.job', job::text, false);
end
$$;
create function pg_temp.job() returns pgclone_jobs_view language sql as $$
    select j from pgclone_jobs_view as j where job_id = current_setting('test.job')::bigint;
$$;
create function pg_temp.task(name text, kind text) returns pgclone_tasks_view language sql as $$
    select t from pgclone_tasks_view as t
    where job_id = current_setting('test.job')::bigint and object_name = $1 and t.kind = $2;
$$;

-- --- Stop

insert into refusal.object values ('busy.t50', '22012', 1000000);
call pg_temp.clone('busy', '{}');
select is((pg_temp.job()).status, 'failed', 'stop: the first error ends the job');
select is((pg_temp.job()).sqlstate, '22012', 'stop: with its SQLSTATE');
select is((pg_temp.job()).error_message,
          'could not create table "busy.t50": busy.t50 is refused', 'stop: and its object');
select alike((select error_detail from pgclone_job
              where job_id = current_setting('test.job')::bigint),
             '%The statement was: CREATE TABLE busy.t50 %', 'stop: and its statement');
select is((pg_temp.task('t50', 'table')).status, 'failed', 'stop: the task is failed');
select is((select count(*) from pgclone_tasks_view
           where job_id = current_setting('test.job')::bigint and status in ('failed', 'running')),
          1::bigint, 'stop: and no other one');
select is(to_regnamespace('busy'), null, 'stop: nothing stays');

-- --- Continue

insert into refusal.object values ('busy.t200', '22012', 1000000),
    ('busy.t201', '22012', 1000000);
call pg_temp.clone('busy', '{"on_error": "continue"}');
select is((pg_temp.job()).status, 'failed', 'continue: the job has failed');
select is((pg_temp.job()).sqlstate, '22012', 'continue: with the SQLSTATE of the first error');
select matches((pg_temp.job()).error_message,
               '^3 of \d+ tasks failed, \d+ were left out$', 'continue: with counts');
select alike((select error_detail from pgclone_job
              where job_id = current_setting('test.job')::bigint),
             'The first error: could not create table "busy.t%": busy.t% is refused%',
             'continue: and the first error');
select is((select array_agg(object_name order by object_name) from pgclone_tasks_view
           where job_id = current_setting('test.job')::bigint and status = 'failed'),
          array['t200', 't201', 't50'], 'continue: what failed');
select is((pg_temp.task('t50', 'data')).skip_reason,
          'table "busy.t50", which it needs, failed', 'continue: its data is left out');
select is((pg_temp.task('over_view', 'view')).skip_reason,
          'table "busy.t50", which it needs, failed', 'continue: and what needs it indirectly');
select is((select count(*) from pg_class where relnamespace = 'busy'::regnamespace
             and relkind = 'r'), 217::bigint, 'continue: all other tables are there');
select is((select count(*) from pg_constraint where connamespace = 'busy'::regnamespace
             and contype = 'p'), 217::bigint, 'continue: with their keys');
select is((select count(*) from busy.t220), 5::bigint, 'continue: and rows');
select is((pg_temp.job()).tables_completed, 217, 'continue: they are counted');
select is((select max(attempts) from pgclone_tasks_view
           where job_id = current_setting('test.job')::bigint), 1,
          'continue: to go on without a task is no attempt of the others');

-- --- Again

truncate refusal.object;
insert into refusal.object values ('busy.t100', '40001', 2);
alter sequence refusal.counter restart;
call pg_temp.clone('busy', '{"retries": 3}');
select is((pg_temp.job()).status, 'completed', 'retry: what passes is no failure');
select is((pg_temp.task('t100', 'data')).attempts, 3, 'retry: its attempts are counted');
select is((select max(attempts) from pgclone_tasks_view
           where job_id = current_setting('test.job')::bigint and object_name <> 't100'), 1,
          'retry: those of the others, too');
select is((select count(*) from pg_class where relnamespace = 'busy'::regnamespace
             and relkind = 'r'), 220::bigint, 'retry: all is there');

alter sequence refusal.counter restart;
call pg_temp.clone('busy', '{"retries": 1}');
select is((pg_temp.job()).sqlstate, '40001', 'retry: but not for ever');
select is((pg_temp.task('t100', 'data')).attempts, 2, 'retry: as often as the option says');

-- --- Large objects

drop event trigger refusal;
select pgclone_submit(:'source', 'database', null, '{"conflict": "skip"}') as job \gset
select is(pgclone_wait(:job, '2 minutes'), 'completed', 'large objects: the job is completed');
select is((select count(*) from pg_largeobject_metadata), 256::bigint, 'large objects: all');
select is((select md5(string_agg(oid || ' ' || md5(lo_get(oid)), ',' order by oid))
           from pg_largeobject_metadata),
          (select d from dblink('source',
              'select md5(string_agg(oid || '' '' || md5(lo_get(oid)), '','' order by oid)) '
              'from pg_largeobject_metadata') as x(d text)),
          'large objects: their bytes and sizes');
select is((select sum(rows_target) from pgclone_tasks_view
           where job_id = :job and kind = 'large objects'), 256::numeric,
          'large objects: they are counted');
