# Attacks by a role without rights on sources, on the ledger and on other roles' jobs. None may
# gain anything. Those of owners of schemas and tables are in attacks_owner.pl.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use AttackTest;
use PgcloneTest;
use Test::More;

# Of the servers, too; other tests have another one.
$ENV{HOME} = PostgreSQL::Test::Utils::tempdir();
my ($source, $target) = start_attack_servers();
my $port = $source->port;
my $superuser = $PgcloneTest::superuser;
my $socket_directory = $source->host;

# --- Which sources: what could borrow the server's own identity

# What a careless operator leaves in the home of the server's user.
append_to_file("$ENV{HOME}/.pgpass", "*:*:*:*:secret\n");
chmod 0600, "$ENV{HOME}/.pgpass";
append_to_file("$ENV{HOME}/.pg_service.conf", "[backdoor]\nhost=$socket_directory\nport=$port\n");

my @refused_sources = (
    [ 'a socket path', mallory_source(host => $socket_directory) ],
    [ 'a socket path as address', mallory_source(hostaddr => $socket_directory) ],
    [ 'an abstract socket', mallory_source(host => '@postgres') ],
    [ 'no host, for the default socket', "port=$port dbname=postgres user=asked password=secret" ],
    [ 'a host that is emptied at the end', mallory_source() . " host=''" ],
    [ 'a URI with an escaped socket path',
        'postgresql://asked:secret@' . ($socket_directory =~ s{/}{%2F}gr) . ":$port/postgres" ],
    [ 'a URI without a host', "postgresql:///postgres?user=asked&password=secret&port=$port" ],
    [ 'a URI whose query names the socket',
        "postgres://asked:secret\@127.0.0.1:$port/postgres?host=$socket_directory" ],
    [ 'a list of hosts', mallory_source(host => "127.0.0.1,$socket_directory") ],
    [ 'a list of hosts in a URI', "postgresql://asked:secret\@127.0.0.1:$port,[::1]:$port/postgres" ],
    [ 'a list of addresses', mallory_source(hostaddr => '127.0.0.1,127.0.0.1') ],
    [ 'a list of ports', mallory_source(port => "$port,5432") ],
    [ 'no password', "host=127.0.0.1 port=$port dbname=postgres user=asked" ],
    [ 'a password that is emptied at the end', mallory_source() . " password=''" ],
    [ 'a URI with an empty password', "postgresql://asked:\@127.0.0.1:$port/postgres" ],
    [ "the server's password file", mallory_source(passfile => "$ENV{HOME}/.pgpass") ],
    [ 'a service of the server', mallory_source(service => 'backdoor') ],
    [ "a key file of the server's", mallory_source(sslkey => $target->data_dir . '/server.key') ],
    [ "a certificate of the server's", mallory_source(sslcert => '/etc/ssl/cert.pem') ],
    [ 'a file as root certificate', mallory_source(sslrootcert => '/etc/passwd') ],
    [ 'a file as revocation list', mallory_source(sslcrl => '/etc/passwd') ],
    [ 'a URI that names a key file',
        "postgresql://asked:secret\@127.0.0.1:$port/postgres?sslkey=%2Fetc%2Fpasswd" ],
    [ 'settings for the session', mallory_source(options => '-c session_replication_role=replica') ],
    [ 'a replication session', mallory_source(replication => 'database') ],
    [ 'another encoding', mallory_source(client_encoding => 'SQL_ASCII') ],
    [ "the server's Kerberos identity", mallory_source(krbsrvname => 'postgres') ],
    [ 'a connection string as database name', mallory_source(dbname => "host=$socket_directory") ],
    [ 'a URI as database name',
        mallory_source(dbname => 'postgresql:///postgres?host=' . $socket_directory) ],
);
refused("source: $$_[0]", submit_text($$_[1]), '42501|22023|2F003') foreach @refused_sources;

fails_later('source: one that does not ask for the password',
    mallory_source(user => 'trusted'), '2F003');
fails_later("source: a superuser there who isn't asked", mallory_source(user => $superuser), '2F003');
fails_later('source: a wrong password, with the right one in the password file',
    mallory_source(password => 'wrong'), '28P01');

