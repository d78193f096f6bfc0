-- What the target lacks is found and named before anything is made, whatever kind of object it is.
select plan(27);
\ir jobs.psql

call pg_temp.clone('schema', 'by_extension', '{}');
select is((pg_temp.job()).sqlstate, '42704', 'an extension: the job fails');
select alike((pg_temp.job()).error_detail, '%hstore%', 'and names it');
select is(to_regnamespace('by_extension'), null, 'nothing is made');
call pg_temp.clone('schema', 'by_type', '{}');
select is((pg_temp.job()).sqlstate, '42704', 'a type: the job fails');
select alike((pg_temp.job()).error_detail, '%other.color%', 'and names it');
select is(to_regnamespace('by_type'), null, 'nothing is made');
call pg_temp.clone('schema', 'by_collation', '{}');
select is((pg_temp.job()).sqlstate, '42704', 'a collation: the job fails');
select alike((pg_temp.job()).error_detail, '%other.sorted%', 'and names it');
select is(to_regnamespace('by_collation'), null, 'nothing is made');
call pg_temp.clone('schema', 'by_function', '{}');
select is((pg_temp.job()).sqlstate, '42704', 'a function: the job fails');
select alike((pg_temp.job()).error_detail, '%other.twice%', 'and names it');
select is(to_regnamespace('by_function'), null, 'nothing is made');
call pg_temp.clone('schema', 'by_role', '{}');
select is((pg_temp.job()).sqlstate, '42704', 'a role that owns: the job fails');
select alike((pg_temp.job()).error_detail, '%target_lacks_owner%', 'and names it');
select is(to_regnamespace('by_role'), null, 'nothing is made');
call pg_temp.clone('schema', 'by_policy', '{}');
select is((pg_temp.job()).sqlstate, '42704', 'a role of a policy: the job fails');
select alike((pg_temp.job()).error_detail, '%target_lacks_owner%', 'and names it');
select is(to_regnamespace('by_policy'), null, 'nothing is made');
call pg_temp.clone('schema', 'by_table', '{}');
select is((pg_temp.job()).sqlstate, '42704', 'a table that a foreign key refers to: the job fails');
select alike((pg_temp.job()).error_detail, '%other.parent%', 'and names it');
select is(to_regnamespace('by_table'), null, 'nothing is made');

-- With what was missing it works.
create schema other;
create type other.color as enum ('red', 'green');
call pg_temp.clone('schema', 'by_type', '{}');
select is((pg_temp.job()).status, 'completed', 'with the type: completed');
create function other.twice(integer) returns integer immutable language sql as 'select 2 * $1';
call pg_temp.clone('schema', 'by_function', '{"target_schema": "other"}');
select is((pg_temp.job()).status, 'completed', 'with the function, in the schema that is filled: completed');
call pg_temp.clone('schema', 'by_role', '{"owners": false}');
select is((pg_temp.job()).status, 'completed', 'without owners: completed');
call pg_temp.clone('schema', 'by_policy', '{"role_map": {"target_lacks_owner": "postgres"}}');
select is((pg_temp.job()).status, 'completed', 'with another role for it: completed');
select is((select count(*) from pgclone_tasks_view where status = 'done' and job_id in
              (select job_id from pgclone_job where status = 'failed')), 0::bigint,
          'of the jobs that failed no task was done');
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'no slot is left');
