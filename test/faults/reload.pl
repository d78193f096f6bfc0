# Fifty reloads a second, each with another value of one of pgclone's parameters: what runs goes on,
# and what starts afterwards goes by the new values.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time usleep);

my $a_second = 50;
my $seconds = 4;

my ($source, $target) = start_servers(target => ["include_if_exists = 'changing.conf'"]);
on_source(<<'SQL');
create schema shop;
create table shop.a (id integer primary key, payload text);
insert into shop.a select g, repeat(md5(g::text), 4) from generate_series(1, 60000) as g;
create table shop.b as select * from shop.a;
create table shop.c as select * from shop.a where id < 20000;
create index on shop.b (payload);
analyze;
SQL

my $file = $target->data_dir . '/changing.conf';

# As a whole, or the server would see half of it.
sub configure
{
    my ($text) = @_;
    unlink "$file.new";
    append_to_file("$file.new", $text);
    rename "$file.new", $file or die "$file: $!";
    kill 'HUP', $target->{_pid};
}

sub in_force
{
    my ($parameter, $value) = @_;
    return $target->poll_query_until('postgres',
        "select current_setting('pgclone.$parameter') = '$value'");
}

# What may be set by a reload, and values that a running job must stand.
my $socket = on_target("select setting from pg_settings where name = 'unix_socket_directories'");
my @changes = (
    map({ "pgclone.default_parallel = $_" } 1, 3, 64),
    map({ "pgclone.split_threshold = '$_'" } '64kB', '0', '1GB'),
    map({ "pgclone.connect_timeout = '$_'" } '1s', '60s'),
    map({ "pgclone.stall_timeout = '$_'" } '0', '30s', '10min'),
    map({ "pgclone.retry_limit = $_" } 0, 1, 7),
    map({ "pgclone.resume_on_start = $_" } 'off', 'on'),
    map({ "pgclone.loopback_conninfo = '$_'" } "host=$socket", 'host=127.0.0.1', ''),
    "pgclone.nonsense = 1\npgclone.default_parallel = 'many'",
    '');
my %reloadable = map { $_ => 1 } split /\n/, on_target("select name from pg_settings "
      . "where name like 'pgclone.%' and context <> 'postmaster'");
my %changed = map { /(pgclone\.\w+)/ ? ($1 => 1) : () } @changes;
is(join(' ', grep { !$changed{$_} } sort keys %reloadable), '', 'every parameter is changed');

my $job = submit('shop', { rate_limit => '4MB/s', parallel => 2 }, scope => 'schema');
wait_for_phase($job, 'data');
my @workers = worker_processes(qr/job|table/);
my $began = time;
my $reloads = 0;
while (time - $began < $seconds)
{
    configure($changes[$reloads++ % @changes] . "\n");
    my $next = $began + $reloads / $a_second;
    usleep(1e6 * ($next - time)) if $next > time;
}
note(sprintf '%d reloads in %.1f s', $reloads, time - $began);
cmp_ok($reloads, '>=', 0.8 * $a_second * $seconds, 'so many reloads');
is(outcome($job), 'running', 'the job runs through them');
is(join(' ', worker_processes(qr/job|table/)), join(' ', @workers), 'with the same processes');
configure('');
on_target("select pgclone_alter($job, rate_limit => 'none')");
is(wait_for_end($job), 'completed', 'and completes');
is(on_target("select max(attempts) from pgclone_tasks_view where job_id = $job"), 1,
    'each task at the first attempt');
is_equal("shop.$_", "shop.$_", "table $_: rows equal") foreach qw(a b c);
nothing_left('reloads');

# --- The next job goes by what is in force then

configure("pgclone.default_parallel = 3\npgclone.split_threshold = '512kB'\npgclone.retry_limit = 0\n");
in_force(retry_limit => 0);
on_target('drop schema shop cascade');
$job = submit('shop', { rate_limit => '8MB/s' }, scope => 'schema');
is($target->poll_query_until('postgres',
        "select workers = 3 from pgclone_jobs_view where job_id = $job"),
    1, 'the next job has as many workers as it says now');
wait_for_phase($job, 'data');
cmp_ok(on_target("select count(*) from pgclone_tasks_view where job_id = $job and kind = 'data'"),
    '>', 5, 'cuts its tables as it says now');
terminate_backends($target, 'pgclone table worker %');
like(wait_for_end($job), qr/^failed (57P01|08006)$/, 'tries again as often as it says now: never');
is(on_target("select to_regnamespace('shop') is null"), 't', 'and leaves nothing');

configure("pgclone.loopback_conninfo = 'host=127.0.0.1 port=1'\npgclone.retry_limit = 0\n");
in_force(loopback_conninfo => 'host=127.0.0.1 port=1');
$job = submit('shop', {}, scope => 'schema');
wait_until(sub { outcome($job) =~ /failed/ }, 20);
is(outcome($job), 'failed 08001', 'logs in as it says now');
configure('');
in_force(retry_limit => 3);
$job = submit('shop', {}, scope => 'schema');
is(wait_for_end($job), 'completed', 'and all is as it was');
is_equal("shop.$_", "shop.$_", "table $_: rows equal again") foreach qw(a b c);
nothing_left('afterwards');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
