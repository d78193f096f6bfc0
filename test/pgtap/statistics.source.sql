-- Tables that are large enough for their statistics to be asked for. Autovacuum stays out of it.
create type color as enum ('red', 'green', 'blue');
create table good (
    id integer primary key, gone text, filler text, color color, price numeric(8, 2), day date, code char(3),
    never text, tags text[], words tsvector, attributes jsonb, raw json, collated text collate "C"
) with (autovacuum_enabled = off);
insert into good
select g, 'x', repeat('x', 600), (enum_range(null::color))[1 + g % 3], g % 700 / 7.0, date '2024-01-01' + g % 300,
    chr(65 + g % 26), null, array['tag ' || g % 7, 'tag ' || g % 11, null], to_tsvector('simple', 'a word' || g % 5 || ' longer' || g % 3),
    jsonb_build_object('n', g % 12), '{"n": 1}', md5(g::text)
from generate_series(1, 15000) as g;
alter table good drop column gone;
create index good_expression on good (lower(collated), id, (price * 2));
create index good_words on good using gin (to_tsvector('simple', filler));
-- The columns of these are called, on the source, as the table's columns were once: each as the other is now.
create table renamed (id integer, filler text, one text, other text) with (autovacuum_enabled = off);
insert into renamed select g, repeat('x', 600), 'one ' || g, 'other ' || g % 10 from generate_series(1, 15000) as g;
create index renamed_expressions on renamed ((one::name), (other::name));
alter table renamed rename one to gone;
alter table renamed rename other to one;
alter table renamed rename gone to other;
create domain document as tsvector;
create table of_domain (id integer, filler text, words document) with (autovacuum_enabled = off);
insert into of_domain select id, filler, words from good;
-- Its rows go to other partitions where the enum's values have other numbers.
create table by_color (id integer, color color, filler text) partition by hash (color);
create table by_color_0 partition of by_color for values with (modulus 2, remainder 0) with (autovacuum_enabled = off);
create table by_color_1 partition of by_color for values with (modulus 2, remainder 1) with (autovacuum_enabled = off);
insert into by_color select id, color, 'x' from good;

create table parts (id integer, kind integer, filler text) partition by list (kind);
create table parts_1 partition of parts for values in (1) with (autovacuum_enabled = off);
create table parts_2 partition of parts for values in (2, 3) partition by range (id);
create table parts_2_low partition of parts_2 for values from (minvalue) to (3000) with (autovacuum_enabled = off);
create table parts_2_high partition of parts_2 for values from (3000) to (maxvalue) with (autovacuum_enabled = off);
create table parts_empty partition of parts default with (autovacuum_enabled = off);
create index parts_expression on parts ((id % 10));
insert into parts select g, 1 + g % 3, repeat('x', 100) from generate_series(1, 6000) as g;

-- No index: nobody counts its rows.
create table bare (id integer, filler text) with (autovacuum_enabled = off);
insert into bare select g, repeat('x', 600) from generate_series(1, 15000) as g;
create table with_range (like bare, range int4range) with (autovacuum_enabled = off);
insert into with_range select *, int4range(id, id + 5) from bare;
create table with_extended (like bare) with (autovacuum_enabled = off);
insert into with_extended select * from bare;
create statistics extended (dependencies) on id, filler from with_extended;
create table changed (like bare) with (autovacuum_enabled = off);
insert into changed select * from bare;
create table unknown (like bare) with (autovacuum_enabled = off);
insert into unknown select * from bare;
create table unknown_column (like bare) with (autovacuum_enabled = off);
insert into unknown_column select * from bare;
create table disordered (like bare, one text, other text) with (autovacuum_enabled = off);
insert into disordered select *, id, case when id % 3 = 0 then 'a' else 'b' end from bare;
create table parent (like bare) with (autovacuum_enabled = off);
create table child () inherits (parent) with (autovacuum_enabled = off);
insert into parent select * from bare;
create table small (like bare) with (autovacuum_enabled = off);
insert into small select * from bare limit 10;

-- What this session has changed is counted when it ends, or ANALYZE would not have seen it.
\c
analyze good, renamed, of_domain, by_color, parts, bare, with_range, with_extended, changed, disordered, parent, child, small, unknown_column;
update changed set filler = 'y' where id % 5 = 0;
delete from pg_statistic where starelid = 'unknown_column'::regclass and staattnum = 2;
-- The bounds of `one` are what is common in `other`: in no order.
update pg_statistic as s set stavalues1 = o.stavalues1
from pg_statistic as o
where s.starelid = 'disordered'::regclass and s.staattnum = 3 and s.stakind1 = 2
  and o.starelid = s.starelid and o.staattnum = 4 and o.stakind1 = 1;
-- What ANALYZE would not find out.
update pg_statistic set stanullfrac = 0.25 where starelid >= 16384 and starelid <> 'pg_catalog.pg_statistic'::regclass;
-- It is cloned, too, and says there what came of it.
create view found as
select tablename::text, attname::text, inherited, null_frac, avg_width, n_distinct, correlation,
    md5(concat_ws('|', most_common_vals, most_common_freqs, histogram_bounds)) as common_values,
    md5(concat_ws('|', most_common_elems, most_common_elem_freqs, elem_count_histogram)) as elements
from pg_stats
where schemaname = 'public';
create table expected as select * from found;
