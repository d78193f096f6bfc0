-- pgclone_cancel in every state of a job, and who may.
select plan(27);
create extension dblink;

select dblink_connect('source', :'source') \g /dev/null
select set_config('test.source', :'source', false) \g /dev/null
-- A job whose source says nothing for long after COPY has begun.
create function pg_temp.submit_silent(name text) returns bigint language sql as $$
    select pgclone_submit(current_setting('test.source'), 'table', 'public.numbers',
                          jsonb_build_object('target_name', name,
                                             'where', 'pg_sleep(60) is not null'));
$$;
-- Sessions of workers, on both sides; those that are about to go get a second.
create function pg_temp.sessions_left() returns bigint language plpgsql as $$
declare
    query constant text := 'select count(*) from pg_stat_activity '
        'where application_name like ''pgclone %'' and backend_type = ''client backend''';
    here bigint;
    there bigint;
begin
    for i in 1..20 loop
        perform pg_stat_clear_snapshot();
        execute query into here;
        select s.count into there from dblink('source', query) as s(count bigint);
        exit when here + there = 0;
        perform pg_sleep(0.1);
    end loop;
    return here + there;
end
$$;
-- Waits until the job copies, or tries to.
create procedure pg_temp.wait_for_data(job bigint) language plpgsql as $$
begin
    for i in 1..200 loop
        exit when exists (select from pgclone_jobs_view where job_id = job and phase = 'data');
        perform pg_sleep(0.05);
    end loop;
end
$$;

-- running, while the source is silent
select pg_temp.submit_silent('running') as running \gset
call pg_temp.wait_for_data(:running);
select is((select status || ' ' || phase from pgclone_jobs_view where job_id = :running),
          'running data', 'the job runs');
select clock_timestamp() as before \gset
select is(pgclone_cancel(:running), true, 'cancel of a running job: true');
select is(pgclone_wait(:running, '10 seconds'), 'cancelled', 'it ends as cancelled');
select cmp_ok(clock_timestamp() - :'before', '<=', interval '2 seconds', 'within 2 seconds');
select is((select sqlstate from pgclone_jobs_view where job_id = :running), '57014',
          'its SQLSTATE is 57014');
select is(to_regclass('public.running'), null, 'and its table is not there');
select is(pgclone_cancel(:running), false, 'cancel again: false');
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'its slot is free');
select is(pg_temp.sessions_left(), 0::bigint, 'no session of it is left');

-- pending: more jobs than can run
select pg_temp.submit_silent('p' || g) from generate_series(1, 10) as g \g /dev/null
select max(job_id) as pending from pgclone_job \gset
select is((select status from pgclone_jobs_view where job_id = :pending), 'pending',
          'the last of ten jobs waits');
select is(pgclone_cancel(:pending), true, 'cancel of a pending job: true');
select is(pgclone_wait(:pending, '10 seconds'), 'cancelled', 'it ends as cancelled');
select is((select attempts from pgclone_jobs_view where job_id = :pending), 0,
          'it has never been started');
select is((select array_agg(distinct pgclone_cancel(job_id)) from pgclone_live_jobs()),
          array[true], 'cancel of all others');
select pgclone_wait(job_id, '20 seconds') from pgclone_live_jobs() \g /dev/null
select is((select array_agg(distinct status) from pgclone_jobs_view), array['cancelled'],
          'all are cancelled');

-- while connecting to an address that does not answer (or says at once that it is not there)
select pgclone_submit('host=192.0.2.1 dbname=x', 'table', 'public.t') as connecting \gset
select pg_sleep(0.3) \g /dev/null
select clock_timestamp() as before \gset
select pgclone_cancel(:connecting) \g /dev/null
select ok(pgclone_wait(:connecting, '10 seconds') in ('cancelled', 'failed'),
          'cancel while connecting');
select cmp_ok(clock_timestamp() - :'before', '<=', interval '2 seconds', 'within 2 seconds');

-- finished, unknown, of this transaction
select pgclone_submit(:'source', 'table', 'public.numbers') as finished \gset
select is(pgclone_wait(:finished, '60 seconds'), 'completed', 'a job that ends by itself');
select is(pgclone_cancel(:finished), false, 'cancel of a finished job: false');
select is((select status from pgclone_jobs_view where job_id = :finished), 'completed',
          'it stays as it is');
select throws_ok('select pgclone_cancel(987654)', '42704', 'job 987654 does not exist',
                 'an unknown job');
begin;
select pg_temp.submit_silent('own') as own \gset
select throws_ok('select pgclone_cancel(' || :'own' || ')', '55000', null,
                 'a job of this transaction');
rollback;

-- someone else's
create role cancel_other login;
create role cancel_signaller login in role pg_signal_backend;
grant execute on function pgclone_cancel(bigint) to cancel_other, cancel_signaller;
set role cancel_other;
select throws_ok('select pgclone_cancel(' || :'finished' || ')', '42501', null,
                 'another role may not');
reset role;
set role cancel_signaller;
select throws_ok('select pgclone_cancel(' || :'finished' || ')', '42501', null,
                 'pg_signal_backend may not cancel a superuser''s job');
reset role;
revoke execute on function pgclone_cancel(bigint) from cancel_other;
set role cancel_other;
select throws_ok('select pgclone_cancel(' || :'finished' || ')', '42501',
                 'permission denied for function pgclone_cancel', 'EXECUTE is needed');
reset role;

-- a job that no slot stands for, as after a restart
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options)
    values (10, 'postgres', 'x', 'server', 'table', '{}') returning job_id as orphan \gset
select is(pgclone_cancel(:orphan), true, 'a job in the ledger alone can be cancelled');
select is(pgclone_wait(:orphan), 'cancelled', 'and is');
revoke all on function pgclone_cancel(bigint) from cancel_signaller;
drop role cancel_other, cancel_signaller;
