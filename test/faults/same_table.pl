# Two jobs that clone into one place, and deadlocks on the way: rows are never there twice, one job
# waits or fails and says why, and whoever is the victim of a deadlock tries again.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) =
  start_servers(target => [ 'max_worker_processes = 16', 'pgclone.max_workers = 12', 'deadlock_timeout = 2s' ]);
make_numbers('numbers', 20_000);
my $gate = 0;

# Two clones of one table to one name, both in the middle of their COPY at the same time.
sub submit_both
{
    my (%options) = @_;
    $gate++;
    my $session = close_gate($gate);
    my @jobs = map {
        submit('public.numbers',
            { target_name => 'twice', where => gate_where($gate, 'id = 10000'), %options })
    } 1 .. 2;
    $source->poll_query_until('postgres', "select count(distinct pid) = 2 from pg_locks "
          . "where locktype = 'advisory' and objid = $gate and not granted");
    open_gate($session);
    return @jobs;
}

sub message { return on_target("select error_message from pgclone_jobs_view where job_id = $_[0]"); }

# --- Two jobs, one table

my @jobs = submit_both();
like(join(', ', sort map { wait_for_end($_) } @jobs), qr/^completed, failed (42P07|42710)$/,
    'both make the table: the second fails');
my ($failed) = grep { outcome($_) =~ /failed/ } @jobs;
like(message($failed), qr/twice.*exists|object of the same name was created/, 'and says why');
is_equal('numbers', 'twice', 'the rows are there once');
nothing_left('two jobs, one table');

@jobs = submit_both(conflict => 'replace');
my @outcomes = sort map { wait_for_end($_) } @jobs;
like($outcomes[1], qr/^(completed|failed \w{5})$/, "both replace it: $outcomes[1]");
is($outcomes[0], 'completed', 'one at least completes');
is_equal('numbers', 'twice', 'the rows are there once');
nothing_left('two jobs replace');

@jobs = map { submit('public.numbers', { target_name => 'twice', conflict => 'skip' }) } 1 .. 2;
is(join(', ', map { wait_for_end($_) } @jobs), 'completed, completed', 'both skip what is there');
is_equal('numbers', 'twice', 'the rows are there once');
on_target('drop table twice');

# --- Two jobs, one schema

on_source(<<'SQL');
create schema shop;
create table shop.customer (id integer primary key, name text);
create table shop.sale (id integer primary key, customer integer not null references shop.customer, payload text);
create table shop.line (id integer primary key, sale integer not null references shop.sale,
    customer integer references shop.customer);
insert into shop.customer select g, md5(g::text) from generate_series(1, 2000) as g;
insert into shop.sale select g, g % 2000 + 1, md5(g::text) from generate_series(1, 5000) as g;
insert into shop.line select g, g % 5000 + 1, g % 2000 + 1 from generate_series(1, 9000) as g;
analyze;
SQL
my @tables = qw(customer sale line);
sub clone_shop { return submit('shop', { @_ }, scope => 'schema'); }

# In one transaction, so that they start at the same time.
my $submits = join ', ', ('pgclone_submit(' . literal(source_conninfo()) . ", 'schema', 'shop')") x 2;
@jobs = split /\|/, on_target("select $submits");
@outcomes = sort map { wait_for_end($_) } @jobs;
is($outcomes[0], 'completed', 'two jobs make one schema: one completes');
like($outcomes[1], qr/^failed (42P06|42P07|42710)$/, "the other fails: $outcomes[1]");
note(message((grep { outcome($_) =~ /failed/ } @jobs)[0]));
is_equal("shop.$_", "shop.$_", "$_: what the other had made is untouched") foreach @tables;
is(on_target("select count(*) from pg_constraint where contype = 'f' and convalidated "
          . "and connamespace = 'shop'::regnamespace"), 3, 'its foreign keys, too');
nothing_left('two jobs, one schema');
on_target('drop schema shop cascade');

# --- A deadlock between a job that adds a foreign key and another session

# The event trigger is a gate before the statements that match. Its owner is a superuser.
on_target(<<'SQL');
create function hold() returns event_trigger language plpgsql as $$
begin
    if current_query() ilike '%ADD CONSTRAINT%FOREIGN KEY%' then
        perform pg_advisory_xact_lock_shared(99);
    end if;
end
$$;
create event trigger hold on ddl_command_start execute function hold();
SQL

sub waiters
{
    my ($condition) = @_;
    return $target->poll_query_until('postgres', "select count(*) > 0 from pg_locks as l "
          . "join pg_stat_activity as a using (pid) where not granted "
          . "and application_name like 'pgclone%' and $condition");
}

my $holder = session($target);
$holder->query_safe('select pg_advisory_lock(99)');
my $rival = session($target);
$rival->query_safe("set deadlock_timeout = '60s'");
my $job = clone_shop(retries => 5, parallel => 1);
waiters("locktype = 'advisory'");
# The keys' tables are there and filled; whichever key is first, the rival has what it refers to.
$rival->query_safe('begin; lock table shop.customer, shop.sale in access exclusive mode');
open_gate($holder);
waiters("locktype = 'relation' and relation in ('shop.customer'::regclass, 'shop.sale'::regclass)");
is($target->poll_query_until('postgres', "select wait_reason ~ '^lock: blocked by pid \\d+\$' "
          . "from pgclone_jobs_view where job_id = $job"), 1, 'the job waits for the lock, and says whose');
background($rival, "lock table shop.line in access exclusive mode;\n\\echo has them all");
my $deadlock = $target->poll_query_until('postgres',
    "select count(*) > 0 from pgclone_tasks_view where job_id = $job and sqlstate = '40P01' "
      . "and status = 'pending'");
is($deadlock, 1, 'the job is the victim: its task is to be tried again');
ok(wait_until(sub { output_of($rival) =~ /has them all/ }, 10), 'the other session has its locks');
$rival->query_safe('commit');
is(wait_for_end($job), 'completed', 'the job completes');
end_session($rival);
is_equal("shop.$_", "shop.$_", "$_: rows equal") foreach @tables;
is(on_target("select count(*) from pg_constraint where contype = 'f' and convalidated "
          . "and connamespace = 'shop'::regnamespace"), 3, 'all foreign keys are there, and valid');
cmp_ok(on_target("select max(attempts) from pgclone_tasks_view where job_id = $job"), '>', 1,
    'not at the first attempt');
nothing_left('deadlock');
on_target('drop event trigger hold; drop schema shop cascade');

# --- Many foreign keys between few tables, by many workers: they stay out of each other's way

on_source(<<'SQL');
create schema web;
do $$
begin
    for i in 1..8 loop
        execute format('create table web.t%s (id integer primary key, %s)', i,
            (select string_agg(format('r%s integer', j), ', ') from generate_series(1, 8) as j));
        execute format('insert into web.t%s select g, %s from generate_series(1, 300) as g', i,
            (select string_agg('g', ', ') from generate_series(1, 8)));
    end loop;
    for i in 1..8 loop
        for j in 1..8 loop
            execute format('alter table web.t%s add foreign key (r%s) references web.t%s', i, j, j);
        end loop;
    end loop;
end
$$;
SQL
$job = submit('web', { parallel => 6, retries => 0 }, scope => 'schema');
is(wait_for_end($job), 'completed', 'sixty-four circular keys by six workers: completed without a retry');
is(on_target("select count(*) from pg_constraint where contype = 'f' and convalidated "
          . "and connamespace = 'web'::regnamespace"), 64, 'all of them valid');
is_equal('web.t5', 'web.t5', 'rows equal');
nothing_left('many keys');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
