-- The history of places: composite keys, exclusion constraints, domains, ranges and multiranges,
-- inheritance with parents that changed later, typed tables, and types, operators, operator
-- classes and casts of its own, a base type among them.
\set ON_ERROR_STOP on
\encoding UTF8
select current_setting('server_version_num')::int >= 150000 as has_15 \gset
set client_min_messages = warning;
select format('create role %I', name) from (values ('geo_owner'), ('geo_reader'), ('Geo "Admin"')) as roles (name)
where not exists (select from pg_roles where rolname = name) \gexec
create schema geo;
create schema history authorization geo_owner;
create schema types;
create extension btree_gist schema types;
create extension cube schema types;
grant usage on schema geo, history, types to public;
set search_path = geo, types;

-- --- A base type, by the server's own functions: eight bytes, shown as a number

create type types.cell;
create function types.cell_in(cstring) returns types.cell language internal immutable strict parallel safe as 'int8in';
create function types.cell_out(types.cell) returns cstring language internal immutable strict parallel safe as 'int8out';
create function types.cell_receive(internal) returns types.cell language internal immutable strict as 'int8recv';
create function types.cell_send(types.cell) returns bytea language internal immutable strict as 'int8send';
create type types.cell (input = types.cell_in, output = types.cell_out, receive = types.cell_receive, send = types.cell_send,
    like = bigint, category = 'G', preferred = true, default = '0', delimiter = ';', collatable = false);
create type types.never_finished;
create function types.cell_lt(types.cell, types.cell) returns boolean language internal immutable strict leakproof as 'int8lt';
create function types.cell_le(types.cell, types.cell) returns boolean language internal immutable strict as 'int8le';
create function types.cell_eq(types.cell, types.cell) returns boolean language internal immutable strict as 'int8eq';
create function types.cell_ne(types.cell, types.cell) returns boolean language internal immutable strict as 'int8ne';
create function types.cell_ge(types.cell, types.cell) returns boolean language internal immutable strict as 'int8ge';
create function types.cell_gt(types.cell, types.cell) returns boolean language internal immutable strict as 'int8gt';
create function types.cell_cmp(types.cell, types.cell) returns integer language internal immutable strict as 'btint8cmp';
create function types.cell_hash(types.cell) returns integer language internal immutable strict as 'hashint8';
create function types.cell_hash(types.cell, bigint) returns bigint language internal immutable strict as 'hashint8extended';
create operator types.< (leftarg = types.cell, rightarg = types.cell, function = types.cell_lt, commutator = operator(types.>),
    negator = operator(types.>=), restrict = scalarltsel, join = scalarltjoinsel);
create operator types.<= (leftarg = types.cell, rightarg = types.cell, function = types.cell_le, commutator = operator(types.>=),
    negator = operator(types.>), restrict = scalarlesel, join = scalarlejoinsel);
create operator types.= (leftarg = types.cell, rightarg = types.cell, function = types.cell_eq, commutator = operator(types.=),
    negator = operator(types.<>), restrict = eqsel, join = eqjoinsel, hashes, merges);
create operator types.<> (leftarg = types.cell, rightarg = types.cell, function = types.cell_ne, commutator = operator(types.<>),
    negator = operator(types.=), restrict = neqsel, join = neqjoinsel);
create operator types.>= (leftarg = types.cell, rightarg = types.cell, function = types.cell_ge, commutator = operator(types.<=));
create operator types.> (leftarg = types.cell, rightarg = types.cell, function = types.cell_gt);
create operator family types.cells using btree;
create operator class types.cell_ops default for type types.cell using btree family types.cells as
    operator 1 types.<, operator 2 types.<=, operator 3 types.=, operator 4 types.>=, operator 5 types.>,
    function 1 types.cell_cmp(types.cell, types.cell);
create operator class types.cell_hash_ops default for type types.cell using hash as
    operator 1 types.= (types.cell, types.cell), function 1 types.cell_hash(types.cell), function 2 types.cell_hash(types.cell, bigint);
create function types.cell_reverse_cmp(types.cell, types.cell) returns integer language sql immutable strict
    as 'select types.cell_cmp($2, $1)';
create operator class types.cell_reverse_ops for type types.cell using btree as
    operator 1 types.>, operator 2 types.>=, operator 3 types.=, operator 4 types.<=, operator 5 types.<,
    function 1 types.cell_reverse_cmp(types.cell, types.cell);
