# More tables are replaced than one transaction has locks for: the old ones are dropped piece by piece
# when the copy is complete, and from then on a job only goes forward.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $tables = 300;
# The least that there can be: by far not enough for all of them.
my ($source, $target) = start_servers(target => ['max_locks_per_transaction = 10']);
# Rows of many.held pass a check that waits, on the target, as long as a session holds the gate.
my $gate = 'create schema gate; create function gate.pass(integer) returns boolean '
  . 'language plpgsql immutable as $$begin perform pg_advisory_lock_shared(1); '
  . 'perform pg_advisory_unlock_shared(1); return true; end$$';
on_source($gate);
on_target($gate);
on_source('create schema many; create table many.held (id serial primary key check (gate.pass(id))); '
      . 'insert into many.held select from generate_series(1, 10)');
$source->safe_psql('postgres', "select format('create table many.t%s (id integer generated always as identity "
      . "primary key, parent integer references many.t%s, name text unique)', n, greatest(n / 2, 1)), "
      . "format('insert into many.t%s (name) values (%L)', n, n) from generate_series(1, $tables) n \\gexec");
on_source('create unlogged table many.fleeting (id integer); insert into many.fleeting values (1)');
on_source('create view many.names as select name from many.t1 union all select name from many.t2');

my $job = submit('many', {}, scope => 'schema');
is(wait_for_end($job), 'completed', 'the first clone');

sub old_schema { return on_target("select nspname from pg_namespace where nspname like 'pgclone\\_%'"); }

sub relations
{
    my ($schema) = @_;
    return on_target("select count(*) from pg_class where relnamespace = to_regnamespace('$schema')");
}
my $relations = relations('many');

# Submits, and holds one of the old tables when the job is about to drop them. No foreign key has to
# do with it, and those go first.
sub submit_until_dropping
{
    my (%options) = @_;
    on_target("update many.t7 set name = 'old'");
    my $closed = session($target);
    $closed->query_safe('select pg_advisory_lock(1)');
    my $new_job = submit('many', { conflict => 'replace', %options }, scope => 'schema');
    ok(wait_until(sub { on_target('select exists (select from pg_stat_activity where wait_event_type = '
                  . "'Lock' and application_name like 'pgclone table worker %')") eq 't' }),
        'the rows are held');
    my $reader = session($target);
    my $aside = old_schema();
    $reader->query_safe("begin; lock table $aside.held in access share mode");
    end_session($closed);
    ok(wait_until(sub { on_target("select status from pgclone_tasks_view where job_id = $new_job "
                  . "and kind = 'drop replaced'") eq 'running' }), 'the old tables are being dropped');
    ok(wait_until(sub { on_target("select count(*) from pg_constraint where contype = 'f' "
                  . "and connamespace = '$aside'::regnamespace") == 0 }), 'their foreign keys are gone');
    return ($new_job, $reader, $aside);
}

sub all_is_new
{
    my ($name) = @_;
    is(old_schema(), '', "$name: the old ones are gone");
    is(relations('many'), $relations, 'the new ones are there');
    is(on_target('select name from many.t7'), 7, 'with their rows');
    is(on_target('select count(*) from many.names'), 2, 'and the view');
    nothing_left($name);
}

# --- As it should be

$job = submit('many', { conflict => 'replace' }, scope => 'schema');
is(wait_for_end($job), 'completed', "$tables tables are replaced");
all_is_new('replaced');

# --- Too late for a cancel

($job, my $reader, my $aside) = submit_until_dropping();
on_target("select pgclone_cancel($job)");
end_session($reader);
is(wait_for_end($job), 'completed', 'a cancel comes too late');
all_is_new('cancelled');

# --- A crash

($job, $reader, $aside) = submit_until_dropping();
$target->stop('immediate');
$target->start;
is(wait_for_end($job), 'completed', 'after a crash it goes on');
is(on_target("select max(epoch) from pgclone_tasks_view where job_id = $job"), 1,
    'and does not begin anew for a table that is not logged');
all_is_new('crash');

# --- What others depend on by now

($job, $reader, $aside) = submit_until_dropping();
# In the session that holds the table: others queue behind the job.
$reader->query_safe("create view public.late as select id from $aside.held; commit");
end_session($reader);
is(wait_for_end($job), 'failed 2BP01', 'what others depend on is not dropped');
like(on_target("select pgclone_progress($job) ->> 'error_hint'"),
    qr/^The copy is complete and stays\. .* in: "\Q$aside\E"\.$/, 'the hint says where it is');
is(on_target('select count(*) from public.late'), 10, 'the view reads it');
is(relations('many'), $relations, 'the new tables are there');
is(on_target('select name from many.t7'), 7, 'with their rows');
on_target("drop schema $aside cascade");
nothing_left('late dependent');

stop_servers();
done_testing();
