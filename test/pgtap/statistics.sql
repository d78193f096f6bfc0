-- The statistics of large tables are the source's where these are good; else there is ANALYZE.
select plan(47);
\ir jobs.psql

create function pg_temp.taken_over() returns text[] language plpgsql as
    $$ begin return (select array_agg(distinct tablename order by tablename) from found where null_frac = 0.25); end $$;

call pg_temp.clone('schema', 'public', '{"conflict": "skip"}');
select is((pg_temp.job()).status, 'completed', 'the job completes');
select is(pg_temp.taken_over(),
          array['bare', 'good', 'good_expression', 'good_words', 'of_domain', 'parts', 'parts_1', 'parts_1_expr_idx', 'parts_2', 'parts_2_high',
                'parts_2_high_expr_idx', 'parts_2_low', 'parts_2_low_expr_idx', 'renamed', 'renamed_expressions'],
          'those of large tables that are as good as new are taken over, with partitions and expressions of indexes');
select is_empty($$ select * from found where null_frac = 0.25 and tablename <> 'renamed_expressions' except select * from expected $$,
                'with all that the source knows');
select is((select array_agg(n_distinct order by a.attnum)::numeric[] from pg_stats as s join pg_attribute as a
               on a.attrelid = 'renamed_expressions'::regclass and a.attname = s.attname
           where s.tablename = 'renamed_expressions'), array[-1, 10]::numeric[], 'expressions of an index have their own, whatever they are called');
select is_empty($$ select * from expected where null_frac = 0.25 and tablename ~ '^(bare|good|of_domain|parts|renamed$)' except select * from found $$,
                'and without a gap');
select is_empty($$ select relname from pg_class
                   where relname in ('by_color', 'changed', 'disordered', 'parent', 'small', 'unknown', 'unknown_column', 'with_extended', 'with_range')
                     and not exists (select from found where tablename = relname and attname = 'filler' and null_frac = 0) $$,
                'of the others the clone is analyzed');
select is((select reltuples from pg_class where relname = 'bare'), 15000::real, 'the planner knows the number of rows');
-- (From 16 on a table is extended by some pages more than it needs.)
select is((select relallvisible > 0.9 * relpages and relpages > 0 from pg_class where relname = 'bare'), true, 'and of pages');
select is((select reltuples from pg_class where relname = 'parts'), 6000::real, 'of all partitions together, too');
select is((select array_agg(distinct staop1 order by staop1) from pg_statistic where starelid = 'good'::regclass and stakind1 = 1
           and staattnum = (select attnum from pg_attribute where attrelid = 'good'::regclass and attname = 'day')),
          array['pg_catalog.=(date, date)'::regoperator::oid], 'values are compared with the operator of their type');
create function pg_temp.estimate(query text) returns integer language plpgsql as $$
declare
    plan json;
begin
    execute 'explain (format json) ' || query into plan;
    return (plan -> 0 -> 'Plan' ->> 'Plan Rows')::integer;
end
$$;
select cmp_ok(pg_temp.estimate($$ select from good where color = 'red' $$), '<=', 5000, 'the planner uses common values');
select cmp_ok(pg_temp.estimate($$ select from good where collated < '4' $$), '<', 5000, 'histograms');
select cmp_ok(pg_temp.estimate($$ select from good where tags @> array['tag 3'] $$), '<', 9000, 'elements of arrays');
select cmp_ok(pg_temp.estimate($$ select from good where words @@ 'word3' $$), '<', 9000, 'lexemes');
select cmp_ok(pg_temp.estimate($$ select from good where price * 2 = 0 $$), '<', 50, 'those of an index''s expression');
select cmp_ok(pg_temp.estimate($$ select from parts where id < 300 $$), '<', 900, 'and those of all partitions');

drop view found;
drop table good, renamed, of_domain, by_color, parts, bare, with_range, with_extended, changed, unknown, unknown_column, disordered, child, parent, small, expected;
call pg_temp.clone('schema', 'public', '{"conflict": "skip", "analyze": "always"}');
select is((pg_temp.job()).status, 'completed', 'once more, with "always"');
select is(pg_temp.taken_over(), null, 'each table is analyzed');
drop view found;
drop table good, renamed, of_domain, by_color, parts, bare, with_range, with_extended, changed, unknown, unknown_column, disordered, child, parent, small, expected;
call pg_temp.clone('schema', 'public', '{"conflict": "skip", "include": ["parts"], "exclude": ["parts_1"]}');
select is(pg_temp.taken_over(), null, 'so is a partitioned table when a partition was left out');

-- The function by itself, for whoever owns a table.
create table own (id integer, t text, a integer[], v tsvector, r int4range, d integer generated always as (id + 1) stored);
insert into own (id, t) values (1, 'x');
create index own_expression on own (id, (id + 1));
create materialized view own_view as select 1 as id;
create function pg_temp.restore(column_name name, null_frac real default 0, avg_width integer default 4, n_distinct real default -1,
    vals text default null, freqs real[] default null, bounds text default null, correlation real default null,
    elems text default null, elem_freqs real[] default null, counts real[] default null, relation regclass default 'own', number smallint default null)
returns boolean language sql as $$ select pgclone_restore_statistics(relation, column_name, number, false, null_frac, avg_width, n_distinct,
    vals, freqs, bounds, correlation, elems, elem_freqs, counts) $$;
