-- Clones of schemas and databases that find something in the way on the target, or not what they
-- need: what the plan says of it, what the job says, and that nothing is changed then.
select plan(108);
\ir jobs.psql
create extension dblink;
select dblink_connect('source', :'source') \g /dev/null
select set_config('test.reader', format('host=%s port=%s dbname=%s user=scope_conflicts_reader '
    'password=''conflicts canary''', :'source_host', :'source_port', :'source_database'), false)
    \g /dev/null

-- Of what the plan says is in the way: the object and why, a line each, in the order of the names.
create function pg_temp.conflicts(object text, options jsonb,
                                  source text default current_setting('test.source'))
returns text language sql as $$
    select string_agg(distinct p.kind || ' ' || p.object || ': ' || p.conflict, E'\n')
    from pgclone_plan(source, 'schema', object, options) as p
    where p.conflict is not null and p.kind not in ('data', 'analyze');
$$;

-- another kind of object has the name
create schema kinds;
create table kinds.is_table (id integer);
create view kinds.is_view as select 1 as one;
create table kinds.other (id integer);
create index is_index on kinds.other (id);
create domain kinds.is_domain as integer;
create type kinds.is_row_type as (a integer);
select is(pg_temp.conflicts('kinds', jsonb_build_object('conflict', c)),
E'domain kinds.is_row_type: another kind of object has that name on the target
sequence kinds.is_index: another kind of object has that name on the target
table kinds.is_view: another kind of object has that name on the target
type kinds.is_domain: another kind of object has that name on the target
view kinds.is_table: another kind of object has that name on the target',
          'another kind, the plan with conflict ' || c)
from unnest(array['error', 'skip', 'replace', 'rename']) as c;
call pg_temp.clone('schema', 'kinds', '{"conflict": "replace"}');
select is((pg_temp.job()).sqlstate, '42P07', 'the job fails');
select is((pg_temp.job()).error_message, '5 objects already exist on the target', 'and counts');
select matches((pg_temp.job()).error_detail,
               '^They are: .*domain "kinds"."is_row_type", table "kinds"."is_view"', 'and names them');
select is((pg_temp.job()).error_hint,
          'Not every kind of object can be replaced, nor those of other roles.',
          'and does not say that an option would help');
select hasnt_table('kinds', 'is_free', 'nothing is made');
select has_index('kinds', 'other', 'is_index', 'nothing has gone');

-- a kind that cannot be replaced
create schema code;
create function code.twice(integer) returns integer language sql as 'select $1 + $1';
create table code.numbers (old integer);
select is(pg_temp.conflicts('code', jsonb_build_object('conflict', c)),
          'function code.twice(integer): it exists on the target, and this kind of object cannot be replaced',
          'a function, the plan with conflict ' || c)
from unnest(array['replace', 'rename']) as c;
call pg_temp.clone('schema', 'code', '{"conflict": "replace"}');
select is((pg_temp.job()).sqlstate, '42710', 'the job fails');
select is((pg_temp.job()).error_message,
          'function "code"."twice(integer)" already exists on the target', 'and names the one');
select is((pg_temp.job()).error_detail, null, 'which is all');
select has_column('code', 'numbers', 'old', 'the table is not replaced either');
call pg_temp.clone('schema', 'code', '{"conflict": "skip"}');
select is((pg_temp.job()).status, 'completed', 'conflict skip leaves both');
select is(code.twice(4), 8, 'the function');
select has_column('code', 'numbers', 'old', 'and the table');

-- parts of a table that stays
create schema parts;
create table parts.items (old integer);
create table parts.other (id integer);
create index mark on parts.other (id);
create sequence parts.counter owned by parts.other.id;
select is(pg_temp.conflicts('parts', '{"conflict": "replace"}'),
E'index parts.mark: it exists on the target, and belongs to a table that stays
sequence parts.counter: it exists on the target, and belongs to a table that stays',
          'an index and a sequence of another table, the plan');
