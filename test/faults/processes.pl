# Processes are terminated, killed and restarted under a running job: the server stays up or comes
# back, no process is left behind, and a table is there with all rows or not at all.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time);

# What a commit does not wait for stays in memory until one that waits.
my ($source, $target) = start_servers(target => [ 'wal_writer_delay = 10s' ]);
make_numbers('numbers', 100_000);
my $old_table;
make_kept();
my $gate = 0;

# Submits a job that stops at row 50,000, and what the ledger says is on disk; returns its id and the
# gate's session.
sub submit_to_gate
{
    my @started = submit_to_open_end(@_);
    on_target("select pg_logical_emit_message(true, 'processes', '')"); # commits wait for those before
    return @started;
}

sub submit_to_open_end
{
    my ($name, %options) = @_;
    $gate++;
    my $session = close_gate($gate);
    my $job = submit('public.numbers',
        { target_name => $name, where => gate_where($gate, 'id = 50000'), %options });
    wait_at_gate($gate);
    return ($job, $session);
}

# After a restart: the job goes on by itself, and completes when the gate is opened.
sub goes_on
{
    my ($job, $session, $label) = @_;
    wait_for_target();
    my $accepting = time;
    is($target->poll_query_until('postgres',
            "select status = 'running' and attempts = 2 from pgclone_jobs_view where job_id = $job"),
        1, "$label: the job runs again");
    cmp_ok(time - $accepting, '<=', 10, "$label: within 10 s");
    wait_at_gate($gate);
    is(table_state($target, 'kept'), $old_table, "$label: the old table is as it was");
    open_gate($session);
    is(wait_for_end($job), 'completed', "$label: the job completes");
    is_equal('numbers', 'kept', "$label: with all rows");
    is(on_target("select max(epoch) from pgclone_tasks_view where job_id = $job"), 2,
        "$label: from a new snapshot");
    nothing_left($label);
    make_kept();
}

sub make_kept
{
    on_target('drop table if exists kept; create table kept (id integer primary key, payload text); '
          . "insert into kept values (-1, 'old'), (-2, 'old')");
    $old_table = table_state($target, 'kept');
}

my ($job, $session) = submit_to_gate('table_worker');
my ($pid) = worker_processes(qr/table worker $job\./);

# --- Priorities

# The niceness of a process, and whatever else the server was started with.
sub niceness { return getpriority(0, $_[0]); }

my $servers = niceness($target->{_pid});
is(niceness($pid), $servers < 5 ? 5 : $servers, 'a table worker gives way');
is_deeply([ map { niceness($_) } worker_processes(qr/job $job$/), backend_pids($target, 'pgclone %') ],
    [ ($servers) x 3 ], 'the job worker and the sessions on the target do not');

# --- SIGTERM

kill 'TERM', $pid;
ok(wait_until(sub { !kill 0, $pid }, 5), 'a table worker ends on SIGTERM');
open_gate($session);
is(wait_for_end($job), 'completed', 'its task is done by another one');
is_equal('numbers', 'table_worker', 'with all rows');
nothing_left('table worker terminated');

($job, $session) = submit_to_gate('kept', conflict => 'replace');
my $started = time;
($pid) = worker_processes(qr/job $job$/);
kill 'TERM', $pid;
is(wait_for_end($job), 'failed 57P01', 'a job whose job worker gets SIGTERM fails');
cmp_ok(time - $started, '<', 5, 'soon');
end_session($session);
is(table_state($target, 'kept'), $old_table, 'the old table is as it was');
nothing_left('job worker terminated');

# The sessions of the workers rather than the workers.
($job, $session) = submit_to_gate('table_session');
is(terminate_backends($target, 'pgclone table worker %') > 0, 1, 'the table workers\' sessions are terminated');
open_gate($session);
is(wait_for_end($job), 'completed', 'the job completes');
is_equal('numbers', 'table_session', 'with all rows');

