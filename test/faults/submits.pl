# The server crashes around the COMMIT of a submit: each job that was committed runs once, none that
# was not.
#
# PGCLONE_CRASHES = how many (6), PGCLONE_SEED = what the random numbers begin with.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time usleep);

my $crashes = $ENV{PGCLONE_CRASHES} // 6;
my $seed = $ENV{PGCLONE_SEED} // int(time);
srand $seed;
note("PGCLONE_SEED=$seed PGCLONE_CRASHES=$crashes");

# Jobs may come faster than they are done, and all that are held are resumed at once in the end: there has to
# be room for each, or a submit fails.
my ($source, $target) =
  start_servers(target => [ 'pgclone.max_workers = 12', 'pgclone.max_jobs = ' . (3 * $crashes + 10) ]);
make_numbers('numbers', 100);

my (%rolled_back, %acknowledged);
my $refused = '';
foreach my $number (1 .. $crashes)
{
    # Some sessions at once: the crash comes before, in and after their commits.
    my %ends = map { ($_ => rand() < 0.2 ? 'rollback' : 'commit') } map { "copy_${number}_$_" } 1 .. 3;
    my %sessions;
    foreach my $name (sort keys %ends)
    {
        $rolled_back{$name} = 1 if $ends{$name} eq 'rollback';
        $sessions{$name} = session($target);
    }
    # Both may take a moment after a crash.
    my $supervisor = wait_until(sub { (worker_processes(qr/supervisor/))[0] });
    my $victim = wait_until(sub {
            $target->safe_psql('postgres', "select pid from pg_stat_activity where backend_type = 'walwriter'") });
    background($sessions{$_}, 'begin; select pgclone_submit(' . literal(source_conninfo())
          . ", 'table', 'public.numbers', '{\"target_name\": \"$_\"}'); "
          . "$ends{$_}; select 'ended $_'")
      foreach sort keys %ends;
    usleep(25_000 * rand());
    kill 'KILL', $victim;
    wait_until(sub { !kill 0, $supervisor });
    foreach my $name (keys %sessions)
    {
        my $output = output_of($sessions{$name});
        $refused .= $1 if $output =~ /^(.*?ERROR: .*)$/m;
        $acknowledged{$name} = 1 if $output =~ /^ended $name/m and $ends{$name} eq 'commit';
        end_session($sessions{$name});
    }
    wait_for_target();
    note("$number crashes") if $number % 50 == 0;
}

is($refused, '', 'no submit was refused');

# Those that met three crashes in a row are held by rule, and run now.
sub resume_held
{
    return on_target("select count(pgclone_resume(job_id)) from pgclone_jobs_view where status = 'held' "
          . "and error_message = 'crashed the server 3 times'");
}
wait_until(sub { on_target("select not exists (select from pgclone_jobs_view where status in ('pending', 'running'))") eq 't' });
my $held = resume_held();
ok($target->poll_query_until('postgres',
        "select count(*) = 0 from pgclone_jobs_view where status in ('pending', 'running')"),
    'all jobs end');
is(on_target("select string_agg(job_id || ' ' || status, ', ') from pgclone_jobs_view where status <> 'completed'"),
    '', 'all are completed');
my @jobs = split /\n/, on_target('select table_name from pgclone_jobs_view order by 1');
my @tables = split /\n/, on_target("select relname from pg_class where relname like 'copy_%' and relkind = 'r' order by 1");
cmp_ok(scalar @jobs, '>', 0, 'some were committed');
is(scalar @jobs, scalar @tables, 'one table for each job');
is(scalar(grep { $rolled_back{$_} } @tables), 0, 'none of those that were rolled back');
my %made = map { $_ => 1 } @tables;
is(join(' ', grep { !$made{$_} } sort keys %acknowledged), '', 'all whose commit was acknowledged');
is(on_target('select count(*) from (select target_name from (select job_id, count(*) filter '
          . "(where kind = 'publish') as published, min(object_name) as target_name from pgclone_tasks_view "
          . "where kind = 'publish' group by job_id) as j group by 1 having count(*) > 1) as twice"),
    0, 'none ran twice');
my $wrong = on_target(join(' union all ', map { "select '$_' where (select count(*) from $_) <> 100" } @tables) || 'select 1 where false');
is($wrong, '', 'each with all rows');
note(scalar(@jobs) . ' jobs were committed, ' . scalar(keys %acknowledged) . ' acknowledged, ' . "$held held after three crashes");
nothing_left('in the end');
done_testing();
