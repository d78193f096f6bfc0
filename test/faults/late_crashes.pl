# The server crashes while indexes, keys and foreign keys are made: only the step that was under way is
# done again, and no index is left that is not valid.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time);

my ($source, $target) = start_servers(target => ['pgclone.max_workers = 12']);
# Above 8 MB an index, a key and a validation are steps of their own.
on_source(<<'SQL');
create schema shop;
create table shop.customer (id integer primary key);
insert into shop.customer select g from generate_series(1, 300) as g;
create table shop.sale (id integer primary key, code integer unique, customer integer references shop.customer, payload text);
insert into shop.sale select g, g, g % 300 + 1, repeat('x', 1200) from generate_series(1, 8000) as g;
create index by_customer on shop.sale (customer);
analyze;
SQL
# A gate before the statements that match a pattern.
on_target(<<'SQL');
create table pattern (text text);
create function hold() returns event_trigger language plpgsql as $$
begin
    if current_query() ~ (select text from public.pattern) then
        perform pg_advisory_xact_lock_shared(99);
    end if;
end
$$;
create event trigger hold on ddl_command_start execute function hold();
SQL
my %steps = (
    'an index' => '^CREATE INDEX by_customer',
    'a unique key' => '(ADD CONSTRAINT|CREATE UNIQUE INDEX).*sale_code_key',
    'a foreign key' => 'ADD CONSTRAINT.*FOREIGN KEY',
    'its validation' => 'VALIDATE CONSTRAINT');

foreach my $step (sort keys %steps)
{
    on_target('truncate pattern; insert into pattern values (' . literal($steps{$step}) . ')');
    my $holder = session($target);
    $holder->query_safe('select pg_advisory_lock(99)');
    my $job = submit('shop', { retries => 1 }, scope => 'schema');
    ok($target->poll_query_until('postgres', "select count(*) > 0 from pg_locks as l join pg_stat_activity as a "
              . "using (pid) where l.locktype = 'advisory' and not l.granted and a.application_name like 'pgclone%'"),
        "$step is being made");
    # Commits of workers wait for no disk.
    on_target('create table flushes (); drop table flushes');
    my $before = on_target("select string_agg(task_id::text, ' ' order by task_id) from pgclone_tasks_view "
          . "where job_id = $job and status = 'done'");
    my ($supervisor) = worker_processes(qr/supervisor/);
    my ($victim) = worker_processes(qr/table worker|job/);
    kill 'KILL', $victim;
    wait_until(sub { !kill 0, $supervisor });
    wait_for_target();
    my $accepting = time;
    end_session($holder);
    is($target->poll_query_until('postgres',
            "select status <> 'pending' and attempts = 2 from pgclone_jobs_view where job_id = $job"), 1, "$step: the job runs again");
    cmp_ok(time - $accepting, '<=', 10, "$step: within 10 s");
    is(wait_for_end($job), 'completed', "$step: the job completes")
      or diag(on_target("select error_message from pgclone_jobs_view where job_id = $job"));
    is(on_target("select count(*) from pgclone_tasks_view where job_id = $job and attempts > 1 "
              . "and task_id = any ('{" . join(',', split / /, $before) . "}')"), 0,
        "$step: what was done is not done again");
    is(on_target("select max(epoch) || ' ' || bool_and(status = 'done' or status = 'skipped') "
              . "from pgclone_tasks_view where job_id = $job"), '1 true', "$step: in the same epoch");
    is(on_target('select count(*) filter (where not indisvalid) || \' \' || count(*) from pg_index as i '
              . "join pg_class as c on c.oid = i.indrelid where c.relnamespace = 'shop'::regnamespace"),
        '0 4', "$step: all four indexes are valid");
    is(on_target("select bool_and(convalidated) || ' ' || count(*) from pg_constraint "
              . "where connamespace = 'shop'::regnamespace and contype <> 'n'"), 'true 4', "$step: all four constraints are");
    is_equal('shop.sale', 'shop.sale', "$step: rows equal");
    nothing_left($step);
    on_target('drop schema shop cascade');
}
done_testing();
