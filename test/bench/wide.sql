-- One table of TOASTed values that hardly compress: 3 of 8 to 20 kB in each row, 50,000 rows are 2 GB.
-- psql variable `rows`. The values are cut out of one pool, which is much faster than to make each.
set client_min_messages = warning;
set synchronous_commit = off;
set timezone = 'UTC';

create table documents (
    id bigint primary key,
    kind integer not null,
    made_at timestamptz not null,
    title text not null,
    body text not null,
    details jsonb not null,
    original bytea not null
);
alter table documents alter column body set storage main, alter column original set storage extended;

create function pg_temp.pick(i bigint, salt bigint, bound bigint) returns integer language sql immutable
return ((hashint8extended(i, salt) & 9223372036854775807) % bound)::integer;

create procedure pg_temp.fill(rows bigint) language plpgsql as $$
declare
    bytes bytea;
    letters bytea;
    size integer;
begin
    select string_agg(sha512(i::text::bytea), ''::bytea order by i) into bytes
    from generate_series(1, 200000) i;
    letters := convert_to(translate(encode(bytes, 'base64'), E'\n', ''), 'UTF8');
    size := length(bytes) - 20000;
    insert into documents
    select i, pg_temp.pick(i, 0, 40), timestamptz '2024-01-01' + i * interval '7 minutes', 'document ' || i,
        convert_from(substr(letters, pg_temp.pick(i, 1, size) + 1, 8000 + pg_temp.pick(i, 2, 12000)), 'UTF8'),
        jsonb_build_object('id', i, 'pages', pg_temp.pick(i, 3, 90), 'text', convert_from(
            substr(letters, pg_temp.pick(i, 4, size) + 1, 8000 + pg_temp.pick(i, 5, 12000)), 'UTF8')),
        substr(bytes, pg_temp.pick(i, 6, size) + 1, 8000 + pg_temp.pick(i, 7, 12000))
    from generate_series(1, rows) i;
end $$;
call pg_temp.fill(:rows);
create index on documents (kind, made_at);
