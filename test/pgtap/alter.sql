-- pgclone_alter: what it refuses, who may, and jobs that do not run yet.
select plan(37);

select set_config('test.source', :'source', false) \g /dev/null
-- A job whose source says nothing for long.
create function pg_temp.submit_silent(name text, options jsonb default '{}') returns bigint
language sql as $$
    select pgclone_submit(current_setting('test.source'), 'table', 'public.numbers',
                          jsonb_build_object('target_name', name,
                                             'where', 'pg_sleep(60) is not null') || options);
$$;
-- What the ledger keeps of it.
create function pg_temp.kept(job bigint) returns text language sql as $$
    select concat_ws(' ', coalesce(parallel::text, '-'), coalesce(rate_limit::text, '-'))
    from pgclone_alteration where job_id = job;
$$;

-- arguments
select pg_temp.submit_silent('silent') as job \gset
prepare wrong_parallel as select pgclone_alter(:job, parallel => 0);
select throws_ok('wrong_parallel', '22023', 'argument "parallel" must be from 1 to 64',
                 'parallel 0');
prepare high_parallel as select pgclone_alter(:job, parallel => 65);
select throws_ok('high_parallel', '22023', 'argument "parallel" must be from 1 to 64',
                 'parallel 65');
prepare wrong_rate as select pgclone_alter(:job, rate_limit => 'fast');
select throws_ok('wrong_rate', '22023',
                 'argument "rate_limit" must be a rate like "50MB/s", or "none"', 'no rate');
prepare bare_rate as select pgclone_alter(:job, rate_limit => '50');
select throws_ok('bare_rate', '22023', null, 'a rate without a unit');
prepare nothing as select pgclone_alter(:job);
select throws_ok('nothing', '22023', 'argument "parallel" or "rate_limit" must be given',
                 'nothing to alter');
select throws_ok('select pgclone_alter(null, 2)', '22004', 'argument "job_id" must not be null',
                 'no job id');
select throws_ok('select pgclone_alter(987654, 2)', '42704', 'job 987654 does not exist',
                 'an unknown job');
select throws_ok($$select pgclone_alter(987654, 2, 'x')$$, '22023', null,
                 'arguments are looked at first');
select is(pg_temp.kept(:job), null, 'nothing of that was kept');

-- the option
select throws_like($$select pgclone_submit('host=h dbname=d', 'table', 'a.b', '{"rate_limit": "x"}')$$,
                   'option "rate_limit" must be a rate like%', 'option rate_limit: no rate');
select throws_like($$select pgclone_submit('host=h dbname=d', 'schema', 'a', '{"rate_limit": 5}')$$,
                   'option "rate_limit" must be a string%', 'option rate_limit: no string');
select throws_ok($$select pgclone_submit('host=h dbname=d', 'functions', 'a',
                   '{"rate_limit": "5MB"}')$$, '0A000', null,
                 'option rate_limit: not where no rows are copied');

-- a running job
select is(pgclone_alter(:job, 3, '5MB/s'), true, 'both are altered');
select is(pg_temp.kept(:job), '3 5242880', 'and kept');
select is(pgclone_alter(:job, rate_limit => 'none'), true, 'the limit alone');
select is(pg_temp.kept(:job), '3 -1', 'leaves the other as it is');

-- transactions
begin;
select is(pgclone_alter(:job, 5), true, 'altered, then rolled back');
rollback;
select is(pg_temp.kept(:job), '3 -1', 'is as it was');
begin;
select pgclone_alter(:job, 6) \g /dev/null
savepoint s;
select pgclone_alter(:job, 7, '1kB') \g /dev/null
rollback to s;
commit;
select is(pg_temp.kept(:job), '6 -1', 'a savepoint takes back its part');
begin;
select pgclone_alter(:job, 8) \g /dev/null
prepare transaction 'alter';
select is(pg_temp.kept(:job), '6 -1', 'PREPARE TRANSACTION is refused');
begin;
select pg_temp.submit_silent('own') as own \gset
select throws_ok(format('select pgclone_alter(%s, 2)', :own), '55000', null,
                 'a job of this transaction');
rollback;
begin read only;
select throws_ok(format('select pgclone_alter(%s, 2)', :job), '25006', null,
                 'in a read-only transaction');
rollback;

-- pending jobs: the queue is full
select pg_temp.submit_silent('p' || g) from generate_series(1, 8) as g \g /dev/null
select pgclone_submit(:'source', 'schema', 'several',
                      '{"target_schema": "altered", "parallel": 1}') as pending \gset
select is((select status from pgclone_jobs_view where job_id = :pending), 'pending', 'a job waits');
select is(pgclone_alter(:pending, 4, '20kB/s'), true, 'a pending job is altered');
select pgclone_cancel(job_id) from pgclone_live_jobs() where job_id <> :pending \g /dev/null
do $$
begin
    for i in 1..200 loop
        exit when exists (select from pgclone_jobs_view where schema_name = 'several' and workers = 4
                          and wait_reason = 'throttle');
        perform pg_sleep(0.05);
    end loop;
end
$$;
select is((select row(status, workers, wait_reason)::text from pgclone_jobs_view
           where job_id = :pending), '(running,4,throttle)', 'and starts with the new values');
select is(pgclone_alter(:pending, rate_limit => '0'), true, 'without limit');
select is(pgclone_wait(:pending, '30 seconds'), 'completed', 'it is soon done');
select is((select row(wait_reason, eta)::text from pgclone_jobs_view where job_id = :pending),
          '(,)', 'a finished job waits for nothing');

-- finished
select is(pgclone_alter(:pending, 2), false, 'a finished job: false');
select is(pgclone_alter(:job, 2), false, 'a cancelled job: false');
select is((select status from pgclone_jobs_view where job_id = :job), 'cancelled',
          'it stays as it is');

-- a job that no slot stands for, as after a restart
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options)
    values (10, 'postgres', 'x', 'server', 'table', '{}') returning job_id as orphan \gset
select is(pgclone_alter(:orphan, 2), true, 'a job in the ledger alone can be altered');
select is(pg_temp.kept(:orphan), '2 -', 'and what was altered is kept');

-- someone else's
create role alter_other login;
create role alter_signaller login in role pg_signal_backend;
grant execute on function pgclone_alter(bigint, integer, text) to alter_signaller, alter_other;
set role alter_other;
select throws_ok('select pgclone_alter(' || :'orphan' || ', 2)', '42501',
                 'permission denied to alter job ' || :'orphan', 'another role may not');
reset role;
set role alter_signaller;
select throws_ok('select pgclone_alter(' || :'orphan' || ', 2)', '42501', null,
                 'pg_signal_backend may not alter a superuser''s job');
reset role;
revoke all on function pgclone_alter(bigint, integer, text) from alter_other, alter_signaller;
set role alter_other;
select throws_ok('select pgclone_alter(' || :'orphan' || ', 2)', '42501',
                 'permission denied for function pgclone_alter', 'EXECUTE is needed');
reset role;

select pgclone_cancel(:orphan), pgclone_clear_jobs() \g /dev/null
select is((select count(*) from pgclone_alteration), 0::bigint,
          'nothing is kept of jobs that have ended');
drop role alter_other, alter_signaller;
