-- What crosses the boundary between C++ and the server: each exception and each ERROR, in every
-- combination, is an ERROR with its SQLSTATE, and the session goes on.
--
-- psql variables: module = path of the test module, conninfo = this database.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
set client_min_messages = warning;
set search_path = public;

create function boundary_throw(kind text) returns text
    as :'module' language c;
create function boundary_throw_error(sqlstate text, message text, detail text, hint text)
    returns text as :'module' language c;
create function boundary_throw_in_call(kind text, action text) returns text
    as :'module' language c;
create function boundary_raise(action text, sqlstate text, message text,
                               detail text default '', hint text default '')
    returns text as :'module' language c;
create function boundary_run(action text, sql text) returns text
    as :'module' language c;
create function boundary_tower(depth int, fail_level int, fail_side text, catch_level int,
                               replace boolean default false,
                               through_executor boolean default false)
    returns text as :'module' language c;
create function boundary_climb(address bigint, level int) returns int
    as :'module' language c;
create function boundary_state_kept(action text) returns text as :'module' language c;
create function boundary_lock_kept() returns boolean as :'module' language c;
create function boundary_lock_abandoned(action text) returns text as :'module' language c;
create function boundary_lock_is_free() returns boolean as :'module' language c;
create function boundary_copy_fails() returns text as :'module' language c;
create function boundary_return_value(value bigint) returns bigint as :'module' language c strict;
create function boundary_objects_alive() returns int as :'module' language c;
create function boundary_objects_made() returns bigint as :'module' language c;
create function boundary_holdoff() returns int as :'module' language c;

-- Runs `sql` in a subtransaction and says which error came out of it.
create function caught(sql text) returns text language plpgsql as $$
declare
    message text; detail text; hint text;
begin
    execute sql;
    return 'no error';
exception when query_canceled or others then
    get stacked diagnostics message = message_text, detail = pg_exception_detail,
                            hint = pg_exception_hint;
    return concat_ws('|', sqlstate, message, detail, hint);
end $$;

-- The kilobytes of memory that this session has taken from the system.
create function resident_kb() returns bigint language sql as $$
    select substring(pg_read_file('/proc/self/status') from 'VmRSS:\s+(\d+)')::bigint
$$;

select plan(194);

-- One row for each combination: what is run, and what must come out of it.
create table combination (id int generated always as identity, sql text, expected text);

insert into combination (sql, expected) values
-- C++ throws to the entry door.
($$select boundary_throw('bad_alloc')$$, '53200|out of memory||'),
($$select boundary_throw('exhausted')$$, '53200|out of memory||'),
($$select boundary_throw('logic_error')$$, 'XX000|logic is broken||'),
($$select boundary_throw('int')$$, 'XX000|unknown C++ exception||'),
($$select boundary_throw('text')$$, 'XX000|unknown C++ exception||'),
($$select boundary_throw('textless')$$, 'XX000|C++ exception without a text||'),
($$select boundary_throw('optional')$$, 'XX000|bad optional access||'),
($$select boundary_throw('constructor')$$, 'XX000|constructor failed||'),
($$select boundary_throw('deep')$$, 'P0D01|thrown deep down|The stack had frames.|'),
($$select boundary_throw('rethrown')$$, 'XX000|caught once||'),
($$select boundary_throw('nested')$$, 'P0N01|second, thrown while the first was handled||'),
($$select boundary_throw('nothing')$$, 'no error'),
-- All parts of an error arrive, and only those that it has.
($$select boundary_throw_error('08006', 'lost', 'It was cut.', 'Try again.')$$,
 '08006|lost|It was cut.|Try again.'),
($$select boundary_throw_error('08006', 'lost', '', 'Try again.')$$, '08006|lost||Try again.'),
($$select boundary_throw_error('08006', 'lost', 'It was cut.', '')$$, '08006|lost|It was cut.|'),
($$select boundary_throw_error('22012', '', '', '')$$, '22012|||'),
-- Malformed SQLSTATEs.
($$select boundary_throw_error('', 'm', '', '')$$, 'XX000|m||'),
($$select boundary_throw_error('0800', 'm', '', '')$$, 'XX000|m||'),
($$select boundary_throw_error('0800x', 'm', '', '')$$, 'XX000|m||'),
($$select boundary_throw_error('08 06', 'm', '', '')$$, 'XX000|m||'),
($$select boundary_throw_error('ä006', 'm', '', '')$$, 'XX000|m||'),
($$select boundary_throw_error('00000', 'no error at all', '', '')$$, 'XX000|no error at all||'),
-- Texts are data, not formats.
($$select boundary_throw_error('P0001', '100%s %n %d %', '%s%s%n', '%m %5$n')$$,
 'P0001|100%s %n %d %|%s%s%n|%m %5$n'),