# --- Foreign servers

on_target(<<SQL);
create foreign data wrapper anything;
create server private foreign data wrapper anything
    options (host '127.0.0.1', port '$port', dbname 'postgres');
create user mapping for victim server private options (user 'asked', password 'secret');
create server shared foreign data wrapper anything
    options (host '127.0.0.1', port '$port', dbname 'postgres');
create user mapping for victim server shared options (user 'asked', password 'secret');
grant usage on foreign server private to victim;
grant usage on foreign server shared to mallory, victim;
grant usage on foreign data wrapper anything to mallory;
SQL
refused('server: one without USAGE', submit_text('private'), '42501');
refused('server: another role\'s user mapping', submit_text('shared'), '42704');
my $servers = 0;
foreach my $case (
    [ 'a socket', "host '$socket_directory'", "user 'asked', password 'secret'" ],
    [ 'no password in the mapping', "host '127.0.0.1'", "user 'asked'" ],
    [ 'password_required false', "host '127.0.0.1'", "user 'trusted', password_required 'false'" ],
    [ 'a password file', "host '127.0.0.1', passfile '$ENV{HOME}/.pgpass'",
        "user 'asked', password 'x'" ],
    [ 'a service', "host '127.0.0.1', service 'backdoor'", "user 'asked', password 'secret'" ],
    [ 'a key file in the mapping', "host '127.0.0.1'",
        "user 'asked', password 'secret', sslkey '/etc/passwd'" ],
    [ 'a source that does not ask', "host '127.0.0.1'", "user 'trusted', password 'secret'" ])
{
    my ($what, $server, $mapping) = @$case;
    my $name = 'own' . ++$servers;
    as_role('mallory', "create server $name foreign data wrapper anything "
          . "options ($server, port '$port', dbname 'postgres'); "
          . "create user mapping for mallory server $name options ($mapping)");
    fails_later("server of mallory's own: $what", $name, '42501|2F003');
}

# --- Between submit and run: judged again

as_role('mallory', "create server moving foreign data wrapper anything "
      . "options (host '127.0.0.1', port '$port', dbname 'postgres'); "
      . "create user mapping for mallory server moving options (user 'asked', password 'secret'); "
      . "create user mapping for mallory server shared options (user 'asked', password 'secret')");
my $hold = hold_workers();
my $moving = submit_as('mallory', 'moving', undef, { target_name => 'by_moving' });
my $revoked = submit_as('mallory', 'shared', undef, { target_name => 'by_shared' });
as_role('mallory', "alter server moving options (set host '$socket_directory')");
on_target('revoke usage on foreign server shared from mallory');
release_workers($hold);
my $outcome = wait_for_end($moving);
# (It completes if the server was looked at before; over TCP then.)
attack('server: its host becomes a socket between submit and run',
    $outcome =~ /^(?:failed 42501|completed)$/, $outcome);
$outcome = wait_for_end($revoked);
attack('server: USAGE is revoked between submit and run', $outcome eq 'failed 42501', $outcome);

# --- The ledger

my %ledger_statements = (
    'SELECT' => 'select * from %s',
    'INSERT' => 'insert into %s default values',
    'UPDATE' => 'update %s set job_id = 1',
    'DELETE' => 'delete from %s',
    'TRUNCATE' => 'truncate %s',
    'LOCK' => 'begin; lock table %s in access share mode',
    'a trigger' => 'create trigger t before update on %s for each row execute function evil.trap()',
    'a rule' => 'create rule r as on insert to %s do also select 1',
    'a policy' => 'create policy p on %s using (true)',
    'ALTER' => 'alter table %s disable trigger all',
    'a foreign key' => 'create table evil.referrer (job_id bigint references %s)',
    'DROP' => 'drop table %s cascade',
);
as_role('mallory', <<'SQL');
create function evil.note(what text) returns void language plpgsql as $$
begin insert into public.gain values (what, current_user); end $$;
create function evil.trap() returns trigger language plpgsql as $$
begin perform evil.note('trigger ' || tg_name); return new; end $$;
SQL
foreach my $what (sort keys %ledger_statements)
{
    my @said = map { say_as('mallory', sprintf($ledger_statements{$what}, $_)) }
      qw(pgclone_job pgclone_task pgclone_alteration);
    attack("ledger: $what on its tables", 3 == grep({ /ERROR:  42501/ } @said), "@said");
}
refused('ledger: the next job id', "select setval('pgclone_job_id_seq', 1)", '42501');

