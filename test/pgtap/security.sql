-- Rights: of roles on functions and tables, of submitters on sources; and where passwords are not.
select plan(63);

create role security_user login;
create role security_nobody login;
create role security_group nologin;
create role security_half login;
grant create on schema public to security_user;
grant execute on function pgclone_submit(text, text, text, jsonb),
    pgclone_table_async(text, text, text, boolean, text, jsonb),
    pgclone_table(text, text, text, boolean, text, jsonb) to security_user, security_group;
grant security_group to security_user;
grant execute on function pgclone_table_async(text, text, text, boolean, text, jsonb)
    to security_half;
select set_config('test.reader',
                  format('host=%s port=%s dbname=%s user=security_reader password=canary-4711',
                         :'source_host', :'source_port', :'source_database'), false) as reader \gset
select set_config('test.trusted', replace(:'reader', 'security_reader', 'security_trusted'), false)
    \g /dev/null

create function pg_temp.fails(statement text, expected_state text, expected_message text,
                              description text) returns text
language plpgsql as $$
declare
    state text := 'no error';
    message text := '';
    detail text := '';
    hint text := '';
    context text := '';
begin
    begin
        execute statement;
    exception when others then
        get stacked diagnostics state = returned_sqlstate, message = message_text,
            detail = pg_exception_detail, hint = pg_exception_hint,
            context = pg_exception_context;
    end;
    if state = expected_state and message ~ expected_message
       and concat(message, detail, hint, context) !~ 'canary' then
        return pass(description);
    end if;
    return fail(description) || E'\n' || diag(format('%s: %s | %s | %s | %s', state, message,
                                                     detail, hint, context));
end
$$;

-- EXECUTE
set role security_nobody;
select pg_temp.fails('select pgclone_submit(''host=x'', ''table'', ''a.b'')', '42501',
                     'function pgclone_submit', 'pgclone_submit needs EXECUTE');
select pg_temp.fails('select pgclone_table(''host=x'', ''a'', ''b'')', '42501',
                     'function pgclone_table', 'pgclone_table needs EXECUTE');
select pg_temp.fails('select pgclone_table_async(''host=x'', ''a'', ''b'')', '42501',
                     'function pgclone_table_async', 'pgclone_table_async needs EXECUTE');
select pg_temp.fails('select pgclone_cancel(1)', '42501', 'function pgclone_cancel',
                     'pgclone_cancel needs EXECUTE');
select pg_temp.fails('select pgclone_clear_jobs()', '42501', 'function pgclone_clear_jobs',
                     'pgclone_clear_jobs needs EXECUTE');

reset role;
set role security_half;
select pg_temp.fails('select pgclone_table_async(current_setting(''test.reader''), ''a'', ''b'')',
                     '42501', 'function pgclone_submit', 'pgclone_table_async needs pgclone_submit');
reset role;

-- the ledger's tables
set role security_nobody;
select pg_temp.fails('select * from pgclone_job', '42501', 'pgclone_job', 'no SELECT on jobs');
select pg_temp.fails('select * from pgclone_task', '42501', 'pgclone_task', 'no SELECT on tasks');
select pg_temp.fails('insert into pgclone_job default values', '42501', 'pgclone_job', 'no INSERT');
select pg_temp.fails('update pgclone_job set submitter = 10', '42501', 'pgclone_job', 'no UPDATE');
select pg_temp.fails('delete from pgclone_job', '42501', 'pgclone_job', 'no DELETE');
select pg_temp.fails('select nextval(''pgclone_job_id_seq'')', '42501', 'pgclone_job_id_seq',
                     'no nextval');

-- the ledger's functions: for sessions of workers alone
select pg_temp.fails('select pgclone_ledger_start(1)', '42501', 'ledger', 'ledger_start');
select pg_temp.fails('select pgclone_ledger_source(1, null, null, null, null)', '42501', 'ledger',
                     'ledger_source');
select pg_temp.fails('select pgclone_ledger_plan(1, ''[]'', null, null)', '42501', 'ledger',
                     'ledger_plan');
select pg_temp.fails('select pgclone_ledger_task_start(1, 1, ''x'')', '42501', 'ledger',
                     'ledger_task_start');
select pg_temp.fails('select pgclone_ledger_tasks_lock(1, ''{1}'', ''x'')', '42501', 'ledger',
                     'ledger_tasks_lock');
select pg_temp.fails('select pgclone_ledger_tasks_take(1, ''{1}'', ''x'')', '42501', 'ledger',
                     'ledger_tasks_take');
select pg_temp.fails('select pgclone_ledger_tasks_done(1, ''{1}'', ''x'', ''{}'', ''{}'', ''{}'', ''{}'', ''{}'', ''{}'', ''{}'')',
                     '42501', 'ledger', 'ledger_tasks_done');
