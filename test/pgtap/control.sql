-- What runs a job, and what it depends on: forms that wait, keys, the way back to this server,
-- roles that have gone; and what a clone of a database has of rights and secrets.
select plan(63);
\ir jobs.psql
create extension dblink;
select set_config('test.target', :'target', false),
       set_config('test.reader', format('host=%s port=%s dbname=%s user=control_reader '
           'password=''control canary''', :'source_host', :'source_port', :'source_database'), false)
    \g /dev/null

-- SQLSTATE, message, detail and hint of a statement that fails, a cancel among them.
create function pg_temp.said(statement text) returns text[] language plpgsql as $$
declare
    code text;
    message text;
    detail text;
    hint text;
begin
    execute statement;
    return '{no error}';
exception when query_canceled or others then
    get stacked diagnostics code = returned_sqlstate, message = message_text,
        detail = pg_exception_detail, hint = pg_exception_hint;
    return array[code, message, detail, hint];
end
$$;
-- Statements by which other sessions clone a table, of which the source says nothing for long.
create function pg_temp.silent(name text, options jsonb default '{}') returns text language sql as $$
    select format('select pgclone_table(%L, ''public'', ''numbers'', true, %L, %L)',
                  current_setting('test.source'), name,
                  '{"where": "pg_sleep(60) is not null"}'::jsonb || options);
$$;
create procedure pg_temp.wait_for_data() language plpgsql as $$
begin
    for i in 1..200 loop
        exit when exists (select from pgclone_jobs_view
                          where status = 'running' and phase = 'data');
        perform pg_sleep(0.05);
    end loop;
end
$$;

-- a job that another session cancels
select dblink_connect('first', :'target') \g /dev/null
select dblink_connect('second', :'target') \g /dev/null
select dblink_send_query('first', pg_temp.silent('silent')) \g /dev/null
call pg_temp.wait_for_data();
select job_id as silent from pgclone_jobs_view where status = 'running' \gset
select is(pgclone_cancel(:silent), true, 'the job of a form that waits is cancelled');
select is((pg_temp.said('select * from dblink_get_result(''first'') as r (status text)'))[1:2],
          array['57014', format('job %s was cancelled', :silent)], 'the form says so');
select * from dblink_get_result('first') as r (status text) \g /dev/null

-- unique_key
select dblink_send_query('first', pg_temp.silent('keyed', '{"unique_key": "nightly"}')) \g /dev/null
call pg_temp.wait_for_data();
select job_id as keyed from pgclone_jobs_view where status = 'running' \gset
select is(pgclone_table_async(:'source', 'public', 'names', options := '{"unique_key": "nightly"}'),
          :keyed::bigint, 'another form with its key finds the job');
select dblink_send_query('second', pg_temp.silent('other', '{"unique_key": "nightly"}')) \g /dev/null
do $$
begin
    for i in 1..200 loop
        exit when exists (select from pg_stat_activity
                          where query like 'SELECT pgclone_table(<redacted>)' and state = 'active'
                            and wait_event_type = 'Extension'
                          having count(*) = 2);
        perform pg_stat_clear_snapshot();
        perform pg_sleep(0.05);
    end loop;
end
$$;
select dblink_cancel_query('second') \g /dev/null
select is((pg_temp.said('select * from dblink_get_result(''second'') as r (status text)'))[1], '57014',
          'who waits for an older job is interrupted');
select * from dblink_get_result('second') as r (status text) \g /dev/null
select is((select status || ' ' || phase from pgclone_jobs_view where job_id = :keyed), 'running data',
          'the job is not');
select dblink_cancel_query('first') \g /dev/null
select is((pg_temp.said('select * from dblink_get_result(''first'') as r (status text)'))[1], '57014',
          'who has submitted it is interrupted');
