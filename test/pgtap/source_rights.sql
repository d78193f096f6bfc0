-- A source role without the right to some tables, columns or rows: those tables fail, the others are
-- complete, and a part of the rows is never taken for all of them.
select plan(20);
select format('host=%s port=%s dbname=%s user=rights_reader password=''rights canary''',
              :'source_host', :'source_port', :'source_database') as reader \gset
create procedure pg_temp.clone(source text, scope text, object text, options text) language plpgsql as $$
declare
    job bigint;
begin
    job := pgclone_submit(source, scope, object, options::jsonb);
    commit;
    perform pgclone_wait(job, '60 s');
    perform set_config('test.job', job::text, false);
end
$$;
create function pg_temp.job() returns pgclone_jobs_view language sql as
    $$ select j from pgclone_jobs_view as j where job_id = current_setting('test.job')::bigint $$;

call pg_temp.clone(:'reader', 'table', 'shop.closed', '{"target_schema": "public"}');
select is((pg_temp.job()).sqlstate, '42501', 'no SELECT on the table: the job fails');
select alike((pg_temp.job()).error_message, '%closed%', 'and names it');
select is(to_regclass('public.closed'), null, 'there is no table');
call pg_temp.clone(:'reader', 'table', 'shop.half', '{"target_schema": "public"}');
select is((pg_temp.job()).sqlstate, '42501', 'no SELECT on a column: the job fails');
select is(to_regclass('public.half'), null, 'there is no table');
call pg_temp.clone(:'reader', 'table', 'shop.half', '{"target_schema": "public", "columns": ["id"]}');
select is((pg_temp.job()).status, 'completed', 'without that column it completes');
select is((select count(*) from public.half), 10::bigint, 'with all rows');
call pg_temp.clone(:'reader', 'table', 'shop.filtered', '{"target_schema": "public"}');
select is((pg_temp.job()).sqlstate, '42501', 'rows that a policy hides: the job fails');
select alike((pg_temp.job()).error_message, '%row%security%filtered%', 'and says why');
select is(to_regclass('public.filtered'), null, 'a part of the rows is not taken for all');

call pg_temp.clone(:'reader', 'schema', 'shop', '{"owners": false, "acls": false}');
select is((pg_temp.job()).sqlstate, '42501', 'a schema with them: the job fails');
select is(to_regnamespace('shop'), null, 'and nothing stays');
call pg_temp.clone(:'reader', 'schema', 'shop', '{"owners": false, "acls": false, "on_error": "continue"}');
select is((pg_temp.job()).status, 'failed', 'on_error continue: it has failed');
select is((select string_agg(object_name || coalesce(' ' || sqlstate, ''), ', ' order by object_name)
           from pgclone_tasks_view where job_id = current_setting('test.job')::bigint
             and status = 'failed'), 'closed 42501, filtered 42501, half 42501', 'of these tables');
select is((select array[(select count(*) from shop.open), (select count(*) from shop.last)]),
          array[10, 10]::bigint[], 'the others are complete');
select is((pg_temp.job()).tables_completed, 3, 'and counted');
select is((pg_temp.job()).rows_copied, 21::bigint, 'as are their rows');
select is((select c::text from shop.padded), 'x', 'one with padding, which the role may not take off, too');
call pg_temp.clone(:'reader', 'table', 'shop.padded', '{"target_schema": "public"}');
select is((pg_temp.job()).status, 'completed', 'nor of a single table');
select is((select octet_length(c) from public.padded), 80, 'which is as wide as it was');
