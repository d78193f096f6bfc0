# A table worker's memory is bounded, whatever the size of table and rows.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $base = 64 * 1024; # kB
my $row = 50 * 1024;  # kB

plan skip_all => 'the sanitizers need memory of their own' if ($ENV{UNIT_VARIANT} // '') eq 'sanitize';

my ($source, $target) = start_servers(
    source => [ 'shared_buffers = 64MB' ],
    target => [ 'shared_buffers = 64MB', 'max_wal_size = 2GB' ]);
make_numbers('numbers', 1_000_000);
on_source("create table wide (id integer, content text); "
      . "alter table wide alter content set storage external; "
      . "insert into wide select g, repeat('x', $row * 1024) from generate_series(1, 4) as g; "
      . "insert into wide values (5, '')");

# Clones up to the gate before the last row, looks, and goes on.
sub peak_of_clone
{
    my ($table, $column, $last) = @_;
    my $gate = close_gate(1);
    my $job = submit("public.$table", { where => gate_where(1, "id = $last"), parallel => 1 });
    wait_at_gate(1);
    my ($pid) = worker_processes(qr/table worker $job\./);
    my $peak = PgcloneTest::process_status($pid, 'VmHWM');
    my ($job_pid) = worker_processes(qr/job $job$/);
    my $job_peak = PgcloneTest::process_status($job_pid, 'VmHWM');
    open_gate($gate);
    is(wait_for_end($job), 'completed', "$table: completed");
    my $sum = "select count(*) || ' rows, ' || sum(octet_length($column)) from $table";
    is(on_target($sum), on_source($sum), "$table: all rows");
    cmp_ok($job_peak, '<=', $base, "$table: the job worker's peak of $job_peak kB");
    return $peak;
}

my $peak = peak_of_clone('numbers', 'payload', 1_000_000);
cmp_ok($peak, '<=', $base, "a million rows: a peak of $peak kB");
$peak = peak_of_clone('wide', 'content', 5);
cmp_ok($peak, '<=', $base + 3 * $row, "rows of 50 MB: a peak of $peak kB");
diag("table worker, rows of 50 MB: VmHWM $peak kB");
nothing_left('memory');
done_testing();