# Calls all functions of the extension that write or read the ledger, with this job, one of
# somebody else's, and nulls; the result is what did anything but refuse.
on_target(<<'SQL');
create function public.try_ledger(own bigint, other bigint) returns text
language plpgsql set search_path = pg_catalog as $$
declare
    f record;
    job bigint;
    found text := '';
begin
    for f in select p.oid::regprocedure as signature, p.proname as name,
                    (select string_agg(case when t.n = 1 and t.type = 'bigint'::regtype then '%1$s'
                                            when t.type = 'integer[]'::regtype then '''{1}'''
                                            when t.type = 'bigint[]'::regtype then '''{1}'''
                                            when t.type = 'oid'::regtype then '10'
                                            when t.type = 'text'::regtype then '''{}'''
                                            when t.type in ('integer'::regtype, 'bigint'::regtype)
                                            then '1'
                                            when t.type = 'boolean'::regtype then 'true'
                                            else 'null' end || '::' || format_type(t.type, null), ', ' order by t.n)
                     from unnest(p.proargtypes) with ordinality as t(type, n)) as arguments,
                    p.pronamespace::regnamespace::text || '.' || quote_ident(p.proname) as called
             from pg_proc as p
             where p.proname ~ '^pgclone_(ledger_|live_|may_)' and p.prorettype <> 'trigger'::regtype
    loop
        foreach job in array array[own, other, null] loop
            begin
                execute format('select * from %s(%s)', f.called,
                               format(coalesce(f.arguments, ''), coalesce(job::text, 'null')));
                found := found || format(' %s of %s: allowed;', f.name, job);
            exception when insufficient_privilege then null;
            when others then
                found := found || format(' %s of %s: %s %s;', f.name, job, sqlstate, sqlerrm);
            end;
        end loop;
    end loop;
    return found;
end
$$;
SQL
$hold = hold_workers();
my $others_job = submit_as('victim', mallory_source(), undef, { target_name => 'of_victim' });
my $own_job = submit_as('mallory', mallory_source(), undef,
    { target_name => 'of_mallory', where => gate_where(2, 'id = 1') });
my $tried = say_as('mallory', "select try_ledger($own_job, $others_job)");
attack('ledger: every function of it, from a session', $tried eq '', $tried);
my $gate = close_gate(2);
release_workers($hold);
wait_for_end($others_job);
wait_at_gate(2);
$tried = say_as('mallory', "select try_ledger($own_job, $hold->{job})",
    conninfo => "application_name='pgclone job $own_job'");
attack("ledger: from a session named like a worker, while one's own job runs", $tried eq '', $tried);
my @calls = map { "perform pgclone_ledger_finish($_, 'completed', null, null, null, null, null, null, "
      . 'null, null, null);' } $own_job, $others_job;
on_target('create function public.wrapped() returns void language plpgsql security definer as $$ '
      . "begin @calls end \$\$");
refused('ledger: from a SECURITY DEFINER function of a superuser', 'select wrapped()', '42501');
open_gate($gate);
wait_for_end($own_job);

# Code of mallory's that runs inside a worker's session of her own job: it may write that job's
# rows, and nobody else's, and gets nobody else's rights by it.
on_source(<<'SQL');
create function public.inside(integer) returns boolean language sql as 'select true';
create table public.guarded (id integer check (public.inside(id)));
insert into guarded values (1), (2);
grant select on guarded to asked;
SQL
as_role('mallory', <<SQL);
create table evil.said (text text);
create function public.inside(id integer) returns boolean language plpgsql as \$\$
begin insert into evil.said values (public.try_ledger($others_job, $hold->{job})); return true; end
\$\$;
SQL
my $inside = submit_as('mallory', mallory_source(), 'public.guarded');
$outcome = wait_for_end($inside);
$tried = on_target('select string_agg(distinct text, chr(10)) from evil.said');
attack("ledger: other jobs, from inside a worker's session", $outcome eq 'completed' && $tried eq '',
    "$outcome $tried");
