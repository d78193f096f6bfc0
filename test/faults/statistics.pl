# The source's statistics are no condition of a clone: without them, there is ANALYZE.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers(target => ["pgclone.connect_timeout = '2s'"]);
# Large enough to be asked for, and the larger one is copied first; the index of `held` waits, on the target, as long as a session holds
# the gate.
my $gate = 'create schema gate; create function gate.pass(integer) returns integer '
  . 'language plpgsql immutable as $$begin perform pg_advisory_lock_shared(1); '
  . 'perform pg_advisory_unlock_shared(1); return $1; end$$';
on_source($gate);
on_target($gate);
on_source("create schema shop; "
      . "create table shop.held (id integer, name text); "
      . "insert into shop.held select g, 'secret ' || g % 50 || repeat('x', 600) from generate_series(1, 15000) g; "
      . 'create index on shop.held (gate.pass(id)) where id = 1; '
      . 'create table shop.other (like shop.held); insert into shop.other select * from shop.held union all select * from shop.held where id <= 1000');
on_source("analyze shop.held, shop.other; "
      . "update pg_statistic set stanullfrac = 0.25 where starelid in ('shop.held'::regclass, 'shop.other'::regclass)");

# Which tables have the source's statistics, and how many have some.
sub statistics
{
    return on_target("select string_agg(distinct tablename, ',') filter (where null_frac = 0.25) || ' of ' "
          . "|| count(distinct tablename) from pg_stats where schemaname = 'shop'") || 'none of '
      . on_target("select count(distinct tablename) from pg_stats where schemaname = 'shop'");
}

# Submits, and does something to the source when all rows are there and the index is not.
sub clone_and
{
    my ($action, %arguments) = @_;
    my $session = session($target);
    $session->query_safe('select pg_advisory_lock(1)');
    my $job = submit('shop', { parallel => 1, acls => JSON::PP::false }, scope => 'schema', %arguments);
    $target->poll_query_until('postgres',
        "select exists (select from pg_stat_activity where application_name like 'pgclone table worker %' "
          . "and wait_event = 'advisory')");
    $action->();
    end_session($session);
    return wait_for_end($job);
}

my $log_start = -s $target->logfile;
is(clone_and(sub { }), 'completed', 'a clone');
is(statistics(), 'held,other of 3', 'has the source\'s statistics');
unlike(server_log($target, $log_start), qr/secret \d/, 'whose values are not in the log');
on_target('drop schema shop cascade');

is(clone_and(sub { $source->stop('immediate') }), 'completed', 'without a source');
is(statistics(), 'none of 3', 'the clone is analyzed');
on_target('drop schema shop cascade');
$source->start;
on_source("analyze shop.held, shop.other; "
      . "update pg_statistic set stanullfrac = 0.25 where starelid in ('shop.held'::regclass, 'shop.other'::regclass)");

my $postmaster = (split /\n/, slurp_file($source->data_dir . '/postmaster.pid'))[0];
END { kill 'CONT', $postmaster if $postmaster; }
is(clone_and(sub { kill 'STOP', $postmaster }), 'completed', 'with one that lets nobody in any more');
kill 'CONT', $postmaster;
undef $postmaster;
is(statistics(), 'none of 3', 'it is analyzed, too');
on_target('drop schema shop cascade');

# --- What happens on the source when all rows are there

sub renew_statistics
{
    on_source("analyze shop.held, shop.other; update pg_statistic set stanullfrac = 0.25 "
          . "where starelid in ('shop.held'::regclass, 'shop.other'::regclass)");
}

is(clone_and(\&renew_statistics), 'completed', 'statistics that are younger than the snapshot');
is(statistics(), 'none of 3', 'are not taken');
on_target('drop schema shop cascade');
is(clone_and(sub { on_source('truncate shop.other') }), 'completed', 'those of a table that is empty now');
is(statistics(), 'held of 3', 'neither');
on_target('drop schema shop cascade');
on_source("insert into shop.other select * from shop.held union all select * from shop.held where id <= 1000");
renew_statistics();
my $locker;
is(clone_and(sub { $locker = session($source); $locker->query_safe('begin; lock table shop.other') }),
    'completed', 'with a table that somebody has locked there');
end_session($locker);
is(statistics(), 'held,other of 3', 'nobody waits for it');
on_target('drop schema shop cascade');

# --- Rights: an index's statistics are shown to its owner alone

on_source('create role reader login; grant usage on schema shop, gate to reader; '
      . 'grant select on all tables in schema shop to reader; grant execute on all functions in schema gate to reader');
is(clone_and(sub { }, source => source_conninfo(user => 'reader')), 'completed', 'a role that may only read');
is(statistics(), 'other of 3', 'brings the statistics that it sees');
on_target('drop schema shop cascade');

nothing_left('statistics');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