select pg_temp.fails('select pgclone_ledger_tasks_failed(1, ''{1}'', ''x'', 1, ''XX000'', ''x'', false, 1)',
                     '42501', 'ledger', 'ledger_tasks_failed');
-- (arguments are not even looked at)
select pg_temp.fails('select pgclone_ledger_import(1, ''no JSON'')', '42501', 'ledger', 'ledger_import');
select pg_temp.fails('select pgclone_ledger_check_aside(1, ''x'')', '42501', 'ledger',
                     'ledger_check_aside');
select pg_temp.fails('select pgclone_ledger_finish(1, ''completed'', null, null, null, null, null, '
                     'null, null, null, null)', '42501', 'ledger', 'ledger_finish');
select pg_temp.fails('select pgclone_ledger_interrupted(null, true)', '42501', 'ledger',
                     'ledger_interrupted');
select pg_temp.fails('select pgclone_ledger_authorize(1)', '42501', 'pgclone_ledger_authorize',
                     'ledger_authorize');
select pg_temp.fails('select pgclone_ledger_finish_unchecked(1, ''failed'', null, null, null, null, '
                     'null, null, null, null, null)', '42501', 'finish_unchecked',
                     'ledger_finish_unchecked');
select pg_temp.fails('select * from pgclone_ledger_jobs(10)', '42501', 'pgclone_ledger_jobs',
                     'ledger_jobs: nobody can look as someone else');
select pg_temp.fails('select * from pgclone_ledger_tasks(10)', '42501', 'pgclone_ledger_tasks',
                     'ledger_tasks');
select pg_temp.fails('select pgclone_ledger_clear(10)', '42501', 'pgclone_ledger_clear',
                     'ledger_clear');
select pg_temp.fails('select * from pgclone_live_jobs()', '42501', 'pgclone_live_jobs',
                     'live_jobs');
reset role;
select pg_temp.fails('select pgclone_ledger_start(1)', '42501', 'ledger',
                     'not even a superuser''s session is a worker');

-- sources of non-superusers
set role security_user;
select pg_temp.fails('select pgclone_submit(''host=h dbname=d'', ''table'', ''a.b'')', '2F003',
                     'password is required', 'a password is required');
select pg_temp.fails('select pgclone_submit(''dbname=d password=canary'', ''table'', ''a.b'')',
                     '22023', 'host', 'a host is required');
select pg_temp.fails('select pgclone_submit(''host=/tmp password=canary'', ''table'', ''a.b'')',
                     '42501', 'socket', 'no socket');
select pg_temp.fails('select pgclone_submit(''host=a,b password=canary'', ''table'', ''a.b'')',
                     '42501', 'list', 'no list of hosts');
select pg_temp.fails('select pgclone_submit(''host=h password=canary passfile=/etc/passwd'', '
                     '''table'', ''a.b'')', '42501', 'passfile', 'no passfile');
select pg_temp.fails('select pgclone_submit(''host=h password=canary sslkey=/etc/passwd'', '
                     '''table'', ''a.b'')', '42501', 'sslkey', 'no sslkey');
select pg_temp.fails('select pgclone_submit(''host=h password=canary options=-c'', ''table'', '
                     '''a.b'')', '42501', 'options', 'no options');
select pg_temp.fails('select pgclone_submit(''host=h password=canary service=s'', ''table'', '
                     '''a.b'')', '42501', 'service', 'no service');
select pgclone_submit(current_setting('test.trusted'), 'table', 'public.secrets') as trusted \gset
select is(pgclone_wait(:trusted, '60 seconds'), 'failed',
          'a server that does not ask for the password');
reset role;
select is((select sqlstate from pgclone_jobs_view where job_id = :trusted), '2F003', 'fails: 2F003');

-- a role that cannot log in
set role security_group;
select pg_temp.fails('select pgclone_submit(current_setting(''test.reader''), ''table'', ''a.b'')',
                     '55000', 'security_group.*log in', 'a role that cannot log in is refused');
reset role;

-- foreign servers
create extension postgres_fdw;
select format('create server security_server foreign data wrapper postgres_fdw options '
              '(host %L, port %L, dbname %L)', :'source_host', :'source_port', :'source_database')
    \gexec
set role security_user;
select pg_temp.fails('select pgclone_submit(''security_server'', ''table'', ''a.b'')', '42501',
                     'foreign server security_server', 'USAGE is needed');
reset role;
grant usage on foreign server security_server to security_user;
set role security_user;
select pg_temp.fails('select pgclone_submit(''security_server'', ''table'', ''a.b'')', '42704',
                     '"source".*user mapping', 'a user mapping is needed');
create user mapping for security_user server security_server
    options (user 'security_reader', password 'canary-4711');
