# A job ends while its server takes no new connections (the postmaster is stopped): what it made is
# undone as soon as there are some again.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers(target => ["pgclone.connect_timeout = '1s'"]);
make_numbers('numbers', 100_000);
on_source(<<'SQL');
create schema shop;
create table shop.first as select * from numbers limit 1000;
create table shop.second as select * from numbers;
create index on shop.second (id);
SQL

my $postmaster;
END { kill 'CONT', $postmaster if defined $postmaster; }

# Sessions that exist go on.
my $session = session($target);
sub ask { return $session->query_safe($_[0]) =~ s/\s+\z//r; }

foreach my $case (
    [ 'table', 'public.numbers', { target_name => 'numbers' } ],
    [ 'schema', 'shop', { parallel => 2, rate_limit => '300kB/s' } ])
{
    my ($scope, $object, $options) = @$case;
    my $gate = $scope eq 'table' ? close_gate(1) : undef;
    $options->{where} = gate_where(1, 'id = 50000') if $gate;
    my $job = submit($object, $options, scope => $scope);
    $gate
      ? wait_at_gate(1)
      : $target->poll_query_until('postgres',
        "select rows_copied > 0 from pgclone_jobs_view where job_id = $job");
    $postmaster = $target->{_pid};
    kill 'STOP', $postmaster or die "postmaster: $!";
    is(ask("select pgclone_cancel($job)"), 't', "$scope: cancelled while nobody can connect");
    # (libpq's cancel request of a running statement waits for the postmaster, too: whoever has sent one
    # hangs in it until the server goes on, and is called stalled.)
    my $reason;
    wait_until(
        sub {
            $reason = ask("select wait_reason from pgclone_jobs_view where job_id = $job");
            return $reason =~ /^clean-up: retry \d+ of \d+ after 08001$/;
        },
        30);
    like($reason, qr/^clean-up: retry \d+ of \d+ after 08001$|^stalled: |^target$/,
        "$scope: what is still to be done, and why it is not");
    is(ask("select status from pgclone_jobs_view where job_id = $job"), 'running',
        "$scope: until then the job has not ended");
    kill 'CONT', $postmaster;
    undef $postmaster;
    is(wait_for_end($job), 'cancelled 57014', "$scope: it has in the end");
    is(on_target("select error_hint is null from pgclone_job where job_id = $job"), 't',
        "$scope: there is nothing to add");
    is(on_target("select to_regclass('numbers') is null and to_regnamespace('shop') is null"), 't',
        "$scope: nothing that it made is there");
    end_session($gate) if $gate;
    nothing_left($scope);
}
end_session($session);
done_testing();
