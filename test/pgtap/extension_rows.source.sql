-- What pg_extension_config_dump() says of an extension's tables, said without a script of an extension.
create function members(extension name, tables regclass[], conditions text[]) returns void
language plpgsql as $$
declare
    member regclass;
begin
    foreach member in array tables loop
        execute format('alter extension %I add %s %s', extension,
                       case (select relkind from pg_class where oid = member)
                            when 'S' then 'sequence' else 'table' end, member);
    end loop;
    update pg_extension set extconfig = tables::oid[], extcondition = conditions
        where extname = extension;
end
$$;

create extension hstore;
create schema settings;
create table settings.units (name text primary key, standard boolean);
insert into settings.units values ('metre', true), ('mile', false), ('yard', false);
create table settings.rates (
    id integer primary key,
    unit text references settings.units,
    per numeric,
    doubled numeric generated always as (2 * per) stored
);
insert into settings.rates values (1, 'metre', 1), (101, 'mile', 1609.344), (102, 'yard', 0.9144);
create table settings.logs (rate integer references settings.rates, said text);
insert into settings.logs values (101, 'said'), (102, 'nothing');
create table settings.extras (id integer primary key, extra hstore);
insert into settings.extras values (1, 'a=>1, b=>2'), (2, 'c=>"x y"');
create sequence settings.tickets;
select setval('settings.tickets', 77);
create table settings.own (id integer primary key);
insert into settings.own values (1);
-- (logs before what they refer to)
select members('hstore',
    '{settings.logs, settings.rates, settings.units, settings.extras, settings.tickets}',
    array['', 'WHERE id > 100', 'WHERE NOT standard', ' where extra operator(public.?) ''c'' ', '']);
-- a member, but none whose rows are the users'
alter extension hstore add table settings.own;

-- a circle
create extension citext;
create schema circle;
create table circle.a (id integer primary key, other integer);
create table circle.b (id integer primary key, other integer references circle.a);
create table circle.c (id integer primary key, other integer references circle.b);
alter table circle.a add constraint a_other foreign key (other) references circle.c;
create table circle.after (id integer references circle.a);
begin;
set session_replication_role = replica;
insert into circle.a values (1, 2), (2, 1);
insert into circle.b values (1, 1), (2, 2);
insert into circle.c values (1, 1), (2, 2);
insert into circle.after values (1);
commit;
select members('citext', '{circle.after, circle.a, circle.b, circle.c}', array['', '', '', '']);

-- one that the target has already
create extension pg_trgm;
create schema known;
create table known.words (word text);
insert into known.words values ('users'' own');
select members('pg_trgm', '{known.words}', array['']);
drop function members;

-- one that a reader may not read
create database extension_rows_closed;
create role extension_rows_reader login;
\connect extension_rows_closed
create extension hstore;
create schema settings;
grant usage on schema settings to extension_rows_reader;
create table settings.secret (id integer);
alter extension hstore add table settings.secret;
update pg_extension set extconfig = array['settings.secret'::regclass::oid], extcondition = '{""}'
    where extname = 'hstore';