($$select boundary_raise('throw_on', 'P0001', '100%s %n %d %', '%s%s%n', '%m %5$n')$$,
 'P0001|100%s %n %d %|%s%s%n|%m %5$n'),
-- The server raises in the call door.
($$select boundary_raise('throw_on', '22012', 'raised', 'Detail.', 'Hint.')$$,
 '22012|raised|Detail.|Hint.'),
($$select boundary_raise('rethrow', '22012', 'raised', 'Detail.', 'Hint.')$$,
 '22012|raised|Detail.|Hint.'),
($$select boundary_raise('replace', '22012', 'raised', 'Detail.', 'Hint.')$$,
 'P0R01|replaced: raised|Detail.|Was 22012.'),
-- C++ throws within the body of the call door, the server is not involved.
($$select boundary_throw_in_call('bad_alloc', 'throw_on')$$, '53200|out of memory||'),
($$select boundary_throw_in_call('int', 'throw_on')$$, 'XX000|unknown C++ exception||'),
($$select boundary_throw_in_call('int', 'rethrow')$$, 'XX000|unknown C++ exception||'),
($$select boundary_throw_in_call('logic_error', 'rethrow')$$, 'XX000|logic is broken||'),
($$select boundary_throw_in_call('nested', 'replace')$$,
 'P0R01|replaced: second, thrown while the first was handled||Was P0N01.'),
-- SPI in the call door.
($$select boundary_run('throw_on', 'select 1/0')$$, '22012|division by zero||'),
($$select boundary_run('rethrow', 'select no_such_column')$$,
 '42703|column "no_such_column" does not exist||'),
($$select boundary_run('throw_on', 'select boundary_throw(''bad_alloc'')')$$,
 '53200|out of memory||'),
($$select boundary_run('throw_on', 'select boundary_run(''replace'', ''select 1/0'')')$$,
 'P0R01|replaced: division by zero||Was 22012.'),
($$select boundary_run('throw_on', 'commit')$$, 'XX000|SPI_execute returned -8||'),
($$select boundary_run('throw_on', 'select 1')$$, 'no error'),
-- Disorder and locks left by the body.
($$select boundary_state_kept('throw_on')$$, '22012|raised in disorder||'),
($$select boundary_state_kept('rethrow')$$, '22012|raised in disorder||'),
($$select boundary_lock_abandoned('throw_on')$$, '22012|raised with a lock held||'),
($$select boundary_lock_abandoned('replace')$$,
 'P0R01|replaced: raised with a lock held||Was 22012.');

-- Towers: each level and each side fails, nobody catches, or a level above does and replaces.
insert into combination (sql, expected)
select format('select boundary_tower(6, %s, %L, 0, false, %L)', level, side, executor),
       case side when 'c' then format('P0C1%s|C++ failed at level %s|Detail %%s of C++.|Hint %%n of C++.', level, level)
                 else format('P0S1%s|server failed at level %s|Detail %%s of the server.|Hint of the server.', level, level) end
from generate_series(1, 6) level, (values ('c'), ('s')) sides (side),
     (values (false), (true)) executors (executor);
insert into combination (sql, expected)
select format('select boundary_tower(6, %s, %L, %s, true)', level, side, catch_level),
       format('P0X1%s|level %s caught: %s failed at level %s||', catch_level, catch_level,
              case side when 'c' then 'C++' else 'server' end, level)
from generate_series(1, 6) level, (values ('c'), ('s')) sides (side),
     generate_series(1, 6) catch_level
-- C++ that fails at its own level has not called anything that it could catch.
where catch_level < level or (catch_level = level and side = 's');

select is(caught(sql), expected, sql) from combination order by id;
select is(boundary_objects_alive(), 0, 'every C++ object was destroyed');
select cmp_ok(boundary_objects_made(), '>', 500::bigint, 'and there were many');
select is(boundary_holdoff(), 0, 'no holdoff count is left');
select ok(boundary_lock_is_free(), 'no lock is left');

