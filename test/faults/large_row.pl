# A row of hundreds of megabytes, and one that no row of a COPY may be: equal, or an error that names
# the table; and the worker's memory has a bound.
#
# Takes gigabytes of memory and of the disk, so it is done with PGCLONE_LONG=1 only.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

plan skip_all => 'PGCLONE_LONG is not set' unless $ENV{PGCLONE_LONG};

my ($source, $target) = start_servers(source => ['fsync = off'], target => ['fsync = off']);
on_source(<<'SQL');
create table fits (id integer, content text);
alter table fits alter content set storage external;
insert into fits select g, repeat(md5(g::text), 13 * 1000 * 1000) from generate_series(1, 2) as g; -- 416 MB
create schema big;
create table big.fits_not (id integer, one text, two text, three text);
alter table big.fits_not alter one set storage external, alter two set storage external, alter three set storage external;
-- 1,152 MB, more than a COPY makes a row of; one value after the other, or the server would not take it
insert into big.fits_not values (1, repeat(md5('1'), 12 * 1000 * 1000));
update big.fits_not set two = repeat(md5('2'), 12 * 1000 * 1000);
update big.fits_not set three = repeat(md5('3'), 12 * 1000 * 1000);
SQL
my $peak = 0;
sub run
{
    my ($scope, $object) = @_;
    my $job = submit($object, { retries => 0 }, scope => $scope);
    wait_until(
        sub {
            foreach my $pid (worker_processes(qr/table worker $job\./))
            {
                my $size = PgcloneTest::process_status($pid, 'VmHWM') // 0;
                $peak = $size if $size > $peak;
            }
            return outcome($job) =~ /^(completed|failed)/;
        },
        240);
    return $job;
}
my $job = run('table', 'public.fits');
is(outcome($job), 'completed', 'rows of 416 MB: completed');
my $sum = "select string_agg(id || ' ' || length(content) || ' ' || md5(content), ', ' order by id) from fits";
is(on_target($sum), on_source($sum), 'and equal');
$job = run('schema', 'big');
like(outcome($job), qr/^failed (54000|53200|XX000)$/, 'a row above 1 GB: failed');
like(on_target("select concat_ws(' ', error_message, error_detail) from pgclone_job where job_id = $job"), qr/big\.fits_not/,
    'the error names the table');
is(on_target("select to_regnamespace('big') is null"), 't', 'and nothing stays');
cmp_ok($peak, '<', 3 * 1024 * 1024, sprintf 'a table worker took %d MB at most', $peak / 1024);
nothing_left('large rows');
unlike(server_log($_), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed') foreach ($source, $target);
done_testing();
