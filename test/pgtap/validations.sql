-- Foreign keys of a large table are validated by themselves, by a merge where indexes allow it.
select plan(5);
\ir jobs.psql

call pg_temp.clone('database', null);
select is((pg_temp.job()).status, 'completed', 'the job completes');
select is((select count(*) from pg_constraint where conrelid = 'large'::regclass and contype = 'f' and convalidated),
          17::bigint, 'all keys are valid');
create temporary view validation as
select substring(object_name from '^\w+') as name, spec::json -> 'statements' ->> 0 = 'SET LOCAL enable_hashjoin = off' as merges
from pgclone_task
where job_id = (pg_temp.job()).job_id and spec::json ->> 'object_kind' = 'validation';
select is((select count(*) from validation), 17::bigint, 'each has a step of its own');
select is((select string_agg(name, ' ' order by name) from validation where merges),
          (select string_agg(name, ' ' order by name) from validation where name like 'yes%'),
          'a merge where an index has the order of the referenced one, and no other');

-- Without indexes there is nothing to merge.
drop table large, referenced;
call pg_temp.clone('database', null, '{"indexes": false}');
select is((select count(*) from validation where merges), 2::bigint, 'without indexes only keys are merged');
