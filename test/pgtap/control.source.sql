create table public.numbers (id integer primary key);
insert into public.numbers values (1), (2), (3);
create table public.names (id integer primary key, name text);
insert into public.names values (1, 'x');
create schema tools;
create function tools.twice(integer) returns integer language sql as 'select 2 * $1';

create role control_reader login password 'control canary' in role password_login;
create role control_granted;
create role control_mapped;
create schema counted;
create table counted.t (id integer primary key);
create sequence counted."My Counter";
select setval('counted."My Counter"', 7);
grant usage on schema counted to control_reader;
grant select on counted.t to control_reader;

-- privileges on the server's own objects
grant select on pg_catalog.pg_authid to control_granted;
grant select (subconninfo), update (subname) on pg_catalog.pg_subscription
    to control_granted with grant option;
grant execute on function pg_catalog.pg_ls_dir(text) to control_granted;
revoke execute on function pg_catalog.random() from public;

-- what has secrets
create extension postgres_fdw;
create server control_server foreign data wrapper postgres_fdw options (host 'nowhere');
create user mapping for control_mapped server control_server
    options (user 'me', password 'canary-17');
set client_min_messages = error;
create subscription control_subscription connection 'host=nowhere user=me password=canary-17'
    publication p with (connect = false);
