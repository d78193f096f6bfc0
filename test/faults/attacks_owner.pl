# Attacks by those who own what a clone meets: objects with code in them, the schema that it goes
# into, the role that submitted it, the settings of role and database. None may gain anything.
#
# What a schema's owner can always do to a superuser who makes objects there, and what the source's
# owner can put into them, is in SECURITY.md and not tested here.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use AttackTest;
use PgcloneTest;
use Test::More;

# With so small a threshold, tables are made first and filled later, in pieces.
my ($source, $target) = start_attack_servers('pgclone.split_threshold = 64kB');
my $superuser = $PgcloneTest::superuser;

# --- Code in the objects of mallory's own job: has her rights

as_role('mallory', <<"SQL");
create table evil.did (statement text);
create function evil.try_all() returns void language plpgsql as \$\$
declare
    statement text;
begin
    if (select count(*) > 20 from evil.did) then return; end if;
    foreach statement in array array[
        'alter role mallory superuser', 'grant pg_write_all_data to mallory',
        'set session authorization $superuser', 'set role $superuser', 'set role victim',
        'copy (select 1) to program ''id > /tmp/pgclone-attack''',
        'copy evil.did from ''/etc/passwd''', 'copy evil.did to ''/tmp/pgclone-attack''',
        'select pg_read_file(''postgresql.conf'')', 'select lo_import(''/etc/passwd'')',
        'alter system set log_statement = ''all''', 'create extension dblink',
        'select pg_reload_conf()', 'set session_replication_role = replica',
        'drop table public.precious', 'select * from public.precious',
        'delete from public.pgclone_job', 'alter table public.gain owner to mallory',
        'set log_min_messages = debug5', 'load ''/tmp/evil.so'''] loop
        begin
            execute statement;
            insert into evil.did values (statement);
        exception when others then null;
        end;
    end loop;
    begin
        reset role;
        set role none;
        reset session authorization;
    exception when others then null;
    end;
    insert into public.gain values ('code in an object', current_user);
end
\$\$;
create function public.hook(integer) returns integer immutable language plpgsql as
    \$\$ begin perform evil.try_all(); return \$1; end \$\$;
create domain public.hostile as integer check (public.hook(value) is not null);
SQL
on_target('create table public.precious as select 1 as secret');
on_source(<<'SQL');
create function public.hook(integer) returns integer immutable language sql as 'select $1';
create domain public.hostile as integer check (public.hook(value) is not null);
create table in_check (id integer check (public.hook(id) is not null));
create table in_domain (id public.hostile);
create table in_generated (id integer, g integer generated always as (public.hook(id)) stored);
create table in_default (id integer default public.hook(1));
create table in_index (id integer);
create index on in_index (public.hook(id));
create table in_where (id integer);
create unique index on in_where (id) where public.hook(id) > 0;
create table in_key (id integer, exclude (public.hook(id) with =));
create table in_policy (id integer);
create policy p on in_policy using (public.hook(id) > 0);
alter table in_policy enable row level security;
grant select on all tables in schema public to asked;
SQL
foreach my $table (qw(in_check in_domain in_generated in_default in_index in_where in_key in_policy))
{
    on_source("insert into $table (id) values (1)");
    on_target('truncate gain');
    as_role('mallory', 'delete from evil.did');
    my $outcome = wait_for_end(submit_as('mallory', mallory_source(), "public.$table"));
    my $did = on_target("select string_agg(distinct statement, ', ') from evil.did");
    attack("code $table of her own clone", $did eq '', "$outcome, did: $did");
}
on_target(<<'SQL');
create function public.on_ddl() returns event_trigger language plpgsql as
    $$ begin if session_user = 'mallory' then perform evil.try_all(); end if; end $$;
create event trigger on_ddl on ddl_command_end execute function public.on_ddl();
SQL
wait_for_end(submit_as('mallory', mallory_source(), undef, { target_name => 'by_event' }));
on_target('drop event trigger on_ddl');
my $did = on_target("select string_agg(distinct statement, ', ') from evil.did");
attack('code in an event trigger', $did eq '' && on_target('select count(*) > 0 from gain') eq 't', $did);
ok(!-e '/tmp/pgclone-attack', 'no file was written');

# Submits from inside: they are mallory's, and so many as the queue takes.
my $nested = literal(submit_text(mallory_source(), 'public.numbers',
        { target_name => 'nested', unique_key => 'nested' }));
as_role('mallory', "create or replace function evil.try_all() returns void language plpgsql as "
      . "\$\$ begin execute $nested; end \$\$");
wait_for_end(submit_as('mallory', mallory_source(), 'public.in_check', { target_name => 'nesting' }));
my $submitter = on_target("select string_agg(distinct submitter_name, ' ') from pgclone_job "
      . "where target_name = 'nested'");
