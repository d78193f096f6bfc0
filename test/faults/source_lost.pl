# The source goes away in the middle of a COPY, or its table changes under the job: a job is
# completed with all rows of the snapshot, or failed with none.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers();
make_numbers('numbers', 200_000);
on_target("create table numbers (id integer primary key, payload text); "
      . "insert into numbers values (-1, 'old'), (-2, 'old'), (-3, 'old')");
my $old_table = table_state($target, 'numbers');
my $gate = 0;

# Submits a job that stops at row 100,000; returns its id and the gate's session.
sub submit_to_gate
{
    my ($name, %options) = @_;
    $gate++;
    my $session = close_gate($gate);
    my $job = submit('public.numbers',
        { target_name => $name, where => gate_where($gate, 'id = 100000'), %options });
    wait_at_gate($gate);
    return ($job, $session);
}

sub attempts_of_copy
{
    my ($job) = @_;
    return on_target("select attempts from pgclone_tasks_view where job_id = $job and kind = 'data'");
}

# --- The source backend of the copy is terminated

my ($job, $session) = submit_to_gate('fresh', retries => 0);
is(terminate_backends($source, "pgclone job % table worker %"), 1, 'a source backend is terminated');
like(wait_for_end($job), qr/^failed (57P01|08006)$/, 'without retries the job fails');
is(on_target("select to_regclass('public.fresh') is null"), 't', 'no table, no rows');
is(on_target("select coalesce(rows_copied, 0) from pgclone_jobs_view where job_id = $job"), 0,
    'and none is counted');
open_gate($session);
nothing_left('terminated, new table');

($job, $session) = submit_to_gate('numbers', retries => 0, conflict => 'replace');
terminate_backends($source, "pgclone job % table worker %");
like(wait_for_end($job), qr/^failed (57P01|08006)$/, 'so does one that replaces a table');
is(table_state($target, 'numbers'), $old_table, 'the old table is as it was');
open_gate($session);
nothing_left('terminated, replace');

($job, $session) = submit_to_gate('retried');
terminate_backends($source, "pgclone job % table worker %");
open_gate($session);
is(wait_for_end($job), 'completed', 'with retries the job completes');
is_equal('numbers', 'retried', 'with all rows');
is(attempts_of_copy($job), 2, 'at the second attempt');
nothing_left('terminated, retried');

# --- The exporter is terminated

($job, $session) = submit_to_gate('exporter');
is(terminate_backends($source, "pgclone job $job"), 1, 'the exporter is terminated alone');
open_gate($session);
is(wait_for_end($job), 'completed', 'the copy that has the snapshot goes on');
is_equal('numbers', 'exporter', 'with all rows');

($job, $session) = submit_to_gate('exporter_and_copy');
terminate_backends($source, "pgclone job $job");
terminate_backends($source, "pgclone job % table worker %");
open_gate($session);
is(wait_for_end($job), 'completed', 'exporter and copy terminated: the job completes');
is_equal('numbers', 'exporter_and_copy', 'with all rows');
is(on_target("select epoch from pgclone_job where job_id = $job"), 2, 'in a second epoch');
nothing_left('exporter terminated');

# --- The source crashes and comes back

($job, $session) = submit_to_gate('restarted');
$source->stop('immediate');
$source->start;
end_session($session);
is(wait_for_end($job), 'completed', 'the source crashed in the copy: the job completes');
is_equal('numbers', 'restarted', 'with all rows');

($job, $session) = submit_to_gate('restarted_once', retries => 0);
$source->stop('immediate');
like(wait_for_end($job), qr/^failed (57P01|57P02|08\d\d\d)$/, 'without retries it fails');
$source->start;
end_session($session);
is(on_target("select to_regclass('public.restarted_once') is null"), 't', 'and leaves no table');
nothing_left('source restarted');

# --- The source table changes between snapshot and copy

my %changes = (
    truncated => 'truncate TABLE',
    rewritten => 'alter table TABLE alter payload type varchar(70), alter id type bigint',
    replaced => 'alter table TABLE rename to TABLE_before; '
      . 'create table TABLE as select 1 as id, text \'x\' as payload',
    view_now => 'alter table TABLE rename to TABLE_before; '
      . 'create view TABLE as select * from TABLE_before',
    dropped => 'drop table TABLE',
);
foreach my $change (sort keys %changes)
{
    make_numbers($change, 1000);
    # Commits when the job has its snapshot and waits for the table.
    my $changer = session($source);
    $changer->query_safe('begin; ' . $changes{$change} =~ s/TABLE/$change/gr);
    my $id = submit("public.$change", { target_name => "of_$change" });
    $source->poll_query_until('postgres',
        "select count(*) > 0 from pg_locks where locktype = 'relation' and not granted");
    $changer->query_safe('commit');
    end_session($changer);
    like(wait_for_end($id), qr/^failed (55000|42P01|42809)$/,
        "source table $change between snapshot and copy: failed");
    note(on_target("select error_message from pgclone_jobs_view where job_id = $id"));
    is(on_target("select to_regclass('public.of_$change') is null"), 't', 'no wrong rows');
}
nothing_left('changed tables');

is(on_target("select count(*) from pgclone_jobs_view where status not in ('completed', 'failed')"),
    0, 'all jobs have ended');
done_testing();