call pg_temp.clone('schema', 'parts', '{"conflict": "rename"}');
select is((pg_temp.job()).error_message, '2 objects already exist on the target', 'the job fails');
select has_column('parts', 'items', 'old', 'nothing is changed');
drop table parts.other;
create index mark on parts.items (old);
create sequence parts.counter owned by parts.items.old;
call pg_temp.clone('schema', 'parts', '{"conflict": "replace"}');
select is((pg_temp.job()).status, 'completed', 'those of a table that goes go with it');
select has_index('parts', 'items', 'mark', array['id'], 'and are those of the source then');

-- many
create schema many;
do $$
begin
    for i in 1..60 loop
        execute format('create table many.one_of_many_tables_%s (id integer)', i);
    end loop;
end
$$;
call pg_temp.clone('schema', 'many', '{}');
select is((pg_temp.job()).error_message, '60 objects already exist on the target', 'many: counted');
select matches((pg_temp.job()).error_detail,
               'table "many"."one_of_many_tables_1", .* and [0-9]+ more\.$',
               'but not all of them are named');
select is((select count(*) from regexp_matches((pg_temp.job()).error_detail, 'table "', 'g'))
          + substring((pg_temp.job()).error_detail, ' and ([0-9]+) more')::integer, 60::bigint,
          'the others are counted');
select matches((pg_temp.job()).error_hint, 'option "conflict" says what to do', 'an option would help');

-- what others depend on
create schema used;
create table used.items (id integer);
create schema users;
create view users.of_items as select id from used.items;
create table users.all_days (day date) partition by list (day);
create table used.days partition of users.all_days default;
create table used.listed (id integer);
create table used.alone (id integer);
set client_min_messages = error;
create publication scope_conflicts_listed for table used.listed;
reset client_min_messages;
select pg_temp.conflicts('used', '{"conflict": "replace"}') as said \gset
select is((select count(*) from regexp_matches(:'said'::text,
                                               '^table used\.\w+: others may depend on it: ', 'gn')),
          4::bigint, 'others depend on tables, the plan');
select matches(:'said'::text, pattern, 'named: ' || pattern)
from (values ('view users\.of_items depends on column id of table used\.items'),
             ('table used\.days is a child or partition of table users\.all_days'),
             ('table used\.listed is in publication scope_conflicts_listed')) as p (pattern);
select is(pg_temp.conflicts('used', '{"conflict": "rename"}'), null, 'nothing is lost by rename');
call pg_temp.clone('schema', 'used', '{"conflict": "replace"}');
select is((pg_temp.job()).sqlstate, '2BP01', 'the job fails');
select matches((pg_temp.job()).error_detail, 'is a child or partition of .* is in publication',
               'with the reasons');
select is((pg_temp.job()).error_hint, 'Drop them first, or use "conflict": "rename".', 'and what to do');
drop publication scope_conflicts_listed;
drop schema users cascade;
call pg_temp.clone('schema', 'used', '{"conflict": "replace"}');
select is((pg_temp.job()).status, 'completed', 'without them it is done');
select is((select count(*) from used.items), 2::bigint, 'with the rows of the source');

-- what belongs to others
create role scope_conflicts_user login;
create role scope_conflicts_owner;
create role scope_conflicts_third;
select current_database() as target_database \gset
grant execute on function pgclone_submit(text, text, text, jsonb), pgclone_plan(text, text, text, jsonb)
    to scope_conflicts_user;
-- With the rights of a user who is no superuser.
create procedure pg_temp.clone_as_user(object text, options jsonb)
language plpgsql as $$
begin
    set role scope_conflicts_user;
    call pg_temp.clone('schema', object, options, current_setting('test.reader'));
    reset role;
end
$$;
create function pg_temp.conflicts_of_user(object text, options jsonb) returns text
language plpgsql as $$
declare
    said text;
begin
    set local role scope_conflicts_user;
    said := pg_temp.conflicts(object, options, current_setting('test.reader'));
    reset role;
    return said;
end
$$;
-- schemas of the target
create schema plain;
call pg_temp.clone_as_user('plain', '{"owners": false}');
select is((pg_temp.job()).sqlstate, '42501', 'a schema without CREATE: the job fails');
select is((pg_temp.job()).error_message, 'permission denied for schema "plain" on the target',
          'and names it');
