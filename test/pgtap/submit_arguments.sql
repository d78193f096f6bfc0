-- What submit, wait, cancel and progress say about bad arguments: always an error that names the
-- argument, and never a part of a connection string.
select plan(174);

-- Passes if `statement` fails with that SQLSTATE and a message that matches the pattern.
create function pg_temp.fails(statement text, expected_state text, expected_message text,
                              description text) returns text
language plpgsql as $$
declare
    state text := 'no error';
    message text := '';
    hint text := '';
    detail text := '';
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

create function pg_temp.refuses_options(options text, expected_message text, description text)
returns text language sql as $$
    select pg_temp.fails(
        format('select pgclone_submit(''host=nowhere password=canary'', ''table'', ''a.b'', %L)',
               options), '22023', expected_message, description);
$$;

create function pg_temp.refuses_object(object text, expected_message text, description text)
returns text language sql as $$
    select pg_temp.fails(
        format('select pgclone_submit(''host=nowhere password=canary'', ''table'', %L)', object),
        '22023', expected_message, description);
$$;

-- source
select pg_temp.fails('select pgclone_submit(null, ''table'', ''a.b'')', '22004', '"source"',
                     'source null');
select pg_temp.fails('select pgclone_submit('''', ''table'', ''a.b'')', '22023', '"source"',
                     'source empty');
select pg_temp.fails('select pgclone_submit(''  '', ''table'', ''a.b'')', '22023', '"source"',
                     'source blank');
select pg_temp.fails('select pgclone_submit(''nowhere'', ''table'', ''a.b'')', '42704',
                     '"source".*"nowhere" does not exist', 'source is no foreign server');
select pg_temp.fails('select pgclone_submit(''me:canary@nowhere'', ''table'', ''a.b'')', '42704',
                     '"source"', 'half a URI is not repeated');
select pg_temp.fails('select pgclone_submit(''host=x passwort=canary'', ''table'', ''a.b'')',
                     '22023', '"source"', 'unknown connection parameter');
select pg_temp.fails('select pgclone_submit(''host=x password=''''canary'', ''table'', ''a.b'')',
                     '22023', '"source"', 'unterminated value');
select pg_temp.fails('select pgclone_submit(''postgresql://me:canary@[x/db'', ''table'', ''a.b'')',
                     '22023', '"source"', 'malformed URI');
select pg_temp.fails(format('select pgclone_submit(''host=x password=canary dbname=%s'', ''table'', '
                            '''a.b'')', repeat('x', 3000)), '22023', '"source".*too long',
                     'source longer than its place');
select pg_temp.fails(format('select pgclone_submit(''host=x password=canary dbname=%s'', ''table'', '
                            '''a.b'')', repeat('x', 100000)), '22023', '"source".*too long',
                     'source much too long');

-- scope
select pg_temp.fails('select pgclone_submit(''host=x'', null, ''a.b'')', '22004', '"scope"',
                     'scope null');
