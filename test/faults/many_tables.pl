# Jobs with more than one table: one snapshot or an error, and what was there before is there again
# unless complete copies took its place.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers();
# The test framework turns it off, and with it the wait for a standby.
$target->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 2");
$target->restart;
# Both tables are too large to share a transaction; the larger one comes first.
# Rows of pair.small pass a check that waits, on the target, as long as a session holds the gate.
my $gate = 'create schema gate; create function gate.pass(integer) returns boolean '
  . 'language plpgsql immutable as $$begin perform pg_advisory_lock_shared(1); '
  . 'perform pg_advisory_unlock_shared(1); return true; end$$';
on_source($gate);
on_target($gate);
on_source('create schema pair; create table pair.large (id integer primary key, filler text); '
      . "insert into pair.large select g, repeat('x', 100) from generate_series(1, 120000) g; "
      . 'create table pair.small (id serial primary key check (gate.pass(id)), name text); '
      . "insert into pair.small (name) select 'new ' || g || repeat('x', 120) from generate_series(1, 60000) g; "
      . 'create table pair.tail (id integer)');
my $new_small = table_state($source, 'pair.small');

sub hold_small_table
{
    my $session = session($target);
    $session->query_safe('select pg_advisory_lock(1)');
    return $session;
}

# Submits, and waits until the large table is there and the small one is waited for.
sub submit_until_held
{
    my (%options) = @_;
    my $object = delete $options{object} // 'pair';
    my $job = submit($object, { parallel => 1, %options }, scope => 'schema');
    $target->poll_query_until('postgres',
        "select exists (select from pg_stat_activity where application_name like 'pgclone table worker %' "
          . "and wait_event_type = 'Lock')");
    return $job;
}

# --- The snapshot is lost when some tables are copied, and rows move between them

my $holder = hold_small_table();
my $job = submit_until_held();
terminate_backends($source, 'pgclone job %');
on_source("with gone as (delete from pair.large where id <= 5 returning id) "
      . "insert into pair.tail select id from gone");
end_session($holder);
is(wait_for_end($job), 'completed', 'a snapshot that is lost in the middle: the job begins anew');
is(on_target("select concat_ws(' ', (select count(*) from pair.large), (select count(*) from pair.tail), "
          . "(select max(epoch) from pgclone_tasks_view where job_id = $job))"),
    '119995 5 2', 'with all rows of another one');
is(table_state($target, 'pair.small'), $new_small, 'in each table');
on_target('drop schema pair cascade');

$holder = hold_small_table();
$job = submit_until_held(retries => 0);
is(on_source("select count(*) from pg_locks join pg_class as c on c.oid = relation where c.relkind = 'S'"), 0,
    'a job keeps no lock on the sequences of its source');
on_source("set lock_timeout = '10s'; alter sequence pair.small_id_seq cache 10");
terminate_backends($source, 'pgclone job %');
end_session($holder);
is(wait_for_end($job), 'failed 08006', 'without retries it fails');
is(on_target("select to_regnamespace('pair') is null"), 't', 'and nothing stays');
nothing_left('lost snapshot');

# --- Cancel while old tables are set aside

on_target("create schema pair; create table pair.small (id serial primary key, name text); "
      . "insert into pair.small (name) values ('old'); create table pair.large (id integer)");
my $old_small = table_state($target, 'pair.small');
$holder = hold_small_table();
$job = submit_until_held(conflict => 'replace');
is(on_target("select count(*) from pg_class where relname = 'small'"), 2, 'old and new table are there');
my $reader = session($target);
$reader->query_safe('begin; lock table pair.large in access share mode');
on_target("select pgclone_cancel($job)");
ok(wait_until(sub { on_target("select phase = 'cleanup' from pgclone_jobs_view where job_id = $job") eq 't' }),
    'the clean-up waits for a lock');
