-- What the views and their functions show, and to whom.
select plan(45);
create role views_submitter login;
create role views_member login in role views_submitter;
create role views_monitor login in role pg_monitor;
create role views_other login;
grant create on schema public to views_submitter;
grant execute on function pgclone_submit(text, text, text, jsonb), pgclone_cancel(bigint),
    pgclone_clear_jobs() to views_submitter, views_other;
select format('host=%s port=%s dbname=%s user=views_reader password=''views canary''',
              :'source_host', :'source_port', :'source_database') as reader \gset

select columns_are('pgclone_jobs_view', array['job_id', 'status', 'phase', 'wait_reason', 'database',
    'submitted_by', 'scope', 'schema_name', 'table_name', 'current_table', 'tables_total',
    'tables_completed', 'rows_copied', 'bytes_copied', 'bytes_total', 'workers', 'pct_complete',
    'progress_bar', 'rate', 'eta', 'submitted_at', 'started_at', 'finished_at', 'elapsed_time',
    'attempts', 'consistent', 'sqlstate', 'error_message'], 'columns of pgclone_jobs_view');
select is(pgclone_version(), '1.1', 'pgclone_version');
select is(pgclone_jobs(), '[]'::jsonb, 'pgclone_jobs without jobs');
select is((select count(*) from pgclone_tasks_view), 0::bigint, 'no tasks');

-- a job that completes
set role views_submitter;
select pgclone_submit(:'reader', 'table', 'public.numbers') as done \gset
select is(pgclone_wait(:done, '60 seconds'), 'completed', 'a non-superuser''s job completes');
select is((select row(status, submitted_by, scope, schema_name, table_name, tables_total,
                      tables_completed, rows_copied, workers, pct_complete, attempts, consistent,
                      sqlstate, error_message)::text
           from pgclone_jobs_view where job_id = :done),
          '(completed,views_submitter,table,public,numbers,1,1,1000,0,100.0,1,t,,)',
          'a completed job''s line');
select is((select database from pgclone_jobs_view where job_id = :done), current_database(),
          'its database');
select ok((select submitted_at <= started_at and started_at <= finished_at
                  and elapsed_time = finished_at - started_at
           from pgclone_jobs_view where job_id = :done), 'its times');
select ok((select bytes_copied > 0 and bytes_total > 0 from pgclone_jobs_view
           where job_id = :done), 'its bytes');
select matches((select progress_bar from pgclone_jobs_view where job_id = :done),
               '^\[█{12}\] 100.0% \| 1000 rows( \| \d+(\.\d)? [kM]?B/s)? \| \d\d:\d\d:\d\d elapsed$',
               'its bar');
select is(pgclone_progress(:done) ->> 'status', 'completed', 'pgclone_progress');
select is(jsonb_array_length(pgclone_jobs()), 1, 'pgclone_jobs');
select is(pgclone_jobs() -> 0, pgclone_progress(:done), 'both say the same');
select is((select array_agg(distinct status) from pgclone_tasks_view where job_id = :done
           and status <> 'skipped'), array['done'], 'all its tasks are done');
select is((select row(rows_source, rows_target, attempts, column_list)::text
           from pgclone_tasks_view where job_id = :done and kind = 'data'),
          '(1000,1000,1,"{id,name}")', 'the data task');
reset role;

-- one that fails
set role views_submitter;
select pgclone_submit(:'reader', 'table', 'public.numbers') as failed \gset
select is(pgclone_wait(:failed, '60 seconds'), 'failed', 'a job that fails');
select is((select sqlstate from pgclone_jobs_view where job_id = :failed), '42P07',
          'it has a SQLSTATE');
select matches((select error_message from pgclone_jobs_view where job_id = :failed), 'already exists',
               'and a message');
select pgclone_progress(:failed) as failed_job \gset
select pgclone_jobs() as all_jobs \gset
reset role;
select matches((:'failed_job'::jsonb) ->> 'error_hint', '.',
               'pgclone_progress has the hint, too');
