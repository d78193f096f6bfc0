# Processes that stop without going away (SIGSTOP) - a table worker in its COPY, a job worker, the
# supervisor: the view shows it, and when they go on, no row is lost or doubled.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time usleep);

my ($source, $target) = start_servers(target => ['max_worker_processes = 16']);
make_numbers('numbers', 100_000);

my %stopped; # pid => when

sub stop_process
{
    my ($pid) = @_;
    kill 'STOP', $pid or die "process $pid: $!";
    $stopped{$pid} = time;
}

# Whatever happens, nobody stays stopped: the servers could not be stopped.
END { kill 'CONT', keys %stopped if %stopped; }

sub wait_reason { return on_target("select wait_reason from pgclone_jobs_view where job_id = $_[0]"); }

sub shown_in_time
{
    my ($job, $pattern, $pid, $label) = @_;
    my $shown = wait_until(sub { wait_reason($job) =~ $pattern ? time : 0 }, 15);
    ok($shown, "$label: shown") or diag(wait_reason($job));
    cmp_ok(($shown || time) - $stopped{$pid}, '<=', 5.5, "$label: within five seconds");
}

# Submits a job that stops in the middle of its COPY.
sub submit_to_gate
{
    my ($key, $name, %options) = @_;
    my $session = close_gate($key);
    my $job = submit('public.numbers',
        { target_name => $name, where => gate_where($key, 'id = 50000'), %options });
    wait_at_gate($key);
    return ($job, $session);
}

my ($copying, $first_gate) = submit_to_gate(1, 'copying');
my ($planned, $second_gate) = submit_to_gate(2, 'planned');
my ($left_alone, $third_gate) = submit_to_gate(3, 'left_alone');
my ($table_worker) = worker_processes(qr/table worker $copying\./);
my ($job_worker) = worker_processes(qr/job $planned$/);
my ($supervisor) = worker_processes(qr/supervisor/);

stop_process($table_worker);
stop_process($job_worker);
shown_in_time($copying, qr/^stalled: process $table_worker has not responded for \d+ s$/,
    $table_worker, 'a table worker in its COPY');
shown_in_time($planned, qr/^stalled: process $job_worker has not responded for \d+ s$/,
    $job_worker, 'a job worker');
unlike(wait_reason($left_alone), qr/stalled/, 'a job that is well is not');
is(outcome($_), 'running', 'they are running all the same') foreach ($copying, $planned);

stop_process($supervisor);
my $queued = submit('public.numbers', { target_name => 'queued' });
shown_in_time($queued, qr/^stalled: the supervisor, process $supervisor, has not responded for \d+ s$/,
    $supervisor, 'the supervisor');
unlike(wait_reason($left_alone), qr/stalled/, 'a job that needs no supervisor is not stalled');
is(outcome($queued), 'pending', 'what needs it waits');

# What the source has to say piles up meanwhile, and is not lost.
open_gate($first_gate);
open_gate($second_gate);
open_gate($third_gate);
is(wait_for_end($left_alone), 'completed', 'the job that is well completes without a supervisor');
usleep(500_000);
is(outcome($_), 'running', 'those that are not do not') foreach ($copying, $planned);
kill 'CONT', keys %stopped;
%stopped = ();
my %names = ($copying => 'copying', $planned => 'planned', $left_alone => 'left_alone',
    $queued => 'queued');
foreach my $job (sort keys %names)
{
    is(wait_for_end($job), 'completed', "$names{$job}: completed after all");
    is_equal('numbers', $names{$job}, "$names{$job}: no row is lost or doubled");
    is(on_target("select attempts from pgclone_tasks_view where job_id = $job and kind = 'data'"), 1,
        "$names{$job}: copied once");
    is(wait_reason($job), '', "$names{$job}: nothing is stalled any more");
}
nothing_left('stalled and gone on');

# --- Cancelled while its table worker is stopped: that one is fenced off

my ($job, $gate) = submit_to_gate(4, 'fenced');
($table_worker) = worker_processes(qr/table worker $job\./);
stop_process($table_worker);
on_target("select pgclone_cancel($job)");
usleep(300_000);
open_gate($gate);
kill 'CONT', keys %stopped;
%stopped = ();
is(wait_for_end($job), 'cancelled 57014', 'cancelled meanwhile');
is(on_target("select to_regclass('fenced') is null"), 't', 'what was stopped adds nothing when it goes on');
nothing_left('fenced off');

unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