select pg_temp.fails('select pgclone_submit(''host=x'', '''', ''a.b'')', '22023', '"scope"',
                     'scope empty');
select pg_temp.fails('select pgclone_submit(''host=x'', ''Table'', ''a.b'')', '22023', '"scope"',
                     'scope unknown');

-- object
select pg_temp.fails('select pgclone_submit(''host=x'', ''table'')', '22004', '"object"',
                     'object null');
select pg_temp.refuses_object('', '"object"', 'object empty');
select pg_temp.refuses_object('orders', '"object"', 'object without a schema');
select pg_temp.refuses_object('.orders', '"object"', 'object with an empty schema');
select pg_temp.refuses_object('sales.', '"object"', 'object with an empty name');
select pg_temp.refuses_object('a.b.c', '"object"', 'object with three parts');
select pg_temp.refuses_object('"a.b', '"object"', 'object with an open quote');
select pg_temp.refuses_object('a.b; drop table c', '"object"', 'object with a statement');
select pg_temp.refuses_object('a.' || repeat('b', 64), '"object"', 'object with a long name');

-- object of the other scopes
create function pg_temp.refuses(scope text, object text, options text, expected_state text,
                                expected_message text, description text)
returns text language sql as $$
    select pg_temp.fails(
        format('select pgclone_submit(''host=nowhere password=canary'', %L, %L, %L)', scope, object,
               options), expected_state, expected_message, scope || ': ' || description);
$$;
select pg_temp.refuses(scope, object, '{}', state, message, description)
from (values (null, '22004', '"object"', 'object null'),
             ('', '22023', '"object"', 'object empty'),
             ('a.b', '22023', '"object"', 'object with two parts'),
             ('a b', '22023', '"object"', 'object with a blank'),
             ('"a', '22023', '"object"', 'object with an open quote'),
             (repeat('a', 64), '22023', '"object"', 'object too long'),
             ('pg_catalog', '22023', 'system schema', 'pg_catalog'),
             ('Information_Schema', '22023', 'system schema', 'information_schema'),
             ('"pg_toast"', '22023', 'system schema', 'pg_toast'))
     as o (object, state, message, description),
     (values ('schema'), ('functions')) as s (scope);
select pg_temp.refuses('database', 'shop', '{}', '22023', '"object" must be null', 'object given');

-- options
select pg_temp.fails('select pgclone_submit(''host=x'', ''table'', ''a.b'', null)', '22004',
                     '"options"', 'options null');
select pg_temp.refuses_options('[]', '"options"', 'options an array');
select pg_temp.refuses_options('7', '"options"', 'options a number');
select pg_temp.refuses_options('null', '"options"', 'options a JSON null');
select pg_temp.refuses_options('{"colour": true}', '"colour"', 'unknown option');
select pg_temp.refuses_options('{"data": "yes"}', '"data"', 'data a string');
select pg_temp.refuses_options('{"data": null}', '"data"', 'data null');
select pg_temp.refuses_options('{"parallel": 0}', '"parallel"', 'parallel 0');
select pg_temp.refuses_options('{"parallel": 1.5}', '"parallel"', 'parallel 1.5');
select pg_temp.refuses_options('{"parallel": "2"}', '"parallel"', 'parallel a string');
select pg_temp.refuses_options('{"retries": -1}', '"retries"', 'retries negative');
select pg_temp.refuses_options('{"conflict": "overwrite"}', '"conflict"', 'unknown conflict');
select pg_temp.refuses_options('{"columns": "id"}', '"columns"', 'columns a string');
select pg_temp.refuses_options('{"columns": []}', '"columns"', 'columns empty');
select pg_temp.refuses_options('{"columns": ["id", "id"]}', '"columns"', 'columns twice');
select pg_temp.refuses_options('{"target_name": ""}', '"target_name"', 'target_name empty');
select pg_temp.refuses_options('{"target_schema": 1}', '"target_schema"', 'target_schema 1');
select pg_temp.refuses_options('{"role_map": []}', '"role_map"', 'role_map an array');
select pg_temp.refuses_options('{"unique_key": ""}', '"unique_key"', 'unique_key empty');
select pg_temp.refuses_options(
    format('{"where": "%s"}', repeat('x', 300000)), '"options".*too long', 'options too long');

-- options of other scopes
select pg_temp.refuses(scope, object, options, '0A000',
                       format('"%s" cannot be used in scope "%s"', name, scope), 'no ' || name)
from (values ('table', 'a.b', 'include', '{"include": ["x"]}'),
             ('table', 'a.b', 'on_error', '{"on_error": "stop"}'),
             ('table', 'a.b', 'analyze', '{"analyze": true}'),
             ('table', 'a.b', 'target_database', '{"target_database": "x"}'),
             ('schema', 'a', 'where', '{"where": "true"}'),
             ('schema', 'a', 'columns', '{"columns": ["x"]}'),
             ('schema', 'a', 'target_name', '{"target_name": "x"}'),
             ('schema', 'a', 'target_database', '{"target_database": "x"}'),
             ('database', null, 'target_schema', '{"target_schema": "x"}'),
             ('database', null, 'where', '{"where": "true"}'),
             ('functions', 'a', 'data', '{"data": false}'),
             ('functions', 'a', 'include', '{"include": ["x"]}'),
             ('functions', 'a', 'parallel', '{"parallel": 2}'),
             ('functions', 'a', 'analyze', '{"analyze": true}'),
             ('table', 'a.b', 'consistency', '{"consistency": "strict"}'),
             ('functions', 'a', 'consistency', '{"consistency": "relaxed"}'))
     as o (scope, object, name, options);
select pg_temp.refuses(scope, object, options, '22023', message, description)
from (values ('schema', 'a', '{"include": "x"}', '"include"', 'include a string'),
             ('schema', 'a', '{"include": []}', '"include"', 'include empty'),
             ('schema', 'a', '{"include": ["a-b"]}', '"include" has a pattern', 'include malformed'),
             ('schema', 'a', '{"exclude": ["a.b.c"]}', '"exclude" has a pattern',
              'exclude malformed'),
             ('schema', 'a', '{"include": ["b.*"]}', '"include" has a pattern for another schema',
              'include for another schema'),
             ('schema', 'a', '{"exclude": ["?b.x"]}', '"exclude" has a pattern for another schema',
              'exclude for another schema'),
             ('schema', 'a', '{"on_error": "ignore"}', '"on_error"', 'on_error unknown'),
             ('schema', 'a', '{"views": 1}', '"views"', 'views a number'),
             ('schema', 'a', '{"dry_run": true}', 'unknown option "dry_run"', 'dry_run'),
             ('schema', 'a', '{"target_schema": "pg_x"}', '"target_schema"', 'a system schema'),
             ('schema', 'a', '{"role_map": {"a": "b"}, "owners": false, "acls": false}',
              '"role_map"', 'role_map in vain'),
             ('database', null, '{"keep_extension": true}', '"keep_extension"',
              'keep_extension without target_database'),
             ('database', null, '{"target_database": "x", "conflict": "skip"}', '"conflict"',
              'conflict with target_database'),
             ('database', null, '{"target_database": ""}', '"target_database"',
              'target_database empty'))
     as o (scope, object, options, message, description);

-- databases to create
select pg_temp.refuses('database', null, '{"target_database": "template1"}', '42P04',
                       'database "template1" already exists', 'target_database exists');
select pg_temp.fails('select pgclone_database_create_async(''host=x'', ''template1'')', '42P04',
                     '"template1"', 'database_create_async: target_database exists');
create role arguments_user login;
grant execute on function pgclone_submit(text, text, text, jsonb),
    pgclone_database_create_async(text, text, boolean, jsonb) to arguments_user;
set role arguments_user;
select pg_temp.refuses('database', null, '{"target_database": "x"}', '42501', 'new database',
                       'only a superuser creates a database');
select pg_temp.fails('select pgclone_database_create_async(''host=x password=canary'', ''x'')',
                     '42501', 'new database', 'database_create_async: neither by its form');
reset role;
drop owned by arguments_user;
drop role arguments_user;

-- where
select pg_temp.refuses_options('{"where": ""}', '"where"', 'where empty');
select pg_temp.refuses_options('{"where": "id >"}', '"where"', 'where incomplete');
select pg_temp.refuses_options('{"where": "true) or (true"}', '"where"', 'where closes a parenthesis');
select pg_temp.refuses_options('{"where": "true; drop table b"}', '"where"', 'where two statements');
select pg_temp.refuses_options('{"where": "true;"}', '"where"', 'where with a semicolon');
select pg_temp.refuses_options('{"where": "true limit 1"}', '"where"', 'where with LIMIT');
select pg_temp.refuses_options('{"where": "true order by 1"}', '"where"', 'where with ORDER BY');
select pg_temp.refuses_options('{"where": "true group by 1"}', '"where"', 'where with GROUP BY');
select pg_temp.refuses_options('{"where": "true for update"}', '"where"', 'where with FOR UPDATE');
select pg_temp.refuses_options('{"where": "true union select 2"}', '"where"', 'where with UNION');
select pg_temp.refuses_options('{"where": "true /* "}', '"where"', 'where with an open comment');
select pg_temp.refuses_options('{"where": "name = ''x"}', '"where"', 'where with an open string');
begin;
select lives_ok($$select pgclone_submit('host=x', 'table', 'a.b',
                  '{"where": "id in (select 1) and name = ''a\\''  -- comment"}')$$,
                'where with a subquery, a backslash and a comment');
rollback;

-- the table forms
select pg_temp.fails('select pgclone_table_async(null, ''a'', ''b'')', '22004', '"source"',
                     'table_async: source null');
select pg_temp.fails('select pgclone_table_async(''host=x'', null, ''b'')', '22004',
                     '"schema_name"', 'table_async: schema_name null');
select pg_temp.fails('select pgclone_table_async(''host=x'', ''a'', '''')', '22023',
                     '"table_name"', 'table_async: table_name empty');
