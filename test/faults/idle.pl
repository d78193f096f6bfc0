# Without work nothing wakes up, but for the supervisor's slow safety tick.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $seconds = 20;

my ($source, $target) = start_servers();
make_numbers('numbers', 10);
# Idle after work, not before any.
is(wait_for_end(submit('public.numbers')), 'completed', 'a job has run');
nothing_left('idle');

my @pids = worker_processes(qr/pgclone/);
is(@pids, 1, 'the supervisor is the only process of pgclone');

# Wake-ups and CPU time (clock ticks) of the process.
sub activity
{
    my ($pid) = @_;
    my @fields = split / /, PgcloneTest::read_proc("$pid/stat") =~ s/^.*\) //sr;
    return (PgcloneTest::process_status($pid, 'voluntary_ctxt_switches'), $fields[11] + $fields[12]);
}

my ($switches, $ticks) = activity($pids[0]);
sleep $seconds;
my ($switches_after, $ticks_after) = activity($pids[0]);
cmp_ok($switches_after - $switches, '<=', 2, "wake-ups in $seconds s");
cmp_ok($ticks_after - $ticks, '<=', 1, "CPU time in $seconds s");

done_testing();
