# Errors that may pass are tried again, in every phase of a job, with a back-off that grows, and the
# views say so meanwhile.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use TroubleTest;

my ($source, $target) = start_troubled_servers();

# --- Each phase is refused once, by an error that may pass

# What waits is looked at in the views, and noted by the ledger's own table, since a look may come
# too late: SQLSTATE, attempts, whether the time of the next one is in the future.
on_target(<<'SQL');
create table public.seen (what text);
create function public.note() returns trigger language plpgsql as $$
begin
    insert into public.seen values (concat_ws(' ', new.sqlstate, new.attempts, new.status,
                                              new.next_attempt_at > new.finished_at, new.error_message));
    return null;
end
$$;
create trigger note after update on pgclone_task for each row
    when (new.next_attempt_at is not null) execute function public.note();
SQL
refuse(1, undef, @phases);
my $job = clone_shop(retries => 3);
my (%shown, %reasons);
wait_until(
    sub {
        foreach my $line (split /\n/, on_target(<<SQL))
select 'task', concat_ws(' ', sqlstate, attempts, status, next_attempt_at > finished_at, error_message)
from pgclone_tasks_view where job_id = $job and next_attempt_at is not null
union all select 'job', wait_reason from pgclone_jobs_view
where job_id = $job and wait_reason is not null
SQL
        {
            my ($what, $state) = split /\|/, $line, 2;
            $what eq 'job' ? $reasons{$state}++ : $shown{$state}++;
        }
        return outcome($job) =~ /^(completed|failed)/;
    },
    60);
my %seen = map { $_ => 1 } split /\n/, on_target('select what from public.seen');
on_target('drop trigger note on pgclone_task; drop function public.note(); drop table public.seen');
ok(%shown > 0, 'the view shows tasks that wait');
is(join("\n", grep { !$seen{$_} } keys %shown), '', 'as the ledger has them');
is(outcome($job), 'completed', 'an error that may pass in each phase: the job completes');
foreach my $phase (@phases)
{
    my ($name, undef, $sqlstate) = @$phase;
    my @noted = grep { /^$sqlstate \d+ pending t .*\b$name is refused/ } keys %seen;
    ok(@noted > 0, "$name: the ledger has $sqlstate, the attempt, and when the next one is")
      or diag(join "\n", sort keys %seen);
    is(on_target("select last_value from public.refused_$name") > 1, 1, "$name: tried again");
}
ok((grep { /^retry after [0-9A-Z]{5}$/ } keys %reasons) > 0, 'the job says that it waits for that')
  or diag(join ', ', keys %reasons);
is(on_target("select count(*) from pgclone_tasks_view where job_id = $job "
          . 'and (next_attempt_at is not null or sqlstate is not null)'), 0, 'in the end nothing of that is left');
shop_is_equal('each phase');
nothing_left('each phase');
on_target('truncate public.refusal; drop schema shop cascade');

# --- The back-off grows

refuse(3, undef, $phase{index});
$job = clone_shop(retries => 3);
my %delays;
wait_until(
    sub {
        my ($attempts, $delay) = split /\|/, on_target("select attempts, "
              . 'extract(epoch from next_attempt_at - finished_at) from pgclone_tasks_view '
              . "where job_id = $job and next_attempt_at is not null limit 1");
        $delays{$attempts} = $delay if defined $delay;
        return outcome($job) =~ /^(completed|failed)/;
    },
    60);
is(outcome($job), 'completed', 'three errors in a row: the job completes');
is(join(' ', sort keys %delays), '1 2 3', 'each attempt is shown');
foreach my $attempt (sort keys %delays)
{
    my $least = 0.5 * 2**($attempt - 1);
    ok($delays{$attempt} >= $least && $delays{$attempt} <= 1.3 * $least,
        "back-off after attempt $attempt: $delays{$attempt} s");
}
on_target('truncate public.refusal; drop schema shop cascade');
# --- The last step, in whose transaction the job is completed

refuse(1, undef, [ publish => 'RENAME TO', '40001' ]);
$job = submit('large.customer', { target_schema => 'public', retries => 3 });
is(wait_for_end($job), 'completed', 'publish: an error that may pass');
is(on_target("select max(attempts) from pgclone_tasks_view where job_id = $job and kind = 'publish'"), 2,
    'publish: at the second attempt');
is_equal('large.customer', 'public.customer', 'publish: rows equal');
nothing_left('back-off');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
