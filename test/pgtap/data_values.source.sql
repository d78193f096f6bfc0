-- Values at the edges of their types.
create table edges (
    id integer primary key,
    f4 real, f8 double precision, n numeric, d date, ts timestamp, tstz timestamptz, t time, ttz timetz,
    i interval, b bytea, txt text, j jsonb, a float8[], r tstzrange, u uuid, bits varbit);
insert into edges (id, f4, f8, n, d, ts, tstz, i, a, r) values
    (1, 'NaN', 'NaN', 'NaN', 'infinity', 'infinity', 'infinity', '178000000 years', '{NaN,-0,NULL}', '[-infinity,infinity]'),
    (2, 'Infinity', 'Infinity', 'Infinity', '-infinity', '-infinity', '-infinity', '-178000000 years', '{}', 'empty'),
    (3, '-Infinity', '-Infinity', '-Infinity', '4713-01-01 BC', '4713-01-01 00:00:00 BC', '4713-01-02 00:00:00+00 BC',
     '1 year -2 mons +3 days -04:05:06.789', '{1e308,-1e-308}', null),
    (4, '-0', '-0', '-0.000', '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 00:00:00+00',
     '-1 year 2 mons -3 days', array_fill(1.1::float8, array[3, 2, 2]), '(2000-01-01,)'),
    (5, '1.17549435e-38', '5e-324', 0, '0001-12-31 BC', '1999-12-31 23:59:59.999999', '2000-01-01 00:00:00.000001+14',
     'P0', null, null),
    (6, '3.40282347e38', '1.7976931348623157e308', 1e-16383, '1582-10-15', null, null, null, null, null);
-- 131,072 digits before the point, 16,383 after it, and as many as both
insert into edges (id, n) values
    (7, repeat('9', 131072)::numeric), (8, ('0.' || repeat('7', 16383))::numeric),
    (9, (repeat('1', 131072) || '.' || repeat('2', 16383))::numeric), (10, -(1e131071)::numeric);
insert into edges (id, t, ttz, b, txt, j, u, bits) values
    (11, '24:00', '23:59:59.999999-15:59:59', '\x', '', 'null',
     '00000000-0000-0000-0000-000000000000', ''),
    (12, '00:00', '00:00+15:59:59', '\x00ff5c6e0a0d09', E'\\N\\.\n\r\t\b\f\v\\',
     '{"a": [1e400, "\\u0041", {}]}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', B'1'),
    (13, null, null, decode(repeat('00', 100000), 'hex'), U&'\FFFD\+01F600e\0301\FEFF', '""', null,
     repeat('10', 1000)::varbit),
    (14, null, null, '\x5c2e', '\.', '[]', null, null);
-- Types that are not copied in binary form: their text depends on settings, too.
create type pair as (d date, f float8, i interval);
create domain positive as numeric check (value >= 0 or value = 'NaN');
create table as_text (id integer primary key, p pair, e positive, more edges, m money, x xml);
insert into as_text select id, row(d, f8, i)::pair, case when n >= 0 then n end, e, null, null
    from edges as e;
update as_text set m = '-92233720368547758.08', x = '' where id = 11;
update as_text set m = '92233720368547758.07', x = '<a/>' where id = 12;
-- Types of its own that are: enums send their label, domains what they are over.
create type mood as enum ('so so', 'ö "q"', '😀');
create domain short_text as varchar(5) not null check (value <> '');
create domain amount as numeric(9, 2);
create table own_types (id integer primary key, m mood, t short_text, a amount, m2 mood default 'so so');
insert into own_types values (1, 'ö "q"', 'äöü€', 1234567.89, '😀'), (2, null, 'x', 'NaN', null), (3, '😀', ' ', -0.005, 'so so');
-- Padding, which is not sent where it is wide, and what is none.
create domain padded_text as character(100);
create table padded (id integer primary key, c character(80), n character(65) not null default '', narrow character(5),
    loose bpchar, d padded_text, a character(70)[]);
insert into padded values
    (1, '', '', '', '  ', '', '{"", "x "}'), (2, null, ' ', null, null, null, null),
    (3, repeat('x', 80), repeat('😀', 65), 'ääääa', 'x  ', repeat('y', 100), array_fill('z'::character(70), array[2])),
    (4, '  leading', E'tab\t', E'\t', E'\t  ', E'a\n  ', null), (5, E'new line\n  ', U&'no-break\00A0 ', 'x', '', 'x', '{NULL}'),
    (6, 'äöü€😀', U&'em\2003 ', '', 'ä ', 'ö', null);
insert into padded select g from generate_series(7, 30000) as g;
alter table as_text add column late timestamptz default '0044-03-15 12:00:00+01 BC';
-- What the other server is to have: with these settings no two values have the same text.
create function fingerprint(relation regclass) returns text language plpgsql set datestyle = 'ISO, YMD'
    set intervalstyle = 'iso_8601' set extra_float_digits = 3 set timezone = 'UTC' set bytea_output = 'hex'
    set lc_monetary = 'C' as $$
declare
    result text;
begin
    execute format('select md5(string_agg(whole::text, '','' order by id)) from %s as whole', relation)
        into result;
    return result;
end
$$;
-- The source's settings are not those that a copy could be read back with.
do $$
begin
    execute format('alter database %I set parallel_setup_cost = 0', current_database());
    execute format('alter database %I set parallel_tuple_cost = 0', current_database());
    execute format('alter database %I set min_parallel_table_scan_size = 0', current_database());
    execute format('alter database %I set datestyle = ''SQL, DMY''', current_database());
    execute format('alter database %I set intervalstyle = ''sql_standard''', current_database());
    execute format('alter database %I set extra_float_digits = -10', current_database());
    execute format('alter database %I set bytea_output = ''escape''', current_database());
    execute format('alter database %I set timezone = ''Asia/Kathmandu''', current_database());
    if current_setting('server_version_num')::int < 190000 then -- which has no choice any more
        execute format('alter database %I set standard_conforming_strings = off', current_database());
    end if;
    execute format('alter database %I set xmloption = ''document''', current_database());
end
$$;
