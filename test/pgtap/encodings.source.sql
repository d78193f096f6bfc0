-- Rows that fit into other encodings, and rows that do not.
create table fits (id integer primary key, t text, c character(70));
insert into fits values (1, 'Grüße, Ærøskøbing, ½ ÿ', 'ÿ'), (2, 'ASCII', ''), (3, repeat('äöü', 1000), repeat('ä', 70));
create table fits_not (id integer primary key, t text);
insert into fits_not select g, 'row ' || g from generate_series(1, 100) as g;
update fits_not set t = 'U+4E2D: 中' where id = 77;
