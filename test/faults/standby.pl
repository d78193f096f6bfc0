# A standby as the source - a recovery conflict ends the COPY, the standby is promoted - and a standby
# as the target, whose jobs begin when it is promoted.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time);

my @replicates = ('wal_level = replica', 'max_wal_senders = 4', 'hot_standby_feedback = off');
my ($source, $target) = start_servers(
    source => [ @replicates, "max_standby_streaming_delay = '300ms'", "wal_receiver_status_interval = '1s'" ],
    target => [ @replicates, 'max_worker_processes = 16', "pgclone.retry_limit = 5" ]);
make_numbers('numbers', 20_000);

# The node's standby, which has caught up.
sub make_standby
{
    my ($node, $name) = @_;
    my $standby = PostgreSQL::Test::Cluster->new($name);
    append_to_file($node->data_dir . '/pg_hba.conf',
        "\nlocal replication all trust\nhost replication all 127.0.0.1/32 trust\n");
    $node->reload;
    $node->backup("for_$name");
    $standby->init_from_backup($node, "for_$name", has_streaming => 1);
    $standby->start;
    $node->wait_for_catchup($standby);
    return $standby;
}

# --- A standby as the source

my $standby = make_standby($source, 'copy_of_source');
sub from_standby { return (source => source_conninfo(port => $standby->port)); }

my $job = submit('public.numbers', { target_name => 'plain' }, from_standby());
is(wait_for_end($job), 'completed', 'a clone of a standby completes');
is_equal('numbers', 'plain', 'with all rows');

# Rows that the COPY still needs are removed on the primary. A standby takes no advisory locks from a
# `where`; so the copy is slow.
my $slow = 'id % 1000 <> 0 or pg_sleep(0.1) is not null';
$job = submit('public.numbers', { target_name => 'conflict', where => $slow, retries => 8 }, from_standby());
$target->poll_query_until('postgres', "select phase = 'data' and workers > 0 from pgclone_jobs_view where job_id = $job");
$standby->poll_query_until('postgres', "select count(*) > 0 from pg_stat_activity where application_name like 'pgclone job % table worker%' "
      . "and query like '%COPY%' and state = 'active'");
on_source('update numbers set payload = payload where id <= 10000; vacuum numbers');
my $hit = $target->poll_query_until('postgres', "select count(*) > 0 from pgclone_tasks_view where job_id = $job "
      . "and (sqlstate = '40001' or attempts > 1)");
is($hit, 1, 'a recovery conflict ends the COPY: shown, and to be tried again');
is(wait_for_end($job), 'completed', 'the job completes') or diag(on_target("select error_message from pgclone_jobs_view where job_id = $job"));
is_equal('numbers', 'conflict', 'with all rows');
is(on_target("select count(*) from (select id from conflict group by id having count(*) > 1) as x"), 0, 'and none twice');
nothing_left('recovery conflict');

$job = submit('public.numbers', { target_name => 'promoted', where => $slow }, from_standby());
$standby->poll_query_until('postgres', "select count(*) > 0 from pg_stat_activity where application_name like 'pgclone job % table worker%' "
      . "and query like '%COPY%' and state = 'active'");
$standby->promote;
is(wait_for_end($job), 'completed', 'the source is promoted in the COPY: completed');
is_equal('numbers', 'promoted', 'with all rows');
nothing_left('promoted source');
$standby->stop('fast');

# --- A standby as the target

my $copy = make_standby($target, 'copy_of_target');
like(($copy->psql('postgres', 'select pgclone_submit(' . literal(source_conninfo()) . ", 'table', 'public.numbers')"))[2],
    qr/recovery is in progress/, 'a standby takes no jobs');
is($copy->safe_psql('postgres', 'select count(*) from pgclone_jobs_view') > 0, 1, 'but shows them');
sub supervisors { return scalar grep { /supervisor/ } values %{ { PgcloneTest::pgclone_processes($copy->{_pid}) } }; }
is(supervisors(), 0, 'it has no supervisor');
$target->stop('fast');
$copy->promote;
my $began = time;
ok(wait_until(sub { supervisors() == 1 }, 10), 'once it is promoted the supervisor starts');
cmp_ok(time - $began, '<=', 5, 'within five seconds');
my $number = $copy->safe_psql('postgres', 'select pgclone_submit(' . literal(source_conninfo())
      . ", 'table', 'public.numbers', '{\"target_name\": \"afterwards\"}')");
is($copy->safe_psql('postgres', "select pgclone_wait($number, '30 s')"), 'completed', 'and carries out jobs');
is($copy->safe_psql('postgres', 'select count(*) from afterwards'), 20_000, 'with all rows');
unlike(server_log($_), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed') foreach ($target, $copy);
done_testing();
