# One snapshot for all: what is cloned while the source is written at full speed is the source at
# one moment, large tables in pieces and small ones alike.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use IPC::Run qw(start finish);

my ($source, $target) = start_servers(target => [ 'pgclone.split_threshold = 2MB' ]);
$source->safe_psql('postgres', 'create database bank');
$source->command_ok([ 'pgbench', '-i', '-q', '-s', '3', '--foreign-keys', 'bank' ],
    'a source with four tables');
# What pgbench itself does not keep: accounts and their number, in a transaction each.
$source->safe_psql('bank', <<'SQL');
create table tally (accounts bigint, moved bigint);
insert into tally select count(*), 0 from pgbench_accounts;
create table part (id bigint generated always as identity primary key, aid integer references pgbench_accounts)
    partition by range (id);
create table part_1 partition of part for values from (1) to (1000);
create table part_2 partition of part for values from (1000) to (maxvalue);
SQL
my $script = $source->basedir . '/move.sql';
PostgreSQL::Test::Utils::append_to_file($script, <<'SQL');
\set aid random(1, 300000)
\set other random(1, 300000)
\set delta random(-5000, 5000)
begin;
update pgbench_accounts set abalance = abalance + :delta where aid = :aid;
update pgbench_accounts set abalance = abalance - :delta where aid = :other;
insert into part (aid) values (:aid);
update tally set moved = moved + 1;
end;
SQL

# Each clone is compared with itself: what every transaction keeps true is true of it.
my $checks = <<'SQL';
select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)
       and (select sum(abalance) from pgbench_accounts) = (select sum(bbalance) from pgbench_branches)
       and (select sum(abalance) from pgbench_accounts) = (select sum(tbalance) from pgbench_tellers),
       (select count(*) from pgbench_accounts) = (select accounts from tally),
       (select count(*) from part) = (select moved from tally),
       not exists (select from pg_constraint where not convalidated)
SQL

my @load;
foreach my $file ([ '-b', 'tpcb-like' ], [ '-f', $script ])
{
    my $out = '';
    push @load,
      start([ 'pgbench', '-n', '-c', '2', '-T', '600', @$file, '-h', $source->host, '-p', $source->port,
            'bank' ], '>', \$out, '2>', \$out);
}
ok(wait_until(sub { $source->safe_psql('bank', 'select moved > 100 from tally') eq 't' }), 'it is written to');

foreach my $parallel (1, 4)
{
    my $name = "clone_$parallel";
    $target->safe_psql('postgres', "create database $name");
    $target->safe_psql($name, 'create extension pgclone');
    my $before = $source->safe_psql('bank', 'select moved from tally');
    is( $target->safe_psql($name,
            sprintf("select pgclone_database(%s, options => '{\"parallel\": $parallel}')",
                literal(source_conninfo(dbname => 'bank')))),
        'completed',
        "a clone with $parallel table workers");
    my $after = $source->safe_psql('bank', 'select moved from tally');
    cmp_ok($after, '>', $before, 'while transactions went on');
    is($target->safe_psql($name, $checks), 't|t|t|t', 'sums, counts and keys agree');
    my $pieces = $target->safe_psql($name,
        "select count(*) from pgclone_tasks_view where predicate ~ 'ctid'");
    cmp_ok($pieces, '>', 1, 'a table was copied in pieces') if $parallel > 1;
}
$_->signal('INT') foreach @load;
finish($_) foreach @load;

stop_servers();
done_testing();
