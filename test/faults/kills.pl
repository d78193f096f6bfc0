# Processes of the target are killed at random moments while it clones a mixed database that is
# written to: no row is lost or doubled, no table falsely done, no job stuck.
#
# PGCLONE_KILLS = number of kills (8), PGCLONE_SEED = what the random numbers begin with. A long run
# prints what it has found by the way.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time usleep);

my $kills = $ENV{PGCLONE_KILLS} // 8;
my $seed = $ENV{PGCLONE_SEED} // int(time);
srand $seed;
note("PGCLONE_SEED=$seed PGCLONE_KILLS=$kills");

my ($source, $target) = start_servers(target => ['pgclone.max_workers = 12',
        'pgclone.split_threshold = 4MB']);

# No unlogged tables: when a backend that outlives the postmaster rolls back what has made one, and
# the record of that is lost, PostgreSQL 15 removes the init fork, finds it again in the log, and ends
# its recovery with "could not create file". (resume.pl has one.)
on_source(<<'SQL');
create schema bank;
create table bank.branches (id integer primary key, balance bigint not null default 0);
create table bank.accounts (id integer primary key, branch integer not null references bank.branches,
    balance bigint not null default 0, filler text);
create table bank.history (id bigint generated always as identity primary key,
    account integer not null references bank.accounts, delta bigint not null, note text);
create index on bank.history (account);
create table bank.fixed (id integer primary key, payload jsonb, tags text[]);
create index on bank.fixed using gin (tags);
insert into bank.branches (id) select g from generate_series(1, 20) g;
insert into bank.accounts (id, branch, filler)
    select g, 1 + g % 20, repeat('x', 80) from generate_series(1, 60000) g;
insert into bank.fixed select g, jsonb_build_object('n', g), array['t' || g % 7, 'u' || g % 3]
    from generate_series(1, 20000) g;
do $$begin for i in 1..30 loop
    execute format('create table bank.small_%s (id integer primary key, n integer)', i);
    execute format('insert into bank.small_%s select g, g * %s from generate_series(1, 100) g', i, i);
end loop; end$$;
create view bank.totals as select branch, sum(balance) from bank.accounts group by branch;
analyze;
create procedure bank.move() language plpgsql as $$
declare a integer := 1 + random() * 59999; d integer := random() * 100;
begin
    update bank.accounts set balance = balance + d where id = a;
    update bank.branches set balance = balance + d where id = 1 + a % 20;
    insert into bank.history (account, delta) values (a, d);
end $$;
SQL

# Writes until it is stopped.
my $writer = session($source);
background($writer, 'do $$begin loop call bank.move(); commit; perform pg_sleep(0.002); end loop; end$$');

# What must be true of a snapshot of the source, whenever it was taken: one line.
my $checks = <<'SQL';
select concat_ws(' ',
    (select count(*) from bank.accounts), (select count(distinct id) from bank.accounts),
    (select sum(balance) from bank.accounts) = (select coalesce(sum(delta), 0) from bank.history),
    (select sum(balance) from bank.branches) = (select coalesce(sum(delta), 0) from bank.history),
    (select count(*) from bank.accounts a left join
        (select account, sum(delta) as s from bank.history group by 1) h on h.account = a.id
     where a.balance <> coalesce(h.s, 0)),
    (select md5(string_agg(f::text, ',' order by id)) from bank.fixed f),
    (select count(*) from bank.totals),
    (select sum((xpath('/row/c/text()', query_to_xml('select count(*) as c from bank.' || relname,
        false, true, '')))[1]::text::integer) from pg_class where relname ~ '^small_\d+$'),
    (select count(*) from pg_index i join pg_class c on c.oid = indexrelid
     where relnamespace = 'bank'::regnamespace and indisvalid),
    (select count(*) from pg_constraint where connamespace = 'bank'::regnamespace and convalidated))
SQL
my $expected = on_source($checks);
like($expected, qr/^60000 60000 t t 0 /, 'the source is as it is to be');

# One of the server's processes, of ours twice as often; or the postmaster.
sub choose_victim
{
    return $target->{_pid} if rand() < 0.1;
    my %ours = pgclone_processes($target->{_pid});
    my @children = grep { PgcloneTest::read_proc("$_/stat") =~ /\) \S $target->{_pid} / }
      map { m{/proc/(\d+)$} ? $1 : () } glob '/proc/[0-9]*';
    my @choice = rand() < 0.5 && %ours ? keys %ours : @children;
    return $choice[rand @choice];
}