select is((:'failed_job'::jsonb) ->> 'error_hint',
          (select error_hint from pgclone_job where job_id = :failed), 'that of the ledger');
select is((:'all_jobs'::jsonb) -> 1, :'failed_job'::jsonb, 'pgclone_jobs says the same');

-- one that runs, and waits
set role views_submitter;
select pgclone_submit(:'reader', 'table', 'public.numbers',
    '{"target_name": "slow", "where": "pg_sleep(60) is not null"}') as running \gset
do $$
begin
    for i in 1..200 loop
        exit when exists (select from pgclone_jobs_view where phase = 'data' and workers > 0
                          and status = 'running');
        perform pg_sleep(0.05);
    end loop;
end
$$;
select is((select row(status, phase, current_table)::text from pgclone_jobs_view
           where job_id = :running), '(running,data,public.slow)', 'a running job''s line');
select matches((select progress_bar from pgclone_jobs_view where job_id = :running),
               '^\[░{12}\].* 0 rows', 'its bar is empty');
select ok((select workers >= 1 from pgclone_jobs_view where job_id = :running), 'its workers');
select is((select status from pgclone_tasks_view where job_id = :running and kind = 'data'),
          'running', 'its data task runs');
reset role;

-- who sees what
set role views_member;
select is((select submitted_by from pgclone_jobs_view where job_id = :done)::text,
          'views_submitter', 'a member of the submitter sees the line');
reset role;
set role views_monitor;
select is((select submitted_by from pgclone_jobs_view where job_id = :done)::text,
          'views_submitter', 'a member of pg_monitor sees the line');
select is((select rows_target from pgclone_tasks_view where job_id = :done and kind = 'data'),
          1000::bigint, 'and the tasks');
reset role;
set role views_other;
select is((select array_agg(status order by job_id) from pgclone_jobs_view),
          array['completed', 'failed', 'running'], 'others see the states');
select is((select count(*) from pgclone_jobs_view as v
           where to_jsonb(v) - 'job_id' - 'status' <> (
               select jsonb_object_agg(key, null) from jsonb_object_keys(to_jsonb(v)) as key
               where key not in ('job_id', 'status'))), 0::bigint, 'and nothing else');
select is((select count(*) from pgclone_tasks_view
           where num_nonnulls(kind, object_name, predicate, rows_source, error_message) > 0),
          0::bigint, 'nothing of the tasks, either');
select is(pgclone_progress(:done) ->> 'error_message', null, 'nor in pgclone_progress');
select is(pgclone_progress(:failed) ->> 'error_hint', null, 'nor a hint');
select is((select count(*) from pgclone_advice()), 0::bigint, 'from wherever');
select is(pgclone_wait(:done), 'completed', 'anybody may wait for the state');
select throws_ok('select pgclone_cancel(' || :'running' || ')', '42501', null,
                 'others may not cancel');
select is(pgclone_clear_jobs(), 0, 'others clear nothing');
reset role;
create function views_as_owner() returns setof text language sql security definer
    as 'select submitted_by::text from pgclone_jobs_view';
alter function views_as_owner() owner to views_other;
select is((select count(*) from views_as_owner() as v where v is not null), 0::bigint,
          'a SECURITY DEFINER function sees what its owner sees');

-- cancel and clear
set role views_submitter;
select is(pgclone_cancel(:running), true, 'the submitter may cancel');
select is(pgclone_wait(:running, '10 seconds'), 'cancelled', 'its own job');
select is(pgclone_clear_jobs(), 3, 'and clear what has ended');
reset role;
select is((select count(*) from pgclone_jobs_view), 0::bigint, 'nothing is left');
select is((select count(*) from pgclone_task), 0::bigint, 'of the tasks, either');
select throws_ok('select pgclone_progress(' || :'done' || ')', '42704', null,
                 'a cleared job does not exist');
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'no slot is left over');

drop function views_as_owner();
drop owned by views_submitter, views_member, views_monitor, views_other;
drop role views_submitter, views_member, views_monitor, views_other;
