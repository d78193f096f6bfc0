-- Submits of all scopes: what the ledger and the views say of them, and who may call what. Nothing
-- here runs: every transaction is rolled back.
select plan(41);

create function pg_temp.job(job_id bigint) returns table (scope text, object_schema text,
    object_name text, target_schema text, target_name text, options jsonb, dry_run boolean)
language sql as $$
    select scope, object_schema, object_name, target_schema, target_name, options, dry_run
    from pgclone_job as j where j.job_id = $1;
$$;
create function pg_temp.view(job_id bigint) returns table (scope text, schema_name text,
    table_name text, status text)
language sql as $$
    select scope, schema_name, table_name, status from pgclone_jobs_view as j where j.job_id = $1;
$$;

-- schema
begin;
select pgclone_submit('host=x', 'schema', ' "My Schema" ', '{"target_schema": "copy"}') as job \gset
select results_eq(format('select * from pg_temp.job(%s)', :job),
    $$values ('schema', 'My Schema', null::text, 'copy', null::text,
              '{"target_schema": "copy"}'::jsonb, false)$$, 'schema: the ledger');
select results_eq(format('select * from pg_temp.view(%s)', :job),
    $$values ('schema', 'My Schema', null::text, 'pending')$$, 'schema: the view');
select pgclone_submit('host=x', 'schema', 'Sales',
    '{"include": ["orders*", "sales.\"Big One\"", "s*.x"], "exclude": ["*_old"]}') as job \gset
select results_eq(format('select object_schema, target_schema from pg_temp.job(%s)', :job),
    $$values ('sales', 'sales')$$, 'schema: folded, and its own target');
rollback;

-- functions
begin;
select pgclone_submit('host=x', 'functions', 'tools') as job \gset
select results_eq(format('select * from pg_temp.job(%s)', :job),
    $$values ('functions', 'tools', null::text, 'tools', null::text, '{}'::jsonb, false)$$,
    'functions: the ledger');
select results_eq(format('select * from pg_temp.view(%s)', :job),
    $$values ('functions', 'tools', null::text, 'pending')$$, 'functions: the view');
rollback;

-- database
begin;
select pgclone_submit('host=x', 'database') as job \gset
select results_eq(format('select * from pg_temp.job(%s)', :job),
    $$values ('database', null::text, null::text, null::text, null::text, '{}'::jsonb, false)$$,
    'database: the ledger');
select results_eq(format('select * from pg_temp.view(%s)', :job),
    $$values ('database', null::text, null::text, 'pending')$$, 'database: the view');
select pgclone_submit('host=x', 'database', null, '{"target_database": "New One"}') as job \gset
select results_eq(format('select target_name, options from pg_temp.job(%s)', :job),
    $$values ('New One', '{"target_database": "New One"}'::jsonb)$$, 'database: a new one');
rollback;

-- the async forms give the same
begin;
select pgclone_schema_async('host=x', 'My Schema', false, '{"views": false}') as job \gset
select results_eq(format('select object_schema, options from pg_temp.job(%s)', :job),
    $$values ('My Schema', '{"data": false, "views": false}'::jsonb)$$,
    'schema_async: the name is taken as it is');
select pgclone_functions_async('host=x', 'a"b') as job \gset
select results_eq(format('select scope, object_schema, options from pg_temp.job(%s)', :job),
    $$values ('functions', 'a"b', '{}'::jsonb)$$, 'functions_async');
select pgclone_database_async('host=x') as job \gset
select results_eq(format('select scope, object_schema, options from pg_temp.job(%s)', :job),
    $$values ('database', null::text, '{"data": true}'::jsonb)$$, 'database_async');
select pgclone_database_create_async('host=x', 'new', options := '{"owners": false}') as job \gset
select results_eq(format('select scope, target_name, options from pg_temp.job(%s)', :job),
    $$values ('database', 'new',
              '{"data": true, "owners": false, "target_database": "new"}'::jsonb)$$,
    'database_create_async');
rollback;

-- plans: no key, no notification, and the same checks
begin;
select pgclone_submit('host=x', 'schema', 'a', '{"unique_key": "nightly"}') as job \gset
select pgclone_submit_plan('host=x', 'schema', 'a', '{"unique_key": "nightly"}') as plan \gset
select isnt(:plan::bigint, :job::bigint, 'a plan is never an older job with its unique_key');
select results_eq(format('select scope, object_schema, dry_run from pg_temp.job(%s)', :plan),
    $$values ('schema', 'a', true)$$, 'a plan: the ledger');
select is(pgclone_take_plan(:plan), null, 'take_plan: not of one that has not ended');
update pgclone_job set status = 'running' where job_id = :plan;
insert into pgclone_task (job_id, task_id, kind, stage, phase, schema_name, object_name, spec,
                          status, skip_reason)
    select :plan, (t ->> 'task_id')::integer, t ->> 'kind', 1, 'schema', t ->> 'schema_name',
           t ->> 'object_name', t::text, 'pending', t ->> 'skip_reason'
    from jsonb_array_elements('[
        {"task_id": 2, "kind": "data", "schema_name": "a", "object_name": "Orders",
         "estimated_rows": 10, "estimated_bytes": 8192, "conflict": "it exists"},
        {"task_id": 1, "kind": "view", "schema_name": "a",
         "object_name": "v", "estimated_rows": -1, "missing": "role x", "skip_reason": "no"},
        {"task_id": 3, "kind": "publish", "schema_name": "", "object_name": "x", "missing": ""}
        ]') as t;