# A server whose recovery is killed gives up, and is started again.
sub be_up
{
    return wait_until(sub {
            my $answer = ask_target('select 1');
            if (!defined $answer and !kill 0, $target->{_pid})
            {
                $target->{_pid} = undef;
                $target->start;
            }
            return defined $answer;
        });
}

my ($killed, $done, $held, $slowest, $job) = (0, 0, 0, 0, undef);
my ($wrong, $stuck) = (0, 0);

# Takes a look at the job; begins another one if it has ended.
sub look
{
    my $state = ask_target("select concat_ws(' ', status, error_message) from pgclone_jobs_view where job_id = "
          . ($job // 0));
    return unless defined $state;
    if ($state =~ /^held crashed the server/)
    {
        $held++;
        ask_target("select pgclone_resume($job)");
    }
    elsif ($state =~ /^completed/)
    {
        my $found = ask_target($checks);
        return unless defined $found; # killed meanwhile
        $done++;
        if ($found ne $expected)
        {
            $wrong++;
            diag("job $job:\n  $found\nnot\n  $expected");
        }
        ask_target('drop schema bank cascade') // return;
        $job = undef;
    }
    elsif ($state =~ /^(failed|cancelled)/)
    {
        $wrong++;
        diag("job $job: $state");
        $job = undef;
    }
    return if defined $job;
    ask_target('drop schema if exists bank cascade');
    my $options = rand() < 0.5 ? '{"parallel": 3}' : '{"parallel": 1, "rate_limit": "20MB/s"}';
    $job = ask_target('select pgclone_submit(' . literal(source_conninfo()) . ", 'schema', 'bank', '$options')");
}

while ($killed < $kills)
{
    look();
    usleep(3_000_000 * rand());
    look() if rand() < 0.3;
    my $victim = choose_victim() // next;
    my $is_postmaster = $victim == $target->{_pid};
    $is_postmaster ? $target->kill9 : kill 'KILL', $victim;
    $killed++;
    if ($is_postmaster)
    {
        # Its children notice, and it is forgotten.
        wait_until(sub { !kill(0, $victim) and !%{ { pgclone_processes() } } });
        $target->start;
    }
    be_up() or last;
    # The job was committed, unless its submit was not: it is seen at once, and runs soon.
    next unless defined $job and defined ask_target("select 1 from pgclone_jobs_view where job_id = $job");
    my $since = time;
    my $is_seen = wait_until(sub {
            my $status = ask_target("select status from pgclone_jobs_view where job_id = $job and "
                  . "(status <> 'pending' or cardinality(array(select 1 from pgclone_live_jobs())) > 0)");
            return defined $status && $status ne '';
        }, 30);
    my $took = time - $since;
    $slowest = $took if $took > $slowest;
    unless ($is_seen)
    {
        my $known = ask_target("select count(*) from pgclone_jobs_view where job_id = $job");
        $job = undef, next if defined $known and $known eq '0'; # its submit was lost in the crash
        $stuck++;
        diag("job $job is stuck: " . (ask_target("select j::text from pgclone_jobs_view j where job_id = $job") // ''));
    }
    note("$killed kills, $done jobs completed, $held times held") if $killed % 20 == 0;
}

# Left alone, the last one completes.
be_up();
look();
my $last = $job;
ok(wait_until(sub {
            look();
            return !defined $job || $job != $last;
        }), 'the last job ends');
note("$killed kills, $done jobs completed, $held times held; running again after $slowest s at most");
is($killed, $kills, 'all kills were done');
is($wrong, 0, 'no job failed, no clone differs');
is($stuck, 0, 'no job is stuck');
cmp_ok($slowest, '<=', 10, 'running again within 10 s');
cmp_ok($done, '>=', 1, 'jobs were completed');
$source->safe_psql('postgres', "select pg_terminate_backend(pid) from pg_stat_activity "
      . "where query like 'do %call bank.move%' and pid <> pg_backend_pid()");
end_session($writer);
on_target("select pgclone_cancel($job)") if defined $job;
wait_until(sub { on_target('select count(*) from pgclone_live_jobs()') eq '0' });
nothing_left('in the end');
done_testing();
