# Notifications are a hint: they are sent with the state that they tell, in the database of the job, and
# no job depends on anybody hearing them.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers();
make_numbers('numbers', 1000);
on_target('create database other');
$target->safe_psql('other', 'create extension pgclone');

# What a listening session has heard, as "job event status".
sub heard
{
    my ($session) = @_;
    my $said = $session->query('select 1') // '';
    $said .= output_of($session);
    return join ', ', map {
        my $payload = JSON::PP::decode_json($_);
        "$payload->{job_id} $payload->{event} $payload->{status}"
    } $said =~ /pgclone_events" with payload "(\{.*?\})" received/g;
}

my $listener = session($target);
my $elsewhere = session($target, 'other');
$_->query_safe('listen pgclone_events') foreach ($listener, $elsewhere);

my $silent = submit('public.numbers', { target_name => 'first' });
is(wait_for_end($silent), 'completed', 'a job completes');
is(heard($listener), "$silent started running, $silent completed completed", 'who listens hears both events');
is(heard($elsewhere), '', 'another database hears nothing');

my $failing = submit('public.missing');
is(wait_for_end($failing), 'failed 42P01', 'a job fails');
is(heard($listener), "$failing started running, $failing failed failed", 'that is heard');

my $gate = close_gate(1);
my $cancelled = submit('public.numbers', { target_name => 'second', where => gate_where(1, 'id = 500') });
wait_at_gate(1);
cancel_and_wait($cancelled);
is(heard($listener), "$cancelled started running, $cancelled cancelled cancelled", 'a cancel is heard');
end_session($gate);

# A session that listens and never reads holds nobody up.
$elsewhere->query_safe('unlisten *');
my $deaf = session($target);
$deaf->query_safe('listen pgclone_events; begin; select 1');
my @jobs = map { submit('public.numbers', { target_name => "deaf_$_" }) } 1 .. 5;
is(wait_for_end($_), 'completed', 'nobody reads: completed') foreach @jobs;
end_session($deaf);
heard($listener);

# Nobody listens, and the server crashes before anybody could.
$_->query_safe('unlisten *') foreach ($listener);
$gate = close_gate(2);
my $crashed = submit('public.numbers', { target_name => 'third', where => gate_where(2, 'id = 500') });
wait_at_gate(2);
$target->stop('immediate');
$target->start;
end_session($gate);
is(wait_for_end($crashed), 'completed', 'nobody listens, and the server crashes: completed');
is_equal('numbers', 'third', 'with all rows');
my $latecomer = session($target);
$latecomer->query_safe('listen pgclone_events');
is(heard($latecomer), '', 'who comes late hears nothing of it');
is(outcome($crashed), 'completed', 'and finds it in the view');
end_session($_) foreach ($listener, $elsewhere, $latecomer);
nothing_left('notifications');
done_testing();
