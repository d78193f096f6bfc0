# The wire between target and source is cut, held up, swallowed or garbled at any byte: a job is
# completed with all rows, or it fails and leaves nothing. And sources that are merely difficult:
# roles with time-outs of their own, too few connections, a restart, certificates.
#
#   PGCLONE_LONG=1          1,000 faults at random instead of 40
#   PGCLONE_WIRE_OFFSETS=n  as many of them
#   PGCLONE_SEED=n          the seed that a run printed
#
# What a flipped bit does to the bytes of a row nobody can tell but TLS, which every flip must break
# (else it is the checksum of TCP that catches it). So bytes are changed at random under TLS, where the
# outcome is judged as strictly as after a cut, and some without it, where a job may be completed with
# whatever came, but must end, and without a crash.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time usleep);
use WireProxy;

my $faults = $ENV{PGCLONE_WIRE_OFFSETS} // ($ENV{PGCLONE_LONG} ? 1000 : 40);
my $seed = $ENV{PGCLONE_SEED} // int(time) % 1_000_000;
my $most_at_once = 6;
my $in_time = 30; # s; what a job may take with its retries
srand $seed;
diag("wire: $faults faults, seed $seed");

my $folder = PostgreSQL::Test::Utils::tempdir();
my $certificate = "$folder/server.crt";
system_or_bail('openssl', 'req', '-new', '-x509', '-days', '10', '-nodes', '-newkey', 'rsa:2048',
    '-subj', '/CN=elsewhere.example', '-out', $certificate, '-keyout', "$folder/server.key");
chmod 0600, "$folder/server.key";
my ($source, $target) = start_servers(
    source => [ 'ssl = on', "ssl_cert_file = '$certificate'", "ssl_key_file = '$folder/server.key'",
        'fsync = off' ],
    target => [ 'max_connections = 100', 'max_worker_processes = 40', 'pgclone.max_workers = 32',
        "pgclone.stall_timeout = '2s'", "pgclone.connect_timeout = '2s'", 'fsync = off' ]);
on_source(<<'SQL');
create schema wire;
create type wire.mood as enum ('sad', 'happy');
create table wire.numbers (id integer primary key, payload text);
insert into wire.numbers select g, repeat(md5(g::text), 2) from generate_series(1, 15000) as g;
create table wire.mixed (id bigint primary key, n numeric, at timestamptz, doc jsonb, raw bytea,
    list integer[], note text);
insert into wire.mixed select g, g / 7.0, timestamptz '2026-01-01' + g * interval '1 minute',
    jsonb_build_object('g', g), decode(md5(g::text), 'hex'), array[g, -g], null
  from generate_series(1, 2000) as g;
create table wire.moods (id integer, mood wire.mood, words text);
insert into wire.moods select g, 'sad', repeat(chr(960), g % 40) from generate_series(1, 2000) as g;
analyze;
SQL

# --- Faults at random offsets

my @tables = ('numbers', 'mixed', 'moods');

# All rows of all tables, in whatever order.
sub contents
{
    my ($node, $schema) = @_;
    return $node->safe_psql('postgres', join ' union all ', map {
            "select '$_', count(*), sum(hashtextextended(t::text, 0)::numeric) from $schema.$_ as t"
    } @tables);
}
my $expected = contents($source, 'wire');

my $tag = 0;

sub submit_through
{
    my ($port, $sslmode, %options) = @_;
    $tag++;
    my $job = submit('wire', { target_schema => "wire_$tag", %options }, scope => 'schema',
        source => source_conninfo(port => $port, sslmode => $sslmode));
    return ($job, "wire_$tag");
}

# How much each session says, without and with TLS.
my %sizes;
foreach my $sslmode ('disable', 'require')
{
    mkdir "$folder/$sslmode" or die $!;
    my $recorder = WireProxy->start(to => $source->port, record => "$folder/$sslmode");
    my ($job, $schema) = submit_through($recorder->port, $sslmode);
    is(wait_for_end($job), 'completed', "sslmode $sslmode: a clone through the proxy");
    is(contents($target, $schema), $expected, 'has all rows');
    $recorder->stop;
    foreach my $file (glob "$folder/$sslmode/*")
    {
        my ($connection, $direction) = $file =~ m{(\d+)\.(\w+)$};
        push @{ $sizes{$sslmode} },
          { connection => $connection, direction => $direction, bytes => -s $file };
    }
    cmp_ok(scalar @{ $sizes{$sslmode} }, '>=', 4, 'in two sessions or more');
}

sub pick { return $_[ int rand @_ ]; }

