# More jobs than processes: they wait with a reason, and run.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers(target => ['max_worker_processes = 8']);
make_numbers('numbers', 20_000);

# --- Six jobs at once

my $gate = close_gate(1);
my @jobs = map {
    submit('public.numbers', { target_name => "six_$_", where => gate_where(1, 'id = 10000') })
} 1 .. 6;
wait_at_gate(1);
is($target->poll_query_until('postgres',
        "select bool_and(wait_reason like 'worker slot: all of max_worker_processes = 8%') "
          . "and count(*) >= 3 from pgclone_jobs_view where status = 'pending'"),
    1, 'those that wait say why');
open_gate($gate);
is(wait_for_end($_), 'completed', "job $_ of six completes") foreach @jobs;
is_equal('numbers', "six_$_", 'with all rows') foreach (1, 6);
nothing_left('six at once');

# --- All processes are taken by others: a parallel query has them

on_target('create table wide as select g as id from generate_series(1, 100000) as g; '
      . 'alter table wide set (parallel_workers = 8); analyze wide');
my $taker = session($target);
$taker->query_safe('set max_parallel_workers_per_gather = 8; set parallel_setup_cost = 0; '
      . 'set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0');
background($taker, 'select count(*) from wide where pg_sleep(0.01) is not null');
is($target->poll_query_until('postgres',
        "select count(*) = 6 from pg_stat_activity where backend_type = 'parallel worker'"),
    1, 'others have taken all processes');
my $log_size = -s $target->logfile;
my $job = submit('public.numbers', { target_name => 'late' });
is($target->poll_query_until('postgres',
        "select wait_reason like 'worker slot: all of max_worker_processes = 8 are taken' "
          . "from pgclone_jobs_view where job_id = $job"),
    1, 'a job waits and says why');
my $asked = PgcloneTest::process_status((worker_processes(qr/supervisor/))[0], 'voluntary_ctxt_switches');
# Several rounds of asking for a process.
wait_until(sub { PgcloneTest::process_status((worker_processes(qr/supervisor/))[0],
            'voluntary_ctxt_switches') - $asked >= 3 }, 20);
is(outcome($job), 'pending', 'it goes on waiting');
my @lines = split /\n/, server_log($target, $log_size);
cmp_ok(@lines, '<=', 2, 'the log is not flooded') or diag(join "\n", @lines);
on_target("select pg_cancel_backend(pid) from pg_stat_activity where query like '%from wide%' "
      . "and backend_type = 'client backend' and pid <> pg_backend_pid()");
is(wait_for_end($job), 'completed', 'it runs when they are free');
end_session($taker);
is_equal('numbers', 'late', 'and has all rows');
nothing_left('taken by others');

done_testing();