create cast (types.cell as bigint) without function as implicit;
create cast (bigint as types.cell) without function as assignment;
create function types.cell_of(point) returns types.cell language sql immutable strict
    as 'select (floor($1[0])::bigint * 1000 + floor($1[1])::bigint)::types.cell';
create cast (point as types.cell) with function types.cell_of(point);
create cast (types.cell as json) with inout as assignment;
-- A family that grows across types.
create function types.cell_int_cmp(types.cell, integer) returns integer language internal immutable strict as 'btint84cmp';
create function types.cell_int_eq(types.cell, integer) returns boolean language internal immutable strict as 'int84eq';
create operator types.= (leftarg = types.cell, rightarg = integer, function = types.cell_int_eq);
alter operator family types.cells using btree add operator 3 types.= (types.cell, integer), function 1 (types.cell, integer) types.cell_int_cmp(types.cell, integer);
create function types.opposite(types.cell) returns types.cell language internal immutable strict as 'int8um';
create operator types.!~ (rightarg = types.cell, function = types.opposite);
comment on type types.cell is 'A cell of the grid';
comment on operator types.!~ (none, types.cell) is 'The other side of the earth';
comment on operator family types.cells using btree is 'In order';
comment on operator class types.cell_reverse_ops using btree is 'From the end';
comment on cast (point as types.cell) is 'Rounds down';
alter type types.cell owner to geo_owner;
alter operator class types.cell_reverse_ops using btree owner to geo_owner;
alter operator types.!~ (none, types.cell) owner to geo_owner;

-- --- Ranges, domains, composite types

create function types.cell_distance(types.cell, types.cell) returns double precision language internal immutable strict as 'int8range_subdiff';
create type types.cell_range as range (subtype = types.cell, subtype_opclass = types.cell_ops, subtype_diff = types.cell_distance,
    multirange_type_name = types.cells_of_all);
create type types.text_span as range (subtype = text, collation = "C");
create type types.minute_range;
create function types.minute_canonical(types.minute_range) returns types.minute_range language internal immutable strict as 'int4range_canonical';
create type types.minute_range as range (subtype = integer, canonical = types.minute_canonical, multirange_type_name = types.minutes);
create domain types.latitude as double precision constraint on_earth check (value between -90 and 90);
create domain types.longitude as double precision check (value between -180 and 180);
create domain types.wgs84 as point check (value[0] is not null) not null;
create domain types.names as text[] collate "C" default '{}' check (cardinality(value) < 10);
create domain types.validity as daterange constraint some_day check (not isempty(value));
create domain types.valid_years as types.validity;
alter domain types.valid_years add constraint full_years check (extract(doy from lower(value)) = 1) not valid;
create type types.position as (lat types.latitude, lon types.longitude);
create type types.place_key as (country char(2), code integer);
create type types.track as (points types.position[], spans types.cells_of_all, name text collate "C");
alter type types.track drop attribute name cascade, add attribute title character varying(20) collate "POSIX";
create type types.quality as enum ('guess', 'survey', 'satellite');
comment on domain types.latitude is 'Degrees north';
comment on type types.place_key is 'Country and number';
create function types.distance(types.position, types.position) returns double precision language sql immutable strict
    return sqrt(power(($1).lat - ($2).lat, 2) + power((($1).lon - ($2).lon)::numeric::float8, 2));
create operator types.<-> (leftarg = types.position, rightarg = types.position, function = types.distance, commutator = operator(types.<->));
create function types.position_in_text(types.position) returns text immutable language sql as $$select format('%s/%s', ($1).lat, ($1).lon)$$;
create cast (types.position as text) with function types.position_in_text(types.position) as assignment;
create collation geo.by_name (locale = 'C');
create collation geo.german (provider = icu, locale = 'de-u-co-phonebk');
create access method heap_too type table handler heap_tableam_handler;
comment on access method heap_too is 'heap';

-- --- Places, and their history: the key is (country, code, valid)

