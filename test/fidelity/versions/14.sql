-- What came with PostgreSQL 14.
create type temperature as range (subtype = float8, multirange_type_name = temperatures);
create table readings (
    id integer generated always as identity primary key,
    spans int4multirange not null default '{}',
    warm temperatures,
    note text compression pglz,
    body jsonb);
insert into readings (spans, warm, note, body)
select format('{[%s,%s),[%s,%s)}', g, g + 1, g + 5, g + 9)::int4multirange, '{[1.5,2.5]}', repeat('x', g),
       jsonb_build_object('n', g)
from generate_series(1, 50) as g;
create index readings_spans on readings using gist (spans);
create function reading_count(at integer) returns bigint language sql stable
    begin atomic
        select count(*) from readings where spans @> at;
    end;
create function twice(x integer) returns integer language sql immutable return x * 2;
create procedure measure(in a integer, out b integer) language plpgsql as 'begin b := a + 1; end';
create statistics reading_lengths on (length(note)), (body ->> 'n') from readings;
create view nth as
    with recursive t (id, n) as (select 1, 1 union all select id + 1, n * 2 from t where id < 5)
    search depth first by id set path cycle id set is_cycle using cycle_path
    select id, n, is_cycle from t;
create aggregate joined (anycompatiblearray) (sfunc = array_cat, stype = anycompatiblearray);
create function note_change() returns trigger language plpgsql as 'begin return new; end';
create table parts (id integer, kind text, primary key (id, kind)) partition by list (kind);
create table parts_a partition of parts for values in ('a');
create table parts_rest partition of parts default;
create trigger changed after update on parts for each row execute function note_change();
insert into parts select g, case when g % 3 = 0 then 'a' else 'b' end from generate_series(1, 30) as g;
create foreign data wrapper nowhere;
create server nothing foreign data wrapper nowhere;
create foreign table far (id integer) server nothing;
alter table readings alter note set statistics 50;