select throws_ok(format('update pgclone_job set dry_run = false where job_id = %s', :plan), '55000',
                 null, 'a plan stays one');
update pgclone_job set status = 'completed', finished_at = now() where job_id = :plan;
create temp table plan as select pgclone_take_plan(:plan) as plan;
select results_eq('select r.* from plan, pgclone_plan_rows(plan) as r',
    $$values (1, 'schema', 'view', 'a.v', null::bigint, null::bigint, null::text, 'role x', 'no'),
             (2, 'schema', 'data', 'a.Orders', 10, 8192, 'it exists', null, null),
             (3, 'schema', 'publish', 'x', null, null, null, null, null)$$, 'the rows of a plan');
select is_empty(format('select from pgclone_job where job_id = %s', :plan), 'it is forgotten');
select is(pgclone_take_plan(:plan), null, 'take_plan: once');
select is(pgclone_take_plan(:job), null, 'take_plan: not of a job');
rollback;

-- what is left of a database that a job created
begin;
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options, status,
                         finished_at, work_database)
    values (10, 'postgres', '', 'conninfo', 'database', '{}', 'failed', now(), 'pgclone_1_left')
    returning job_id as job \gset
select is(pgclone_clear_jobs(), 0, 'a job whose database is still there is not forgotten');
select throws_ok(format('update pgclone_job set work_database = %L where job_id = %s', 'other', :job),
                 '55000', null, 'nor can the name be changed when the job is over');
select lives_ok(format('update pgclone_job set work_database = null where job_id = %s', :job),
                'that it is gone can be noted');
select is(pgclone_clear_jobs(), 1, 'then it is');
rollback;

-- the shadow of a job, in the database that it creates, is nothing to be seen
begin;
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options, status,
                         is_shadow)
    values (10, 'postgres', '', 'conninfo', 'database', '{}', 'running', true)
    returning job_id as job \gset
select is_empty(format('select * from pg_temp.view(%s)', :job), 'a shadow is not in the view');
rollback;

-- rights
select is_empty(
    $$select p.oid::regprocedure from pg_proc as p
      where p.proname ~ '^pgclone_((table|schema|functions|database|database_create)(_async)?|plan)$'
        and has_function_privilege('public', p.oid, 'EXECUTE')$$,
    'PUBLIC may execute none of the forms');
select is((select count(*) from pg_proc as p
           where p.proname ~ '^pgclone_((table|schema|functions|database|database_create)(_async)?|plan)$'),
          11::bigint, 'there are eleven of them');
select is_empty(
    $$select p.oid::regprocedure from pg_proc as p
      where p.proname ~ '^pgclone_((table|schema|functions|database|database_create)(_async)?|plan)$'
        and obj_description(p.oid, 'pg_proc') is null$$, 'all have a comment');
select throws_ok('select ' || call, '42501', null, call)
from (values ('pgclone_ledger_set_work_database(1, ''pgclone_1_x'')'),
             ('pgclone_ledger_work_database(1)'), ('pgclone_ledger_shadow(1)'),
             ('pgclone_ledger_export(1)'), ('pgclone_ledger_import(1, ''{}'')'),
             ('pgclone_ledger_unshadow(1)')) as c (call);

create role scopes_user login;
create role scopes_other login;
set role scopes_user;
select throws_ok($$select pgclone_submit_plan('host=x password=y', 'schema', 'a', '{}')$$, '42501',
                 'permission denied for function pgclone_submit',
                 'a plan needs the right to submit');
reset role;
grant execute on function pgclone_submit(text, text, text, jsonb) to scopes_user;
grant execute on function pgclone_schema_async(text, text, boolean, jsonb) to scopes_other;
begin;
set role scopes_user;
select lives_ok($$select pgclone_submit_plan('host=x password=y', 'schema', 'a', '{}')$$,
                'and no other');
select throws_ok($$select pgclone_schema_async('host=x password=y', 'a')$$, '42501',
                 'permission denied for function pgclone_schema_async', 'a form needs its own');
rollback;
set role scopes_other;
select throws_ok($$select pgclone_schema_async('host=x password=y', 'a')$$, '42501',
                 'permission denied for function pgclone_submit', 'and that to submit');
reset role;
begin;
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options, dry_run,
                         status, finished_at)
    select oid, rolname, '', 'conninfo', 'schema', '{}', true, 'completed', now()
    from pg_roles where rolname = 'scopes_other'
    returning job_id as job \gset
set session authorization scopes_user;
select is(pgclone_take_plan(:job), null, 'take_plan: only of the session''s own role');
set session authorization scopes_other;
select is(pgclone_take_plan(:job), '[]', 'take_plan: one''s own');
reset session authorization;
rollback;

select is((select count(*) from pgclone_job), 0::bigint, 'nothing is left');
drop owned by scopes_user, scopes_other;
drop role scopes_user, scopes_other;
