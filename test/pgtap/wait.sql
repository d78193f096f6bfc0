-- Waiting for a job that waits for the waiter: an error, which shows nobody more than the views do.
select plan(11);
create extension dblink;
create role wait_owner login;
create role wait_member login in role wait_owner;
create role wait_other login;
create role wait_monitor login in role pg_monitor;
grant create on schema public to wait_owner;
grant execute on function pgclone_submit(text, text, text, jsonb) to wait_owner;
select format('host=%s port=%s dbname=%s user=wait_reader password=''wait canary''',
              :'source_host', :'source_port', :'source_database') as reader \gset
set role wait_owner;
create table confidential (id integer);
reset role;

-- What pgclone_wait says to a role: SQLSTATE, message, detail, hint.
create function pg_temp.say(role name, job bigint) returns text[] language plpgsql as $$
declare
    code text;
    message text;
    detail text;
    hint text;
begin
    begin
        perform set_config('role', role, true);
        perform pgclone_wait(job, '20 s');
    exception when others then
        get stacked diagnostics code = returned_sqlstate, message = message_text,
            detail = pg_exception_detail, hint = pg_exception_hint;
    end;
    return array[code, message, detail, hint];
end
$$;

-- The job is submitted by another session, since the transaction of this one stays open.
select dblink_connect('owner', :'target' || ' user=wait_owner') \g /dev/null
begin;
lock table confidential in access share mode;
select job from dblink('owner', format('select pgclone_submit(%L, ''table'', ''public.confidential'', '
    '''{"conflict": "replace"}'')', :'reader')) as x (job bigint) \gset
select pg_temp.say('wait_other', :job) as said \gset
select is((:'said'::text[])[1], '40P01', 'another role: an error');
select is((:'said'::text[])[2], format('job %s waits for a lock that this session holds', :job),
          'with the reason');
select is((:'said'::text[])[3], '', 'but no table and no process');
select alike((:'said'::text[])[4], 'The job goes on when%', 'and what to do');
set local role wait_other;
select is((select num_nonnulls(phase, wait_reason, current_table) from pgclone_jobs_view
           where job_id = :job), 0, 'as little as in the view');
reset role;
select pg_temp.say('wait_member', :job) as said \gset
select is((:'said'::text[])[1], '40P01', 'a member of the submitting role: the same error');
select matches((:'said'::text[])[3],
               '^Process \d+ of the job, at public.confidential, waits for process \d+, which is this session\.$',
               'with table and process');
select pg_temp.say('wait_monitor', :job) as said \gset
select alike((:'said'::text[])[3], 'Process % of the job%', 'for pg_monitor, too');
commit;
select is(pgclone_wait(:job, '60 s'), 'completed', 'the job goes on when the lock is gone');
select is((select count(*) from confidential), 10::bigint, 'and replaces the table');
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'no slot is left');

select dblink_disconnect('owner') \g /dev/null
drop owned by wait_owner, wait_member, wait_other, wait_monitor;
drop role wait_owner, wait_member, wait_other, wait_monitor;