($job, $session) = submit_to_gate('job_session');
is(terminate_backends($target, "pgclone job $job"), 1, 'the job worker\'s session is terminated');
open_gate($session);
my $outcome = wait_for_end($job);
like($outcome, qr/^(completed|failed (57P01|08006))$/, 'the job completes or fails');
note("job worker's session terminated: $outcome");
is_equal('numbers', 'job_session', 'all rows') if $outcome eq 'completed';
is(on_target("select to_regclass('job_session') is null"), 't', 'no rows') if $outcome ne 'completed';
nothing_left('sessions terminated');

# --- The supervisor

($job, $session) = submit_to_gate('supervisor');
my @workers = worker_processes(qr/job|table/);
my ($supervisor) = worker_processes(qr/supervisor/);
kill 'TERM', $supervisor;
my ($successor);
ok(wait_until(sub {
            ($successor) = worker_processes(qr/supervisor/);
            return defined $successor && $successor != $supervisor;
        }, 5), 'the supervisor is back within 5 s');
my $second = submit('public.numbers', { target_name => 'second' });
is(wait_for_end($second), 'completed', 'it starts other jobs');
# (That job's workers may still be ending.)
ok(wait_until(sub { join(' ', worker_processes(qr/job|table/)) eq join(' ', @workers) }, 5),
    'no worker is doubled');
open_gate($session);
is(wait_for_end($job), 'completed', 'the job that ran meanwhile completes');
is_equal('numbers', 'supervisor', 'with all rows');
nothing_left('supervisor terminated');

# --- A worker is killed: the server restarts all backends

# Just begun: most of its commits, which do not wait for the disk, are lost. Its start is not, or a job
# that brings the server down at once would do so for ever.
($job, $session) = submit_to_open_end('kept', conflict => 'replace');
kill 'KILL', worker_processes(qr/job /);
wait_for_target();
is($target->poll_query_until('postgres',
        "select status = 'running' and attempts = 2 from pgclone_jobs_view where job_id = $job"),
    1, 'kill -9 of a new job: it counts');
open_gate($session);
is(wait_for_end($job), 'completed', 'kill -9 of a new job: it completes');
nothing_left('kill -9 of a new job');
make_kept();

foreach my $victim (qr/table worker/, qr/job /, qr/supervisor/)
{
    ($job, $session) = submit_to_gate('kept', conflict => 'replace');
    ($pid) = worker_processes($victim);
    kill 'KILL', $pid;
    goes_on($job, $session, "kill -9 of $victim");
}

# --- The server stops

foreach my $mode (qw(immediate fast))
{
    ($job, $session) = submit_to_gate('kept', conflict => 'replace');
    my %processes = pgclone_processes($target->{_pid});
    is(keys %processes >= 3, 1, "$mode stop while processes copy");
    $started = time;
    $target->stop($mode);
    cmp_ok(time - $started, '<=', 5, "$mode stop within 5 s");
    is(join(' ', grep { kill 0, $_ } keys %processes), '', "$mode stop: no process is left");
    $target->start;
    goes_on($job, $session, "$mode stop");
}

# --- The postmaster is killed

($job, $session) = submit_to_gate('kept', conflict => 'replace');
my %processes = pgclone_processes($target->{_pid});
my @backends = split /\n/, on_target('select pid from pg_stat_activity');
$target->kill9;
ok(wait_until(sub { !grep { kill 0, $_ } keys %processes }, 5),
    'kill -9 of the postmaster: its workers go');
ok(wait_until(sub { !grep { kill 0, $_ } @backends }, 10), 'and so do their sessions');
$target->start;
goes_on($job, $session, 'kill -9 of the postmaster');

$job = submit('public.numbers', { target_name => 'in_the_end' });
is(wait_for_end($job), 'completed', 'after all that, a job completes');
is_equal('numbers', 'in_the_end', 'with all rows');
done_testing();