as_role('mallory', <<'SQL');
drop table public.guarded;
create or replace function public.inside(id integer) returns boolean language plpgsql as $$
declare
    job bigint := substring(current_setting('application_name') from 'job (\d+)');
begin
    perform public.pgclone_ledger_set_work_database(job, format('pgclone_%s_precious', job));
    perform public.pgclone_ledger_plan_more(job, json_build_array(json_build_object('task_id', 900,
        'kind', 'ddl', 'stage', 1, 'phase', 'schema', 'spec', json_build_object(
            'statements', array['alter role mallory superuser'],
            'cleanup', array['drop table public.precious'])::text))::text);
    return true;
end
$$;
SQL
on_target('create table public.precious ()');
$gate = close_gate(3);
my $forging = submit_as('mallory', mallory_source(), 'public.guarded',
    { where => gate_where(3, 'id = 1'), retries => 0 });
wait_at_gate(3);
on_target("create database pgclone_${forging}_precious");
open_gate($gate);
$outcome = wait_for_end($forging);
$target->restart; # what is left over is dropped then
$target->poll_query_until('postgres',
    "select count(*) = 0 from pgclone_jobs_view where status in ('pending', 'running')");
my $kept = on_target("select count(*) from pg_database where datname like 'pgclone%precious'")
  . on_target("select count(*) from pg_class where relname = 'precious'");
attack("ledger: steps and a database to drop, forged from inside one's own job", $kept eq '11',
    "$outcome, kept: $kept");

# --- Names

$target->safe_psql('postgres', 'create database mallorys owner mallory');
$target->safe_psql('mallorys', 'create extension pgclone');
prepare_database('mallorys');
my @operators;
foreach my $type (qw(text bigint integer oid name boolean jsonb))
{
    push @operators, "create function evil.compare($type, $type) returns boolean language plpgsql as "
      . "\$\$ begin insert into public.gain values ('operator', current_user); "
      . "return \$1 operator(pg_catalog.=) \$2; end \$\$;";
    push @operators, map { "create operator $_.= (leftarg = $type, rightarg = $type, "
          . 'function = evil.compare);' } qw(evil public);
}
as_role('mallory', join("\n", @operators,
        'create function evil.set_config(text, text, boolean) returns text language plpgsql as '
          . '$$ begin insert into public.gain values (\'set_config\', current_user); '
          . 'return pg_catalog.set_config($1, $2, $3); end $$;',
        'alter database mallorys set search_path = evil, public, pg_catalog'), database => 'mallorys');
my @everything = (
    'select public.pgclone_table(' . literal(source_conninfo()) . ", 'public', 'numbers')",
    'select * from public.pgclone_jobs_view', 'select * from public.pgclone_tasks_view',
    'select public.pgclone_jobs()', 'select public.pgclone_progress(1)',
    'select public.pgclone_wait(1)', 'select public.pgclone_cancel(1)',
    'select * from public.pgclone_plan(' . literal(source_conninfo()) . ", 'table', 'public.numbers')",
    'select public.pgclone_clear_jobs()', 'select public.pgclone_version()');
my $said = say_as($superuser, join(";\n", @everything), database => 'mallorys');
attack("names: operators in the search path that the owner gives a database, used by a superuser",
    $said !~ /ERROR:/, $said, 'mallorys');
$target->safe_psql('mallorys', "create foreign data wrapper anything; create server shop foreign "
      . "data wrapper anything options (host '127.0.0.1', port '$port', dbname 'nowhere'); "
      . "create user mapping for public server shop options (user '$superuser')");
$said = say_as($superuser, "select public.pgclone_submit('shop', 'table', 'a.b')",
    database => 'mallorys');
$said = say_as($superuser, "select public.pgclone_wait($said)", database => 'mallorys');
attack("names: the same, for the ledger worker", $said eq 'failed', $said, 'mallorys');

