-- Submits are transactional: what commits runs, in order, and nothing else.
select plan(28);
create extension dblink;

-- A session that holds a lock on the source: jobs that copy "locked" do not end while it does.
select dblink_connect('holder', :'source') \g /dev/null
create procedure pg_temp.lock_source() language sql as $$
    select dblink_exec('holder', 'begin'),
           dblink_exec('holder', 'lock table public.locked in access exclusive mode');
$$;
create function pg_temp.submit_locked(name text) returns bigint language sql as $$
    select pgclone_submit(current_setting('test.source'), 'table', 'public.locked',
                          jsonb_build_object('target_name', name));
$$;
create procedure pg_temp.end_all() language plpgsql as $$
begin
    perform pgclone_cancel(job_id) from pgclone_jobs_view where status in ('pending', 'running');
    commit;
    perform pgclone_wait(job_id) from pgclone_jobs_view where status in ('pending', 'running');
end
$$;
create function pg_temp.unfinished() returns bigint language sql as $$
    select count(*) from pgclone_jobs_view where status in ('pending', 'running');
$$;
select set_config('test.source', :'source', false) \g /dev/null
call pg_temp.lock_source();

-- rollback
begin;
select pg_temp.submit_locked('r1') as rolled_back \gset
select is((select status from pgclone_jobs_view where job_id = :rolled_back), 'pending',
          'a job is visible in its own transaction');
rollback;
select is(pg_temp.unfinished(), 0::bigint, 'rolled back: no job');
select throws_ok('select pgclone_wait(' || :'rolled_back' || ')', '42704', null,
                 'rolled back: the id is unknown');

-- savepoints
begin;
select pg_temp.submit_locked('s1') as s1 \gset
savepoint one;
select pg_temp.submit_locked('s2') as s2 \gset
savepoint two;
select pg_temp.submit_locked('s3') as s3 \gset
release savepoint two;
rollback to savepoint one;
select pg_temp.submit_locked('s4') as s4 \gset
savepoint three;
select pg_temp.submit_locked('s5') as s5 \gset
release savepoint three;
commit;
select results_eq('select job_id from pgclone_live_jobs() order by 1',
                  format('values (%s::bigint), (%s), (%s)', :s1, :s4, :s5),
                  'savepoints: exactly what committed');
call pg_temp.end_all();

-- exception blocks, 50 deep, the 30th fails: it takes the inner ones with it
create function pg_temp.nest(level integer) returns void language plpgsql as $$
begin
    begin
        perform pg_temp.submit_locked('n' || level);
        if level < 50 then
            perform pg_temp.nest(level + 1);
        end if;
        if level = 30 then
            raise division_by_zero;
        end if;
    exception when division_by_zero then
        null;
    end;
end
$$;
select pg_temp.nest(1) \g /dev/null
select is(pg_temp.unfinished(), 29::bigint, 'exception blocks: the failed one and what it called');
call pg_temp.end_all();
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'no slot is left over');

-- 100 in one statement
select pgclone_clear_jobs() \g /dev/null
select pg_temp.submit_locked('g' || g) from generate_series(1, 100) as g \g /dev/null
select is(pg_temp.unfinished(), 100::bigint, '100 submits in one statement');
select is((select array_agg(target_name order by job_id) from pgclone_job),
          (select array_agg('g' || g order by g) from generate_series(1, 100) as g),
          'in the order of the submits');
select cmp_ok((select count(*) from pgclone_jobs_view where status = 'running'), '<=', 3::bigint,
              'no more jobs run than workers allow');

-- queue full: at commit, all or nothing
select pg_temp.submit_locked('f' || g) from generate_series(1, 60) as g \g /dev/null
\set full_sqlstate :SQLSTATE
select is(:'full_sqlstate'::text, '53400', 'queue full: 53400 at commit');
select is(pg_temp.unfinished(), 100::bigint, 'queue full: nothing half-queued');
select pg_temp.submit_locked('f' || g) from generate_series(1, 28) as g \g /dev/null
select is(pg_temp.unfinished(), 128::bigint, 'exactly what fits is taken');
select pg_temp.submit_locked('f') \g /dev/null
\set full_sqlstate :SQLSTATE
select is(:'full_sqlstate'::text, '53400', 'one more is refused');
select throws_ok($$select pg_temp.submit_locked('x' || g) from generate_series(1, 200) as g$$,
                 '53400', null, 'more than the queue holds: refused in the statement');
call pg_temp.end_all();
select is(pg_temp.unfinished(), 0::bigint, 'all cancelled');
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'the queue is empty');

-- PREPARE TRANSACTION, READ ONLY
begin;
select pg_temp.submit_locked('p') \g /dev/null
prepare transaction 'queue_test';
\set prepare_sqlstate :SQLSTATE
rollback;
select is(:'prepare_sqlstate'::text, '0A000', 'PREPARE TRANSACTION is refused');
begin read only;
select pg_temp.submit_locked('p') \g /dev/null
\set read_only_sqlstate :SQLSTATE
rollback;
select is(:'read_only_sqlstate'::text, '25006', 'READ ONLY is refused');
select is(pg_temp.unfinished(), 0::bigint, 'neither left a job');

-- unique_key
create function pg_temp.submit_unique(name text) returns bigint language sql as $$
    select pgclone_submit(current_setting('test.source'), 'table', 'public.locked',
                          jsonb_build_object('target_name', name, 'unique_key', 'nightly'));
$$;
begin;
select pg_temp.submit_unique('u1') as first \gset
select pg_temp.submit_unique('u2') as second \gset
commit;
select pg_temp.submit_unique('u3') as third \gset
select is(:second::bigint, :first::bigint, 'unique_key: the same job in the same transaction');
select is(:third::bigint, :first::bigint, 'unique_key: the same job in another one');
select is(pg_temp.unfinished(), 1::bigint, 'unique_key: one job');
call pg_temp.end_all();
select pg_temp.submit_unique('u4') as fourth \gset
select cmp_ok(:fourth::bigint, '>', :first::bigint, 'unique_key: a new job when it has ended');
call pg_temp.end_all();

-- a job of the current transaction cannot be waited for
begin;
select pg_temp.submit_locked('w') as own \gset
select throws_ok('select pgclone_wait(' || :'own' || ')', '55000', null,
                 'waiting for a job of this transaction is an error');
rollback;

-- wait: timeout, REPEATABLE READ
select pg_temp.submit_locked('w') as waited \gset
select ok(pgclone_wait(:waited, '0.2 seconds') in ('pending', 'running'), 'timeout: status so far');
begin isolation level repeatable read;
select count(*) from pgclone_job \g /dev/null
select dblink_exec('holder', 'rollback') \g /dev/null
select is(pgclone_wait(:waited, '60 seconds'), 'completed',
          'the end is seen in REPEATABLE READ, too');
commit;

-- 40 small jobs, submitted at once
select pgclone_submit(:'source', 'table', 'public.one_row',
                      jsonb_build_object('target_name', 'small_' || g))
from generate_series(1, 40) as g \g /dev/null
select pgclone_wait(job_id, '2 minutes') from pgclone_live_jobs() \g /dev/null
select is((select count(*) from pgclone_job where target_name like 'small%'
           and status = 'completed' and rows_copied = 1), 40::bigint, 'all of 40 jobs completed');
select is((select count(*) from pg_tables where tablename like 'small%'), 40::bigint,
          'and their tables are there');