drop schema plain;
call pg_temp.clone_as_user('plain', '{"owners": false}');
select is((pg_temp.job()).error_message,
          'schema "plain" does not exist on the target, and the role may not create it',
          'a schema that is missing, without CREATE on the database');
grant create on database :"target_database" to scope_conflicts_user;
call pg_temp.clone_as_user('plain', '{"owners": false, "acls": false, "target_schema": "copy"}');
select is((pg_temp.job()).status, 'completed', 'with it: under another name, too');
call pg_temp.clone_as_user('plain', '{"owners": false, "acls": false, "target_schema": "copy",
                                      "conflict": "replace"}');
select is((pg_temp.job()).status, 'completed', 'again, into what is one''s own now');
grant create on schema copy to scope_conflicts_third;
call pg_temp.clone_as_user('plain', '{"owners": false, "target_schema": "copy", "conflict": "replace"}');
select is((pg_temp.job()).sqlstate, '42501', 'a schema in which others may create: the job fails');
select matches((pg_temp.job()).error_message, 'cannot clone into schema "copy" under another name',
               'and says so');
select is((pg_temp.job()).error_detail, 'One of them is scope_conflicts_third.', 'and who');
select matches((pg_temp.job()).error_hint, '^Revoke CREATE on the schema from them', 'and what to do');
revoke create on schema copy from scope_conflicts_third;
grant create on schema copy to public;
call pg_temp.clone_as_user('plain', '{"owners": false, "target_schema": "copy", "conflict": "replace"}');
select is((pg_temp.job()).error_detail, 'One of them is PUBLIC.', 'in which all may create');
revoke create on schema copy from public;
alter schema copy owner to scope_conflicts_owner;
grant create, usage on schema copy to scope_conflicts_user;
call pg_temp.clone_as_user('plain', '{"owners": false, "target_schema": "copy", "conflict": "skip"}');
select is((pg_temp.job()).error_detail, 'It is owned by another role.', 'that another role owns');
drop schema copy cascade;

-- schema public, which every database has, under a name that exists
create schema copy;
call pg_temp.clone('schema', 'public', '{"target_schema": "copy"}');
select is((pg_temp.job()).status, 'completed', 'schema public under another name: completed');
select has_table('copy', 'first', 'its table');
select is(obj_description('copy'::regnamespace), null, 'the other schema stays what it is');
drop schema copy cascade;

-- tables of others
create schema plain;
create table plain.t (old integer);
grant usage, create on schema plain to scope_conflicts_user;
select is(pg_temp.conflicts_of_user('plain', '{"conflict": "replace", "owners": false}'),
          'table plain.t: it exists on the target, and the role does not own it',
          'a table of another role, the plan');
call pg_temp.clone_as_user('plain', '{"conflict": "rename", "owners": false}');
select is((pg_temp.job()).error_message, 'table "plain"."t" already exists on the target',
          'the job fails');
select is((pg_temp.job()).error_hint,
          'Not every kind of object can be replaced, nor those of other roles.', 'and says why');
alter table plain.t owner to scope_conflicts_user;
call pg_temp.clone_as_user('plain', '{"conflict": "replace", "owners": false, "acls": false}');
select is((pg_temp.job()).status, 'completed', 'an own table is replaced');
select is((select count(*) from plain.t), 3::bigint, 'by that of the source');
-- (what makes room goes to a schema of the job until the end)
revoke create on database :"target_database" from scope_conflicts_user;
call pg_temp.clone_as_user('plain', '{"conflict": "rename", "owners": false, "acls": false}');
select is((pg_temp.job()).sqlstate || ' ' || (pg_temp.job()).error_message,
          '42501 permission denied for the database on the target', 'without CREATE on the database it is not');
select is((pg_temp.job()).error_hint, 'Grant CREATE on the database to the role.', 'and the hint says why');
select is((select count(*) from pgclone_tasks_view where job_id = (pg_temp.job()).job_id), 0::bigint,
          'before anything is made');