select * from dblink_get_result('first') as r (status text) \g /dev/null
select is(pgclone_wait(:keyed, '20 s'), 'cancelled', 'and so is the job');
select is((pg_temp.said(format('select pgclone_table(%L, ''a'', ''b'', options := %L)', :'source',
                               jsonb_build_object('unique_key', repeat('k', 256)))))[1:3],
          array['22023', 'option "unique_key" must be a string of 1 to 255 bytes', 'It is longer.'],
          'a key that is too long');
begin;
select pgclone_table_async(:'source', 'public', 'names', options := '{"unique_key": "mine"}') as mine \gset
select pg_temp.said(format('select pgclone_table(%L, ''public'', ''names'', options := %L)', :'source',
                           '{"unique_key": "mine"}')) as said \gset
select is((:'said'::text[])[1:2], array['40P01', 'the submit waits for a lock that this session holds'],
          'a key that this transaction uses: an error');
select matches((:'said'::text[])[3],
               '^Process \d+, which submits the job, waits for process \d+, which is this session\.$',
               'which says why');
select is((:'said'::text[])[4], 'End this transaction first.', 'and what to do');
rollback;
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options, status,
                         unique_key, sqlstate, error_message)
    values (10, 'postgres', 'x', 'server', 'table', '{}', 'held', 'kept', '55000',
            'server was copied or promoted') returning job_id as held \gset
select is((pg_temp.said(format('select pgclone_table(%L, ''public'', ''names'', options := %L)', :'source',
                               '{"unique_key": "kept"}')))[1:2],
          '{55000,"server was copied or promoted"}', 'a key of a job that is held: it says why it is');
select pgclone_cancel(:held) \g /dev/null

-- locks: of a source that is this very server, and of a third session
create table own (id integer primary key);
insert into own values (1), (2);
begin;
lock table own in access exclusive mode;
select pg_temp.said(format('select pgclone_table(%L, ''public'', ''own'', true, ''copy'')', :'target'))
    as said \gset
select is((:'said'::text[])[1], '40P01', 'the source waits for a lock of this session: an error');
select matches((:'said'::text[])[2], '^job \d+ waits for a lock that this session holds$', 'which says so');
select matches((:'said'::text[])[3], '^Process \d+ of the job', 'and what waits');
select matches((:'said'::text[])[4], '^The job was cancelled\.', 'and what became of the job');
rollback;
create table names (id integer);
select dblink_exec('first', 'begin; lock table names in access share mode') \g /dev/null
select pgclone_submit(:'source', 'table', 'public.names', '{"conflict": "replace"}') as third \gset
select is(pgclone_wait(:third, '3 s'), 'running', 'a lock of a third session is waited for');
select dblink_exec('first', 'commit') \g /dev/null
select is(pgclone_wait(:third, '60 s'), 'completed', 'until it is gone');

-- pgclone_alter
select dblink_send_query('first', pg_temp.silent('altered')) \g /dev/null
call pg_temp.wait_for_data();
select job_id as altered from pgclone_jobs_view where status = 'running' \gset
begin;
savepoint s;
select pgclone_alter(:altered, 5) \g /dev/null
release s;
savepoint t;
select pgclone_alter(:altered, 6) \g /dev/null
rollback to t;
commit;
select is((select parallel from pgclone_alteration where job_id = :altered), 5,
          'what was altered in a savepoint that is released is kept');
select pgclone_submit(:'source', 'table', 'public.numbers',
                      jsonb_build_object('target_name', 'n' || g, 'where', 'pg_sleep(60) is not null'))
    from generate_series(1, 8) as g \g /dev/null
select pgclone_submit(:'source', 'functions', 'tools') as tools \gset
select is((pg_temp.said(format('select pgclone_alter(%s, 2)', :tools)))[1:3],
          array['0A000', format('cannot alter job %s of scope "functions"', :tools),
                'It copies no rows, and has one worker.'], 'a job that copies no rows cannot be altered');
select pgclone_cancel(job_id) from pgclone_live_jobs() where job_id <> :tools \g /dev/null
select is(pgclone_wait(:tools, '60 s'), 'completed', 'it runs when there is room');
select is((pg_temp.said('select * from dblink_get_result(''first'') as r (status text)'))[1], '57014',
          'a cancelled form');
