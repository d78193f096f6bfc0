-- Clones of schemas: what comes along, what options leave out, conflicts, other names, errors.
select plan(80);
create extension dblink;
select dblink_connect('source', :'source') \g /dev/null
select set_config('test.source', :'source', false) \g /dev/null

-- A number for the rows of a relation, here or at the source.
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
create procedure pg_temp.clone(scope text, object text, options jsonb, expected text,
                               description text)
language plpgsql as $$
declare
    job bigint;
    status text;
begin
    job := pgclone_submit(current_setting('test.source'), scope, object, options);
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
create function pg_temp.sqlstate() returns text language sql as $$
    select sqlstate from pgclone_jobs_view where job_id = current_setting('test.job')::bigint;
$$;
create function pg_temp.message() returns text language sql as $$
    select concat_ws(' / ', error_message, error_detail, error_hint)
    from pgclone_job where job_id = current_setting('test.job')::bigint;
$$;
create function pg_temp.skipped(object text) returns text language sql as $$
    select skip_reason from pgclone_tasks_view
    where job_id = current_setting('test.job')::bigint and object_name = object
      and status = 'skipped' order by task_id limit 1;
$$;

-- a whole schema
call pg_temp.clone('schema', 'sales', '{}', 'completed', 'a schema');
select pg_temp.clone_was_ok();
select is(obj_description('sales'::regnamespace), 'what we sell', 'its comment');
select is(pg_temp.digest(r), pg_temp.source_digest(r), 'rows of ' || r)
    from unnest(array['sales.customers', 'sales.orders', 'sales.events', 'only sales.events_2025',
                      'sales.events_rest', 'sales.totals', 'sales.open_orders',
                      'sales.per_customer']) r;
select enum_has_labels('sales', 'state', array['open', 'paid']);
select col_type_is('sales', 'orders', 'total', 'sales.price', 'domain');
select col_default_is('sales', 'orders', 'state', 'open', 'default');
select has_index('sales', 'orders', 'orders_state', 'index');
select fk_ok('sales', 'orders', 'customer', 'sales', 'customers', 'id');
select is((select string_agg(attname, ',' order by attnum) from pg_attribute
           where attrelid = 'sales.events_2025'::regclass and attnum > 0), 'what,at',
          'a partition keeps its order of columns');
select has_trigger('sales', 'customers', 'touch', 'trigger');
select is(obj_description('sales.open_orders'::regclass), 'not paid', 'comment of a view');
select is((select reloptions from pg_class where oid = 'sales.open_orders'::regclass),
          array['security_barrier=true'], 'option of a view');
select is((select relispopulated from pg_class where oid = 'sales.never'::regclass), false,
          'a materialized view that was never populated');
select is(nextval('sales.tickets'), 42::bigint, 'the value of a sequence');
insert into sales.customers (name) values ('x') returning id as next_id, name as next_name \gset
select is(:next_id, 101, 'the identity goes on where the source is');
select is(:'next_name'::text, 'x!', 'the trigger works');
select is((select tables_completed from pgclone_jobs_view
           where job_id = current_setting('test.job')::bigint), 4, 'tables are counted');
select ok((select bool_and(reltuples >= 0) from pg_class
           where relnamespace = 'sales'::regnamespace and relkind in ('r', 'm')
             and relname <> 'never'), 'statistics are there');
select is((select count(*) from pgclone_tasks_view
           where job_id = current_setting('test.job')::bigint
             and status not in ('done', 'skipped')), 0::bigint, 'every step is done');

-- again: everything is in the way
call pg_temp.clone('schema', 'sales', '{}', 'failed', 'a schema that exists');
select pg_temp.clone_was_ok();
select is(pg_temp.sqlstate(), '42P07', 'is a conflict');
select matches(pg_temp.message(), 'table "sales"."orders"', 'that names the objects');
call pg_temp.clone('schema', 'sales', '{"conflict": "skip"}', 'completed', 'conflict skip');
select pg_temp.clone_was_ok();
select is((select count(*) from sales.customers), 101::bigint, 'leaves all as it is');
select is(pg_temp.skipped('orders'), 'it exists on the target', 'and says so');

-- another name
call pg_temp.clone('schema', 'sales', '{"target_schema": "Copy of sales"}', 'completed',
                   'another name');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('"Copy of sales".orders'), pg_temp.source_digest('sales.orders'),
          'rows of the renamed one');
select is(pg_get_viewdef('"Copy of sales".open_orders'::regclass) like '%"Copy of sales".orders%',
          true, 'its views read its own tables');
select is((select count(*) from pg_depend d join pg_class c on c.oid = d.objid
           where d.refobjid = 'sales'::regnamespace and d.classid = 'pg_class'::regclass
             and c.relnamespace = '"Copy of sales"'::regnamespace), 0::bigint,
          'nothing of it depends on the other schema');
select is(pg_get_indexdef('"Copy of sales".orders_label'::regclass)
          like '%"Copy of sales".fold(label)%', true, 'and its indexes call its own functions');
select is(pg_get_serial_sequence('"Copy of sales".orders', 'id'),
          '"Copy of sales".orders_id_seq', 'its sequence');
select is(nextval('"Copy of sales".orders_id_seq'), 3001::bigint, 'and the value');
drop schema "Copy of sales" cascade;
call pg_temp.clone('schema', 'hiding', '{"target_schema": "other"}', 'failed',
                   'another name for a schema with names of the server''s own');
