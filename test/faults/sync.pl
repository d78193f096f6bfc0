# pgclone_table: the clone does not depend on the caller's transaction; a job that waits for the
# caller is told, not hung; what interrupts the call cancels the job; a failure keeps its SQLSTATE.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time);

my ($source, $target) = start_servers();
make_numbers('numbers', 20_000);
my $conninfo = literal(source_conninfo());

sub call
{
    my ($table, $options) = @_;
    return "select pgclone_table($conninfo, 'public', '$table', options => " . literal($options) . ')';
}

# Runs statements in one session of the target; returns what it printed, errors with SQLSTATE.
sub run
{
    my (@statements) = @_;
    my ($status, $out, $err) = $target->psql('postgres', "\\set VERBOSITY verbose\n" . join(";\n", @statements, ''),
        on_error_stop => 0, timeout => 60);
    return $out . $err;
}

# --- Inside a transaction that rolls back

is(run('begin', call('numbers', '{}'), 'rollback'), 'completed', 'inside a transaction: completed');
is_equal('numbers', 'numbers', 'the clone stays after the rollback');
nothing_left('rolled back');

# --- A lock of the caller

my $before = table_state($target, 'numbers');
my $started = time;
my $output = run('begin', 'lock table numbers in access share mode',
    call('numbers', '{"conflict": "replace"}'), 'rollback');
like($output, qr/ERROR:  40P01: job \d+ waits for a lock that this session holds/,
    'the caller locks the table to be replaced: an error');
like($output, qr/DETAIL:  Process \d+ of the job.* waits for process \d+, which is this session/,
    'that says who waits for whom');
cmp_ok(time - $started, '<', 15, 'and no hang');
is(on_target('select status from pgclone_job order by job_id desc limit 1'), 'cancelled',
    'the job is cancelled');
is(table_state($target, 'numbers'), $before, 'the old table is there');
nothing_left('locked by the caller');

# The lock is held by the session that waits with pgclone_wait: told, but the job goes on.
my $waiter = session($target);
my $job = submit('public.numbers', { conflict => 'replace' });
($output) = run('begin', 'lock table numbers in access share mode',
    "select pgclone_wait($job)", 'rollback');
if ($output =~ /40P01/)
{
    like($output, qr/The job goes on when the transaction that holds the lock ends/,
        'pgclone_wait tells of the caller\'s lock');
}
else
{
    is($output, 'completed', 'pgclone_wait: the job was faster than the lock');
}
is(wait_for_end($job), 'completed', 'the job goes on after the transaction');

# Another session stands between: caller <- other <- job.
my $other = session($target);
$other->query_safe('begin; lock table numbers in access share mode');
on_target('create table mine (i int)');
$waiter->query_safe('begin; lock table mine');
background($other, 'select count(*) from mine');
$target->poll_query_until('postgres',
    "select count(*) > 0 from pg_locks where relation = 'mine'::regclass and not granted");
$waiter->{stderr} = '';
$waiter->query(call('numbers', '{"conflict": "replace"}'));
like($waiter->{stderr}, qr/waits for a lock that this session holds/, 'a detour: an error');
like($waiter->{stderr}, qr/waits for process \d+, which waits for process \d+, which is this session/,
    'that names who is in between');
end_session($waiter);
end_session($other);
nothing_left('a detour');

# --- Interrupted

my $gate = close_gate(1);
my $gated = '{"target_name": "gated", "where": "' . gate_where(1, 'id = 10000') . '"}';
my $caller = session($target);
my $pid = $caller->query_safe('select pg_backend_pid()');
background($caller, call('numbers', $gated));
wait_at_gate(1);
on_target("select pg_cancel_backend($pid)");
wait_until(sub { output_of($caller) =~ /ERROR/ });
like(output_of($caller), qr/canceling statement due to user request/, 'a query cancel ends the call');
is($target->poll_query_until('postgres',
        "select status = 'cancelled' from pgclone_job order by job_id desc limit 1"),
    1, 'and cancels the job');
end_session($caller);
nothing_left('query cancel');

is(run("set statement_timeout = '1s'", call('numbers', $gated)) =~ /57014: canceling statement due to statement timeout/,
    1, 'so does statement_timeout');
is($target->poll_query_until('postgres',
        "select status = 'cancelled' from pgclone_job order by job_id desc limit 1"),
    1, 'the job is cancelled');

$caller = session($target);
$pid = $caller->query_safe('select pg_backend_pid()');
background($caller, call('numbers', $gated));
wait_at_gate(1);
on_target("select pg_terminate_backend($pid)");
is($target->poll_query_until('postgres',
        "select status = 'cancelled' from pgclone_job order by job_id desc limit 1"),
    1, 'terminating the caller cancels the job');
end_session($caller);
end_session($gate);
nothing_left('interrupted');

# --- Failed

like(run(call('absent', '{}')), qr/ERROR:  42P01: table .*absent.* does not exist on the source/,
    'a failed job raises its SQLSTATE');
like(run(call('numbers', '{}')), qr/ERROR:  42P07: /, 'an existing table: 42P07');
on_source('create table bad as select g as i from generate_series(1, 10) as g');
like(run(call('bad', '{"where": "1 / (i - 5) > 0"}')), qr/ERROR:  22012: /, 'an error in the copy: its own');
like(run(call('numbers', '{"nonsense": 1}')), qr/ERROR:  22023: .*nonsense/, 'a bad option: at once');
is(run('do $$ begin perform ' . substr(call('absent', '{}'), 7)
          . '; exception when undefined_table then raise notice \'caught\'; end $$') =~ /caught/,
    1, 'and can be caught');
nothing_left('failed');

done_testing();
