create table orders (id integer primary key, note text);
insert into orders select g, repeat('x', 100) from generate_series(1, 5000) as g;
create table items (id integer primary key, order_id integer references orders);
insert into items select g, g from generate_series(1, 1000) as g;
create table "a<b>&""c" (x integer);
create role timeline_reader login password 'timeline canary';
grant pg_read_all_data to timeline_reader;
grant password_login to timeline_reader;