grant create on database :"target_database" to scope_conflicts_user;
drop schema plain cascade;

-- a table that may not be read at the source
call pg_temp.clone_as_user('half', '{"owners": false, "acls": false}');
select is((pg_temp.job()).sqlstate, '42501', 'a table that may not be read: the job fails');
select is((pg_temp.job()).error_detail, 'SELECT is missing on: table "half"."closed".', 'and names it');
create schema half authorization scope_conflicts_user;
create table half.closed (id integer);
call pg_temp.clone_as_user('half', '{"owners": false, "acls": false, "conflict": "skip"}');
select is((pg_temp.job()).status, 'completed', 'if it exists and stays, it need not be read');
select is((select count(*) from half.open), 1::bigint, 'the other comes');
drop schema half cascade;

-- owners
call pg_temp.clone_as_user('given', '{"acls": false}');
select is((pg_temp.job()).sqlstate, '42501', 'owners that the role does not act for: the job fails');
select is((pg_temp.job()).error_message,
          'must be member of the roles on the target that objects are given to',
          'and says what it must be');
select matches((pg_temp.job()).error_detail,
               '^Not a member: membership "scope_conflicts_owner" \(needed by schema "given"\)\.$',
               'of which role');
select matches((pg_temp.job()).error_hint, '"role_map".*"owners": false', 'or what else to do');
select hasnt_schema('given', 'nothing is made');
set role scope_conflicts_user;
select is((select string_agg(kind || ' ' || object || ': ' || missing, ', ')
           from pgclone_plan(current_setting('test.reader'), 'schema', 'given', '{"acls": false}')
           where missing is not null),
          'membership scope_conflicts_owner: needed by schema "given"', 'the plan has a line for that');
reset role;
grant scope_conflicts_owner to scope_conflicts_user;
grant create on database :"target_database" to scope_conflicts_owner;
call pg_temp.clone_as_user('given', '{"acls": false}');
select is((pg_temp.job()).status, 'completed', 'as a member: completed');
select table_owner_is('given', 't', 'scope_conflicts_owner', 'the owner');
drop schema given cascade;

-- a name that is too long with its ending
call pg_temp.clone('schema', '"äääääääääääääääääääääääääääääääa"', '{}');
call pg_temp.clone('schema', '"äääääääääääääääääääääääääääääääa"', '{"conflict": "rename"}');
call pg_temp.clone('schema', '"äääääääääääääääääääääääääääääääa"', '{"conflict": "rename"}');
select is((select array_agg(nspname::text order by length(nspname), nspname) from pg_namespace
           where nspname like 'ää%'),
          array[repeat('ä', 31) || 'a', repeat('ä', 29) || '_old', repeat('ä', 29) || '_old2'],
          'rename: a long name is cut between characters');

-- a partition that is left out
call pg_temp.clone('schema', 'attached', '{"exclude": ["events_2"], "consistency": "relaxed"}');
select is((pg_temp.job()).status, 'completed', 'without a partition: completed');
select is((select count(*) from attached.events), 1::bigint, 'the rows of the other');
select col_is_pk('attached', 'events', array['id', 'day'], 'the key');
select is((select pg_get_constraintdef(oid) from pg_constraint
           where conrelid = 'attached.notes'::regclass and contype = 'f' and conparentid = 0),
          'FOREIGN KEY (id, day) REFERENCES attached.events(id, day)', 'and a foreign key to it');
select is((select consistent from pgclone_jobs_view where job_id = (pg_temp.job()).job_id), true,
          'with one snapshot it is consistent');
drop table attached.notes;
call pg_temp.clone('schema', 'attached', '{"exclude": ["events_2"], "indexes": false, "conflict": "skip"}');
select is((pg_temp.job()).status, 'completed', 'a second time, for what is missing: completed');
select is((select count(*) from attached.notes), 1::bigint, 'it comes back');
select has_index('attached', 'events', 'events_day', 'an index of what stays does, too');

-- whole databases: a second one of the source
select dblink_exec('source', 'create database scope_conflicts_second') \g /dev/null
select set_config('test.second', replace(:'source', :'source_database', 'scope_conflicts_second'), false)
    as second \gset