create table countries (country char(2) collate "C" primary key, name text not null collate geo.german unique);
create table places (
    country char(2) collate "C" not null references countries,
    code integer not null,
    valid daterange not null,
    name types.names,
    position types.position,
    at types.wgs84 default point(0, 0),
    home types.cell,
    cells types.cell_range[],
    quality types.quality not null default 'guess',
    population bigint,
    area polygon,
    constraint places_pkey primary key (country, code, valid),
    constraint places_once exclude using gist (country with =, code with =, valid with &&),
    constraint places_apart exclude using gist (at with ~=, valid with -|-) where (quality > 'survey') deferrable initially deferred,
    constraint from_the_beginning check (lower(valid) > '0001-01-01' or lower_inf(valid)) not valid
);
create index places_home on places using hash (home);
create index places_home_reverse on places (home types.cell_reverse_ops desc, code);
create index places_area on places using gist (area) with (buffering = on, fillfactor = 60);
create index places_at on places using spgist (at kd_point_ops);
create index places_box on places using spgist ((box(at, at)));
create index places_valid on places using brin (valid range_inclusion_ops, code int4_bloom_ops (n_distinct_per_range = 50, false_positive_rate = 0.05));
create index places_cube on places using gist (cube(array[(position).lat::float8, (position).lon::float8]));
alter table places cluster on places_once;
alter table places replica identity using index places_pkey;
alter table places alter column home set statistics 10;
alter table places alter column area set storage main;
create statistics geo.places_quality (ndistinct) on country, quality from places;
create table links (
    from_country char(2), from_code integer, from_valid daterange,
    to_country char(2), to_code integer, to_valid daterange,
    kind smallint not null,
    primary key (from_country, from_code, from_valid, to_country, to_code, to_valid, kind),
    constraint links_from foreign key (from_country, from_code, from_valid) references places on update cascade,
    constraint links_to foreign key (to_code, to_valid, to_country) references places (code, valid, country) match full on delete cascade deferrable
);

-- One history a kind of thing, each with a composite key that refers to places.
select format($$create table geo.%1$I (
    country char(2) collate "C" not null, code integer not null, valid daterange not null,
    serial integer not null check (serial > 0),
    during %3$s not null,
    value %4$s,
    measured_at types.position default row(0, 0)::types.position,
    remarks text collate geo.by_name,
    constraint %2$s_pkey primary key (country, code, valid, serial),
    constraint %2$s_place foreign key (country, code, valid) references places on update cascade on delete cascade,
    constraint %2$s_no_overlap exclude using gist (country with =, code with =, serial with =, during with &&)
) with (fillfactor = %5$s);
create index %2$s_remarks on geo.%1$I (remarks desc nulls last, lower(during)) where value is not null;
comment on constraint %2$s_no_overlap on geo.%1$I is 'One at a time';
alter table geo.%1$I owner to geo_owner;$$, name, singular, during, value, 50 + n)
from (values
    ('populations', 'population', 'daterange', 'bigint', 1), ('mayors', 'mayor', 'tsrange', 'text', 2),
    ('borders', 'border', 'types.text_span', 'path', 3), ('elevations', 'elevation', 'numrange', 'real', 4),
    ('temperatures', 'temperature', 'tstzrange', 'double precision', 5), ('rivers', 'river', 'int4range', 'lseg', 6),
    ('roads', 'road', 'int8range', 'line', 7), ('schools', 'school', 'types.minute_range', 'interval', 8),
    ('churches', 'church', 'daterange', 'smallint', 9), ('mills', 'mill', 'daterange', 'date', 10),
    ('bridges', 'bridge', 'daterange', 'numeric(10, 3)', 11), ('markets', 'market', 'types.minute_range', 'time with time zone', 12),
    ('taxes', 'tax', 'daterange', 'money', 13), ('parishes', 'parish', 'daterange', 'types.quality', 14),
    ('floods', 'flood', 'tsrange', 'types.cell', 15), ('fires', 'fire', 'tsrange', 'boolean', 16),
    ('wars', 'war', 'tsrange', 'types.names', 17), ('treaties', 'treaty', 'daterange', 'types.place_key', 18),
    ('surveys', 'survey', 'daterange', 'types.latitude', 19), ('maps', 'map', 'daterange', 'bytea', 20),
    ('photos', 'photo', 'daterange', 'uuid', 21), ('sources', 'source', 'types.text_span', 'json', 22),
    ('owners', 'owner', 'daterange', 'name', 23), ('fields', 'field', 'daterange', 'int4multirange', 24),
    ('forests', 'forest', 'daterange', 'box', 25), ('mines', 'mine', 'daterange', 'circle', 26),
    ('ports', 'port', 'daterange', 'inet', 27), ('stations', 'station', 'daterange', 'types.cells_of_all', 28),
    ('walls', 'wall', 'daterange', 'oid', 29), ('wells', 'well', 'daterange', 'xid', 30),
    ('inns', 'inn', 'daterange', 'macaddr', 31), ('hamlets', 'hamlet', 'daterange', 'tid', 32),
    ('castles', 'castle', 'daterange', 'types.position', 33), ('towers', 'tower', 'daterange', 'types.position[]', 34),
    ('gates', 'gate', 'daterange', 'types.track', 35), ('springs', 'spring', 'tstzrange', 'macaddr8', 36),
    ('lakes', 'lake', 'daterange', 'polygon', 37), ('caves', 'cave', 'daterange', 'point', 38)
) kinds (name, singular, during, value, n)
\gexec