select pg_temp.fails('select pgclone_table(''host=x'', ''a'', null)', '22004', '"table_name"',
                     'table: table_name null');
select pg_temp.fails('select pgclone_table(''host=x'', ''a'', ''b'', null)', '22004',
                     '"include_data"', 'table: include_data null');
select pg_temp.fails('select pgclone_table(''host=x password=canary'', ''a'', ''b'', true, null, '
                     '''{"data": false}'')', '22023', '"include_data"',
                     'table: include_data contradicts option data');
select pg_temp.fails('select pgclone_table(''host=x'', ''a'', ''b'', true, ''c'', '
                     '''{"target_name": "d"}'')', '22023', '"target_name"',
                     'table: target_name contradicts the option');
select pg_temp.fails('select pgclone_table(''host=x'', ''a'', ''b'', options := ''{"x": 1}'')',
                     '22023', '"x"', 'table: unknown option');

-- the other forms
select pg_temp.fails(format('select %s%s(%s)', name, suffix, arguments), state,
                     format('"%s"', argument), format('%s%s: %s', name, suffix, argument))
from (values ('pgclone_schema', 'null, ''a''', '22004', 'source'),
             ('pgclone_schema', '''host=x'', null', '22004', 'schema_name'),
             ('pgclone_schema', '''host=x'', ''''', '22023', 'schema_name'),
             ('pgclone_schema', '''host=x'', ''a'', null', '22004', 'include_data'),
             ('pgclone_schema', '''host=x'', ''a'', true, null', '22004', 'options'),
             ('pgclone_schema', '''host=x'', ''a'', true, ''{"data": false}''', '22023',
              'include_data'),
             ('pgclone_schema', format('''host=x'', %L', repeat('x', 64)), '22023', 'schema_name'),
             ('pgclone_functions', ''''', ''a''', '22023', 'source'),
             ('pgclone_functions', '''host=x'', null', '22004', 'schema_name'),
             ('pgclone_functions', '''host=x'', ''a'', null', '22004', 'options'),
             ('pgclone_functions', '''host=x'', ''a'', ''[]''', '22023', 'options'),
             ('pgclone_database', 'null', '22004', 'source'),
             ('pgclone_database', '''host=x'', null', '22004', 'include_data'),
             ('pgclone_database', '''host=x'', false, ''{"data": true}''', '22023',
              'include_data'),
             ('pgclone_database', '''host=x'', true, null', '22004', 'options'),
             ('pgclone_database_create', '''host=x'', null', '22004', 'target_database'),
             ('pgclone_database_create', '''host=x'', ''''', '22023', 'target_database'),
             ('pgclone_database_create', format('''host=x'', %L', repeat('x', 64)), '22023',
              'target_database'),
             ('pgclone_database_create', '''host=x'', ''a'', null', '22004', 'include_data'),
             ('pgclone_database_create', '''host=x'', ''a'', true, ''{"target_database": "b"}''',
              '22023', 'target_database'))
     as f (name, arguments, state, argument),
     (values (''), ('_async')) as s (suffix);
select pg_temp.fails('select pgclone_schema_async(''host=x'', ''pg_catalog'')', '22023',
                     'system schema', 'schema_async: a system schema');
select pg_temp.fails('select pgclone_schema_async(''host=nowhere passwort=canary'', ''a'')', '22023',
                     '"source"', 'schema_async: source malformed');

-- plan
select pg_temp.fails('select * from pgclone_plan(' || arguments || ')', state, message,
                     'plan: ' || message)
from (values ('null, ''table'', ''a.b''', '22004', '"source"'),
             ('''nowhere'', ''table'', ''a.b''', '42704', '"nowhere" does not exist'),
             ('''host=x'', null', '22004', '"scope"'),
             ('''host=x'', ''tables''', '22023', '"scope"'),
             ('''host=x'', ''table''', '22004', '"object"'),
             ('''host=x'', ''schema'', ''a.b''', '22023', '"object"'),
             ('''host=x'', ''database'', ''a''', '22023', '"object"'),
             ('''host=x'', ''schema'', ''a'', null', '22004', '"options"'),
             ('''host=x password=canary'', ''schema'', ''a'', ''{"dry_run": true}''', '22023',
              'unknown option "dry_run"'),
             ('''host=x'', ''database'', null, ''{"target_database": "template1"}''', '42P04',
              '"template1"')) as p (arguments, state, message);

-- wait, cancel, progress
select pg_temp.fails('select pgclone_wait(null)', '22004', '"job_id"', 'wait null');
select pg_temp.fails('select pgclone_wait(123456)', '42704', 'job 123456 does not exist',
                     'wait for an unknown job');
select pg_temp.fails('select pgclone_wait(123456, ''-1 second'')', '22023', '"timeout"',
                     'wait with a negative timeout');
select pg_temp.fails('select pgclone_cancel(null)', '22004', '"job_id"', 'cancel null');
select pg_temp.fails('select pgclone_progress(null)', '22004', '"job_id"', 'progress null');

select is((select count(*) from pgclone_job), 0::bigint, 'nothing was queued');