select pg_temp.clone_was_ok();
select is(pg_temp.sqlstate(), '0A000', 'is refused');
select matches(pg_temp.message(), 'function lower\(text\)|function hiding.lower\(text\)', 'with the names');

-- selection
drop schema sales cascade;
call pg_temp.clone('schema', 'sales', '{"exclude": ["customers", "ev*"]}', 'completed', 'exclude');
select pg_temp.clone_was_ok();
select hasnt_table('sales', 'customers', 'leaves a table out');
select hasnt_table('sales', 'events_rest', 'and its partitions');
select has_table('sales', 'orders', 'takes the others');
select hasnt_view('sales', 'open_orders', 'leaves out what needs it');
select matches(pg_temp.skipped('open_orders'), 'customers', 'with the reason');
drop schema sales cascade;
call pg_temp.clone('schema', 'sales', '{"include": ["sales.events"], "views": false,
    "matviews": false, "functions": false, "data": false}', 'completed', 'include');
select pg_temp.clone_was_ok();
select tables_are('sales', array['events', 'events_2025', 'events_rest'], 'takes only that');
select is((select count(*) from sales.events), 0::bigint, 'without rows');
select is((select count(*) from pg_proc where pronamespace = 'sales'::regnamespace), 0::bigint,
          'without functions');
drop schema sales cascade;

-- conflicts
create schema stock;
create table stock.items (id integer, old boolean default true);
insert into stock.items values (99);
create table stock.other (id integer);
call pg_temp.clone('schema', 'stock', '{"conflict": "replace"}', 'completed', 'replace');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('stock.items'), pg_temp.source_digest('stock.items'), 'is replaced');
select has_table('stock', 'other', 'others stay');
insert into stock.items values (100, 'mine');
call pg_temp.clone('schema', 'stock', '{"conflict": "rename"}', 'completed', 'rename');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('stock.items'), pg_temp.source_digest('stock.items'), 'is cloned anew');
select is((select count(*) from stock_old.items), 11::bigint, 'the old one is in another schema');
create schema users;
create view users.uses_items as select * from stock.items;
call pg_temp.clone('schema', 'stock', '{"conflict": "replace"}', 'failed',
                   'replace what others use');
select pg_temp.clone_was_ok();
select is(pg_temp.sqlstate(), '2BP01', 'is an error');
select matches(pg_temp.message(), 'uses_items', 'that names the user');
select is((select count(*) from stock.items), 10::bigint, 'and nothing is changed');

-- errors: the only thing that fails here is to own a table that an event trigger refuses
create function refuse() returns event_trigger language plpgsql as $$
begin
    if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'broken.bad') then
        raise exception 'not this one' using errcode = 'P0042';
    end if;
end
$$;
create event trigger refuse on ddl_command_end execute function refuse();
call pg_temp.clone('schema', 'broken', '{}', 'failed', 'an object that cannot be made');
select pg_temp.clone_was_ok();
select is(pg_temp.sqlstate(), 'P0042', 'fails the job with its error');
select matches(pg_temp.message(), 'table "broken.bad".*CREATE TABLE', 'that names object and statement');
select hasnt_schema('broken', 'and nothing stays');
call pg_temp.clone('schema', 'broken', '{"on_error": "continue"}', 'failed', 'on_error continue');
select pg_temp.clone_was_ok();
select is(pg_temp.digest('broken.good'), pg_temp.source_digest('broken.good'), 'clones the rest');
select matches(pg_temp.message(), '^1 of [0-9]+ tasks failed', 'and counts');
select matches((select error_detail from pgclone_job where job_id = current_setting('test.job')::bigint),
               'not this one', 'with the first error');
drop schema broken cascade;
create or replace function refuse() returns event_trigger language plpgsql as $$
begin
    if exists (select from pg_event_trigger_ddl_commands() where command_tag = 'CREATE POLICY') then
        raise exception 'no policies';
    end if;
end
$$;
call pg_temp.clone('schema', 'tangled', '{}', 'failed', 'a failure late in a job');
select pg_temp.clone_was_ok();
select hasnt_schema('tangled', 'leaves nothing, in whatever order it has to go');
drop event trigger refuse;
call pg_temp.clone('schema', 'tangled', '{}', 'completed', 'without the failure');
select pg_temp.clone_was_ok();

-- what is missing
call pg_temp.clone('schema', 'owned', '{}', 'failed', 'a role that is missing');
select pg_temp.clone_was_ok();
select is(pg_temp.sqlstate(), '42704', 'is found before anything is made');
select matches(pg_temp.message(), 'schema_clone_absent.*role_map.*"owners": false', 'with what to do');
call pg_temp.clone('schema', 'owned', format('{"role_map": {"schema_clone_absent": "%s"}}', current_user)::jsonb,
                   'completed', 'or mapped');
select pg_temp.clone_was_ok();

-- functions
create schema functions_only;
call pg_temp.clone('functions', 'functions_only', '{}', 'completed', 'scope functions');
select pg_temp.clone_was_ok();
select is((select string_agg(proname, ',' order by proname) from pg_proc
           where pronamespace = 'functions_only'::regnamespace), 'nothing,total,twice',
          'functions, procedures, aggregates');
select hasnt_table('functions_only', 'not_this', 'and nothing else');

select dblink_exec('source', 'drop schema owned cascade; drop role schema_clone_absent') \g /dev/null
select * from finish();
