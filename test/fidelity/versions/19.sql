-- What came with PostgreSQL 19.
create table people (id integer primary key, name text);
create table knows (a integer references people, b integer references people, since date, primary key (a, b));
insert into people select g, 'p' || g from generate_series(1, 20) as g;
insert into knows select g, g + 1, date '2024-01-01' + g from generate_series(1, 19) as g;
create sequence numbers;
create publication of_sequences for all sequences;
create publication but_people for all tables except (table people);