$said = say_as('mallory', <<'SQL' . join(";\n", @everything[1 .. 6, 8, 9]));
create temp table pgclone_job (job_id bigint, submitter oid, status text, dry_run boolean,
    finished_at timestamptz);
create temp table pgclone_task (job_id bigint, spec text);
create temp table pg_roles (oid oid, rolname name);
create temp table pg_extension (extname name, extowner oid);
create function pg_temp.trap() returns trigger language plpgsql as
    $$ begin insert into public.gain values ('temporary', current_user); return new; end $$;
create trigger t before insert or update or delete on pg_temp.pgclone_job for each row
    execute function pg_temp.trap();
insert into pg_temp.pgclone_job select 1, 10, 'failed', true, now();
set search_path = pg_temp, evil, public, pg_catalog;
select public.pgclone_take_plan(1);
SQL
attack("names: temporary tables with the names of the ledger's", $said !~ /temporary/, $said);

my @own_objects = (
    'create or replace function public.pgclone_version() returns text language sql as $$ select 1 $$',
    'alter function public.pgclone_ledger_start(bigint) owner to mallory',
    'drop function public.pgclone_submit(text, text, text, jsonb)',
    "alter function public.pgclone_take_plan(bigint) set search_path = 'evil'",
    'create or replace view public.pgclone_jobs_view as select 1',
    'create rule r as on select to public.pgclone_jobs_view do instead select 1',
    'alter extension pgclone drop view public.pgclone_jobs_view', 'drop extension pgclone cascade',
    'alter extension pgclone update', 'grant execute on function pgclone_alter to nobody',
    'create function evil.c() returns void language c as \'$libdir/pgclone\', \'pgclone_submit\'',
    'create trigger t after update on evil.said for each row execute function pgclone_forget_tasks()');
my @allowed = grep { say_as('mallory', $_) !~ /ERROR:  42501|WARNING/ } @own_objects;
attack("names: the extension's own objects, replaced, altered and dropped", @allowed == 0, "@allowed");
my @settings = map { ("set pgclone.$_", "alter role mallory set pgclone.$_",
        "alter database mallorys set pgclone.$_") }
  ("loopback_conninfo = 'host=evil'", 'connect_timeout = 100', 'default_parallel = 64');
@allowed = grep { say_as('mallory', $_) !~ /ERROR:  (?:42501|55P02)/ } @settings,
  'show pgclone.loopback_conninfo', "alter system set pgclone.loopback_conninfo = ''";
attack('settings of pgclone, for a session, role and database', @allowed == 0, "@allowed");

attacks_on_jobs();
nothing_left('attacks');
stop_servers();
cmp_ok(count_of_attacks(), '>=', 40, count_of_attacks() . ' attacks');
done_testing();

# --- Jobs of others