-- --- Inheritance: several levels, several parents, and parents that changed when they had children.
-- So columns of children stand where `create table ... inherits` would not put them.

set search_path = history, geo, types;
create table entries (
    entry_id bigint not null,
    title text not null default 'untitled',
    noted_on date
);
create table dated (since date default '1900-01-01', until date, constraint right_way check (since <= until));
create table events (place types.place_key, title text) inherits (entries);
create table battles (losses integer check (losses >= 0), since date) inherits (events, dated);
create table sea_battles (ships integer, title text default 'At sea') inherits (battles);
create table rulers (name types.names) inherits (entries, dated);
create table kings (number smallint, "until" date not null default 'infinity') inherits (rulers);
create table remarks () inherits (entries);
alter table entries add column certainty types.quality default 'guess';
alter table only entries add constraint entry_is_positive check (entry_id > 0) no inherit;
alter table entries add constraint title_is_short check (length(title) < 500);
alter table dated add column calendar text default 'julian';
alter table dated add column entry_id bigint;
alter table dated drop column calendar;
alter table events add column witnesses text[];
alter table battles alter column certainty set default 'survey';
alter table kings alter column certainty drop default;
alter table entries drop column noted_on;
alter table entries add column pages int4multirange;
alter table only rulers alter column since set not null;
alter table remarks no inherit entries;
alter table remarks add column of_entry bigint;
alter table remarks inherit entries;
create table letters (sender text, certainty types.quality default 'guess', pages int4multirange, title text constraint entries_title_not_null not null, entry_id bigint not null,
    check (length(title) < 500));
alter table letters add constraint title_is_short check (length(title) < 500);
alter table letters inherit entries;
alter table entries alter column title type character varying(600);
alter table battles rename column losses to "Losses (est.)";
alter table events alter column witnesses set storage main;
alter table kings add primary key (entry_id, number);
alter table battles add unique (title, since);
comment on column battles.since is 'Begin';
comment on column sea_battles.title is 'Here';
alter table kings owner to "Geo ""Admin""";
grant select on entries to geo_reader;
grant select (title), update (certainty) on battles to geo_reader, "Geo ""Admin""";

-- --- Typed tables

create type history.record as (record_id integer, title text, tags types.names);
create table records of history.record (primary key (record_id), title with options default 'a record' not null);
create table old_records of history.record;
alter type history.record add attribute pages types.cells_of_all cascade;
alter type history.record alter attribute title type character varying(80) cascade;
create table became_typed (record_id integer, title character varying(80), tags types.names, pages types.cells_of_all);
alter table became_typed of history.record;
create table no_longer_typed of history.record;
alter table no_longer_typed not of;
alter table old_records add constraint tags_known check (tags is not null) not valid;

-- --- Other storage

create unlogged table scratch (a integer primary key, b text) with (autovacuum_enabled = false, toast.autovacuum_vacuum_cost_delay = 5);
create table with_method (a integer, b text) using heap_too with (fillfactor = 33);
create materialized view with_method_too using heap_too as select a, '{x}'::types.names from with_method;
create table raster (x smallint, y smallint, tile bytea compression pglz, statistics text, primary key (x, y) with (fillfactor = 77));
alter table raster alter column tile set storage extended, alter column tile set statistics 0;
alter table raster alter x set (n_distinct = 100), alter y set (n_distinct = -1);
alter table raster replica identity nothing;
create table no_columns ();
create table only_dropped (a integer);
alter table only_dropped drop column a;
create table many_columns (k integer generated by default as identity);
select format('alter table many_columns %s', string_agg(format('add column "Column %s" %s %s', i,
    (array['integer', 'text', 'types.cell', 'numeric(10,2)', 'timestamptz'])[i % 5 + 1],
    (array['default null', '', 'default 5::bigint', 'not null default 1.5', 'default ''2024-01-01 00:00+00'''])[i % 5 + 1]), ', '))
