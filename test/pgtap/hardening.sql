-- What a role with some rights may try, and settings that a database owner may leave behind.
select plan(15);

create role hardening_eve login;
create role hardening_bob;
grant hardening_bob to hardening_eve;
grant create on schema public to hardening_eve, hardening_bob;
grant execute on function pgclone_submit(text, text, text, jsonb),
    pgclone_table(text, text, text, boolean, text, jsonb) to hardening_eve;

-- Overloads that would be better matches for arguments without a type.
create table trap (caller name, session name);
grant insert on trap to public;
set role hardening_eve;
create function public.pgclone_ledger_authorize(text) returns void language sql as
    $$ insert into public.trap values (current_user, session_user) $$;
create function public.pgclone_ledger_start(text) returns table (status text) language sql as
    $$ insert into public.trap values (current_user, session_user); select 'failed'::text $$;
create function public.pgclone_ledger_notify(bigint, varchar, varchar) returns void language sql as
    $$ insert into public.trap values (current_user, session_user) $$;
create function public.pgclone_ledger_tasks_lock(bigint, text, text) returns void language sql as
    $$ insert into public.trap values (current_user, session_user) $$;
create function public.pgclone_submit(text, text, text, text) returns bigint language sql as
    $$ insert into public.trap values (current_user, session_user); select 1::bigint $$;
create function public.pgclone_rate_text(numeric) returns text language sql as
    $$ insert into public.trap values (current_user, session_user); select 'x'::text $$;
create function public.pgclone_may_see(bigint, bigint) returns boolean language sql as
    $$ insert into public.trap values (current_user, session_user); select true $$;
reset role;
select throws_ok('select * from pgclone_ledger_interrupted(null, true)', '42501', null,
                 'the ledger is closed to sessions that are no worker');
select is(pgclone_table(:'source', 'public', 'notes', target_name := 'trapped'), 'completed',
          'a clone completes beside planted overloads');
select ok(count(*) > 0, 'the view answers') from pgclone_jobs_view;
select is((select count(*) from trap), 0::bigint, 'no planted overload was called');
drop function public.pgclone_ledger_authorize(text), public.pgclone_ledger_start(text),
    public.pgclone_ledger_notify(bigint, varchar, varchar),
    public.pgclone_ledger_tasks_lock(bigint, text, text),
    public.pgclone_submit(text, text, text, text), public.pgclone_rate_text(numeric),
    public.pgclone_may_see(bigint, bigint);

-- unique_key leads to no job of another role, and the view not to its error.
select pgclone_submit('host=127.0.0.1 port=1 dbname=secret_database user=nobody', 'table', 'a.b',
                      '{"unique_key": "k", "retries": 2}') as job \gset
set session authorization hardening_eve;
select pgclone_submit('host=127.0.0.1 port=1 dbname=d user=u password=p', 'table', 'a.b',
                      '{"unique_key": "k"}') as own_job \gset
select isnt(:own_job, :job, 'a unique_key is one''s own');
select is((select error_message from pgclone_jobs_view where job_id = :job), null,
          'the view does not show its error either');
reset session authorization;
select pgclone_cancel(:job) as ignored, pgclone_cancel(:own_job) as also_ignored \gset
select pgclone_wait(:job, '30 seconds') as ignored, pgclone_wait(:own_job, '30 seconds') as also_ignored \gset

-- ALTER ROLE ... SET role does not change as whom the clone is made.
alter role hardening_eve set role = 'hardening_bob';
alter role hardening_eve superuser;
set session authorization hardening_eve;
set role none;
select is(pgclone_table(:'source', 'public', 'notes', target_name := 'owned'), 'completed',
          'a clone by a role with a default role');
reset session authorization;
select is((select relowner::regrole::text from pg_class where relname = 'owned'),
          'hardening_eve', 'belongs to the submitter');
alter role hardening_eve nosuperuser;
alter role hardening_eve reset role;

-- Settings of the database: the loopback and the ledger worker do not follow them.
select format('alter database %I set default_transaction_read_only = on', current_database()) as set,
       format('alter database %I reset default_transaction_read_only', current_database()) as reset
\gset
:set;
set default_transaction_read_only = off;
select is(pgclone_table(:'source', 'public', 'notes', target_name := 'read_only'), 'completed',
          'a database that is read-only by default is cloned into');
create foreign data wrapper hardening_wrapper;
create server hardening_server foreign data wrapper hardening_wrapper options (host '127.0.0.1');
create user mapping for current_user server hardening_server;
begin;
select pgclone_submit('hardening_server', 'table', 'a.b') as job \gset
commit;
select pgclone_cancel(:job) as ignored \gset
select pgclone_wait(:job, '30 seconds') as status \gset
select ok(:'status' in ('cancelled', 'failed'), 'the ledger worker writes there, too');
:reset;

select is((select count(*) from pgclone_job where sqlstate !~ '^[0-9A-Z]{5}$'), 0::bigint,
          'SQLSTATEs in the ledger are well-formed');

-- What all of that left.
select is((select indexrelid::regclass::text from pg_index where indrelid = 'owned'::regclass),
          'owned_pkey', 'index names follow the name of the clone');
select is((select count(*) from pg_class where relname like 'pgclone\_%\_%' and relkind = 'r'
           and relname not in ('pgclone_job', 'pgclone_task')), 0::bigint,
          'no working table is left');
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'no slot is left');
select is((select count(*) from pg_stat_activity where application_name like 'pgclone %'
           and application_name <> 'pgclone submit'), 0::bigint, 'no session is left');

drop server hardening_server cascade;
drop foreign data wrapper hardening_wrapper;
drop owned by hardening_eve, hardening_bob cascade;
drop role hardening_eve, hardening_bob;
