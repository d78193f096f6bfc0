-- A role that may read some tables, one of them in part.
create role rights_reader login password 'rights canary' in role password_login;
create schema shop;
grant usage on schema shop to rights_reader;
create table shop.open (id integer primary key);
insert into shop.open select generate_series(1, 10);
create table shop.closed (id integer primary key);
insert into shop.closed select generate_series(1, 10);
create table shop.half (id integer primary key, secret text);
insert into shop.half select g, 'secret' from generate_series(1, 10) as g;
create table shop.filtered (id integer primary key);
insert into shop.filtered select generate_series(1, 10);
alter table shop.filtered enable row level security;
create policy few on shop.filtered using (id <= 3);
create table shop.last (id integer primary key references shop.open);
insert into shop.last select generate_series(1, 10);
grant select on shop.open, shop.filtered, shop.last to rights_reader;
grant select (id) on shop.half to rights_reader;
