# A hundred sessions submit, cancel and look at jobs at the same time: nothing is lost or done twice,
# and nobody waits for ever.
#
# PGCLONE_SESSION_SECONDS = for how long (2).
use strict;
use warnings FATAL => 'all';

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $seconds = $ENV{PGCLONE_SESSION_SECONDS} // 2;

my ($source, $target) = start_servers(
    source => ['max_connections = 100'],
    target => [ 'max_connections = 200', 'max_worker_processes = 16', 'pgclone.max_workers = 12', 'deadlock_timeout = 200ms' ]);
on_source('create table one as select 1 as id');
on_target(<<'SQL');
create sequence names;
-- What each session says that it has done.
create table said (session integer, job bigint, name text, committed boolean default true, cancelled boolean default false);
create table unexpected (sqlstate text, message text);
SQL
on_target('create function submit_one() returns bigint language plpgsql as $$ declare n text = \'m\' || nextval(\'names\'); j bigint; '
      . 'begin j := pgclone_submit(' . literal(source_conninfo()) . ", 'table', 'public.one', "
      . "jsonb_build_object('target_name', n)); insert into said values (0, j, n); return j; end \$\$");
# A full queue is no surprise; all else is.
on_target(<<'SQL');
create function submit_or_full() returns bigint language plpgsql as $$
begin
    return submit_one();
exception when configuration_limit_exceeded then
    return null;
end
$$;
SQL

my $folder = $PostgreSQL::Test::Utils::tmp_check;
my %scripts = (
    submit => "begin;\nselect submit_or_full();\ncommit;\n",
    rolled_back => "begin;\nselect submit_or_full();\nsavepoint s;\nselect submit_or_full();\nrollback;\n",
    half => "begin;\nselect submit_or_full();\nsavepoint s;\nselect submit_or_full();\nrollback to s;\ncommit;\n",
    cancel => "select pgclone_cancel(job_id) from (select job_id from pgclone_jobs_view "
      . "where status in ('pending', 'running') order by random() limit 1) as one;\n",
    look => "select count(*), count(wait_reason) from pgclone_jobs_view;\nselect count(*) from pgclone_tasks_view;\n",
    wait => "select pgclone_wait(job_id, '100 ms') from (select job_id from pgclone_jobs_view "
      . "order by job_id desc limit 1) as last;\n");
my %weights = (submit => 2, rolled_back => 2, half => 1, cancel => 3, look => 4, wait => 2);
append_to_file("$folder/$_.sql", $scripts{$_}) foreach keys %scripts;
my ($out, $err) = ('', '');
# PRE_COMMIT may find the queue full, too: such a transaction fails, and pgbench goes on.
IPC::Run::run([ 'pgbench', '-n', '-c', 100, '-j', 2, '-T', $seconds,
        (map { ('-f', "$folder/$_.sql\@$weights{$_}") } sort keys %scripts), $target->connstr('postgres') ],
    '>', \$out, '2>', \$err);
my @errors = grep { /ERROR:/ && !/ERROR:  the pgclone queue is full|queue.*full/i } split /\n/, $err;
is(join("\n", @errors), '', 'no session met an error but a full queue');
note($1) if $out =~ /(number of transactions actually processed: \d+)/;
ok($target->poll_query_until('postgres', 'select count(*) = 0 from pgclone_live_jobs()'), 'all jobs end');
is(on_target("select string_agg(distinct status, ' ' order by status) from pgclone_jobs_view"),
    'cancelled completed', 'each as completed or cancelled');
is(on_target('select count(*) from pgclone_jobs_view as v full join said as s on s.job = v.job_id '
          . 'where v.job_id is null or s.job is null'), 0, 'exactly what was committed is there');
cmp_ok(on_target('select count(*) from said'), '>=', 20, 'that is many: ' . on_target('select count(*) from said'));
is(on_target(<<'SQL'), 0, 'a table is there if and only if its job is completed');
select count(*) from said as s join pgclone_jobs_view as v on v.job_id = s.job
where (v.status = 'completed') <> (to_regclass(s.name) is not null)
SQL
is(on_target("select count(*) from pg_class where relname ~ '^m[0-9]+\$' and relname not in (select name from said)"),
    0, 'no other table is');
is(on_target("select count(*) from pgclone_jobs_view where attempts > 1"), 0, 'none was run twice');
unlike(server_log($target), qr/deadlock detected|terminated by signal|PANIC:|TRAP:/, 'no deadlock, nothing crashed');
nothing_left('many sessions');
done_testing();