sub attacks_on_jobs
{
    on_target(<<'SQL');
create role signaller login in role pg_signal_backend;
create role monitor login in role pg_monitor;
grant execute on function pgclone_cancel, pgclone_alter, pgclone_clear_jobs to signaller, monitor;
SQL
    my $finished = submit_as('victim', mallory_source(), 'public.absent');
    wait_for_end($finished);
    $hold = hold_workers();
    my $victims = submit_as('victim', mallory_source(), undef,
        { target_name => 'victims', unique_key => 'nightly' });
    my $squatter = submit_as('mallory', mallory_source(), undef,
        { target_name => 'squatter', unique_key => 'backup' });
    my $backup = submit('public.numbers', { target_name => 'backup', unique_key => 'backup' });
    attack("jobs: a superuser's unique_key, used before they do", $backup ne $squatter,
        "the superuser's submit returned mallory's job");
    my @others = ([ "a superuser's", $hold->{job} ], [ "another role's", $victims ]);
    foreach my $case (@others)
    {
        my ($whose, $id) = @$case;
        refused("jobs: cancel $whose", "select pgclone_cancel($id)", '42501');
        refused("jobs: resume $whose", "select pgclone_resume($id, " . literal(mallory_source()) . ')',
            '42501');
        refused("jobs: alter $whose", "select pgclone_alter($id, 1, '1kB/s')", '42501');
        my $seen = say_as('mallory', "select * from pgclone_jobs_view where job_id = $id; "
              . "select pgclone_progress($id); select * from pgclone_tasks_view where job_id = $id");
        attack("jobs: see more than the state of $whose",
            $seen !~ /numbers|victim|$superuser|public|held_up/, $seen);
    }
    as_role('mallory', 'create function evil.leak(text) returns boolean language plpgsql cost 0.0001 '
          . 'as $$ begin raise notice \'%\', $1; return true; end $$');
    $said = say_as('mallory', 'select count(*) from pgclone_jobs_view where evil.leak(table_name) '
          . 'or evil.leak(submitted_by)');
    attack('jobs: a cheap function in WHERE of the view', $said !~ /victim|held_up/, $said);
    $said = say_as('mallory', 'select pgclone_clear_jobs()') . ' left '
      . on_target("select count(*) from pgclone_job where job_id = $finished");
    attack("jobs: clear another role's", scalar($said =~ / left 1$/), $said);
    $said = say_as('mallory', "notify pgclone_events, '{\"job_id\": $victims, \"event\": "
          . "\"completed\", \"status\": \"completed\"}'; select pgclone_wait($victims, '10 ms')");
    attack("jobs: a forged notification", $said eq 'pending', $said);
    my @workers = worker_processes(qr/pgclone/);
    $said = join ' ', map { say_as($_, join ';', map { ("select pg_terminate_backend($_)",
                "select pg_cancel_backend($_)") } @workers) } qw(mallory signaller);
    attack('jobs: signals to the processes of pgclone',
        $said !~ /^t$/m && "@workers" eq join(' ', worker_processes(qr/pgclone/)), $said);
    refused("jobs: cancel a superuser's, as a member of pg_signal_backend",
        "select pgclone_cancel($hold->{job})", '42501', role => 'signaller');
    refused('jobs: cancel as a member of pg_monitor', "select pgclone_cancel($victims)", '42501',
        role => 'monitor');
    refused('jobs: submit without EXECUTE', submit_text(mallory_source()), '42501', role => 'nobody');
    refused('jobs: plan without EXECUTE', 'select pgclone_submit_plan('
          . literal(mallory_source()) . ", 'table', 'a.b', '{}')", '42501', role => 'nobody');
    my $plan = as_role('victim', 'select pgclone_submit_plan(' . literal(mallory_source())
          . ", 'table', 'public.numbers', '{\"target_name\": \"planned\"}')");
    release_workers($hold);
    wait_for_end($plan);
    $said = say_as('mallory', "select pgclone_take_plan($plan)") . ' left '
      . on_target("select count(*) from pgclone_job where job_id = $plan");
    attack("jobs: take another role's plan", $said eq ' left 1', $said);
    is(wait_for_end($victims), 'completed', 'the attacked job is completed');

    # A job whose password went with a crash waits to be given a source again.
    $hold = hold_workers();
    my $held = submit_as('mallory', mallory_source(), undef, { target_name => 'resumed' });
    $target->stop('immediate');
    open_gate($hold->{gate});
    $target->start;
    $target->poll_query_until('postgres',
        "select status = 'held' from pgclone_jobs_view where job_id = $held");
    foreach my $case (
        [ 'a socket', mallory_source(host => $socket_directory) ],
        [ 'no password', "host=127.0.0.1 port=$port dbname=postgres user=trusted" ],
        [ 'a file', mallory_source(passfile => "$ENV{HOME}/.pgpass") ],
        [ 'a foreign server', 'private' ])
    {
        refused("jobs: resume one's own from $$case[0]",
            "select pgclone_resume($held, " . literal($$case[1]) . ')', '42501|22023|2F003');
    }
    as_role('mallory', "select pgclone_cancel($held)");
    wait_for_end($_) foreach ($held, $hold->{job});
    like(as_role('monitor', "select table_name from pgclone_jobs_view where job_id = $victims"),
        qr/numbers/, 'a member of pg_monitor sees it');
}