select ok(pg_temp.restore('id', vals => '{7,5}', freqs => '{0.5,0.25}', bounds => '{1,2,3}', correlation => 0.5), 'a column gets statistics');
select ok(pg_temp.restore('id', null_frac => 0.5), 'and others');
select is((select array[null_frac, avg_width, n_distinct]::numeric[] from pg_stats where tablename = 'own' and attname = 'id' and histogram_bounds is null),
          array[0.5, 4, -1], 'which take their place');
select is(pg_temp.restore('t', bounds => '{b,a}'), false, 'values that this server sorts otherwise are not taken');
select is(pg_temp.restore('a', elems => '{2,1}', elem_freqs => '{0.5,0.5,0.5,0.5,0}'), false, 'nor are elements');
select is(pg_temp.restore('v', elems => '{bb,a}', elem_freqs => '{0.5,0.5,0.5,0.5}'), false, 'nor are lexemes');
select is(pg_temp.restore('r'), false, 'nor those of a type with statistics of its own');
select is(pg_temp.restore('t', avg_width => 40000), false, 'nor widths that no row has');
select is((select count(*) from pg_stats where tablename = 'own' and attname <> 'id'), 0::bigint, 'nothing is set then');

create function pg_temp.refused(call text) returns text language plpgsql as $$
begin
    execute 'select pg_temp.restore(' || call || ')';
    return 'accepted';
exception when others then
    return sqlstate || ': ' || sqlerrm;
end
$$;
select is(pg_temp.refused($$'id', vals => '{1,2}', freqs => '{0.5}'$$),
          '22023: argument "most_common_freqs" is no statistic of this column', 'a value needs its frequency');
select is(pg_temp.refused($$'id', vals => '{1,null}', freqs => '{0.5,0.5}'$$),
          '22023: argument "most_common_vals" is no statistic of this column', 'no value is null');
select is(pg_temp.refused($$'id', vals => '{{1,2}}', freqs => '{0.5,0.5}'$$),
          '22023: argument "most_common_vals" is no statistic of this column', 'there is one dimension');
select is(pg_temp.refused($$'id', vals => '{1}'$$),
          '22023: arguments "most_common_vals" and "most_common_freqs" need each other', 'values and frequencies go together');
select is(pg_temp.refused($$'id', vals => '{1,x}', freqs => '{0.5,0.5}'$$),
          '22P02: invalid input syntax for type integer: "x"', 'values are of the type');
select is(array[pg_temp.refused($$'id', vals => '{1}', freqs => '{NaN}'$$), pg_temp.refused($$'id', null_frac => 'NaN'$$),
                pg_temp.refused($$'id', n_distinct => 'Infinity'$$), pg_temp.refused($$'id', correlation => 2$$),
                pg_temp.refused($$'id', avg_width => -1$$), pg_temp.refused($$'id', bounds => '{1}'$$),
                pg_temp.refused($$'a', elems => '{1}', elem_freqs => '{0.5}'$$), pg_temp.refused($$'a', counts => '{1}'$$),
                pg_temp.refused($$'a', counts => '{3,2,1}'$$), pg_temp.refused($$'id', elems => '{1}', elem_freqs => '{0.5,0.5,0.5}'$$)],
          array(select format('22023: argument "%s" is no statistic of this column', name)
                from unnest(array['most_common_freqs', 'null_frac', 'n_distinct', 'correlation', 'avg_width', 'histogram_bounds',
                                  'most_common_elem_freqs', 'elem_count_histogram', 'elem_count_histogram', 'most_common_elems']) as name),
          'numbers are in their range');
select is(pg_temp.refused($$'nothing'$$), '42703: column "nothing" of relation "own" does not exist', 'there is such a column');
select is(pg_temp.refused($$'ctid'$$), '42703: column "ctid" of relation "own" does not exist', 'which is no system column');
select is(pg_temp.refused($$'id', relation => 'own_view'$$), '42809: "own_view" is not a table', 'of a table');
select is(pg_temp.refused($$'id', relation => 'own_expression'$$),
          '42809: column "id" of index "own_expression" is not an expression', 'or an expression of an index');
select is(pg_temp.refused($$'oid', relation => 'pg_class'$$), '42809: "pg_class" is a system catalog', 'that is no catalog''s');
select is(array[pg_temp.refused($$null$$), pg_temp.refused($$'id', number => 1::smallint$$)],
          array_fill('22023: either argument "column_name" or argument "column_number" must be null'::text, array[2]),
          'called by its name or by its number');
select is(pg_temp.refused($$null, number => 9::smallint$$), '42703: column number 9 of relation "own" does not exist', 'that there is');
select ok(pg_temp.restore(null, number => 2::smallint, relation => 'own_expression'), 'as are expressions');
select is(pg_temp.refused($$'id', null_frac => null$$), '22004: argument "null_frac" must not be null',
          'all but the kinds of statistics must be given');
select is(pg_temp.refused($$'id', vals => '{1,2}', freqs => ('{NULL,0.5,0.5}'::real[])[2:3]$$),
          '22023: argument "most_common_freqs" is no statistic of this column', 'a slice that has room for nulls is not stored');
select throws_ok($$ select pgclone_restore_row_count('own', 'NaN') $$, '22023', 'argument "row_count" must be a number from 0 on');

create role stranger;
grant all on own to stranger;
set role stranger;
select throws_ok($$ select pgclone_restore_statistics('own', 'id', null, false, 0, 4, -1, null, null, null, null, null, null, null) $$,
                 '42501', 'must be owner of table own', 'only a table''s owner sets its statistics');
select throws_ok($$ select pgclone_restore_row_count('own', 5) $$, '42501', 'must be owner of table own', 'and its number of rows');
reset role;
drop owned by stranger;
drop role stranger;
select * from finish();
