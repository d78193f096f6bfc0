# The password in a user mapping changes while a job runs. Sessions that are there go on; the job keeps
# the password that it started with, so one that has to log in anew fails with it, at once and
# clearly, and the next job has the new one.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers(source => ["password_encryption = 'scram-sha-256'"]);
make_numbers('numbers', 20_000);
on_source("create role reader login password 'first'; grant select on numbers to reader");
my $hba = $source->data_dir . '/pg_hba.conf';
my $rules = slurp_file($hba);
unlink $hba;
append_to_file($hba, "host all reader 127.0.0.1/32 scram-sha-256\n$rules");
$source->reload;
on_target('create extension postgres_fdw; create role app login; grant create on schema public to app; '
      . 'grant execute on function pgclone_submit to app; '
      . "create server shop foreign data wrapper postgres_fdw options (host '127.0.0.1', port '" . $source->port . "', dbname 'postgres'); "
      . "grant usage on foreign server shop to app; create user mapping for app server shop options (user 'reader', password 'first')");
my $key = 0;

sub submit_to_gate
{
    my ($name) = @_;
    my $session = close_gate(++$key);
    my $job = (split /\n/, on_target('set role app; select pgclone_submit(\'shop\', \'table\', \'public.numbers\', '
          . "jsonb_build_object('target_name', '$name', 'where', " . literal(gate_where($key, 'id = 10000')) . '))'))[-1];
    wait_at_gate($key);
    return ($job, $session);
}

my ($job, $gate) = submit_to_gate('goes_on');
on_source("alter role reader password 'second'");
on_target("alter user mapping for app server shop options (set password 'second')");
open_gate($gate);
is(wait_for_end($job), 'completed', 'sessions that are there go on');
is_equal('numbers', 'goes_on', 'with all rows');

($job, $gate) = submit_to_gate('logs_in');
on_source("alter role reader password 'third'");
on_target("alter user mapping for app server shop options (set password 'third')");
terminate_backends($source, 'pgclone job %');
open_gate($gate);
is(wait_for_end($job), 'failed 28P01', 'one that is to log in anew fails: the job has the old password');
is(on_target("select to_regclass('logs_in') is null"), 't', 'and leaves nothing');
nothing_left('old password');

$gate = close_gate(9);
open_gate($gate);
$job = (split /\n/, on_target("set role app; select pgclone_submit('shop', 'table', 'public.numbers', '{\"target_name\": \"again\"}')"))[-1];
is(wait_for_end($job), 'completed', 'the next job has the new one');
is_equal('numbers', 'again', 'with all rows');

# A job that waits on the queue of a restart looks it up anew.
($job, $gate) = submit_to_gate('resumed');
on_source("alter role reader password 'fourth'");
on_target("alter user mapping for app server shop options (set password 'fourth')");
$target->stop('immediate');
$target->start;
open_gate($gate);
is(wait_for_end($job), 'completed', 'so has a job that goes on after a restart');
is_equal('numbers', 'resumed', 'with all rows');
nothing_left('mapping');
done_testing();