select * from dblink_get_result('first') as r (status text) \g /dev/null

-- pgclone.loopback_conninfo
create function pg_temp.set_loopback(value text) returns text[] language sql as $$
    select pg_temp.said(format('select dblink_exec(''first'', %L)',
        format('alter system set pgclone.loopback_conninfo = %L', value)));
$$;
select is((pg_temp.set_loopback(value))[1:3],
          array['22023',
                format('invalid value for parameter "pgclone.loopback_conninfo": "%s"', value), detail],
          'refused: ' || value)
from (values ('host=x user=y', 'Connection parameter "user" is not allowed'),
             ('dbname=d', 'Connection parameter "dbname" is not allowed'),
             ('hoost=x', 'Invalid connection string'),
             ('host=''x', 'Invalid connection string'),
             ('postgresql://y@x', 'Connection parameter "user" is not allowed'),
             ('x', 'Invalid connection string')) as v (value, detail);
select is((pg_temp.said('set pgclone.loopback_conninfo = ''host=x'''))[1], '55P02',
          'nor can it be set for a session alone');
select is(current_setting('pgclone.loopback_conninfo'), '', 'nothing was set');

-- Sets it, and waits until new sessions have it.
create procedure pg_temp.use_loopback(value text) language plpgsql as $$
begin
    perform dblink_exec('first', format('alter system set pgclone.loopback_conninfo = %L', value));
    perform pg_reload_conf();
    for i in 1..200 loop
        exit when (select current from dblink(current_setting('test.target'),
                       'show pgclone.loopback_conninfo') as s (current text)) = value;
        perform pg_sleep(0.05);
    end loop;
    perform dblink_disconnect('second');
    perform dblink_connect('second', current_setting('test.target'));
end
$$;
create function pg_temp.clone_elsewhere(role name) returns text[] language sql as $$
    select pg_temp.said(format('select dblink_exec(''second'', %L); '
                               'select * from dblink(''second'', %L) as x (status text)',
        format('set role %I', role),
        format('select pgclone_table(%L, ''public'', ''names'', true, ''by_%s_%s'')',
               current_setting('test.source'), role, clock_timestamp()::time)));
$$;
create role control_refused login superuser in role no_login;
call pg_temp.use_loopback('host=127.0.0.1');
select is(pg_temp.clone_elsewhere('postgres'), '{no error}', 'by TCP it goes, too');
select pg_temp.clone_elsewhere('control_refused') as said \gset
select is((:'said'::text[])[1], '28000', 'but not if the login is refused');
select matches((:'said'::text[])[4],
               'Add a line like this.* host "target_control" "control_refused" 127\.0\.0\.1/32',
               'the hint has the line');
set role control_refused;
call pg_temp.clone('table', 'public.names', '{"target_name": "refused"}');
reset role;
select is((pg_temp.job()).sqlstate, '28000', 'a job of that role fails');
select is((pg_temp.job()).error_hint, (:'said'::text[])[4], 'with the same hint');

select replace(:'source', 'dbname=' || :'source_database', 'dbname=postgres') as source_server \gset
select dblink_exec(:'source_server', format('create database %I', current_database())) \g /dev/null
call pg_temp.use_loopback(format('host=%s port=%s', :'source_host', :'source_port'));
select is((pg_temp.clone_elsewhere('postgres'))[1:3],
          array['55000', '"pgclone.loopback_conninfo" does not lead to this server',
                'No session of this server, database and role was found behind it.'],
          'another server is not taken for this one');
select dblink_exec(:'source_server', format('drop database %I', current_database())) \g /dev/null
call pg_temp.use_loopback('sslcrl=/' || repeat('x', 9000));
select is((pg_temp.clone_elsewhere('postgres'))[1:2],
          array['54000', 'pgclone.loopback_conninfo is too long'], 'nor one that is too long');
