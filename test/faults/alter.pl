# Live knobs: a job keeps to its rate limit, pgclone_alter changes limit and workers while it runs,
# and the view says what the job really waits for.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $megabyte = 1024 * 1024;
my ($source, $target) = start_servers(target => [ 'pgclone.stall_timeout = 2s' ]);
make_numbers('numbers', 600_000); # some 45 MB as they are copied
make_numbers('few', 1000);

sub line
{
    my ($job, $columns) = @_;
    return on_target("select $columns from pgclone_jobs_view where job_id = $job");
}

# Waits until the column of the job's line matches, and returns it.
sub wait_for_column
{
    my ($job, $column, $pattern, $seconds) = @_;
    my $value = '';
    wait_until(sub { $value = line($job, $column); return $value =~ $pattern }, $seconds // 10);
    return $value;
}

# Bytes a second that the job copies in the next seconds, by the target's clock.
sub measured_rate
{
    my ($job, $seconds) = @_;
    my ($from, $bytes, $to, $bytes_after) = split /\n/, on_target(<<SQL);
select extract(epoch from clock_timestamp());
select bytes_copied from pgclone_jobs_view where job_id = $job;
select pg_sleep($seconds) \\g /dev/null
select extract(epoch from clock_timestamp());
select bytes_copied from pgclone_jobs_view where job_id = $job;
SQL
    return ($bytes_after - $bytes) / ($to - $from);
}

sub near
{
    my ($rate, $limit, $label) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    note(sprintf '%s: %.0f of %.0f bytes/s', $label, $rate, $limit);
    return ok($rate > 0.8 * $limit && $rate < 1.2 * $limit, $label)
      || diag("$rate bytes/s, the limit is $limit");
}

sub processes_of
{
    my ($job) = @_;
    return scalar(worker_processes(qr/pgclone table worker $job\./));
}

# --- A limit as an option, then others

my $job = submit('public.numbers', { rate_limit => '1MB/s' });
is(wait_for_column($job, 'wait_reason', qr/throttle/), 'throttle', 'the job waits for its limit');
near(measured_rate($job, 4), $megabyte, 'the limit of the option');
like(line($job, 'rate'), qr{^((9|10)\d\d kB|1\.[01] MB)/s$}, 'rate says so');
my ($eta, $expected) = split /\|/, line($job,
    'extract(epoch from eta)::integer, ((600000 - rows_copied) * bytes_copied / rows_copied / 1048576)::integer');
cmp_ok(abs($eta - $expected), '<=', 0.25 * $expected, "eta: $eta s, by rows $expected s");

is(on_target("select pgclone_alter($job, rate_limit => '3MB/s')"), 't', 'a higher limit');
sleep 1;
near(measured_rate($job, 3), 3 * $megabyte, 'holds within a second');
is(on_target("begin; select pgclone_alter($job, rate_limit => '200kB/s'); rollback"), 't',
    'one that is rolled back');
near(measured_rate($job, 2), 3 * $megabyte, 'does not hold');
on_target("select pgclone_alter($job, rate_limit => '200kB/s')");
sleep 1;
near(measured_rate($job, 3), 200 * 1024, 'a lower one does');

my $started = time;
on_target("select pgclone_alter($job, rate_limit => 'none')");
is(wait_for_end($job), 'completed', 'without a limit');
cmp_ok(time - $started, '<', 15, 'the job ends soon');
is_equal('numbers', 'numbers', 'nothing is lost');
is(line($job, 'num_nulls(wait_reason, eta)'), 2, 'a finished job has no eta and waits for nothing');
like(line($job, 'rate'), qr{ [kM]B/s$}, 'its rate is the average');

# --- Cancel while nothing moves at all

$job = submit('public.numbers', { rate_limit => '10B/s', conflict => 'replace' });
wait_for_column($job, 'wait_reason', qr/throttle/);
my ($outcome, $milliseconds) = cancel_and_wait($job);
is($outcome, 'cancelled 57014', 'cancelled while throttled');
cmp_ok($milliseconds, '<=', 2000, 'in time');
nothing_left('cancelled while throttled');

# --- A limit is no silence of the source: rows that take longer than pgclone.stall_timeout

on_source("create table wide as select g as id, (select string_agg(md5(random()::text), '') "
      . 'from generate_series(1, 3000) where g > 0) as payload from generate_series(1, 3) as g');
$job = submit('public.wide', { rate_limit => '25kB/s' });
sleep 5;
is(line($job, 'status'), 'running', 'longer throttled than pgclone.stall_timeout');
on_target("select pgclone_alter($job, rate_limit => '0')");
is(wait_for_end($job), 'completed', 'what was owed is forgotten');
is_equal('wide', 'wide', 'all is there');

# --- Workers come and go, and share the limit

on_source('create schema several');
on_source("create table several.t$_ as select g as id, repeat('x', 100) as payload "
      . 'from generate_series(1, 30000) as g') foreach 1 .. 6;
$job = submit('several', { parallel => 1, rate_limit => '300kB/s' }, scope => 'schema');
wait_for_column($job, 'wait_reason', qr/throttle/);
is(processes_of($job), 1, 'one worker');
$started = time;
on_target("select pgclone_alter($job, parallel => 3)");
wait_until(sub { processes_of($job) == 3 }, 5);
is(processes_of($job), 3, 'two more');
cmp_ok(time - $started, '<', 2, 'at once');
sleep 1;
near(measured_rate($job, 4), 300 * 1024, 'together they keep to the limit');
on_target("select pgclone_alter($job, 1, '6MB/s')");
wait_until(sub { processes_of($job) == 1 }, 20);
is(processes_of($job), 1, 'those that are too many go when their tables are done');
on_target("select pgclone_alter($job, rate_limit => 'none')");
is(wait_for_end($job), 'completed', 'and the last one does the rest');

# --- What else a job may wait for

$target->append_conf('postgresql.conf', 'pgclone.stall_timeout = 60s');
my $loaded = on_target('select pg_conf_load_time()');
$target->reload;
$target->poll_query_until('postgres', "select pg_conf_load_time() > '$loaded'");
my $gate = close_gate(1);
$job = submit('public.few', { where => gate_where(1, 'id = 500') });
wait_at_gate(1);
is(wait_for_column($job, 'wait_reason', qr/source/), 'source', 'a silent source');
is(wait_for_column($job, 'rate', qr{^0 B/s}, 15), '0 B/s', 'nothing moves: the rate is 0');
is(line($job, 'eta'), '', 'and there is no eta');
open_gate($gate);
is(wait_for_end($job), 'completed', 'the source speaks again');

my $blocker = session($target);
my $pid = $blocker->query_safe('select pg_backend_pid()');
$blocker->query_safe('begin; lock table few in access share mode');
$job = submit('public.few', { conflict => 'replace' });
is(wait_for_column($job, 'wait_reason', qr/lock/), "lock: blocked by pid $pid", 'a lock in the target');
end_session($blocker);
is(wait_for_end($job), 'completed', 'and goes on after it');

foreach my $node ($source, $target)
{
    my $pause = $node == $target ? 'perform pg_sleep(0.004);' : '';
    $node->safe_psql('postgres', "create function slow(i integer) returns integer immutable "
          . "language plpgsql as \$\$ begin $pause return i; end \$\$");
}
on_source('create table indexed as select * from few; create index on indexed (public.slow(id))');
$job = submit('public.indexed');
is(wait_for_column($job, 'wait_reason', qr/target/), 'target', 'an index is built: an answer of the target');
is(wait_for_end($job), 'completed', 'and is done');
nothing_left('all');

done_testing();
