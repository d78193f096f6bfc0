create role scope_conflicts_owner;
create role scope_conflicts_reader login password 'conflicts canary' in role password_login;

-- names that the target has for something else
create schema kinds;
create view kinds.is_table as select 1 as one;
create table kinds.is_view (id integer);
create sequence kinds.is_index;
create type kinds.is_domain as enum ('x');
create domain kinds.is_row_type as integer;
create table kinds.is_free (id integer primary key);

-- what cannot be replaced
create schema code;
create function code.twice(integer) returns integer language sql as 'select 2 * $1';
create table code.numbers (id integer primary key);

-- an index and a sequence that belong to another table there
create schema parts;
create table parts.items (id integer primary key);
create index mark on parts.items (id);
create sequence parts.counter;

-- more of them than a message takes
create schema many;
do $$
begin
    for i in 1..60 loop
        execute format('create table many.one_of_many_tables_%s (id integer)', i);
    end loop;
end
$$;

-- what others use
create schema used;
create table used.items (id integer primary key);
insert into used.items values (1), (2);
create table used.days (day date primary key);
create table used.listed (id integer primary key);
create table used.alone (id integer primary key);

-- schemas and owners
create schema plain;
create table plain.t (id integer primary key);
insert into plain.t values (1), (2), (3);
create schema half;
create table half.open (id integer primary key);
insert into half.open values (1);
create table half.closed (id integer primary key);
insert into half.closed values (1);
create table public.first (id integer primary key);
create schema given authorization scope_conflicts_owner;
create table given.t (id integer primary key);
alter table given.t owner to scope_conflicts_owner;
grant usage on schema plain, half, given to scope_conflicts_reader;
grant select on plain.t, half.open, given.t to scope_conflicts_reader;

-- a name of 63 bytes, which "_old" cuts in the middle of a character
create schema "äääääääääääääääääääääääääääääääa";
create table "äääääääääääääääääääääääääääääääa".t (id integer primary key);

-- keys that are attached to each other
create schema attached;
create table attached.events (id integer, day date, primary key (id, day)) partition by range (day);
create table attached.events_1 partition of attached.events
    for values from ('2025-01-01') to ('2026-01-01');
create table attached.events_2 partition of attached.events
    for values from ('2026-01-01') to ('2027-01-01');
create index events_day on attached.events (day);
create table attached.notes (
    id integer, day date, foreign key (id, day) references attached.events
);
insert into attached.events values (1, '2025-05-05'), (2, '2026-05-05');
insert into attached.notes values (1, '2025-05-05');

-- what takes a while
create schema slow;
create table slow.t as select g, repeat(md5(g::text), 30) from generate_series(1, 3000) as g;