-- The same at top level: the transaction fails, the session goes on.
begin;
select boundary_throw('bad_alloc');
\set state :SQLSTATE
select 'in a failed transaction';
\set state_after :SQLSTATE
rollback;
select is(:'state'::text, '53200', 'std::bad_alloc at top level');
select is(:'state_after'::text, '25P02', 'the transaction has failed');
select boundary_throw('int');
select is(:'SQLSTATE'::text, 'XX000', 'throw 1 at top level');
select boundary_throw_error('08006', 'a', 'b', 'c');
select is(:'SQLSTATE'::text, '08006', 'PgError at top level');
select boundary_throw_error('bad', 'a', 'b', 'c');
select is(:'SQLSTATE'::text, 'XX000', 'malformed SQLSTATE at top level');
select boundary_raise('throw_on', '22012', 'raised', 'Detail.', 'Hint.');
select is(:'SQLSTATE'::text, '22012', 'ERROR of the server at top level');
select boundary_tower(6, 6, 's', 0);
select is(:'SQLSTATE'::text, 'P0S16', 'ERROR below twelve doors at top level');
select boundary_lock_abandoned('throw_on');
select is(:'SQLSTATE'::text, '22012', 'ERROR with a lock held at top level');
select ok(boundary_lock_is_free(), 'the lock was released');
select boundary_throw('library');
select is(:'SQLSTATE'::text, 'XX000', 'std::out_of_range of the standard library');

-- Caught in C++ and not thrown on.
select is(boundary_raise('swallow', '22012', 'raised', 'Detail.', 'Hint.'),
          '22012|raised|Detail.|Hint.', 'an ERROR swallowed by C++');
select is(boundary_raise('swallow_twice', '22012', 'raised', 'Detail.', 'Hint.'),
          '22012|raised|Detail.|Hint.', 'swallowed twice');
select is(boundary_raise('nested_catch', '22012', 'raised'),
          '22012|both: raised|raised|', 'raised and caught while another exception is handled');
select is(boundary_run('swallow', 'select 1/0'), '22012|division by zero||', 'SPI swallowed');
select is(boundary_run('swallow', 'create table t (i int); insert into t values (1); select 1/0'),
          '22012|division by zero||', 'SPI that wrote');
select is(to_regclass('t'), null, 'what it wrote is rolled back');
select is(boundary_run('swallow', 'create table kept (i int)'), '|||', 'SPI that succeeds');
select is(to_regclass('kept')::text, 'kept', 'what it wrote stays');
select is(boundary_run('swallow', $$select caught('select boundary_run(''throw_on'', ''select 1/0'')')$$),
          '|||', 'caught by PL/pgSQL between two doors');
select is(boundary_state_kept('swallow'), '22012|raised in disorder||',
          'memory context, callbacks, exception stack and holdoff counts are as before');
select is(boundary_state_kept('swallow_twice'), '22012|raised in disorder||', 'twice');
select is(boundary_state_kept('nested_catch'), '22012|both: raised in disorder|raised in disorder|',
          'within a handler');
select ok(boundary_lock_kept(), 'a lock held around the doors is kept');
select ok(boundary_lock_is_free(), 'and was released by its owner');
select is(boundary_copy_fails(), '53200|out of memory while reading an error||',
          'no memory to copy the error');
select is(boundary_tower(6, level, side, catch_level),
          format('%s|level %s caught: %s',
                 case side when 'c' then 'P0C1' else 'P0S1' end || level, catch_level,
                 case side when 'c'
                     then format('C++ failed at level %s|Detail %%s of C++.|Hint %%n of C++.', level)
                     else format('server failed at level %s|Detail %%s of the server.|Hint of the server.', level) end),
          format('level %s (%s) fails, level %s catches', level, side, catch_level))
from generate_series(1, 6) level, (values ('c'), ('s')) sides (side),
     generate_series(1, 6) catch_level
where catch_level < level or (catch_level = level and side = 's')
order by level, side, catch_level;
select is(boundary_tower(6, 6, side, 1, false, true),
          case side when 'c' then 'P0C16|level 1 caught: C++ failed at level 6|Detail %s of C++.|Hint %n of C++.'
                    else 'P0S16|level 1 caught: server failed at level 6|Detail %s of the server.|Hint of the server.' end,
          'through SPI and the executor (' || side || '), caught at the top')
from (values ('c'), ('s')) sides (side);
select is(boundary_tower(6, 0, '', 0), 'bottom', 'no failure: all doors open');
select is(boundary_tower(6, 0, '', 0, false, true), 'bottom', 'no failure through the executor');
select is(boundary_return_value(41), 42::bigint, 'a value comes back');

