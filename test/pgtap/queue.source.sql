create table public.one_row (id integer primary key, name text);
insert into public.one_row values (1, 'one');
create table public.locked (id integer primary key);
insert into public.locked values (1);
