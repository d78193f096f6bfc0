-- A table with everything that scope "table" takes along, and tables that it can't take.
create role table_features_reader;
create role table_features_guard;
create role table_features_owner;
create schema f;
create schema f_statistics;
create collation f.sorted (locale = 'C');
create function f.touch() returns trigger language plpgsql as 'begin return new; end';
create function f.touch_statement() returns trigger language plpgsql as 'begin return null; end';

create table f.everything (
    id integer generated always as identity primary key,
    name text collate f.sorted not null,
    kind text not null default 'none',
    long text,
    packed text,
    a integer,
    b integer,
    span int4range,
    seen timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.1, toast.autovacuum_enabled = false);
alter table f.everything alter column long set storage external;
alter table f.everything alter column packed set compression pglz;
alter table f.everything alter column kind set statistics 500;
alter table f.everything alter column a set (n_distinct = -0.5, n_distinct_inherited = 10);
insert into f.everything (name, kind, long, packed, a, b, span, seen)
    select 'name ' || g, 'kind ' || g % 3, repeat('l', g % 100), repeat('p', g % 50), g, g % 7,
           int4range(g * 10, g * 10 + 5), timestamptz '2024-01-01 UTC' + g * interval '1 hour'
    from generate_series(1, 2000) as g;
alter table f.everything add constraint once unique (name) deferrable initially deferred;
alter table f.everything add constraint no_overlap exclude using gist (span with &&);
alter table f.everything add constraint positive check (a > 0);
alter table f.everything add constraint unchecked check (b >= 0) not valid;
create index by_expression on f.everything ((a + b), kind);
alter index f.by_expression alter column 1 set statistics 250;
create index partly on f.everything using hash (kind) where a > 10;
create unique index by_a on f.everything (a) include (b) with (fillfactor = 80);
alter table f.everything alter column a set not null;
alter table f.everything replica identity using index by_a;
cluster f.everything using by_a;

create trigger t_plain before insert or update of name on f.everything
    for each row when (new.a > 1) execute function f.touch();
create trigger t_replica after insert on f.everything
    referencing new table as fresh for each statement execute function f.touch_statement();
create trigger t_always before delete on f.everything for each row execute function f.touch();
create trigger t_off before truncate on f.everything
    for each statement execute function f.touch_statement();
create constraint trigger t_late after update on f.everything
    deferrable initially deferred for each row execute function f.touch();
alter table f.everything enable replica trigger t_replica;
alter table f.everything enable always trigger t_always;
alter table f.everything disable trigger t_off;

create statistics f.s_both (dependencies, ndistinct) on a, b from f.everything;
create statistics f_statistics.s_away (mcv) on kind, name from f.everything;
create statistics f.s_expression on (a * b), (upper(kind)) from f.everything;
alter statistics f.s_both set statistics 300;
alter statistics f.s_expression owner to postgres;

alter table f.everything enable row level security;
alter table f.everything force row level security;
create policy p_read on f.everything for select to table_features_reader, table_features_guard using (a > 0);
create policy p_write on f.everything as restrictive for update to table_features_guard
    using (a < 1000) with check (b < 10);
create policy p_add on f.everything for insert with check (name is not null);

grant select on f.everything to table_features_reader with grant option;
grant insert (name, a), update (b) on f.everything to table_features_guard;
grant usage on sequence f.everything_id_seq to table_features_reader;
revoke truncate on f.everything from postgres;

comment on table f.everything is 'all of it';
comment on column f.everything.name is 'a column';
comment on sequence f.everything_id_seq is 'a sequence';
comment on index f.by_expression is 'an index';
comment on constraint everything_pkey on f.everything is 'a key';
comment on constraint positive on f.everything is 'a check';
comment on statistics f.s_both is 'statistics';
comment on trigger t_plain on f.everything is 'a trigger';
comment on policy p_read on f.everything is 'a policy';

-- Marks of other kinds.
create table f.full_identity (i integer);
alter table f.full_identity replica identity full;
create table f.no_identity (i integer primary key);
alter table f.no_identity replica identity nothing;
create unlogged table f.unlogged (i bigserial primary key);

-- Expressions that mention the whole row, hence the table's type.
create table f.whole_row (i integer, t text, during int4range);
insert into f.whole_row select g, 'text ' || g, int4range(g, g + 1) from generate_series(1, 100) as g;
alter table f.whole_row add constraint filled check (whole_row is not null);
alter table f.whole_row add constraint apart exclude using gist (during with &&) where (whole_row is not null);
create index by_row on f.whole_row ((whole_row is null), i);
create table f.weighed (i integer, t text);
create function f.weight(f.weighed) returns integer immutable language sql return length($1.t);
create operator f.@# (function = f.weight, rightarg = f.weighed);
create index by_weight on f.weighed (f.weight(weighed));
create index by_operator on f.weighed ((operator(f.@#) weighed));
create table f.named (i integer);
alter table f.named enable row level security;
create policy others on f.named using (i > (select count(*) from f.named as n where n.i < 0));

-- What can't be cloned, or only in part.
create extension citext schema f;
create table f.extended (c f.citext);
create table f.unfit (i integer);
create index no_index on f.unfit (i);
-- (as a CREATE INDEX CONCURRENTLY leaves it that was cancelled)
update pg_index set indisvalid = false where indexrelid = 'f.no_index'::regclass;
create table f.owned_elsewhere (i integer, j integer);
create statistics f.s_owned on i, j from f.owned_elsewhere;
alter table f.owned_elsewhere owner to table_features_owner;
alter statistics f.s_owned owner to table_features_owner;
create view f.a_view as select 1 as one;
create table f.parted (i integer) partition by range (i);
create schema closed;
create table closed.t (i integer);
create role table_features_login login password 'tulips' in role password_login;
grant usage on schema f to table_features_login;
create table f.readable (i integer);
grant select on f.readable to table_features_login;