-- Texts that do not fit, and bytes that are no text.
select is(octet_length(message), 1023, 'ASCII is cut at 1023 bytes')
from (select split_part(boundary_raise('swallow', 'P0001', repeat('x', 5000)), '|', 2)) t (message);
select is(message, repeat('ä', 511), 'two-byte characters are not cut in two')
from (select split_part(boundary_run('swallow', format('do $d$ begin raise exception %L; end $d$', repeat('ä', 5000))), '|', 2)) t (message);
select is(message, 'x' || repeat('€', 340), 'nor are three-byte ones')
from (select split_part(boundary_run('swallow', format('do $d$ begin raise exception %L; end $d$', 'x' || repeat('€', 5000))), '|', 2)) t (message);
select is(message, repeat('😀', 255), 'nor are four-byte ones')
from (select split_part(boundary_run('swallow', format('do $d$ begin raise exception %L; end $d$', repeat('😀', 5000))), '|', 2)) t (message);
select is(split_part(caught(format('select boundary_throw_error(%L, %L, %L, %L)', 'P0001',
                                   repeat('ä', 5000), repeat('ö', 5000), repeat('ü', 5000))),
                     '|', part),
          repeat(letter, 511) || '?', 'a record cut within a character: ' || letter)
from (values (2, 'ä'), (3, 'ö'), (4, 'ü')) t (part, letter);

-- Cancel and timeouts through the call door.
set statement_timeout = '200ms';
select boundary_run('throw_on', 'select pg_sleep(20)');
\set state :SQLSTATE
select boundary_run('replace', 'select pg_sleep(20)');
\set state_after :SQLSTATE
select caught($$select boundary_run('rethrow', 'select pg_sleep(20)')$$) as caught \gset
select boundary_run('swallow', 'select pg_sleep(20)') as swallowed \gset
reset statement_timeout;
select is(:'state'::text, '57014', 'statement_timeout in the call door');
select is(:'state_after'::text, 'P0R01', 'the same, replaced');
select is(:'caught'::text, '57014|canceling statement due to statement timeout||',
          'the same, caught by PL/pgSQL');
select is(:'swallowed'::text, '57014|canceling statement due to statement timeout||',
          'the same, swallowed');
set lock_timeout = '100ms';
select dblink_connect('other', :'conninfo');
create table locked ();
select dblink_exec('other', 'begin; lock table locked');
select is(caught($$select boundary_run('throw_on', 'lock table locked')$$),
          '55P03|canceling statement due to lock timeout||', 'lock_timeout in the call door');
select is(boundary_run('swallow', 'lock table locked'),
          '55P03|canceling statement due to lock timeout||', 'the same, swallowed');
reset lock_timeout;
select dblink_exec('other', 'rollback');
select is(caught($$select boundary_run('throw_on', 'select pg_cancel_backend(pg_backend_pid()), pg_sleep(20)')$$),
          '57014|canceling statement due to user request||', 'cancel in the call door');
select is(caught($$select pg_cancel_backend(pg_backend_pid()), pg_sleep(20)$$),
          '57014|canceling statement due to user request||', 'a cancel still works outside');

-- FATAL passes all doors and ends that session only.
select dblink_exec('other', format(
    'create function pg_temp.run(text, text) returns text as %L, ''boundary_run'' language c',
    :'module'));
select is(split_part(caught($$select * from dblink('other',
              'select pg_temp.run(''swallow'', ''select pg_terminate_backend(pg_backend_pid())'')')
              as t (r text)$$), '|', 2) ~ 'terminating connection|server closed the connection',
          true, 'FATAL in the call door ends the session');
select isnt(pg_postmaster_start_time(), null, 'the server is up');

-- Ten thousand times in exception blocks: no memory is lost.
create function repeatedly(times int) returns void language plpgsql as $$
begin
    for i in 1 .. times loop
        begin
            perform boundary_throw('deep');
        exception when others then
        end;
        begin
            perform boundary_throw('exhausted');
        exception when others then
        end;
        begin
            perform boundary_raise('replace', '22012', 'raised', 'Detail.', 'Hint.');
        exception when others then
        end;
        begin
            perform boundary_tower(5, 5, 's', 3, true);
        exception when others then
        end;
        begin
            perform boundary_run('throw_on', 'select 1/0');
        exception when others then
        end;
        perform boundary_raise('nested_catch', '22012', 'raised');
        perform boundary_tower(5, 5, 'c', 2);
    end loop;
end $$;
select repeatedly(200);
select resident_kb() as before \gset
select repeatedly(10000);
select resident_kb() as after \gset
select cmp_ok(:'after'::bigint - :'before'::bigint, '<', 2048::bigint,
              '70,000 errors took less than 2 MB more');

select is(boundary_objects_alive(), 0, 'every C++ object was destroyed');
select is(boundary_holdoff(), 0, 'no holdoff count is left');
select ok(boundary_lock_is_free(), 'no lock is left');
select is(caught($$select pg_cancel_backend(pg_backend_pid()), pg_sleep(20)$$),
          '57014|canceling statement due to user request||', 'a cancel still works at the end');
select * from finish();
