-- Many small objects, of which some will be refused, and large objects of all shapes.
create schema busy;
do $$
begin
    for i in 1..220 loop
        execute format('create table busy.t%s (id int primary key, note text)', i);
        execute format('insert into busy.t%s select n, ''row '' || n from generate_series(1, 5) n',
                       i);
    end loop;
end
$$;
create view busy.over_t50 as select id from busy.t50;
create view busy.over_view as select id from busy.over_t50;

select lo_create(70001);
select count(lo_from_bytea((71000 + i)::oid, decode(md5(i::text), 'hex')))
    from generate_series(1, 250) as i;
select lo_from_bytea(70002, string_agg(decode(md5(i::text), 'hex'), '' order by i))
    from generate_series(1, 512) as i; -- 8 kB: what is read at first
select lo_from_bytea(70003, string_agg(decode(md5(i::text), 'hex'), '' order by i))
    from generate_series(1, 65536) as i; -- 1 MB: whole pieces
select lo_from_bytea(70004, lo_get(70003) || '\x01');
-- sparse: a hole in the middle, and one at the end
select lo_from_bytea(70005, '\x01'), lo_put(70005, 5000000, '\x02');
select lo_from_bytea(70006, '\x01'), lo_truncate64(lo_open(70006, 131072), 3000001);
