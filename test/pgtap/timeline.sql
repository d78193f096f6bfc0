-- pgclone_timeline and its chart: who did what when.
select plan(27);
\ir jobs.psql
create role timeline_other login;
create role timeline_monitor login in role pg_monitor;

call pg_temp.clone('database', null);
select (pg_temp.job()).job_id as job \gset
select is((pg_temp.job()).status, 'completed', 'a database is cloned');
create temporary table timeline as select * from pgclone_timeline(:job);
create temporary table tasks as select * from pgclone_tasks_view where job_id = :job;

select is((select count(*) from timeline where task_id is not null),
          (select count(*) from tasks where started_at is not null),
          'each task that was begun has a line');
select is((select count(*) from timeline join tasks using (task_id, worker, phase, kind, status,
                                                           attempts, started_at, finished_at)
           where timeline.object_name is not distinct from tasks.object_name
             and timeline.schema_name is not distinct from tasks.schema_name
             and timeline.rows is not distinct from tasks.rows_target
             and timeline.bytes is not distinct from tasks.bytes),
          (select count(*) from tasks where started_at is not null), 'and says what its task says');
select is((select row(worker, phase, kind, status, starts_after, schema_name, object_name)::text
           from timeline where task_id is null),
          '("job worker",planning,planning,done,00:00:00,,)', 'planning has a line, too');
select is((select finished_at from timeline where task_id is null),
          (select min(started_at) from tasks), 'which ends when the first task begins');
select is((select bool_and(starts_after = started_at - (pg_temp.job()).started_at
                           and duration = finished_at - started_at and duration >= '0')
           from timeline), true, 'starts_after and duration');
select is((select rows from timeline where kind = 'data' and object_name = 'orders'),
          5000::bigint, 'rows');
select is((select array_agg(worker) from (select distinct worker from timeline) as w
           where worker !~ '^(job worker|\d+\.\d+)$'), null, 'workers have names');
select is((select worker from pgclone_timeline(:job) limit 1), 'job worker', 'the job worker comes first');
select is((select bool_and(in_order) from
              (select started_at >= lag(started_at) over (partition by worker order by line) as in_order
               from (select row_number() over () as line, * from pgclone_timeline(:job)) as t) as o),
          true, 'each worker''s lines are in the order of time');

-- the chart
create temporary table chart as select pgclone_timeline_svg(:job) as svg;
select is((select svg is document and xpath_exists('/s:svg/s:g/s:rect', svg::xml,
                  array[array['s', 'http://www.w3.org/2000/svg']])
           from (select svg::xml from chart) as c), true, 'the chart is a well-formed document with bars');
select matches((select svg from chart), format('>job %s: database, completed, [^<]* \(queued for [^<]*\)<', :job),
               'it says which job');
select is((select count(*) from chart, regexp_matches(svg, '>(job worker|worker \d+\.\d+)</text>', 'g')),
          (select count(distinct worker) from timeline), 'it has a lane for each worker');
select matches((select svg from chart), '<title>data public\.orders: ', 'bars have titles');
select ok((select svg from chart) !~ 'a<b>', 'names are escaped');

-- a job that has not begun, and one that fails before it has a plan
begin;
select pgclone_submit(:'source', 'table', 'public.orders', '{"target_name": "pending"}') as pending \gset
select is((select count(*) from pgclone_timeline(:pending)), 0::bigint, 'a pending job has no lines');
select matches(pgclone_timeline_svg(:pending), format('job %s: table, pending, 0 ', :pending),
               'but a chart');
rollback;
call pg_temp.clone('table', 'public.missing');
select (pg_temp.job()).job_id as failed \gset
select is((select array_agg(row(worker, kind, status)::text) from pgclone_timeline(:failed)),
          array['("job worker",planning,failed)'], 'a job that fails in planning');
select matches(pgclone_timeline_svg(:failed), '<title>planning: [^<]*, failed</title>', 'its chart says so');

-- who may see it
select count(*) as lines from timeline \gset
set role timeline_other;
select throws_ok(format('select * from pgclone_timeline(%s)', :job), '42501',
                 format('permission denied to see job %s', :job), 'others see nothing of a job');
select throws_ok(format('select pgclone_timeline_svg(%s)', :job), '42501',
                 format('permission denied to see job %s', :job), 'nor its chart');
select throws_ok(format('select * from pgclone_ledger_timeline(10, %s)', :job), '42501', null,
                 'nor by the function below it');
select throws_ok(format('select * from pgclone_ledger_timeline_job(%s)', :job), '42501', null,
                 'nor by the other one');
set role timeline_monitor;
select is((select count(*) from pgclone_timeline(:job)), :lines::bigint,
          'who may read all statistics sees all');
reset role;
select throws_ok('select * from pgclone_timeline(999999)', '42704', 'job 999999 does not exist',
                 'a job that does not exist');
select throws_ok('select pgclone_timeline_svg(null)', '22004', 'argument "job_id" must not be null',
                 'no job');
-- a plan is no job
select count(*) from pgclone_plan(:'source', 'table', 'public.orders', '{"target_name": "planned"}') \g /dev/null
select throws_ok('select * from pgclone_timeline((select max(job_id) + 1 from pgclone_job))', '42704', null,
                 'plans have no timeline');
select * from finish();