select pgclone_submit('security_server', 'table', 'public.secrets') as by_server \gset
select is(pgclone_wait(:by_server, '60 seconds'), 'completed', 'a foreign server is a source');
reset role;
select is((select source || ' ' || source_kind from pgclone_job where job_id = :by_server),
          'security_server server', 'the ledger has its name');
select is((select count(*) from secrets), 2::bigint, 'the table is there');
select is((select tableowner from pg_tables where tablename = 'secrets')::text, 'security_user',
          'and belongs to the submitter');
drop table secrets;

-- passwords
do $$
declare
    shown text;
begin
    perform pgclone_submit(current_setting('test.reader') || ' password=canary-inline', 'table',
                           'public.secrets');
    select string_agg(query, ' ') into shown from pg_stat_activity where pid = pg_backend_pid();
    perform set_config('test.activity', shown, false);
end
$$;
select max(job_id) as inline from pgclone_job \gset
select is(current_setting('test.activity'), 'SELECT pgclone_submit(<redacted>)',
          'pg_stat_activity shows no statement with a password');
select is(pgclone_wait(:inline, '60 seconds'), 'failed', 'the last password counts');
select is((select count(*) from pgclone_job as j where j::text ~ 'canary'), 0::bigint,
          'no password in the ledger of jobs');
select is((select count(*) from pgclone_task as t where t::text ~ 'canary'), 0::bigint,
          'no password in the ledger of tasks');
select is((select count(*) from pgclone_jobs_view as v where v::text ~ 'canary'), 0::bigint,
          'no password in the view');
select is((select source from pgclone_job where job_id = :inline),
          format('user=''security_reader'' dbname=''%s'' host=''%s'' port=''%s''',
                 :'source_database', :'source_host', :'source_port'),
          'the ledger has the connection string without it');

-- who and whence cannot be changed, whoever writes
select pg_temp.fails('update pgclone_job set submitter = 99 where job_id = ' || :'inline', '55000',
                     'who and whence', 'the submitter cannot be changed');
select pg_temp.fails('update pgclone_job set source = ''x'' where job_id = ' || :'inline', '55000',
                     'who and whence', 'the source cannot be changed');
select pg_temp.fails('update pgclone_job set status = ''running'', finished_at = null '
                     'where job_id = ' || :'inline', '55000', 'cannot go from',
                     'a final state is final');
select pg_temp.fails('update pgclone_task set status = ''running'' where job_id = '
                     || :'by_server' || ' and kind = ''data''', '55000', 'cannot be changed',
                     'a done task does not run again by itself');

-- default privileges of the installing role open nothing
drop extension pgclone;
alter default privileges grant all on tables to security_nobody, public;
alter default privileges grant all on sequences to security_nobody;
alter default privileges grant all on functions to security_nobody;
create schema "odd one";
create extension pgclone schema "odd one";
select ok(not has_table_privilege('security_nobody', '"odd one".pgclone_job', 'SELECT')
          and not has_table_privilege('security_nobody', '"odd one".pgclone_task', 'UPDATE')
          and not has_sequence_privilege('security_nobody', '"odd one".pgclone_job_id_seq',
                                         'USAGE'),
          'default privileges give no rights on the ledger');
create function pg_temp.open_functions() returns table (name name, source text) language sql as $$
    select p.proname, p.prosrc
    from pg_proc as p join pg_depend as d on d.objid = p.oid and d.deptype = 'e'
    join pg_extension as e on e.oid = d.refobjid and e.extname = 'pgclone'
    where has_function_privilege('security_nobody', p.oid, 'EXECUTE');
$$;
select is((select string_agg(name, ' ' order by name) from pg_temp.open_functions()
           where name !~ '^pgclone_ledger_'),
          'pgclone_advice pgclone_jobs pgclone_progress pgclone_progress_detail pgclone_restore_row_count '
          'pgclone_restore_statistics pgclone_submit_plan pgclone_take_plan pgclone_tasks_detail '
          'pgclone_timeline pgclone_timeline_svg pgclone_version pgclone_wait',
          'nor on functions that act, but for those that look at the caller themselves');
select is((select string_agg(name, ' ' order by name) from pg_temp.open_functions()
           where name ~ '^pgclone_ledger_' and source !~ 'BEGIN\s+PERFORM .*pgclone_ledger_authorize'),
          null, 'what workers call begins with a check of who calls');
select ok(has_table_privilege('security_nobody', '"odd one".pgclone_jobs_view', 'SELECT')
          and not has_table_privilege('security_nobody', '"odd one".pgclone_jobs_view', 'UPDATE'),
          'the views can be read');
select is("odd one".pgclone_table(:'source', 'public', 'secrets', target_name := 'odd'),
          'completed', 'all works from a schema with an odd name');

drop owned by security_user, security_nobody, security_group, security_half cascade;
drop role security_user, security_nobody, security_group, security_half;
