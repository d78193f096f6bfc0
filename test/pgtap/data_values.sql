-- Values at the edges of their types arrive bit by bit, whatever the settings of both databases are.
select plan(22);
create extension dblink;
do $$
begin
    execute format('alter database %I set datestyle = ''German''', current_database());
    execute format('alter database %I set intervalstyle = ''postgres_verbose''', current_database());
    execute format('alter database %I set extra_float_digits = 0', current_database());
    execute format('alter database %I set bytea_output = ''escape''', current_database());
    execute format('alter database %I set timezone = ''America/St_Johns''', current_database());
    execute format('alter database %I set standard_conforming_strings = off', current_database());
    execute format('alter database %I set lc_monetary = ''C''', current_database());
    execute format('alter database %I set lc_numeric = ''C''', current_database());
end
$$;
select pgclone_submit(:'source', 'database', null, '{"conflict": "error"}') as job \gset
select is(pgclone_wait(:job, '60 s'), 'completed', 'the job completes');
select is((select string_agg(object_name || ' ' || format, ', ' order by object_name)
           from pgclone_tasks_view where job_id = :job and kind = 'data'),
          'as_text text, edges binary, own_types binary, padded binary', 'three tables in binary form, one as text');
select is(fingerprint('edges'), (select f from dblink(:'source', 'select fingerprint(''edges'')') as x (f text)),
          'in binary form: all bytes are equal');
select is(fingerprint('own_types'), (select f from dblink(:'source', 'select fingerprint(''own_types'')') as x (f text)),
          'enums and domains in binary form: all values are equal');
select is(fingerprint('padded'), (select f from dblink(:'source', 'select fingerprint(''padded'')') as x (f text)),
          'padded values in binary form: all bytes are equal');
select cmp_ok((select bytes from pgclone_tasks_view where job_id = :job and kind = 'data' and object_name = 'padded'),
              '<', 30000 * 64::bigint, 'and the padding was not sent');
select is((select count(*) from (select id, lag(id) over (order by ctid) as before from padded) as p where before > id),
          0::bigint, 'the rows lie in their order, though the source would read them with several processes');
select pgclone_submit(:'source', 'table', 'public.padded',
                      '{"target_name": "padded_too", "where": "c is not null or id > 6"}') as job \gset
select is(pgclone_wait(:job, '60 s'), 'completed', 'a single table with them');
select is((select array_agg(p.id) from padded as p full join padded_too as t on t.id = p.id
           where t::text is distinct from p::text), array[2], 'is the same');
select is(fingerprint('as_text'), (select f from dblink(:'source', 'select fingerprint(''as_text'')') as x (f text)),
          'as text: all bytes are equal');
select is((select string_agg(encode(float8send(f8), 'hex'), ' ' order by id) from edges where id <= 4),
          '7ff8000000000000 7ff0000000000000 fff0000000000000 8000000000000000', 'NaN, the infinities, -0');
select is((select string_agg(encode(float4send(f4), 'hex'), ' ' order by id) from edges where id <= 4),
          '7fc00000 7f800000 ff800000 80000000', 'of real, too');
select is((select string_agg(encode(float8send((p).f), 'hex'), ' ' order by id) from as_text where id <= 5),
          '7ff8000000000000 7ff0000000000000 fff0000000000000 8000000000000000 0000000000000001', 'and as text');
select is((select string_agg(length(n::text)::text, ' ' order by id) from edges where id between 7 and 10),
          '131072 16385 147456 131073', 'numerics of all digits');
select is((select string_agg(n::text, ' ' order by id) from edges where id <= 4),
          'NaN Infinity -Infinity 0.000', 'numerics that are no numbers, and a scale');
select is((select array_agg(to_char(d, 'YYYY-MM-DD BC') order by id) from edges where id in (3, 5)),
          array['4713-01-01 BC', '0001-12-31 BC'], 'dates before Christ');
select is((select octet_length(txt) || ' ' || md5(txt) from edges where id = 12),
          (select l from dblink(:'source', 'select octet_length(txt) || '' '' || md5(txt) from edges where id = 12')
               as x (l text)), 'text that looks like the end of a COPY');
select is((select m::numeric from as_text where id = 11), -92233720368547758.08, 'money');
select is((select count(distinct late) from as_text), 1::bigint, 'a column that was added later');
-- A type that was there before may be another one than the source's: then it is its text that counts.
drop table own_types;
drop domain amount;
create domain amount as double precision;
select pgclone_submit(:'source', 'database', null, '{"conflict": "skip"}') as job \gset
select is(pgclone_wait(:job, '60 s'), 'completed', 'with a domain of the target''s own the job completes');
select is((select format from pgclone_tasks_view
           where job_id = :job and kind = 'data' and object_name = 'own_types'), 'text', 'its rows go as text');
select is((select string_agg(a::text, ' ' order by id) from own_types), '1234567.89 NaN -0.01', 'and are the same');
