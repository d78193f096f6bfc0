create table notes (id integer primary key, text text);
insert into notes select g, 'note ' || g from generate_series(1, 100) as g;
