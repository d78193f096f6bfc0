create table public.numbers (id integer primary key, name text);
insert into public.numbers select g, 'number ' || g from generate_series(1, 1000) as g;
create role views_reader login password 'views canary' in role password_login;
grant select on public.numbers to views_reader;