select dblink_connect('second', :'second') \g /dev/null
select dblink_exec('second', $$
    set client_min_messages = error;
    create schema published;
    create table published.t (id integer primary key);
    create publication scope_conflicts_all for table published.t;
    create publication scope_conflicts_more for table published.t;
    insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        values (99999, 'no_such_extension', 10, 'public'::regnamespace, false, '1.0');
$$) \g /dev/null

-- an extension whose files the target has not
select is((select string_agg(kind || ' ' || object || ': ' || missing, ', ')
           from pgclone_plan(:'second', 'database') where missing is not null),
          'extension no_such_extension: needed by extension "no_such_extension"',
          'an extension that cannot be had: the plan has a line for it');
select is((select string_agg(kind || ' ' || object || ': ' || missing, ', ')
           from pgclone_plan(:'second', 'database', null, '{"target_database": "scope_conflicts_new"}')
           where missing is not null),
          'extension no_such_extension: needed by extension "no_such_extension"',
          'that for a new database, too');
call pg_temp.clone('database', null, '{}', :'second');
select is((pg_temp.job()).sqlstate, '42704', 'the job fails');
select matches((pg_temp.job()).error_detail, '^Missing: extension "no_such_extension"', 'and names it');
select is((pg_temp.job()).error_hint, 'Install the extension''s files on the target''s machine.',
          'and what to do');
select hasnt_schema('published', 'nothing is made');
select dblink_exec('second', 'delete from pg_extension where oid = 99999') \g /dev/null

-- a plan for a new database does not look at this one
create schema published;
create table published.t (old integer);
select is((select count(*) from pgclone_plan(:'second', 'database') where conflict is not null),
          2::bigint, 'a table that exists here is in the way');
select is((select count(*) from pgclone_plan(:'second', 'database', null,
                                             '{"target_database": "scope_conflicts_new"}')
           where conflict is not null), 0::bigint, 'but not in a new database');
drop schema published cascade;

-- publications
set client_min_messages = error;
create publication scope_conflicts_all;
reset client_min_messages;
call pg_temp.clone('database', null, '{}', :'second');
select is((pg_temp.job()).error_message,
          'publication "scope_conflicts_all" already exists on the target',
          'a publication that exists: the job fails');
select is((pg_temp.job()).sqlstate, '42710', 'its SQLSTATE is that of an object');
call pg_temp.clone('database', null, '{"conflict": "skip"}', :'second');
select is((pg_temp.job()).status, 'completed', 'conflict skip: completed');
select is((select string_agg(pubname, ' ') from pg_publication_tables
           where schemaname = 'published'), 'scope_conflicts_more',
          'what exists keeps its members, the other comes with its own');
select is((select string_agg(kind || ' ' || object, ', ') from pgclone_plan(:'second', 'database', null,
              '{"conflict": "skip", "owners": false, "acls": false, "comments": false}')
           where skip_reason is null and kind <> 'publish'), null, 'then nothing is left to be done');
drop publication scope_conflicts_all, scope_conflicts_more;

-- the owner of a database that is to be created
create function pg_temp.databases_left() returns bigint language sql as $$
    select count(*) from pg_database
    where datname like 'pgclone\_%' or datname = 'scope_conflicts_new';
$$;
select dblink_exec('source', 'create role scope_conflicts_absent') \g /dev/null
select dblink_exec('source', 'alter database scope_conflicts_second owner to scope_conflicts_absent')
    \g /dev/null
call pg_temp.clone('database', null, '{"target_database": "scope_conflicts_new"}', :'second');
select is((pg_temp.job()).sqlstate, '42704', 'a database whose owner is missing: the job fails');
select matches((pg_temp.job()).error_message, 'scope_conflicts_absent', 'and names the role');
select matches((pg_temp.job()).error_hint, '^Create it on this server first\..*"role_map"',
               'and what to do');
select is(pg_temp.databases_left(), 0::bigint, 'no database is left');
call pg_temp.clone('database', null, '{"target_database": "scope_conflicts_new", "owners": false}',
                   :'second');