call pg_temp.use_loopback('');
select is(pg_temp.clone_elsewhere('postgres'), '{no error}', 'with the default it goes again');
select dblink_exec('first', 'alter system reset pgclone.loopback_conninfo') \g /dev/null

-- roles that have gone
grant execute on function pgclone_submit(text, text, text, jsonb) to public;
create role control_gone login;
select dblink_connect('gone', :'target' || ' user=control_gone') \g /dev/null
drop role control_gone;
select matches((pg_temp.said('select * from dblink(''gone'', '
                             '''select pgclone_submit(''''host=x password=y'''', '
                             '''''table'''', ''''a.b'''')'') as x (job bigint)'))[1:2]::text,
               '^\{42704,"role with OID \d+ does not exist"\}$',
               'a role that has been dropped submits nothing');
select dblink_disconnect('gone') \g /dev/null
revoke execute on function pgclone_submit(text, text, text, jsonb) from public;
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options, status)
    values (4000000000, 'control_gone', 'x', 'server', 'table', '{}', 'held')
    returning job_id as orphan \gset
select is((pg_temp.said(format('select pgclone_resume(%s)', :orphan)))[1:2],
          array['42704', format('role with OID 4000000000, which submitted job %s, '
                                'does not exist any more', :orphan)],
          'nor is its job resumed');
select is(pgclone_cancel(:orphan), true, 'but it can be cancelled');
insert into pgclone_job (submitter, submitter_name, source, source_kind, scope, options, status)
    values (10, 'postgres', 'shop_server', 'server', 'table', '{}', 'held')
    returning job_id as by_server \gset
select is(pg_temp.said(format('select pgclone_resume(%s, ''host=x'')', :by_server)),
          array['22023', format('argument "source" cannot be given for job %s', :by_server),
                'Its source is the foreign server "shop_server".',
                'Change the server''s options or the user mapping.'],
          'nor can a job of a foreign server get another source');
select is(pgclone_cancel(:by_server), true, 'it can be cancelled, too');

-- where nothing can be submitted
create function pg_temp.submit() returns bigint language plpgsql parallel safe as
    $$ begin return pgclone_submit('host=x', 'table', 'a.b'); end $$;
select set_config(name, 'on', false) from pg_settings
    where name in ('force_parallel_mode', 'debug_parallel_query') \g /dev/null
select is((pg_temp.said('select pg_temp.submit()'))[1:2],
          array['25000', 'cannot submit a job during a parallel operation'], 'not by a parallel worker');
select set_config(name, 'off', false) from pg_settings
    where name in ('force_parallel_mode', 'debug_parallel_query') \g /dev/null
select replace(:'target', 'dbname=' || current_database(), 'dbname=postgres') as elsewhere \gset
select dblink_exec(:'elsewhere', $$create function control_by_hand(text, text, text, boolean, text, jsonb)
    returns text language c as '$libdir/pgclone', 'pgclone_table'$$) \g /dev/null
select is((pg_temp.said(format('select * from dblink(%L, %L) as x (said text)', :'elsewhere',
                               'select control_by_hand(''host=x'', ''a'', ''b'', true, null, ''{}'')')))[1:2],
          array['55000', 'extension "pgclone" is not installed in this database'],
          'not without the extension');
select dblink_exec(:'elsewhere', 'drop function control_by_hand') \g /dev/null
select is((pg_temp.said(format('select pgclone_submit(%L, ''table'', ''public.names'', %L)', :'source',
                               '{"where": "unique (select 1)"}')))[1:2],
          '{22023,"option \"where\" is not a valid expression"}', 'not with what the grammar knows alone');
call pg_temp.clone('table', 'public.names',
                   '{"target_name": "failing", "where": "(''äß€𝄞 '' || name)::integer > 0"}');
select is((pg_temp.job()).sqlstate, '22P02', 'an error of the source fails the job');
select matches((pg_temp.job()).error_message, 'invalid input syntax for type integer: "äß€𝄞 x"$',
               'with its message, whatever the characters');

-- a sequence that may not be read
call pg_temp.clone('schema', 'counted', '{"owners": false, "acls": false}',
                   current_setting('test.reader'));
select is((pg_temp.job()).sqlstate, '42501', 'no SELECT on a sequence: the job fails');
select is((pg_temp.job()).error_message,
          'permission denied for sequence "counted"."My Counter" on the source', 'and names it');
select hasnt_schema('counted', 'nothing is made');
call pg_temp.clone('schema', 'counted', '{"owners": false, "acls": false, "data": false}',
                   current_setting('test.reader'));
select is((pg_temp.job()).status, 'completed', 'without data: completed');
select is(nextval('counted."My Counter"'), 1::bigint, 'the sequence is new');
drop schema counted cascade;

-- what a clone of the database leaves out, and says so
create function pg_temp.notes(source text) returns text language sql as $$
    select string_agg(skip_reason, E'\n' order by skip_reason)
    from pgclone_plan(source, 'database', null, '{"owners": false, "acls": false, "data": false}')
    where kind = 'note';
$$;
create role control_granted;
create role control_mapped;
drop table names, own;
select is(pg_temp.notes(:'source'),
'subscription "control_subscription": without the password in its connection string
user mapping "for control_mapped on control_server": without its secrets: password',
          'secrets are left out, the plan');
select is(pg_temp.notes(current_setting('test.reader')),
'subscription "control_subscription": only a superuser of the source can read what it is made of
user mapping "for control_mapped on control_server": its options may not be read',
          'what may not be read is left out, the plan');
call pg_temp.clone('database', null, '{"conflict": "skip", "acls": false}');
select is((pg_temp.job()).status, 'completed', 'a whole database');
select is((select string_agg(status || ' ' || skip_reason, E'\n' order by skip_reason)
           from pgclone_tasks_view where job_id = (pg_temp.job()).job_id and kind = 'note'),
'skipped subscription "control_subscription": without the password in its connection string
skipped user mapping "for control_mapped on control_server": without its secrets: password',
          'says what it has left out');
select is((select umoptions from pg_user_mappings where srvname = 'control_server'), '{user=me}',
          'a mapping without its password');
select is((select subconninfo from pg_subscription where subname = 'control_subscription'),
          'host=nowhere user=me', 'a subscription without its password');

-- privileges on the server's own objects
create function pg_temp.granted() returns text language sql as $$
    select concat_ws(' ', has_table_privilege('control_granted', 'pg_authid', 'select'),
        has_column_privilege('control_granted', 'pg_subscription', 'subconninfo', 'select with grant option'),
        has_column_privilege('control_granted', 'pg_subscription', 'subname', 'update with grant option'),
        has_column_privilege('control_granted', 'pg_subscription', 'subname', 'insert'),
        has_function_privilege('control_granted', 'pg_ls_dir(text)', 'execute'),
        has_function_privilege('control_granted', 'random()', 'execute'));
$$;
select is(pg_temp.granted(), 'f f f f f t', 'without acls privileges on system objects are as ever');
call pg_temp.clone('database', null, '{"conflict": "skip"}');
select is((pg_temp.job()).status, 'completed', 'again, with acls');
select is(pg_temp.granted(), 't t t f t f', 'they are as on the source');
select is((select count(*) from pgclone_tasks_view where job_id = (pg_temp.job()).job_id
             and object_name = 'GRANT SELECT ON TABLE pg_authid TO "control_granted"' and status = 'done'),
          1::bigint, 'the statement is a step of the job');

alter subscription control_subscription set (slot_name = none);
drop subscription control_subscription;
drop extension postgres_fdw cascade;
drop owned by control_granted;
drop role control_granted, control_mapped, control_refused;
select dblink_connect('source', :'source') \g /dev/null
select dblink_exec('source', $$
    alter subscription control_subscription set (slot_name = none);
    drop extension postgres_fdw cascade;
    drop owned by control_reader, control_granted;
    drop role control_mapped, control_reader, control_granted;
$$) \g /dev/null
select dblink_exec('source', 'drop subscription control_subscription') \g /dev/null
