-- What came with PostgreSQL 18.
create extension btree_gist;
create table rooms (
    id integer constraint a_room_has_an_id not null,
    valid daterange,
    area integer,
    doubled integer generated always as (area * 2) virtual,
    halved integer generated always as (area / 2) stored,
    name text,
    primary key (id, valid without overlaps),
    unique (name, valid without overlaps));
insert into rooms (id, valid, area, name)
select g, daterange(date '2024-01-01' + g, date '2024-01-01' + g + 10), g, 'r' || g from generate_series(1, 20) as g;
create table bookings (
    id integer primary key,
    room integer,
    during daterange,
    foreign key (room, period during) references rooms (id, period valid));
insert into bookings select g, g, daterange(date '2024-01-01' + g, date '2024-01-01' + g + 5) from generate_series(1, 20) as g;
create table hopes (
    id integer primary key,
    size integer,
    parent integer,
    constraint would_be_nice check (size > 0) not enforced,
    constraint has_a_parent foreign key (parent) references hopes not enforced);
insert into hopes select g, -g, 1000 from generate_series(1, 5) as g;
create table older (a integer, b integer, c integer);
insert into older values (1, 2, null), (3, null, 4);
alter table older add constraint b_is_given not null b not valid;
alter table older add constraint a_is_given not null a no inherit;
create table younger () inherits (older);
create table base (x integer not null, y integer constraint y_is_given not null);
create table derived (z integer) inherits (base);
create table keys (id uuid primary key default uuidv7(), label text default casefold('Straße'));
insert into keys (label) select 'k' || g from generate_series(1, 10) as g;
create function change(new_area integer) returns table (before integer, after integer) language sql
    begin atomic
        update rooms set area = new_area where id = 1 returning old.area, new.area;
    end;
create collation short (provider = builtin, locale = 'PG_UNICODE_FAST');
create table cut (id integer, kind text collate short) partition by list (kind);
create table cut_a partition of cut for values in ('a');
insert into cut values (1, 'a');
create table referenced (id integer primary key);
create table referring (id integer) partition by range (id);
create table referring_1 partition of referring for values from (0) to (10);
alter table referring add constraint late foreign key (id) references referenced not valid;
create publication generated for table rooms (id, valid, halved) with (publish_generated_columns = stored);
create domain named as text constraint is_named not null;
comment on constraint b_is_given on older is 'not checked yet';
comment on constraint y_is_given on base is 'by name';
