-- Names of every byte from 1 to 127, and some that have tripped programs: of each kind of object,
-- in their columns, arguments, options, comments, and in the rows.
\set ON_ERROR_STOP on
\encoding UTF8
select current_setting('server_version_num')::int >= 150000 as has_15 \gset
set client_min_messages = error;
create temporary table names as
-- From 19 on, roles and databases have no line ends in their names.
select 'n' || n as id, name, row_number() over () as n,
       'role ' || left(case when current_setting('server_version_num')::int >= 190000 then translate(name, E'\n\r', 'NR')
                            else name end, 56) as role
from (select 1, (select string_agg(chr(b), '' order by b) from generate_series(1, 42) b) union all
      select 2, (select string_agg(chr(b), '' order by b) from generate_series(43, 84) b) union all
      select 3, (select string_agg(chr(b), '' order by b) from generate_series(85, 127) b) union all
      select 3 + o, name
      from unnest(array['select', 'Mixed Case', ' ', 'a.b', '"', '\', E'\n', $$'; drop table x; --$$, '%s %I %1$L %%', ':name :"x"',
                        '$$', '/* not a comment', E'-- Name: x; Type: TABLE; Schema: y; Owner: z', repeat('x', 63), repeat('ü', 31),
                        'ÄÖÜ 李 €', '1digit', '*.*', '(a, b)', '{"a",}']) with ordinality as list (name, o)) list (n, name);
select format('create role %I', role) from names
where not exists (select from pg_roles where rolname = role::name) \gexec

-- run TEMPLATE: formats it with each name: %1$I the name, %2$s its number, %3$L all bytes as text,
-- %4$I a role, %5$I the name
-- as an option can have it.
create function pg_temp.run(template text) returns void language plpgsql as $$
declare
    r record;
    everything text := (select string_agg(chr(b), '' order by b) from generate_series(1, 127) b);
begin
    for r in select name, n, role from names order by n loop
        execute format(template, r.name, r.n, everything, r.role,
                       replace(r.name, '=', ' '));
    end loop;
end
$$;
create schema plain;
set search_path = plain;
\o /dev/null
select pg_temp.run('create schema %1$I authorization %4$I');
select pg_temp.run('create table %1$I.%1$I (%1$I integer generated always as identity, "%2$s" text default %3$L, note text, constraint "key %2$s" primary key (%1$I))');
select pg_temp.run('insert into %1$I.%1$I ("%2$s", note) values (default, %1$L), (%3$L, null), (E''\\N'', ''\.'')');
-- In one schema the names of tables, indexes and types must differ: they do by schema here.
select pg_temp.run('create schema "other %2$s"');
select pg_temp.run('comment on schema %1$I is %3$L');
select pg_temp.run('create table "other %2$s".%1$I (%1$I integer, key integer, "Range" int4range,
    constraint %1$I check (%1$I > 0), constraint "fk %2$s" foreign key (key) references %1$I.%1$I (%1$I))');
