create table public.numbers (id integer primary key);
insert into public.numbers select generate_series(1, 10);

-- tables that take a while at a low rate
create schema several;
create table several.one as select g as id, repeat('x', 100) as payload from generate_series(1, 20000) as g;
create table several.two as table several.one;
create table several.three as table several.one;
create table several.four as table several.one;
create table several.five as table several.one;
analyze;
