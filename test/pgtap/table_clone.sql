-- Clones of tables with the options of scope "table", and the synchronous form.
select plan(61);
create extension dblink;
select dblink_connect('source', :'source') \g /dev/null
select set_config('test.source', :'source', false) \g /dev/null

-- A number for the rows of a table, here or at the source.
create function pg_temp.digest(relation text) returns text language plpgsql as $$
declare
    result text;
begin
    execute format('select count(*) || '' '' || coalesce(sum(hashtextextended(t::text, 0)), 0) '
                   'from %s as t', relation) into result;
    return result;
end
$$;
create function pg_temp.source_digest(relation text) returns text language sql as $$
    select d from dblink('source', format('select count(*) || '' '' '
        '|| coalesce(sum(hashtextextended(t::text, 0)), 0) from %s as t', relation)) as x(d text);
$$;
-- pgclone_wait wants a job that is committed.
create procedure pg_temp.clone(object text, options jsonb, expected text, description text)
language plpgsql as $$
declare
    job bigint;
    status text;
begin
    job := pgclone_submit(current_setting('test.source'), 'table', object, options);
    commit;
    status := pgclone_wait(job, '2 minutes');
    perform set_config('test.job', job::text, false);
    perform set_config('test.result', format('%s: %s', description,
        case when status = expected then 'ok'
             else status || coalesce(', ' || (select sqlstate || ' ' || error_message
                                              from pgclone_jobs_view where job_id = job), '') end),
        false);
end
$$;
create function pg_temp.clone_was_ok() returns text language sql as $$
    select is(current_setting('test.result'), split_part(current_setting('test.result'), ': ', 1)
              || ': ok', split_part(current_setting('test.result'), ': ', 1));
$$;

-- everything
call pg_temp.clone('public.customers', '{}', 'completed', 'a whole table');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('customers'), pg_temp.source_digest('customers'), 'its rows are equal');
select col_is_pk('customers', 'id', 'primary key');
select col_is_unique('customers', 'email', 'unique constraint');
select has_index('customers', 'customers_name', 'lower(name)', 'expression index');
select col_has_check('customers', 'balance', 'check constraint');
select col_not_null('customers', 'name', 'not null');
select col_default_is('customers', 'balance', '0', 'default');
select is((select row(attidentity, attgenerated)::text from pg_attribute
           where attrelid = 'customers'::regclass and attname = 'id'), '(d,"")', 'identity');
select is((select attgenerated::text from pg_attribute
           where attrelid = 'customers'::regclass and attname = 'label'), 's', 'generated column');
select is(obj_description('customers'::regclass), 'who buys', 'comment of the table');
select is(col_description('customers'::regclass, 3), 'where to write to', 'comment of a column');
insert into customers (name) values ('next') returning id as next_id \gset
select is(:next_id, 5001, 'the identity goes on where the source is');
delete from customers where id = 5001;

call pg_temp.clone('public.orders', '{"parallel": 2}', 'completed', 'a table with a foreign key');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('orders'), pg_temp.source_digest('orders'), 'its rows are equal');
select fk_ok('orders', 'customer', 'customers', 'id');
select is(pg_get_serial_sequence('orders', 'id'), 'public.orders_id_seq', 'owned sequence');
select is(nextval('orders_id_seq'), 20001::bigint, 'its value');

call pg_temp.clone('"Mixed Case"."ta""ble"', '{}', 'completed', 'names that need quotes');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('"Mixed Case"."ta""ble"'), pg_temp.source_digest('"Mixed Case"."ta""ble"'),
          'its rows are equal');

-- parts of it
call pg_temp.clone('public.customers', '{"target_name": "empty", "data": false}', 'completed',
                   'without data');
select pg_temp.clone_was_ok();
select is((select count(*) from empty), 0::bigint, 'no rows');
select col_is_pk('empty', 'id', 'but its primary key');

call pg_temp.clone('public.customers', '{"target_name": "part", "where": "id % 2 = 0 and name like ''customer 1%''"}',
                   'completed', 'with a condition');
select pg_temp.clone_was_ok();
select is((select count(*) from part), (select count(*) from customers
          where id % 2 = 0 and name like 'customer 1%'), 'these rows');

call pg_temp.clone('public.customers', '{"target_name": "few", "columns": ["id", "name"]}',
                   'completed', 'with some columns');
select pg_temp.clone_was_ok();
select columns_are('few', array['id', 'name'], 'these columns');

call pg_temp.clone('public.customers', '{"target_name": "bare", "indexes": false, "constraints": false, "comments": false}',
                   'completed', 'without indexes, constraints and comments');
select pg_temp.clone_was_ok();
select is((select count(*) from pg_index where indrelid = 'bare'::regclass), 0::bigint,
          'no index');
select is((select count(*) from pg_constraint where conrelid = 'bare'::regclass and contype <> 'n'),
          0::bigint, 'no constraint');
select is(obj_description('bare'::regclass), null, 'no comment');