from generate_series(1, 200) i \gexec
do $$ begin for i in 1..200 by 3 loop execute format('alter table history.many_columns drop column "Column %s"', i); end loop; end $$;
-- A default that was given later, so that rows do not hold it.
create table late_default (a integer);
insert into late_default select generate_series(1, 100);
alter table late_default add column b text not null default 'was ''not'' there', add column c types.position default row(1, 2)::types.position;
create table grid (cell types.cell primary key, span types.cell_range, spans types.cells_of_all, track types.track,
    exclude using gist (span with &&));
create table visits (
    visitor uuid, at timestamptz, place types.place_key not null, seen types.position[], day date generated always as ((at at time zone 'UTC')::date) stored,
    note types.names
) partition by range (at);
create table visits_2023 partition of visits (place default row('DE', 1)::types.place_key) for values from ('-infinity') to ('2024-01-01 00:00+00') partition by list (((place).country));
create table visits_2023_de partition of visits_2023 for values in ('DE');
create table visits_2023_others partition of visits_2023 default;
create table visits_2024 partition of visits for values from ('2024-01-01 00:00+00') to ('infinity');
create index visits_day on visits (day, (place)) where visitor is not null;
create index on only visits (at);
alter table visits_2024 alter column seen set statistics 1;

-- --- Views, rules, functions

create view geo.now_valid as select p.*, types.distance(p.position, row(0, 0)::types.position) as from_zero from geo.places p where valid @> date '2024-01-01';
create view geo.reversed as select home, !~ home as other_side, at::types.cell as cell, position <-> row(1, 1)::types.position as distance
    from places where home <> 5::bigint::types.cell order by home using operator(types.>);
create view history.every_entry as select tableoid::regclass as kind, * from entries;
create view history.without_children as select e.entry_id, e.title from only entries e tablesample system (50) repeatable (1);
create view history.spans as select range_agg(during) as all_of_them, unnest(array_agg(valid)) from geo.populations group by cube (country, code);
create rule keep_title as on update to letters do instead (update letters set title = old.title where entry_id = old.entry_id and new.title is null; notify letters);
create function types.cell_larger(types.cell, types.cell) returns types.cell language internal immutable strict parallel safe as 'int8larger';
create aggregate types.max(types.cell) (sfunc = types.cell_larger, stype = types.cell, sortop = operator(types.>), combinefunc = types.cell_larger, parallel = safe);
create function geo.lag_cell(types.cell) returns types.cell window language internal immutable strict as 'window_lag';
create function geo.places_in(country char(2), out code integer, out names types.names) returns setof record
    language sql stable security definer set search_path = geo, pg_temp set statement_timeout = '10s'
    as 'select code, name from places where places.country = places_in.country';
create function geo.support(internal) returns internal language internal strict as 'generate_series_int4_support';
create function geo.cells(types.cell, anyelement, variadic anyarray) returns setof anyelement language sql rows 7 support geo.support
    as $$select $2$$;
create function geo.at_least(anycompatible, anycompatible) returns anycompatible language sql immutable
    as 'select case when $1 > $2 then $1 else $2 end';
create procedure history.add_entry(id bigint, out new_title text) language sql begin atomic
    insert into history.entries (entry_id, title) values (id, 'added') on conflict do nothing;
    select title from history.entries where entry_id = id;
end;
create materialized view geo.places_by_cell as select home, count(*), max(home) over (order by home) from places group by home;
create unique index on geo.places_by_cell (home);
create policy nothing on places using (false);

-- --- Rows

insert into countries select chr(65 + i / 26) || chr(65 + i % 26), 'Land Nr. ' || i from generate_series(0, 99) i;
insert into places (country, code, valid, name, position, at, home, cells, quality, population, area)
select c.country, n, daterange('1800-01-01'::date + v * 10000, '1800-01-01'::date + (v + 1) * 10000),
       array['Name ' || n, null, 'with "quotes"'], row(n % 90, -n % 180)::types.position, point(n / 3.0, ascii(c.country) + n + v * 0.1), n::bigint - 5,
       array[format('[%s,%s)', n::bigint, n::bigint + 5)::types.cell_range, 'empty'], (array['guess', 'survey', 'satellite'])[n % 3 + 1]::types.quality, n * 1000,
       polygon '((0,0),(1,1.5),(2,0))'
