-- What came with PostgreSQL 16.
create collation odd (provider = icu, locale = 'und', rules = '&V << w <<< W');
create table papers (
    id integer primary key,
    title text collate odd,
    body text storage external,
    data jsonb check (data is json object));
insert into papers select g, 't' || g, repeat('b', g), '{"a": 1}' from generate_series(1, 20) as g;
create view described as
    select json_object('id' : id, 'title' : title absent on null returning jsonb) as paper,
           json_array(id, title null on null) as pair,
           data is json with unique keys as is_clean
    from papers;
create view grouped as
    select any_value(title) as any_title, json_arrayagg(id order by id returning jsonb) as ids,
           json_objectagg(id : title) as titles
    from papers group by length(body) % 3;
create view numbers as select 1_000_000 as million, 0x_ff as hex, 0b101 as bits, 0o17 as octal;
create view without_alias as select a from (select 1 as a);
create subscription mirror connection 'host=nowhere dbname=none' publication part_of_it
    with (connect = false, origin = none, run_as_owner = true, password_required = true, streaming = parallel);