ok(wait_until(sub { server_log($target) =~ /lock timeout/ }), 'in vain at first');
end_session($reader);
like(wait_for_end($job), qr/^cancelled/, 'cancelled');
is(table_state($target, 'pair.small'), $old_small, 'the old table is back, with its sequence');
is(on_target('select count(*) from pg_namespace where nspname like \'pgclone\_%\''), 0,
    'no working schema stays');
end_session($holder);
nothing_left('cancelled replace');

# --- Somebody makes a view of the old table while the job runs

$holder = hold_small_table();
$job = submit_until_held(conflict => 'replace');
my $aside = on_target("select quote_ident(nspname) from pg_namespace where nspname like 'pgclone\\_%'");
on_target("create view public.late as select name from $aside.small");
end_session($holder);
is(wait_for_end($job), 'failed 2BP01', 'what others depend on is not dropped');
is(table_state($target, 'pair.small'), $old_small, 'the old table is back');
is(on_target('select name from public.late'), 'old', 'and the view reads it');
on_target('drop view public.late');
nothing_left('late dependent');

# --- Somebody puts another table in the place of the job's

on_source('create schema swap; create table swap.large (id integer check (gate.pass(id)), filler text); '
      . "insert into swap.large select g, repeat('x', 100) from generate_series(1, 100000) g; "
      . 'create table swap.small (id integer, filler text); '
      . "insert into swap.small select g, repeat('x', 100) from generate_series(1, 80000) g");
on_target("create role schema_owner; create schema swap authorization schema_owner; "
      . "create function public.attack() returns trigger language plpgsql as "
      . "\$\$begin alter role schema_owner superuser; return new; end\$\$");
$holder = hold_small_table();
$job = submit_until_held(object => 'swap');
on_target("set role schema_owner; drop table swap.small; create table swap.small (id integer, filler text); "
      . "create trigger attack before insert on swap.small for each row execute function public.attack()");
end_session($holder);
is(wait_for_end($job), 'failed 55000', 'it is not filled');
is(on_target("select rolsuper from pg_roles where rolname = 'schema_owner'"), 'f',
    'and its trigger does not act for the submitter');
nothing_left('another table');
on_target("drop schema swap, pair cascade");

# --- Twice the same name for what is old

on_target("create schema pair; create table pair.small (id serial primary key, name text)");
for my $time (1, 2)
{
    $job = submit('pair', { conflict => 'rename' }, scope => 'schema');
    is(wait_for_end($job), 'completed', "conflict rename, time $time");
    is(table_state($target, 'pair.small'), $new_small, 'the table is the new one');
}
is(on_target("select string_agg(nspname, ' ' order by nspname) from pg_namespace where nspname like 'pair%'"),
    'pair pair_old pair_old2', 'the old ones have names of their own');
$job = submit('pair', { conflict => 'replace' }, scope => 'schema');
is(wait_for_end($job), 'completed', 'serial columns can be replaced');
is(table_state($target, 'pair.small'), $new_small, 'and are');
nothing_left('rename and replace');

# --- A cancel comes when the last commit is under way

$holder = hold_small_table();
$job = submit_until_held(conflict => 'replace');
on_target("alter system set synchronous_standby_names = 'absent'");
on_target('select pg_reload_conf()');
$target->poll_query_until('postgres', "select current_setting('synchronous_standby_names') = 'absent'");
end_session($holder);
ok(wait_until(sub { on_target("select exists (select from pg_stat_activity where wait_event = 'SyncRep' "
          . "and application_name = 'pgclone job $job')") eq 't' }), 'the last commit waits');
on_target("set synchronous_commit = local; select pgclone_cancel($job)");
on_target('alter system reset synchronous_standby_names');
on_target('select pg_reload_conf()');
is(wait_for_end($job), 'completed', 'what is committed is completed');
is(table_state($target, 'pair.small'), $new_small, 'and stays');
nothing_left('cancelled commit');

stop_servers();
done_testing();