select is((pg_temp.job()).status, 'completed', 'without owners: completed');
select is(pg_temp.databases_left(), 1::bigint, 'and the database is there');
drop database scope_conflicts_new;

-- its name is taken while the job runs, and what is made has a subscription by then
select dblink_exec('second', $$
    set client_min_messages = error;
    create table published.slow as select g, repeat(md5(g::text), 30) from generate_series(1, 3000) as g;
    create subscription scope_conflicts_subscription connection 'host=nowhere' publication p
        with (connect = false);
$$) \g /dev/null
select pgclone_submit(:'second', 'database', null, '{"target_database": "scope_conflicts_new",
    "owners": false, "rate_limit": "20kB/s"}') as taken \gset
do $$
begin
    for i in 1..400 loop
        exit when exists (select from pgclone_jobs_view where status = 'running' and phase = 'data');
        perform pg_sleep(0.05);
    end loop;
end
$$;
create database scope_conflicts_new;
select pgclone_alter(:taken, rate_limit => 'none') \g /dev/null
select is(pgclone_wait(:taken, '2 minutes'), 'failed', 'a name that is taken at the end: the job fails');
select is((select sqlstate || ' ' || error_message from pgclone_jobs_view where job_id = :taken),
          '42P04 database "scope_conflicts_new" already exists', 'and says so');
select is((select count(*) from pg_subscription), 0::bigint, 'no subscription is left');
select is(pg_temp.databases_left(), 1::bigint, 'and no database but the one that came before');
drop database scope_conflicts_new;
select dblink_exec('second', 'alter subscription scope_conflicts_subscription set (slot_name = none)')
    \g /dev/null
select dblink_exec('second', 'drop subscription scope_conflicts_subscription') \g /dev/null

select dblink_disconnect('second') \g /dev/null
select dblink_exec('source', 'drop database scope_conflicts_second') \g /dev/null
select dblink_exec('source', 'drop role scope_conflicts_absent') \g /dev/null

-- a label of a provider that the target has not
select dblink_exec('source', $$insert into pg_seclabel (objoid, classoid, objsubid, provider, label)
    values ('plain'::regnamespace, 'pg_namespace'::regclass, 0, 'no_such_provider', 'secret')$$)
    \g /dev/null
call pg_temp.clone('schema', 'plain', '{"target_schema": "copy", "acls": false}');
select matches((pg_temp.job()).error_message, 'no_such_provider',
               'a label that cannot be set fails the job');
select hasnt_schema('copy', 'nothing is left');
select dblink_exec('source', $$delete from pg_seclabel where provider = 'no_such_provider'$$) \g /dev/null

drop schema kinds, code, parts, many, used, attached cascade;
select format('drop schema %I cascade', nspname) from pg_namespace where nspname like 'ää%' \gexec
drop owned by scope_conflicts_user, scope_conflicts_owner;
drop role scope_conflicts_user, scope_conflicts_owner, scope_conflicts_third;
select dblink_exec('source', $$
    drop owned by scope_conflicts_owner, scope_conflicts_reader cascade;
    drop role scope_conflicts_owner, scope_conflicts_reader;
$$) \g /dev/null

-- the extension is dropped while a schema is cloned under another name
select pgclone_submit(:'source', 'schema', 'slow',
                      '{"target_schema": "copy", "rate_limit": "20kB/s"}') as dropped \gset
do $$
begin
    for i in 1..200 loop
        exit when exists (select from pgclone_jobs_view where status = 'running' and phase = 'data'
                          and to_regnamespace('copy') is not null);
        perform pg_sleep(0.05);
    end loop;
end
$$;
select has_schema('copy', 'the schema is made, and rows are copied');
drop function pg_temp.job();
drop extension pgclone;
do $$
begin
    for i in 1..200 loop
        exit when to_regnamespace('copy') is null;
        perform pg_sleep(0.05);
    end loop;
end
$$;
select hasnt_schema('copy', 'the extension is dropped: what the job made goes, too');
