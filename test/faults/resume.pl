# Jobs that a crash, a stop or a copy of the server interrupted: which go on by themselves, from
# where, and which are held until pgclone_resume.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers(target => ['pgclone.max_workers = 12']);

# Three tables that are copied one after the other, and take their time with a rate limit.
on_source(<<'SQL');
create schema shop;
create table shop.a (id integer generated always as identity primary key, payload text);
create table shop.b (like shop.a including all);
create table shop.c (like shop.a including all);
insert into shop.a (payload) select repeat(md5(g::text), 4) from generate_series(1, 70000) g;
insert into shop.b (payload) select payload from shop.a;
insert into shop.c (payload) select payload from shop.a;
create index on shop.b (payload);
create view shop.totals as select count(*) from shop.a;
analyze;
-- Builds wait for an advisory lock.
create schema late;
create function late.gate(integer) returns integer immutable language plpgsql as
    $$begin perform pg_advisory_xact_lock_shared(77); return $1; end$$;
create table late.logged (id integer primary key, payload text);
create unlogged table late.unlogged (id integer primary key, payload text);
insert into late.logged select g, md5(g::text) from generate_series(1, 1000) g;
insert into late.unlogged select * from late.logged;
create index gated on late.logged (late.gate(id));
create schema late_logged;
create function late_logged.gate(integer) returns integer immutable language plpgsql as
    $$begin perform pg_advisory_xact_lock_shared(77); return $1; end$$;
create table late_logged.t (id integer primary key, payload text);
insert into late_logged.t select * from late.logged;
create index gated on late_logged.t (late_logged.gate(id));
SQL

sub submit_schema
{
    my ($schema, $options, %arguments) = @_;
    return submit($schema, $options, scope => 'schema', %arguments);
}

