# pgclone_cancel: at most 2 s from the call to the final state, whatever the job waits for, and
# nothing is left behind.
use strict;
use warnings FATAL => 'all';

use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $limit = 2000; # ms

my ($source, $target) = start_servers(target => [ 'pgclone.connect_timeout = 60s' ]);
make_numbers('numbers', 100_000);

sub cancelled_in_time
{
    my ($job, $what) = @_;
    my ($outcome, $milliseconds) = cancel_and_wait($job);
    is($outcome, 'cancelled 57014', "$what: cancelled");
    cmp_ok($milliseconds, '<=', $limit, "$what: in time");
    note("$what: $milliseconds ms");
}

# --- While rows flow

my $job = submit('public.numbers',
    { where => 'id % 100 <> 0 or pg_sleep(0.005) is not null', conflict => 'replace' });
$target->poll_query_until('postgres',
    "select rows_copied > 0 from pgclone_jobs_view where job_id = $job");
cancelled_in_time($job, 'while copying');
is(on_target("select to_regclass('public.numbers') is null"), 't', 'there is no table');
nothing_left('while copying');
is(on_target("select pgclone_cancel($job)"), 'f', 'a job that has ended: false');
is(outcome($job), 'cancelled 57014', 'and nothing changes');

# --- While the source is silent: its process is stopped

my $gate = close_gate(1);
$job = submit('public.numbers', { where => gate_where(1, 'id = 50000') });
wait_at_gate(1);
my @stopped = map { backend_pids($source, $_) } ("pgclone job $job", "pgclone job $job table worker %");
is(@stopped, 2, 'the job has two sessions on the source');
kill 'STOP', @stopped;
cancelled_in_time($job, 'while the source is stopped');
is(on_target("select to_regclass('public.numbers') is null"), 't', 'there is no table');
is(worker_processes(qr/job|table/), 0, 'no worker waits for the stopped source');
kill 'CONT', @stopped;
end_session($gate);
nothing_left('while the source is stopped');

# --- While connecting

# Accepts (the kernel does) and never answers.
my $mute = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die $!;
$job = submit('public.numbers', {}, source => source_conninfo(port => $mute->sockport));
wait_for_phase($job, 'connecting');
wait_until(sub { `cat /proc/net/tcp` =~ sprintf ': 0100007F:%04X 0100007F:[0-9A-F]{4} 01',
        $mute->sockport }, 10);
cancelled_in_time($job, 'while a server that accepted says nothing');
$mute->close;

# A full backlog: the connection request itself gets no answer.
my $full = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
my @fillers = map {
    IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0)
} 1 .. 4;
$job = submit('public.numbers', {}, source => source_conninfo(port => $full->sockport));
wait_for_phase($job, 'connecting');
# Signals before the socket is ready once took libpq to a step that blocks.
for (1 .. 3) {
    my $loaded = on_target('select pg_conf_load_time()');
    $target->reload;
    $target->poll_query_until('postgres', "select pg_conf_load_time() > '$loaded'");
}
cancelled_in_time($job, 'while nobody answers the connection request');
$full->close;
nothing_left('while connecting');

# --- Pending: the queue is blocked by jobs that wait at a gate

$gate = close_gate(2);
my @blockers = map {
    submit('public.numbers', { target_name => "blocker_$_", parallel => 1,
            where => gate_where(2, 'id = 1') })
} 1 .. 3;
my $pending = submit('public.numbers', { target_name => 'pending' });
$target->poll_query_until('postgres',
    "select wait_reason like 'worker slot%' from pgclone_jobs_view where job_id = $pending");
is(outcome($pending), 'pending', 'a job waits for a worker slot');
cancelled_in_time($pending, 'pending');
is(on_target("select attempts from pgclone_jobs_view where job_id = $pending"), 0,
    'it was never started');

# --- Many at once, and twice

my $before = on_target('select extract(epoch from clock_timestamp())');
# (the second time a job may have ended already)
is(on_target('select bool_and(first), count(second) from (select pgclone_cancel(job_id) as first, '
          . 'pgclone_cancel(job_id) as second from pgclone_live_jobs() offset 0) as each'),
    't|3', 'three at once, each twice');
is(wait_for_end($_), 'cancelled 57014', "blocker $_ is cancelled") foreach @blockers;
cmp_ok(on_target("select extract(epoch from clock_timestamp()) - $before"), '<=', 2, 'in time');
end_session($gate);

# --- At once after the submit: wherever the job is by then, the cancel is not lost

my @early = split /\n/, on_target(join ';', map {
    "select pgclone_submit(" . literal(source_conninfo()) . ", 'table', 'public.numbers', "
      . "'{\"target_name\": \"early_$_\", \"where\": \"id % 50 <> 0 or pg_sleep(0.01) is not null\"}')"
} 1 .. 6);
foreach my $early (@early)
{
    on_target("select pgclone_cancel($early)");
    select undef, undef, undef, 0.03;
}
is(wait_for_end($_), 'cancelled 57014', 'cancelled while it starts') foreach @early;
is(on_target("select count(*) from pg_class where relname like 'early%'"), 0, 'no table is there');
nothing_left('many');

# --- While an index is built

foreach my $node ($source, $target)
{
    my $pause = $node == $target ? 'perform pg_sleep(0.01);' : '';
    $node->safe_psql('postgres', "create function slow(i integer) returns integer immutable "
          . "language plpgsql as \$\$ begin $pause return i; end \$\$");
}
on_source('create table indexed as select * from numbers; create index on indexed (public.slow(id))');
$job = submit('public.indexed');
$target->poll_query_until('postgres',
    "select count(*) > 0 from pg_stat_progress_create_index");
cancelled_in_time($job, 'while an index is built');
is($target->poll_query_until('postgres', 'select count(*) = 0 from pg_stat_progress_create_index'),
    1, 'the index is not built any more');
nothing_left('while an index is built');

# --- While the copy waits for its turn to replace a table that somebody uses

on_target('create table numbers (id integer)');
my $user = session($target);
$user->query_safe('begin; select count(*) from numbers');
$job = submit('public.numbers', { conflict => 'replace' });
$target->poll_query_until('postgres',
    "select count(*) > 0 from pg_locks where relation = 'numbers'::regclass and not granted");
cancelled_in_time($job, 'while the old table is locked');
end_session($user);
is(table_state($target, 'numbers'), '0 rows, 0', 'the old table is there');
nothing_left('while the old table is locked');

# --- Nothing to cancel

$job = submit('public.numbers', { target_name => 'whole' });
is(wait_for_end($job), 'completed', 'a job that is left alone completes');
is(on_target("select pgclone_cancel($job)"), 'f', 'cancelling it then: false');
is_equal('numbers', 'whole', 'it has all rows');

done_testing();