select pg_temp.run('alter table "other %2$s".%1$I rename constraint "fk %2$s" to "The key"');
select pg_temp.run('create schema "index %2$s"');
select pg_temp.run('create table "index %2$s".t (%1$I text, "Other" point)');
select pg_temp.run('create unique index %1$I on "index %2$s".t (%1$I collate "C", lower(%1$I || %3$L)) where %1$I <> %3$L');
select pg_temp.run('create statistics "index %2$s".%1$I on %1$I, (%1$I || ''x'') from "index %2$s".t');
select pg_temp.run('create schema "unique %2$s"');
select pg_temp.run('create table "unique %2$s".t (%1$I integer constraint %1$I unique deferrable)');
select pg_temp.run('create sequence plain.%1$I');
select pg_temp.run('create table plain."serial %2$s" (%1$I bigserial)');
select pg_temp.run('alter sequence plain.%1$I owned by plain."serial %2$s".%1$I');
select pg_temp.run('create schema "types %2$s"');
select pg_temp.run('create type "types %2$s".%1$I as (%1$I text, "two" integer)');
select pg_temp.run('create type "types %2$s"."enum" as enum (%1$L, ''two'')');
select pg_temp.run('create domain "types %2$s"."domain" as text default %3$L constraint %1$I check (value <> %1$L)');
select pg_temp.run('create type "types %2$s"."range" as range (subtype = integer, multirange_type_name = "types %2$s"."multi")');
select pg_temp.run('create table "types %2$s".t (a "types %2$s".%1$I, b "types %2$s"."enum" default %1$L, c "types %2$s"."domain"[])');
select pg_temp.run('insert into "types %2$s".t values (row(%3$L, 1), %1$L, array[%3$L])');
select pg_temp.run('create function %1$I.%1$I(%1$I integer default 5, out "out" text) language sql set search_path = %1$I, pg_temp
    as $_$select %3$L$_$');
select pg_temp.run('create procedure %1$I."procedure"(%1$I text) language sql begin atomic insert into %1$I.%1$I (note) values (%1$L); end');
select pg_temp.run('create function %1$I."trigger"() returns trigger language plpgsql as ''begin return new; end''');
select pg_temp.run('create trigger %1$I before update of %1$I on %1$I.%1$I for each row when (old.%1$I <> 5) execute function %1$I."trigger"(%1$L, %3$L)');
select pg_temp.run('create aggregate %1$I."aggregate"(%1$I integer) (sfunc = int4pl, stype = integer)');
select pg_temp.run('create schema "views %2$s"');
select pg_temp.run('create view "views %2$s".%1$I (%1$I, "two") with (security_barrier) as select %1$I.%1$I, %3$L::text as %1$I from %1$I.%1$I');
select pg_temp.run('create materialized view "views %2$s"."matview" as select %1$I from "views %2$s".%1$I');
select pg_temp.run('create index on "views %2$s"."matview" (%1$I)');
select pg_temp.run('create rule %1$I as on insert to "views %2$s".%1$I do instead insert into %1$I.%1$I (note) values (%3$L)');
select pg_temp.run('create policy %1$I on %1$I.%1$I to %4$I using (%1$I > 0 and note <> %3$L)');
select pg_temp.run('create collation plain.%1$I (locale = ''C'')');
select pg_temp.run('create text search dictionary plain.%1$I (template = simple)');
select pg_temp.run('create text search configuration plain.%1$I (copy = simple)');
select pg_temp.run('alter text search configuration plain.%1$I alter mapping for word with plain.%1$I, simple');
select pg_temp.run('create operator class plain.%1$I for type integer using btree as operator 1 <, function 1 btint4cmp(integer, integer)');
select pg_temp.run('create index on "unique %2$s".t (%1$I plain.%1$I)');
select pg_temp.run('create conversion plain.%1$I for ''UTF8'' to ''LATIN1'' from utf8_to_iso8859_1');
select pg_temp.run('create foreign data wrapper %1$I options (%5$I %3$L)');
select pg_temp.run('create server %1$I type %1$L version %1$L foreign data wrapper %1$I options (%5$I %3$L)');
select pg_temp.run('create user mapping for %4$I server %1$I options (%5$I %1$L)');
select pg_temp.run('create foreign table %1$I."foreign" (%1$I integer options (%5$I %3$L)) server %1$I options (%5$I %3$L)');
select pg_temp.run('create access method %1$I type table handler heap_tableam_handler');
select pg_temp.run('create table %1$I."of method" (a integer) using %1$I');
select pg_temp.run('create table %1$I."partitioned" (%1$I text) partition by list (%1$I)');
select pg_temp.run('create schema "partitions %2$s"');
select pg_temp.run('create table "partitions %2$s".%1$I partition of %1$I."partitioned" for values in (%1$L, %3$L, null)');
select pg_temp.run('insert into %1$I."partitioned" values (%3$L)');
select pg_temp.run('create table "partitions %2$s"."child" ("Own" text) inherits (%1$I.%1$I)');
select pg_temp.run('create publication %1$I for table %1$I.%1$I');
\if :has_15
select pg_temp.run('create publication "filter %2$s" for table %1$I.%1$I (%1$I, note) where (note <> %3$L)');
select pg_temp.run('create publication "schema %2$s" for tables in schema %1$I');
\endif
select pg_temp.run('create function plain.%1$I() returns event_trigger language plpgsql as ''begin end''');
select pg_temp.run('create event trigger %1$I on sql_drop when tag in (''DROP ROUTINE'') execute function plain.%1$I()');
select format('create subscription %I connection %L publication %1$I, p with (connect = false, slot_name = none)', name,
              format('host=nowhere.invalid dbname=''%s''', replace(replace(name, '\', '\\'), '''', '\''')))
from names \gexec
select pg_temp.run('alter table %1$I.%1$I cluster on "key %2$s", replica identity using index "key %2$s", alter column %1$I set (n_distinct = 5)');
select pg_temp.run('comment on column %1$I.%1$I.%1$I is %3$L');
select pg_temp.run('comment on constraint %1$I on "other %2$s".%1$I is %1$L');
select pg_temp.run('comment on table %1$I.%1$I is %1$L');
select pg_temp.run('comment on index "index %2$s".%1$I is %3$L');
select pg_temp.run('comment on trigger %1$I on %1$I.%1$I is %3$L');
select pg_temp.run('comment on policy %1$I on %1$I.%1$I is %3$L');
select pg_temp.run('comment on rule %1$I on "views %2$s".%1$I is %3$L');
select pg_temp.run('comment on type "types %2$s".%1$I is %3$L');
select pg_temp.run('comment on column "types %2$s".%1$I.%1$I is %3$L');
select pg_temp.run('comment on function %1$I.%1$I(integer) is %3$L');
select pg_temp.run('comment on server %1$I is %3$L');
select pg_temp.run('comment on statistics "index %2$s".%1$I is %3$L');
select pg_temp.run('comment on operator class plain.%1$I using btree is %3$L');
select pg_temp.run('comment on text search configuration plain.%1$I is %3$L');
select pg_temp.run('comment on subscription %1$I is %3$L');
select pg_temp.run('alter table %1$I.%1$I owner to %4$I');
select pg_temp.run('alter function %1$I.%1$I(integer) owner to %4$I');
select pg_temp.run('grant select (%1$I), insert on "other %2$s".%1$I to %4$I with grant option');
select pg_temp.run('grant all on schema plain to %4$I');
select pg_temp.run('grant usage on foreign server %1$I to %4$I');
select pg_temp.run('alter default privileges for role %4$I in schema %1$I grant select on tables to %4$I, public');
select lo_from_bytea(800000, 'x');
select pg_temp.run('grant select on large object 800000 to %4$I');
\o
