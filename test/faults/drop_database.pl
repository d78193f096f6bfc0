# DROP DATABASE and DROP EXTENSION while jobs run: of another database it is not held up, of the
# job's own it ends the job and frees its slot.
use strict;
use warnings FATAL => 'all';

use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time);

my $stall_timeout = 4; # s

my ($source, $target) = start_servers(
    target => [ 'pgclone.max_jobs = 1', 'pgclone.connect_timeout = 60s' ]);
make_numbers('numbers', 100_000);

# Drops a database that nobody uses, and returns the seconds that it took.
sub drop_unrelated
{
    on_target('create database unrelated');
    my $started = time;
    on_target('drop database unrelated');
    return time - $started;
}

# --- Another database

cmp_ok(drop_unrelated(), '<=', 5, 'idle: another database can be dropped');

my $mute = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die $!;
my $job = submit('public.numbers', {}, source => source_conninfo(port => $mute->sockport));
wait_for_phase($job, 'connecting');
cmp_ok(drop_unrelated(), '<=', 5, 'while a worker connects');
cancel_and_wait($job);

on_target('create table numbers (id integer)');
my $user = session($target);
$user->query_safe('begin; select count(*) from numbers');
$job = submit('public.numbers', { conflict => 'replace' });
$target->poll_query_until('postgres',
    "select count(*) > 0 from pg_locks where relation = 'numbers'::regclass and not granted");
cmp_ok(drop_unrelated(), '<=', 5, 'while a worker waits for a lock');
end_session($user);
is(wait_for_end($job), 'completed', 'the job goes on');

my $rows_flow = 'id % 500 <> 0 or pg_sleep(0.02) is not null';
$job = submit('public.numbers', { target_name => 'flowing', where => $rows_flow });
$target->poll_query_until('postgres',
    "select rows_copied > 0 from pgclone_jobs_view where job_id = $job");
cmp_ok(drop_unrelated(), '<=', 5, 'while rows flow');
cancel_and_wait($job);

# A session in the middle of COPY FROM STDIN takes note of nothing until more rows come.
$target->append_conf('postgresql.conf', "pgclone.stall_timeout = ${stall_timeout}s");
$target->reload;
my $gate = close_gate(1);
$job = submit('public.numbers',
    { target_name => 'silent', retries => 0, where => gate_where(1, 'id = 50000') });
wait_at_gate(1);
my ($stopped) = backend_pids($source, "pgclone job $job table worker %");
kill 'STOP', $stopped;
cmp_ok(drop_unrelated(), '<=', $stall_timeout + 3, 'while a COPY waits for a silent source');
is(wait_for_end($job), 'failed 08006', 'whose job fails');
kill 'CONT', $stopped;
end_session($gate);
nothing_left('another database');

# --- The job's own database

$target->append_conf('postgresql.conf', 'pgclone.stall_timeout = 300s');
$target->reload;
on_target('create database own');
$target->safe_psql('own', 'create extension pgclone');

# Starts a job in the database `own` that stops in the middle of its COPY.
sub submit_in_own
{
    my ($key) = @_;
    my $session = close_gate($key);
    $target->safe_psql('own', 'select pgclone_submit(' . literal(source_conninfo())
          . ", 'table', 'public.numbers', jsonb_build_object('where', "
          . literal(gate_where($key, 'id = 50000')) . '))');
    wait_at_gate($key);
    return $session;
}

# With max_jobs = 1, a job elsewhere can only run if the slot is free.
sub slot_is_free
{
    my ($name) = @_;
    return wait_until(sub {
            my ($status, $out, $err) = $target->psql('postgres', 'select pgclone_submit('
                  . literal(source_conninfo()) . ", 'table', 'public.numbers', '{\"target_name\": \"$name\"}')");
            return $status == 0 ? wait_for_end($out) : 0;
        }, 20);
}

$gate = submit_in_own(2);
my $started = time;
on_target('drop database own with (force)');
cmp_ok(time - $started, '<=', 5, 'DROP DATABASE WITH (FORCE) while its job copies');
is(slot_is_free('after_force'), 'completed', 'its slot is free: another job can run');
end_session($gate);
nothing_left('own database dropped');

on_target('create database own');
$target->safe_psql('own', 'create extension pgclone');
$gate = submit_in_own(3);
$target->safe_psql('own', 'create role nobody_much');
like(($target->psql('own', 'set role nobody_much; drop extension pgclone'))[2],
    qr/must be owner of extension pgclone/, 'not everybody may drop the extension');
is($target->safe_psql('own', 'select status from pgclone_jobs_view'), 'running', 'or stop its jobs');
my $dropper = session($target, 'own');
background($dropper, "drop extension pgclone;\n\\echo dropped");
ok(wait_until(sub { output_of($dropper) =~ /dropped/ }, 5), 'DROP EXTENSION while its job copies');
unlike(output_of($dropper), qr/ERROR/, 'without an error');
open_gate($gate);
is(slot_is_free('after_drop_extension'), 'completed', 'its slot is free: another job can run');
end_session($dropper);
is($target->safe_psql('own', "select count(*) from pg_class where relname like 'pgclone%'"), 0,
    'nothing of it is left in the database');
nothing_left('extension dropped');

done_testing();