create schema elsewhere;
call pg_temp.clone('public.customers', '{"target_schema": "elsewhere", "target_name": "Who"}',
                   'completed', 'to another schema and name');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('elsewhere."Who"'), pg_temp.source_digest('customers'), 'rows are equal');

call pg_temp.clone('public.customers', '{"target_name": "bad", "where": "nosuch = 1"}', 'failed',
                   'a condition on a column that is not there');
select pg_temp.clone_was_ok();
select is((select sqlstate from pgclone_jobs_view where job_id = current_setting('test.job')::bigint),
          '42703', 'fails with the source''s SQLSTATE');
select hasnt_table('bad', 'and leaves nothing');

-- conflict
call pg_temp.clone('public.customers', '{}', 'failed', 'conflict = error is the default');
select pg_temp.clone_was_ok();
select is((select sqlstate from pgclone_jobs_view where job_id = current_setting('test.job')::bigint),
          '42P07', 'its SQLSTATE');
select is(pg_temp.digest('customers'), pg_temp.source_digest('customers'), 'the old table is intact');
delete from empty;
call pg_temp.clone('public.customers', '{"target_name": "empty", "conflict": "skip"}', 'completed',
                   'conflict = skip');
select pg_temp.clone_was_ok();
select is((select count(*) from empty), 0::bigint, 'the old table is as it was');
call pg_temp.clone('public.customers', '{"target_name": "empty", "conflict": "replace"}',
                   'completed', 'conflict = replace');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('empty'), pg_temp.source_digest('customers'), 'the new table is there');
create view uses_part as select * from part;
call pg_temp.clone('public.customers', '{"target_name": "part", "conflict": "replace"}', 'failed',
                   'conflict = replace of a table that a view uses');
select pg_temp.clone_was_ok();
select matches((select error_message || ' ' || sqlstate from pgclone_jobs_view
                where job_id = current_setting('test.job')::bigint), '2BP01', 'says so');

-- a host by its name, which has several addresses maybe
create function pg_temp.clone_by_name(source text) returns text language plpgsql as $$
begin
    begin
        perform dblink_connect('by_name', source);
        perform dblink_disconnect('by_name');
    exception when others then
        return skip('the name "localhost" leads nowhere here', 2);
    end;
    return is(pgclone_table(source, 'public', 'orders', target_name := 'by_name'), 'completed',
              'a source whose host is a name')
           || E'\n' || is(pg_temp.digest('by_name'), pg_temp.digest('orders'), 'its rows');
end
$$;
select pg_temp.clone_by_name(replace(:'source', '127.0.0.1', 'localhost'));

-- the synchronous form
select is(pgclone_table(:'source', 'public', 'orders', target_name := 'sync1'), 'completed',
          'pgclone_table waits');
select is(pg_temp.digest('sync1'), pg_temp.source_digest('orders'), 'its rows are equal');
select is(pgclone_table(:'source', 'public', 'orders', false, 'sync2'), 'completed',
          'pgclone_table without data');
select is((select count(*) from sync2), 0::bigint, 'no rows');
select throws_ok(format('select pgclone_table(%L, ''public'', ''missing'')', :'source'), '42P01', null,
                 'a failed job raises its SQLSTATE');
begin;
select pgclone_table(:'source', 'public', 'orders', target_name := 'sync3') \g /dev/null
rollback;
select is((select count(*) from sync3), 20000::bigint,
          'the clone does not depend on the caller''s transaction');
begin;
lock table sync3 in access share mode;
select throws_ok(format('select pgclone_table(%L, ''public'', ''orders'', target_name := ''sync3'', '
                        'options := ''{"conflict": "replace"}'')', :'source'), '40P01', null,
                 'a lock that the caller holds is found, and no hang');
rollback;
select is((select count(*) from sync3), 20000::bigint, 'the old table is intact');
set statement_timeout = '500ms';
select dblink_exec('source', 'begin') \g /dev/null
select dblink_exec('source', 'lock table public.orders') \g /dev/null
select pgclone_table(:'source', 'public', 'orders', target_name := 'sync4') \g /dev/null
\set timeout_sqlstate :SQLSTATE
reset statement_timeout;
select is(:'timeout_sqlstate'::text, '57014', 'statement_timeout ends the wait');
select is(pgclone_wait((select max(job_id) from pgclone_job), '10 seconds'), 'cancelled',
          'and the job');
select dblink_exec('source', 'rollback') \g /dev/null
select hasnt_table('sync4', 'its table is not there');

create role table_clone_refused login in role no_login;
grant execute on function pgclone_table(text, text, text, boolean, text, jsonb)
    to table_clone_refused;
set role table_clone_refused;
select throws_ok('select pgclone_table(''host=h dbname=d user=u password=p'', ''public'', ''t'')',
                 '28000', null, 'a role whose login is refused');
reset role;
drop owned by table_clone_refused;
drop role table_clone_refused;
select is((select count(*) from pgclone_live_jobs()), 0::bigint, 'no slot is left over');
select is((select count(*) from pg_stat_activity where application_name like 'pgclone %'
           and backend_type = 'client backend'), 0::bigint, 'no session is left over');