from countries c, generate_series(1, 12) n, generate_series(0, 1) v where n % 12 > 0 or v = 0;
insert into links select country, code, valid, country, code, valid, 1 from places where code < 3;
insert into populations select country, code, valid, 1, valid, code * 100 from places;
insert into mayors select country, code, valid, s, tsrange('1900-01-01', '1950-01-01'), 'Mayor ' || s, row(s, s)::types.position, 'Ä' from places, generate_series(1, 2) s where code = 1 and lower(valid) = '1800-01-01';
insert into borders select country, code, valid, 1, types.text_span('a', 'b"\,'), path '[(0,0),(1,1)]' from places where code = 2 and lower(valid) = '1800-01-01';
insert into elevations select country, code, valid, 1, numrange(code, null, '()'), code / 3.0 from places where lower(valid) = '1800-01-01';
insert into temperatures select country, code, valid, 1, '(,)', 1 / 3.0::float8 from places where code > 6 and lower(valid) = '1800-01-01';
insert into schools select country, code, valid, 1, types.minute_range(1, 5, '[]'), '1 mon -3 days 04:05:06.789' from places where code = 3 and lower(valid) = '1800-01-01';
insert into markets select country, code, valid, 1, types.minute_range(1, 5), '12:00+02' from places where code = 3 and lower(valid) = '1800-01-01';
insert into floods select country, code, valid, 1, tsrange('infinity', null), code::bigint from places where code = 4 and lower(valid) = '1800-01-01';
insert into treaties select country, code, valid, 1, valid, row(country, null)::types.place_key from places where code = 4;
insert into stations select country, code, valid, 1, valid, types.cells_of_all(format('[%s,%s)', 1::bigint, 5::bigint)::types.cell_range, format('[%s,%s)', 10::bigint, null)::types.cell_range) from places where code = 5;
insert into sources select country, code, valid, 1, '(,z]', '{"a":  1}' from places where code = 5 and lower(valid) = '1800-01-01';
insert into entries (entry_id, title) select i, 'Entry ' || i from generate_series(1, 500) i;
insert into events (entry_id, title, place, witnesses) select i, 'Event ' || i, row('DE', i)::types.place_key, array['w' || i] from generate_series(1, 500) i;
insert into battles (entry_id, title, since, until, "Losses (est.)") select i, 'Battle ' || i, date '1800-01-01' + i, '1900-01-01', i from generate_series(1, 300) i;
insert into sea_battles (entry_id, since, ships) select i, date '1700-01-01' + i, i from generate_series(1, 100) i;
insert into kings (entry_id, number, name) select i, i, array['King'] from generate_series(1, 100) i;
insert into rulers (entry_id, until) values (1, '1950-01-01');
insert into remarks (entry_id, of_entry, pages) select i, i, int4multirange(int4range(1, i + 1)) from generate_series(1, 100) i;
insert into letters (entry_id, title, sender) select i, 'Letter', 'S' || i from generate_series(1, 100) i;
insert into records select i, 'R' || i, '{}', '{}' from generate_series(1, 100) i;
insert into old_records (record_id) values (1), (1), (1), (null);
insert into became_typed values (1, 'x', '{a}', null);
insert into scratch select i, md5(i::text) from generate_series(1, 200) i;
insert into with_method select i, null from generate_series(1, 200) i;
insert into raster select i, -i, decode(repeat(md5(i::text), 100), 'hex') from generate_series(1, 200) i;
insert into no_columns select from generate_series(1, 7);
insert into only_dropped select from generate_series(1, 3);
insert into many_columns ("Column 2") values (1::bigint), (null);
insert into late_default values (101, 'b', null), (null, '', row(null, null));
insert into grid select i::bigint, format('[%s,%s)', i::bigint * 2, i::bigint * 2 + 1)::types.cell_range, types.cells_of_all(format('[%s,%s)', i::bigint, null)::types.cell_range),
    row(array[row(1, 2)::types.position, null], '{}', 'T' || i)::types.track from generate_series(1, 500) i;
insert into visits select md5(i::text)::uuid, timestamptz '2023-06-01 00:00+00' + i * interval '5 hours', row((array['DE', 'FR', 'GB'])[i % 3 + 1], i)::types.place_key, array[row(i % 90, 2)::types.position]
from generate_series(1, 2500) i;
refresh materialized view geo.places_by_cell;
refresh materialized view history.with_method_too;
analyze;
