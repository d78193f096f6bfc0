-- A source without a single object, and one without a single table.
select plan(7);
create extension dblink;
select is(pgclone_database(:'source'), 'completed', 'a database without an object');
select is((select count(*) from pgclone_tasks_view where status not in ('done', 'skipped')), 0::bigint,
          'what little there is to do is done');
select is((select tables_total || ' ' || coalesce(rows_copied, 0) || ' ' || pct_complete from pgclone_jobs_view),
          '0 0 100.0', 'without tables and rows');
select dblink_exec(:'source', 'create schema bare; create function bare.one() returns integer language sql as ''select 1''')
    \g /dev/null
select is(pgclone_schema(:'source', 'bare'), 'completed', 'a schema without a table');
select is(bare.one(), 1, 'its function is there');
select dblink_exec(:'source', 'create schema nothing') \g /dev/null
select is(pgclone_schema(:'source', 'nothing'), 'completed', 'a schema without anything');
select isnt(to_regnamespace('nothing'), null, 'is there');