sub random_fault
{
    my $action = pick(qw(cut cut reset blackhole truncate delay garble garble remove duplicate));
    my $changes = $action =~ /garble|remove|duplicate/;
    my $sslmode = $changes ? pick('require', 'require', 'disable') : pick('require', 'disable');
    my $where = pick(@{ $sizes{$sslmode} });
    # The bytes of the rows are many, but all alike.
    my $most = rand() < 0.5 && $where->{bytes} > 5000 ? 5000 : $where->{bytes};
    return {
        %$where, action => $action, sslmode => $sslmode, offset => int rand $most,
        mask => 1 << int rand 8, count => 1 + int rand 10, every => rand() < 0.1 ? 1 : 0,
        is_strict => !$changes || $sslmode eq 'require', retries => pick(0, 0, 2)
    };
}

sub describe
{
    my ($fault) = @_;
    return join ' ', map { "$_=$fault->{$_}" }
      qw(action sslmode connection direction offset mask count every retries);
}

my $started_at = on_target('select pg_postmaster_start_time()');
my (%running, %ended, @problems);

sub judge
{
    my ($job) = @_;
    my $run = delete $running{$job};
    $run->{proxy}->stop;
    my ($outcome, $message) = split /\|/, on_target(
        "select concat_ws(' ', status, sqlstate), error_message from pgclone_jobs_view "
          . "where job_id = $job"), 2;
    my $what = describe($run->{fault}) . ": $outcome: " . ($message // '');
    $ended{ ($run->{fault}{is_strict} ? '' : 'without TLS ') . $outcome }++;
    note($what) if $ENV{PGCLONE_VERBOSE};
    if ($outcome eq 'completed')
    {
        my $found = eval { contents($target, $run->{schema}) } // 'tables are missing';
        push @problems, "$what\nwith a difference:\n$found"
          if $found ne $expected and $run->{fault}{is_strict};
        on_target("drop schema $run->{schema} cascade");
        return;
    }
    push @problems, $what unless $outcome =~ /^failed [0-9A-Z]{5}$/ and length $message;
    push @problems, "$what: harmless, but it failed" if $run->{fault}{action} eq 'delay';
    my $left = on_target("select 'schema' from pg_namespace where nspname = '$run->{schema}' "
          . "union all select relname from pg_class "
          . "where relnamespace = to_regnamespace('$run->{schema}')");
    push @problems, "$what: these are left: $left" if $left;
}

my $began = time;
my $left = $faults;
while ($left > 0 or %running)
{
    while ($left > 0 and keys %running < $most_at_once)
    {
        $left--;
        my $fault = random_fault();
        my $proxy = WireProxy->start(to => $source->port, fault => $fault);
        my ($job, $schema) =
          submit_through($proxy->port, $fault->{sslmode}, retries => $fault->{retries});
        $running{$job} = { fault => $fault, proxy => $proxy, schema => $schema, since => time };
    }
    my %live = map { $_ => 1 } split /\n/, on_target('select job_id from pgclone_live_jobs()');
    foreach my $job (keys %running)
    {
        if ($live{$job} and time - $running{$job}{since} > $in_time)
        {
            my ($outcome, $milliseconds) = cancel_and_wait($job);
            push @problems, 'does not end: ' . describe($running{$job}{fault})
              . " (cancelled: $outcome in $milliseconds ms)";
            delete $live{$job};
        }
        judge($job) unless $live{$job};
    }
    usleep(20_000);
}
is(join("\n", @problems), '', "$faults faults, seed $seed: all rows or none");
diag(sprintf '%d faults in %.1f s: %s', $faults, time - $began,
    join ', ', map { "$_: $ended{$_}" } sort keys %ended);
nothing_left('faults');

# --- A black hole in the middle of the rows

sub swallowed
{
    my ($direction, $bytes) = @_;
    my $proxy = WireProxy->start(to => $source->port, fault => { connection => 1,
            direction => $direction, offset => $bytes, action => 'blackhole' });
    my ($job, $schema) = submit_through($proxy->port, 'disable', retries => 0);
    return ($job, $proxy, $schema);
}

my ($job, $proxy) = swallowed('server', 200_000);
$began = time;
like(wait_for_end($job), qr/^failed 08006$/, 'rows that stop coming: the job fails');
cmp_ok(time - $began, '<', 8, 'soon after stall_timeout');
$proxy->stop;

$target->adjust_conf('postgresql.conf', 'pgclone.stall_timeout', "'60s'");
$target->adjust_conf('postgresql.conf', 'pgclone.connect_timeout', "'60s'");
$target->reload;
foreach my $bytes (200_000, 10)
{
    ($job, $proxy) = swallowed('server', $bytes);
    usleep(1_000_000);
    my ($outcome, $milliseconds) = cancel_and_wait($job);
    is($outcome, 'cancelled 57014', "a black hole after $bytes bytes: cancelled");
    cmp_ok($milliseconds, '<=', 2000, 'in time');
    $proxy->stop;
}
nothing_left('black hole');

($job, $proxy) = swallowed('server', 200_000);
usleep(1_000_000);
$began = time;
$target->stop('fast');
cmp_ok(time - $began, '<=', 5, 'the target stops in time, too');
is(join(', ', values %{ { PgcloneTest::pgclone_processes($target->{_pid} // 0) } }), '',
    'and no process stays');
$proxy->stop;
$target->start;
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');

# --- Time-outs that a role or database has

on_source(<<'SQL');
create role hasty login;
alter role hasty set statement_timeout = '400ms';
alter role hasty set lock_timeout = '100ms';
alter role hasty set idle_in_transaction_session_timeout = '300ms';
alter role hasty set idle_session_timeout = '300ms';
alter role hasty set search_path = wire;
alter role hasty set default_transaction_isolation = 'read committed';
alter role hasty set DateStyle = 'German';
alter role hasty set bytea_output = 'escape';
grant usage on schema wire to hasty;
grant select on all tables in schema wire to hasty;
SQL
my $locker = session($source);
$locker->query_safe('begin; lock table wire.numbers in access exclusive mode');
$job = submit('wire.numbers', { target_schema => 'public', target_name => 'patient', retries => 0,
        where => 'id % 3000 <> 0 or pg_sleep(0.3) is not null' },
    source => source_conninfo(user => 'hasty'));
$source->poll_query_until('postgres', "select count(*) > 0 from pg_locks where not granted");
usleep(600_000);
$locker->query_safe('commit');
end_session($locker);
is(wait_for_end($job), 'completed', 'time-outs of the role are out of force');
is_equal('wire.numbers', 'patient', 'all rows are there');

# --- Too few connections

on_source('create schema broad');
on_source("create table broad.t$_ as select g as id, repeat(md5(g::text), 4) as payload from generate_series(1, 60000) as g; analyze broad.t$_")
  foreach 1 .. 4; # each large enough for a task of its own
on_source('grant usage on schema broad to hasty; grant select on all tables in schema broad to hasty');

sub clone_with_limit
{
    my ($limit, $rate_limit) = @_;
    on_source("alter role hasty connection limit $limit");
    return submit('broad', { target_schema => "limit_$limit", parallel => 4, owners => \0, acls => \0,
            rate_limit => $rate_limit },
        scope => 'schema', source => source_conninfo(user => 'hasty'));
}
# While one worker is slow with the only session that is left, the others come in vain.
my $log_start = -s $source->logfile;
sub refusals { return scalar(() = server_log($source, $log_start) =~ /too many connections for role "hasty"/g); }
my $few = clone_with_limit(2, '100kB/s');
ok(wait_until(sub { refusals() >= 8 }), 'two connections: three of four workers are refused, again and again');
is(outcome($few), 'running', 'the job goes on');
on_target("select pgclone_alter($few, rate_limit => 'none')");
is(wait_for_end($few), 'completed', 'and completes');
is_equal("broad.t$_", "limit_2.t$_", "all rows of table $_ are there") foreach 1 .. 4;
is(wait_for_end(clone_with_limit(0, 'none')), 'failed 53300', 'none: it fails');
nothing_left('connection limits');

# --- A restart of the source

my $gate = close_gate(7);
$job = submit('wire.numbers', { target_schema => 'public', target_name => 'restarted',
        where => gate_where(7, 'id = 9000') });
wait_at_gate(7);
$source->restart;
end_session($gate);
my $outcome = wait_for_end($job);
like($outcome, qr/^(completed|failed \w{5})$/, "the source was restarted in the copy: $outcome");
$outcome eq 'completed'
  ? is_equal('wire.numbers', 'restarted', 'with all rows')
  : is(on_target("select to_regclass('restarted') is null"), 't', 'without a row');

# --- TLS

on_source(<<'SQL');
create table wide (id integer, content text);
alter table wide alter content set storage external;
insert into wide select g, repeat('0123456789abcdef', 1000 * (g % 9)) from generate_series(1, 300) as g;
create role careful login password 'geheim';
SQL
$job = submit('public.wide', {}, source => source_conninfo(sslmode => 'require'));
is(wait_for_end($job), 'completed', 'rows above 16 KiB under TLS');
is_equal('wide', 'wide', 'are all there');
my $log_size = -s $source->logfile;
$source->adjust_conf('postgresql.conf', 'log_connections', 'on');
$source->reload;
$job = submit('public.wide', { target_name => 'wrong', retries => 0 },
    source => source_conninfo(sslmode => 'verify-full', sslrootcert => $certificate,
        user => 'careful', password => 'geheim'));
is(wait_for_end($job), 'failed 08001', 'a certificate of another host: no connection');
like(on_target("select error_message from pgclone_jobs_view where job_id = $job"),
    qr/certificate.*elsewhere/, 'it says why');
unlike(server_log($source, $log_size), qr/careful/, 'no name or password was sent');

isnt(on_target('select pg_postmaster_start_time()'), $started_at, '(the target was restarted once)');
nothing_left('wire');
done_testing();