attack('a job that submits another', $submitter eq 'mallory', $submitter);
as_role('mallory', 'create materialized view evil.shown as select public.hook(1) as id with no data');
my $jobs = on_target('select count(*) from pgclone_job');
$target->psql('postgres', 'refresh materialized view evil.shown');
attack("a submit from what a superuser's REFRESH runs for its owner",
    on_target('select count(*) from pgclone_job') eq $jobs, 'a job was submitted');
as_role('mallory', 'drop materialized view evil.shown');

# --- A superuser clones into mallory's schema: her tables and triggers get nothing of it

on_source(<<'SQL');
create schema stock;
create table stock.item (id integer primary key, name text);
insert into stock.item select g, repeat('x', 100) from generate_series(1, 3000) as g;
create table stock.sale (id integer primary key, item integer references stock.item);
insert into stock.sale select g, g from generate_series(1, 3000) as g;
SQL
as_role('mallory', <<'SQL');
create function evil.trap() returns trigger language plpgsql as
    $$ begin insert into public.gain values ('trigger', current_user); return new; end $$;
create function evil.note(what text) returns boolean language plpgsql as
    $$ begin insert into public.gain values (what, current_user); return true; end $$;
create table evil.note_text (id integer, name text);
-- A table, or what else is asked for, full of her code.
create function evil.plant(name text, kind text) returns void language plpgsql as $$
begin
    if kind = 'view' then
        execute format('create view evil.%I as select 1 as id, ''''::text as name '
                       'where evil.note(''view'')', name);
        execute format('create trigger t instead of insert on evil.%I for each row '
                       'execute function evil.trap()', name);
        return;
    end if;
    execute format('create table evil.%I (id integer, name text, extra integer default 1, '
                   'check (evil.note(''check''))) %s', name,
                   case kind when 'partitioned' then 'partition by range (id)' else '' end);
    if kind = 'partitioned' then
        execute format('create table evil.%I partition of evil.%I default', name || '_p', name);
    end if;
    execute format('create trigger b before insert or truncate on evil.%I for each statement '
                   'execute function evil.trap()', name);
    execute format('create trigger r after insert on evil.%I for each row '
                   'execute function evil.trap()', name);
    execute format('alter table evil.%I enable always trigger r', name);
    execute format('create policy p on evil.%I using (evil.note(''policy''))', name);
    execute format('alter table evil.%I force row level security', name);
    if kind = 'rule' then
        execute format('create rule u as on insert to evil.%I do also select evil.note(''rule'')',
                       name);
    end if;
end
$$;
select evil.plant('item', 'rule');
SQL
sub clone_into_evil
{
    my ($scope, $object, $options) = @_;
    return on_target(sprintf 'select pgclone_submit(%s, %s, %s, %s)', literal(source_conninfo()),
        literal($scope), literal($object),
        literal(json({ target_schema => 'evil', %{ $options // {} } })));
}
my $outcome = wait_for_end(clone_into_evil('table', 'stock.item', { conflict => 'skip' }));
attack('her table stands where the clone of a table goes: skipped', 1, $outcome);
$outcome = wait_for_end(clone_into_evil('table', 'stock.item', { conflict => 'replace' }));
attack('her table stands where the clone of a table goes: replaced',
    $outcome eq 'completed', $outcome);
on_target('drop table evil.item cascade');
as_role('mallory', "select evil.plant('item', 'rule'); "
      . 'alter table evil.item add primary key (id)');
$outcome = wait_for_end(clone_into_evil('schema', 'stock', { conflict => 'skip' }));
attack('her table stands where a schema is cloned: skipped, and a foreign key to it is checked',
    1, $outcome);
on_target('drop table if exists evil.item, evil.sale cascade');

# The clone's table is replaced by hers while its first piece stands at a gate: that is locked when
# the first row comes.
sub swap
{
    my ($what, $make_sql) = @_;
    my $gate = close_gate(5);
    my $job = clone_into_evil('table', 'stock.item',
        { retries => 0, where => gate_where(5, 'id = 1') });
    wait_at_gate(5);
    my $name = on_target("select relname from pg_class where relnamespace = 'evil'::regnamespace "
          . "and relname like 'pgclone%' and relkind = 'r'");
    my $said = say_as('mallory', $make_sql->($name));
    open_gate($gate);
    my $outcome = wait_for_end($job);
    attack($what, $outcome eq 'failed 55000' && $name && $said !~ /ERROR/, "$outcome: $name: $said");
    return $name;
}
foreach my $kind (qw(table rule view partitioned))
{
    my $name = swap("the clone's table is replaced by a $kind of hers while it is filled",
        sub { "drop table evil.\"$_[0]\" cascade; select evil.plant('$_[0]', '$kind')" });
    say_as('mallory', "drop view if exists evil.\"$name\"");
    say_as('mallory', "drop table if exists evil.\"$name\" cascade");
}
on_target('grant create on database postgres to mallory');
swap('the schema is replaced by another one of hers while its table is filled', sub {
    my $make = "evil.\"$_[0]\"";
    return "alter schema evil rename to evil2; "
      . "create schema evil; create table $make (id integer, name text); create trigger t "
      . "before insert on $make for each row execute function evil2.trap()";
});
as_role('mallory', 'drop schema evil cascade; alter schema evil2 rename to evil');

# The same all the time: whatever appears in her schema is replaced at once.
on_source(join ';', 'create schema many', map { "create table many.t$_ (id integer primary key, "
      . "name text unique); insert into many.t$_ select g, repeat('x', 90) || g from "
      . "generate_series(1, 1500) as g" } 1 .. 12);
on_source('alter table many.t1 add foreign key (id) references many.t2');
my $racer = PgcloneTest::session($target);
$racer->query_safe('set session authorization mallory; set client_min_messages = error');
background($racer, <<'SQL');
do $$
declare
    victim record;
    until timestamptz := clock_timestamp() + interval '4 seconds';
begin
    while clock_timestamp() < until loop
        for victim in select c.relname from pg_class as c
                      where c.relnamespace = 'evil'::regnamespace and c.relkind = 'r'
                        and c.relowner <> 'mallory'::regrole
                        and random() < case when c.relhasindex then 0.3 else 0.003 end loop
            begin
                set local lock_timeout = '5 ms';
                execute format('drop table evil.%I cascade', victim.relname);
                perform evil.plant(victim.relname, (array['table', 'rule', 'partitioned'])
                                                   [1 + floor(random() * 3)::int]);
            exception when others then null;
            end;
            commit;
        end loop;
        perform pg_sleep(0.001);
        commit;
    end loop;
end
$$
SQL
sub clear_evil
{
    my $drops = on_target("select string_agg(format('drop table if exists evil.%I cascade', relname), "
          . "';') from pg_class where relnamespace = 'evil'::regnamespace and relkind in ('r', 'p') "
          . "and relname <> 'did'");
    $target->psql('postgres', $drops, on_error_stop => 0);
}
my %outcomes;
my $deadline = time + 4;
while (time < $deadline)
{
    clear_evil();
    my $job = clone_into_evil('schema', 'many', { retries => 0 });
    $outcomes{ wait_for_end($job) }++;
}
end_session($racer);
attack("the clone's tables are replaced by hers all the time, in any phase", 1,
    join ', ', map { "$_: $outcomes{$_}" } sort keys %outcomes);
note(join ', ', map { "$_: $outcomes{$_}" } sort keys %outcomes);
clear_evil();

# --- What comes from the source

on_source(<<'SQL');
create table public.gain (what text, who name);
create schema "x""; alter role mallory superuser; --";
set search_path = "x""; alter role mallory superuser; --";
create type "e'; alter role mallory superuser; --" as enum ('''; alter role mallory superuser; --');
create table "t""; alter role mallory superuser; --" (
    "c'); alter role mallory superuser; --" text default $$'); alter role mallory superuser; --$$,
    "d$$; alter role mallory superuser; $$" "e'; alter role mallory superuser; --",
    check ("c'); alter role mallory superuser; --" <> E'\\''; alter role mallory superuser; --'));
create index "i""; alter role mallory superuser; --"
    on "t""; alter role mallory superuser; --" ("c'); alter role mallory superuser; --");
comment on table "t""; alter role mallory superuser; --" is
    '\''; alter role mallory superuser; -- $$; alter role mallory superuser; --';
insert into "t""; alter role mallory superuser; --" values ('1');
create schema fired;
create table fired.rows (id integer);
insert into fired.rows values (1), (2);
create function fired.trap() returns trigger language plpgsql as
    $$ begin insert into public.gain values ('trigger of the source', current_user); return new; end $$;
create trigger t before insert on fired.rows for each row execute function fired.trap();
alter table fired.rows enable always trigger t;
create rule r as on insert to fired.rows do also insert into public.gain values ('rule', 'x');
alter table fired.rows enable always rule r;
SQL
foreach my $case ([ 'names and texts with statements in them', '"x""; alter role mallory superuser; --"' ],
    [ 'triggers and rules that are always enabled', 'fired' ])
{
    my ($what, $schema) = @$case;
    $outcome = wait_for_end(submit($schema, {}, scope => 'schema'));
    attack("in the source: $what", $outcome eq 'completed', $outcome);
}

nothing_left('attacks_owner');
stop_servers();
cmp_ok(count_of_attacks(), '>=', 20, count_of_attacks() . ' attacks');
done_testing();