# Submits the clone of shop; returns when one table is there and the next is on its way.
sub submit_slowly
{
    my (%arguments) = @_;
    my $job = submit_schema('shop',
        { parallel => 1, rate_limit => '8MB/s', %{ $arguments{options} // {} } },
        $arguments{source} ? (source => $arguments{source}) : ());
    wait_for_sql($job, 'tables_completed = 1');
    return $job;
}

sub wait_for_sql
{
    my ($job, $condition, $node) = @_;
    return ($node // $target)->poll_query_until('postgres',
        "select $condition from pgclone_jobs_view where job_id = $job");
}

sub of_job
{
    my ($job, $expression, $node) = @_;
    return ($node // $target)->safe_psql('postgres',
        "select $expression from pgclone_jobs_view where job_id = $job");
}

sub kill_worker
{
    my ($pattern) = @_;
    my ($supervisor) = worker_processes(qr/supervisor/);
    my ($pid) = worker_processes($pattern);
    kill 'KILL', $pid;
    wait_until(sub { !kill 0, $supervisor }); # all processes go
    wait_for_target();
}

sub hurry { on_target("select pgclone_alter($_[0], rate_limit => 'none')"); }

sub shop_is_equal
{
    my ($label, $node) = @_;
    my $query = "select string_agg(t, ' ') from (select md5(string_agg(a::text, ',' order by id)) "
      . 'from shop.a union all select md5(string_agg(b::text, \',\' order by id)) from shop.b '
      . 'union all select md5(string_agg(c::text, \',\' order by id)) from shop.c) as x (t)';
    is(($node // $target)->safe_psql('postgres', $query), on_source($query), "$label: rows equal");
}

sub drop_clone { on_target("drop schema if exists $_[0] cascade"); }

# --- In the middle of the data

my $job = submit_slowly();
kill_worker(qr/table worker/);
hurry($job);
is(wait_for_end($job), 'completed', 'strict: completed after a crash');
shop_is_equal('strict');
is(of_job($job, 'concat_ws(\' \', attempts, consistent)'), '2 t', 'strict: attempts, consistent');
is(on_target("select string_agg(distinct epoch::text, ',') from pgclone_tasks_view "
          . "where job_id = $job and kind = 'data'"), '2', 'strict: all of the second epoch');
nothing_left('strict');
drop_clone('shop');

$job = submit_slowly(options => { consistency => 'relaxed' });
my $first = on_target("select object_name from pgclone_tasks_view where job_id = $job "
      . "and kind = 'data' and status = 'done'");
on_source('insert into shop.a (payload) values (\'late\'); insert into shop.b (payload) values (\'late\');'
      . 'insert into shop.c (payload) values (\'late\')');
kill_worker(qr/table worker/);
hurry($job);
is(wait_for_end($job), 'completed', 'relaxed: completed after a crash');
is(of_job($job, 'concat_ws(\' \', attempts, consistent)'), '2 f', 'relaxed: attempts, not consistent');
is(on_target("select string_agg(epoch || ' ' || rows_target, ', ' order by epoch, task_id) "
          . "from pgclone_tasks_view where job_id = $job and kind = 'data'"),
    '1 70000, 2 70001, 2 70001', 'relaxed: what was done is not copied again');
is(on_target('select ' . join ' || \' \' || ', map { "nextval('shop.${_}_id_seq')" } qw(a b c)),
    '70002 70002 70002', 'relaxed: sequences go on after the last row of any snapshot');
on_source("delete from shop.$_ where payload = 'late'") foreach qw(a b c);
nothing_left('relaxed');
drop_clone('shop');

# --- After the data

foreach my $case (['late_logged', 't', 1], ['late', 'logged', 2])
{
    my ($schema, $table, $epoch) = @$case;
    my $gate = session($target);
    $gate->query_safe('select pg_advisory_lock(77)');
    $job = submit_schema($schema, {});
    $target->poll_query_until('postgres',
        "select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted");
    # Commits of workers wait for no disk: a crash may undo the last of them.
    on_target('create table flushes (); drop table flushes');
    kill_worker(qr/job $job/);
    end_session($gate);
    is(wait_for_end($job), 'completed', "$schema: completed after a crash");
    is(on_target("select max(epoch) from pgclone_tasks_view where job_id = $job"), $epoch,
        "$schema: epochs");
    is(on_target("select count(*) from $schema.$table"), 1000, "$schema: rows");
    is(on_target('select count(*) from pg_index where not indisvalid'), 0, "$schema: valid indexes");
}
is(on_target("select attempts from pgclone_tasks_view where schema_name = 'late_logged' and kind = 'data'"),
    1, 'what was copied is not copied again');
is(on_target('select count(*) from late.unlogged'), 1000, 'a table that the crash emptied is filled again');
drop_clone($_) foreach qw(late late_logged);

# --- Held, resumed, cancelled

$job = submit_slowly(source => source_conninfo(password => 'xyzzy'));
$target->stop('fast');
$target->start;
wait_for_sql($job, "status = 'held'");
is(of_job($job, 'error_message'), 'needs credentials', 'a password is not kept');
is(on_target("select pgclone_wait($job)"), 'held', 'nobody waits for a job that is held');
like(($target->psql('postgres', "select pgclone_resume($job)"))[2],
    qr/job $job needs credentials/, 'resume: not without them');
like(($target->psql('postgres', "select pgclone_resume($job, 'nowhere')"))[2],
    qr/argument "source" is not a connection string/, 'resume: source malformed');
on_source('create database other');
on_target(sprintf 'select pgclone_resume(%d, %s)', $job,
    literal(source_conninfo(dbname => 'other', password => 'xyzzy')));
is(wait_for_end($job), 'failed 55000', 'resume: not with another source');
is(on_target("select to_regnamespace('shop') is null"), 't', 'resume: what was made is gone');
like(($target->psql('postgres', "select pgclone_resume($job)"))[2],
    qr/job $job is not held/, 'resume: only what is held');
like(($target->psql('postgres', 'select pgclone_resume(-1)'))[2],
    qr/job -1 does not exist/, 'resume: unknown job');

$job = submit_slowly(source => source_conninfo(password => 'xyzzy'));
$target->restart;
wait_for_sql($job, "status = 'held'");
on_target('begin; select pgclone_resume(' . "$job, " . literal(source_conninfo(password => 'xyzzy'))
      . '); rollback');
is(outcome($job), 'held 55000', 'resume: rolled back');
on_target("select pgclone_resume($job, " . literal(source_conninfo(password => 'xyzzy')) . ')');
hurry($job);
is(wait_for_end($job), 'completed', 'resume: completed');
shop_is_equal('resumed');
drop_clone('shop');

$target->append_conf('postgresql.conf', 'pgclone.resume_on_start = off');
$target->reload;
$job = submit_slowly();
$target->restart;
wait_for_sql($job, "status = 'held'");
is(of_job($job, 'error_message'), 'pgclone.resume_on_start is off', 'held by the setting');
is(on_target("select to_regclass('shop.a') is not null"), 't', 'what was made is there');
is(on_target("select pgclone_cancel($job)"), 't', 'a held job can be cancelled');
is(wait_for_end($job), 'cancelled 57014', 'and is');
is(on_target("select to_regnamespace('shop') is null"), 't', 'with all that it made undone');
nothing_left('held and cancelled');
$target->append_conf('postgresql.conf', 'pgclone.resume_on_start = on');
$target->reload;

# --- Three crashes without progress

$job = submit_schema('shop', { parallel => 1, rate_limit => '200kB/s' });
foreach my $crash (1 .. 3)
{
    wait_for_sql($job, 'rows_copied > 0 and tables_completed = 0');
    is(outcome($job), 'running', "crash $crash: it is running");
    # Workers commit asynchronously. What a crash takes back would be progress before the next one.
    on_target('create table flush_wal (); drop table flush_wal');
    kill_worker(qr/table worker $job/);
}
wait_for_sql($job, "status = 'held'");
is(of_job($job, 'error_message'), 'crashed the server 3 times', 'held after three crashes');
my $other = submit_schema('late_logged', {});
is(wait_for_end($other), 'completed', 'other jobs run');
on_target("select pgclone_resume($job)");
hurry($job);
is(wait_for_end($job), 'completed', 'it may try again');
shop_is_equal('after three crashes');
drop_clone($_) foreach qw(shop late_logged);

# --- The role is gone when the server is back

on_target('create role gone superuser login');
$job = $target->safe_psql('postgres',
    q{select pgclone_submit('host=127.0.0.1 port=1 dbname=postgres', 'schema', 'shop', '{"retries": 10}')},
    extra_params => ['-U', 'gone']);
wait_for_sql($job, "wait_reason like 'planning: retry%'");
on_target('drop role gone');
$target->restart;
is(wait_for_end($job), 'failed 42704', 'a job whose role was dropped meanwhile fails');
nothing_left('role dropped');

# --- A stop that waits for what is at hand

on_target('alter system set pgclone.resume_on_start = off');
$target->reload;
$job = submit_schema('shop', { parallel => 1, rate_limit => '8MB/s', consistency => 'relaxed' });
wait_for_sql($job, 'rows_copied > 0');
$target->stop('smart');
$target->start;
wait_for_sql($job, "status = 'held'");
is(on_target("select count(*) from pgclone_tasks_view where job_id = $job and kind = 'data' "
          . "and status = 'done'"), 1, 'smart stop: the table at hand was finished, no other begun');
on_target('alter system reset pgclone.resume_on_start');
$target->reload;
on_target("select pgclone_resume($job)");
hurry($job);
is(wait_for_end($job), 'completed', 'smart stop: the job goes on');
shop_is_equal('smart stop');
drop_clone('shop');

# --- Copies of the server

$target->append_conf('postgresql.conf', "max_wal_senders = 4\nwal_level = replica\n");
$target->append_conf('pg_hba.conf', "local replication all trust\nhost replication all 127.0.0.1/32 trust");
$target->restart;
my $standby = PostgreSQL::Test::Cluster->new('standby');
$target->backup('for_standby');
$standby->init_from_backup($target, 'for_standby', has_streaming => 1);
$standby->start;
like(($standby->psql('postgres', "select pgclone_submit('host=x', 'database')"))[2],
    qr/recovery is in progress/, 'no submit on a standby');
$job = submit_slowly(options => { consistency => 'relaxed', rate_limit => '2MB/s' });
$target->wait_for_catchup($standby);
my $done = $standby->safe_psql('postgres',
    "select count(*) from pgclone_tasks_view where job_id = $job and status = 'done' and kind = 'data'");
$standby->promote;
wait_for_sql($job, "status = 'held'", $standby);
is(of_job($job, 'error_message', $standby), 'the server was copied or promoted', 'promoted: held');
is(outcome($job), 'running', 'promoted: the original goes on');
is(on_target("select pgclone_cancel($job)"), 't', 'the original is stopped');
$standby->safe_psql('postgres', "select pgclone_resume($job)");
$standby->safe_psql('postgres', "select pgclone_alter($job, rate_limit => 'none')");
wait_for_sql($job, "status not in ('pending', 'running')", $standby);
is(of_job($job, 'status', $standby), 'completed', 'promoted and resumed: completed');
shop_is_equal('promoted', $standby);
is($standby->safe_psql('postgres', "select count(*) from pgclone_tasks_view where job_id = $job "
          . "and kind = 'data' and epoch = 1"), $done, 'promoted: from where the replicated ledger stood');
$standby->stop;
wait_for_end($job);
nothing_left('in the end');
done_testing();
