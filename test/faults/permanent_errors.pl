# Errors that do not pass end a job at once, in every phase of it; sessions that are lost do not,
# neither before there are tasks nor while the job worker makes things.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use TroubleTest;

my ($source, $target) = start_troubled_servers();
my $job;

# --- Errors that do not pass

foreach my $phase (@phases)
{
    my ($name) = @$phase;
    refuse(1_000_000, '22012', $phase);
    $job = clone_shop(retries => 3);
    is(wait_for_end($job), 'failed 22012', "$name: an error that does not pass ends the job");
    cmp_ok(on_target("select max(attempts) from pgclone_tasks_view where job_id = $job"), '<=', 1,
        "$name: at the first attempt");
    is(on_target("select to_regnamespace('shop') is null"), 't', "$name: nothing stays");
}
refuse(1_000_000, '22012', $validation);
$job = clone_large(retries => 3);
is(wait_for_end($job), 'failed 22012', 'validation: an error that does not pass ends the job');
is(on_target("select to_regnamespace('large') is null"), 't', 'validation: nothing stays');
refuse(1, undef, $validation);
$job = clone_large(retries => 3);
is(wait_for_end($job), 'completed', 'validation: one that may pass is tried again');
is(on_target("select attempts from pgclone_tasks_view where job_id = $job and kind = 'validation'"), 2,
    'validation: at the second attempt');
is(on_target("select bool_and(convalidated) from pg_constraint where contype = 'f'"), 't',
    'validation: the key is valid');
is_equal('large.sale', 'large.sale', 'validation: rows equal');
on_target('drop schema large cascade');
refuse(1_000_000, '40001', $phase{index});
$job = clone_shop(retries => 1);
is(wait_for_end($job), 'failed 40001', 'one that would pass, but does not in time, ends it, too');
is(on_target("select max(attempts) from pgclone_tasks_view where job_id = $job"), 2, 'after its attempts');
is(on_target("select to_regnamespace('shop') is null"), 't', 'nothing stays');
nothing_left('errors that do not pass');
on_target('truncate public.refusal');

# --- Before there are tasks: the source's catalogs, the loopback session

my $locker = session($source);
$locker->query_safe('begin; lock table pg_catalog.pg_policy in access exclusive mode');
$job = clone_shop(retries => 3);
$source->poll_query_until('postgres', "select count(*) > 0 from pg_stat_activity "
      . "where application_name = 'pgclone job $job' and wait_event_type = 'Lock'");
is(job_line($job, 'phase'), 'planning', 'the job reads the catalogs');
terminate_backends($source, "pgclone job $job");
ok(wait_until(sub { job_line($job, 'wait_reason') =~ /^planning: retry 1 of 3 after 57P01$/ }, 5),
    'its session is terminated: shown');
end_session($locker);
is(wait_for_end($job), 'completed', 'it plans again, and completes');
shop_is_equal('planned again');
on_target('drop schema shop cascade');

$locker = session($source);
$locker->query_safe('begin; lock table pg_catalog.pg_policy in access exclusive mode');
$job = clone_shop(retries => 0);
$source->poll_query_until('postgres', "select count(*) > 0 from pg_stat_activity "
      . "where application_name = 'pgclone job $job' and wait_event_type = 'Lock'");
terminate_backends($source, "pgclone job $job");
is(wait_for_end($job), 'failed 57P01', 'without attempts it fails');
end_session($locker);

on_target('create role asked; create role limited login connection limit 0; grant execute on function pgclone_submit to limited; '
      . 'grant create on database postgres to limited; grant usage on schema public to limited; '
      . 'grant all on public.refusal to limited');
on_source("create role asked login password 'secret'; grant usage on schema shop to asked; "
      . 'grant select on all tables in schema shop to asked');
sub submit_limited
{
    return (split /\n/, on_target('set role limited; select pgclone_submit('
          . literal(source_conninfo(user => 'asked', password => 'secret')) . ", 'schema', 'shop', "
          . "'{\"owners\": false, \"acls\": false}')"))[-1];
}
# The source must ask for the password of one who is no superuser.
my $hba = $source->data_dir . '/pg_hba.conf';
my $rules = slurp_file($hba);
unlink $hba;
append_to_file($hba, "host all asked 127.0.0.1/32 scram-sha-256\n$rules");
$source->reload;
$job = submit_limited();
ok(wait_until(sub { job_line($job, 'wait_reason') =~ /^target: retry \d of 3 after 53300$/ }, 10),
    'no connection is left on the target: shown') or diag(job_line($job, 'wait_reason'));
on_target('alter role limited connection limit -1');
is(wait_for_end($job), 'completed', 'the job tries again, and completes')
  or diag(job_line($job, 'error_message'));
is_equal("shop.$_", "shop.$_", "$_: rows equal") foreach @tables;
on_target('drop schema shop cascade');

# --- The job worker's own session goes away while it makes things

foreach my $phase (@phase{qw(table view comment)})
{
    my ($name, $pattern) = @$phase;
    on_target(sprintf 'create or replace function public.watch() returns event_trigger language plpgsql as '
          . '$$ begin if current_query() ~ %s then perform pg_advisory_xact_lock_shared(55); end if; end $$',
        literal($pattern));
    my $holder = session($target);
    $holder->query_safe('select pg_advisory_lock(55)');
    $job = clone_shop(retries => 3);
    $target->poll_query_until('postgres',
        "select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted");
    is($target->safe_psql('postgres', 'select count(pg_terminate_backend(pid)) from pg_locks '
              . "where locktype = 'advisory' and not granted") > 0, 1, "$name: its session is terminated");
    end_session($holder);
    is(wait_for_end($job), 'completed', "$name: the job completes") or diag(job_line($job, 'error_message'));
    shop_is_equal($name);
    on_target('drop schema shop cascade');
}
nothing_left('in the end');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
