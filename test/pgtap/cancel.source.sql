create table public.numbers (id integer primary key);
insert into public.numbers select generate_series(1, 10);
