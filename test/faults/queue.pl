# The queue: exactly what was committed runs, once; a full queue is an error, not a loss.
use strict;
use warnings FATAL => 'all';

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers();
on_source('create table one as select 1 as id');
on_target("create sequence names; create function submit_one(name text) returns bigint language sql "
      . 'as $$ select pgclone_submit(' . literal(source_conninfo()) . ", 'table', 'public.one', "
      . "jsonb_build_object('target_name', name, 'parallel', 1)) \$\$");

sub run
{
    my ($sql) = @_;
    my ($status, $out, $err) = $target->psql('postgres', "\\set VERBOSITY verbose\n$sql;\n",
        on_error_stop => 0);
    return $out . $err;
}

# Ends all jobs and returns the names of their tables.
sub finished_names
{
    $target->poll_query_until('postgres', 'select count(*) = 0 from pgclone_live_jobs()');
    my $names = on_target("select string_agg(target_name || ' ' || status, ', ' order by job_id) "
          . 'from pgclone_job');
    on_target('select pgclone_clear_jobs()');
    return $names;
}

# --- Transactions

my $session = session($target);
$session->query("begin; select submit_one('never')");
is(on_target('select count(*) from pgclone_live_jobs()'), 0, 'no slot before the commit');
$session->query('rollback');
is(on_target('select count(*) from pgclone_job'), 0, 'submit and rollback: no job');

$session->query(<<'SQL');
begin;
select submit_one('a');
savepoint s1;
select submit_one('lost_1');
savepoint s2;
select submit_one('lost_2');
release s2;
rollback to s1;
select submit_one('b');
savepoint s3;
select submit_one('c');
release s3;
do $$ begin
  begin perform submit_one('lost_3'); raise division_by_zero; exception when others then null; end;
  begin perform submit_one('d'); exception when others then null; end;
end $$;
commit;
SQL
is(finished_names(), 'a completed, b completed, c completed, d completed',
    'savepoints and exception blocks: what committed runs');
is($target->safe_psql('postgres', "select count(*) from pg_class where relname like 'lost%' or relname = 'never'"),
    0, 'nothing else does');
$session->query("begin; select submit_one('gone'); savepoint s; select submit_one('gone_2'); select 1/0; commit");
is(on_target('select count(*) from pgclone_job'), 0, 'an error takes all with it');
end_session($session);
like(run("begin; select submit_one('prepared'); prepare transaction 'p'"), qr/ERROR:.*PREPARE/,
    'PREPARE TRANSACTION is refused');
nothing_left('transactions');

# --- A hundred in one statement, in their order

on_target("select submit_one('h' || g) from generate_series(1, 100) as g");
is(finished_names(), join(', ', map { "h$_ completed" } 1 .. 100), 'a hundred in one statement');
nothing_left('a hundred');

# --- Full

my $max_jobs = on_target("select current_setting('pgclone.max_jobs')");
my $output = run("select count(submit_one('full' || g)) from generate_series(1, $max_jobs + 1) as g");
like($output, qr/ERROR:  53400: /, 'one more than there are slots: 53400');
like($output, qr/HINT: .*pgclone\.max_jobs/, 'with a hint that names the setting');
is(on_target('select count(*) from pgclone_job') . on_target('select count(*) from pgclone_live_jobs()'),
    '00', 'nothing is queued by half');

# --- Many sessions

my $script = $PostgreSQL::Test::Utils::tmp_check . '/submit.sql';
append_to_file($script, "select submit_one('m' || nextval('names'));\n");
my ($out, $err) = ('', '');
my $started = on_target('select clock_timestamp()');
IPC::Run::run([ 'pgbench', '-n', '-c', 8, '-t', 25, '-f', $script, $target->connstr('postgres') ],
    '>', \$out, '2>', \$err)
  or diag($err);
is($target->poll_query_until('postgres',
        'select count(*) = 0 from pgclone_live_jobs()'), 1, 'two hundred from eight sessions end');
my $seconds = on_target("select extract(epoch from max(finished_at) - '$started') from pgclone_job");
is(on_target("select count(*) || ' ' || string_agg(distinct status, ' ') from pgclone_job"),
    '200 completed', 'all completed, none lost');
is(on_target("select count(*) from pg_class where relname ~ '^m[0-9]+\$'"), 200, 'each has its table');
is(on_target("select max(attempts) from pgclone_job"), 1, 'none was run twice');
nothing_left('many sessions');
diag(sprintf 'queue: 200 jobs in %.1f s, %.1f jobs/s', $seconds, 200 / $seconds);

done_testing();
