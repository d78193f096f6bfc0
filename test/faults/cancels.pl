# Jobs are cancelled at random moments, in whatever state and phase: they end within two seconds, and
# nothing is left behind on either side.
#
# PGCLONE_CANCELS = how many (15), PGCLONE_SEED = what the random numbers begin with.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time usleep);

my $cancels = $ENV{PGCLONE_CANCELS} // 15;
my $seed = $ENV{PGCLONE_SEED} // int(time);
srand $seed;
note("PGCLONE_SEED=$seed PGCLONE_CANCELS=$cancels");

my ($source, $target) = start_servers(target => ['pgclone.split_threshold = 4MB']);
on_source(<<'SQL');
create schema mixed;
create table mixed.large (id integer primary key, payload text, n integer);
insert into mixed.large select g, repeat(md5(g::text), 4), g % 1000 from generate_series(1, 150000) g;
create index on mixed.large (payload);
create index on mixed.large (n);
create table mixed.detail (id integer primary key, large integer references mixed.large);
insert into mixed.detail select g, g from generate_series(1, 100000) g;
do $$begin for i in 1..150 loop
    execute format('create table mixed.small_%s (id integer primary key, n integer)', i);
    execute format('insert into mixed.small_%s select g, g from generate_series(1, 50) g', i);
end loop; end$$;
create materialized view mixed.totals as select n, count(*) from mixed.large group by n;
create view mixed.seen as select * from mixed.totals;
SQL

my (@times, %states, @bad);
foreach my $number (1 .. $cancels)
{
    my $kind = $number % 5;
    my $job = $kind == 0
      ? submit(undef, { target_database => 'made', parallel => 2 }, scope => 'database')
      : submit('mixed', { parallel => 1 + $number % 3, $kind == 1 ? (rate_limit => '5MB/s') : () },
        scope => 'schema');
    usleep(1_800_000 * rand() ** 2);
    my ($outcome, $ms) = cancel_and_wait($job);
    $states{$outcome}++;
    if ($outcome =~ /^completed/)
    {
        on_target($kind == 0 ? 'drop database made' : 'drop schema mixed cascade');
        next;
    }
    push @times, $ms;
    push @bad, "job $job: $outcome" if $outcome ne 'cancelled 57014';
    my $left = on_target("select concat_ws(' ', to_regnamespace('mixed'), "
          . "(select string_agg(datname, ' ') from pg_database where datname ~ '^(made|pgclone_)'), "
          . '(select count(*) from pgclone_live_jobs()))');
    push @bad, "job $job: left $left" if $left ne '0';
}
@times = sort { $a <=> $b } @times;
note(join ', ', map { "$_: $states{$_}" } sort keys %states);
note(sprintf 'cancelled after %d ms (median), %d ms (99 %%), %d ms (most)',
    $times[@times / 2], $times[int(@times * 0.99)], $times[-1]) if @times;
cmp_ok(scalar @times, '>=', $cancels / 4, 'many were cancelled in time');
is(join("\n", @bad), '', 'each ends as cancelled, with nothing left on the target');
cmp_ok($times[int(@times * 0.99)], '<=', 2000, 'within two seconds');
is(on_source("select count(*) from pg_stat_activity where application_name like 'pgclone%'"), 0,
    'no session is left on the source');
nothing_left('in the end');
done_testing();
