# A password in a connection string is found nowhere but in the memory of those who need it: over
# jobs that succeed, jobs that fail, and submits that are refused.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $canary = 'kanarienvogel';

my ($source, $target) = start_servers(
    source => ["password_encryption = 'scram-sha-256'"],
    # The framework's settings, not the defaults, would log more than users have.
    target => [ 'log_min_messages = warning', 'log_min_error_statement = error' ]);
on_source("create role reader login password '$canary'; create role mapped login password 'other'");
my $hba = $source->data_dir . '/pg_hba.conf';
my $rules = slurp_file($hba);
unlink $hba;
append_to_file($hba, "host all reader,mapped 127.0.0.1/32 scram-sha-256\n$rules");
$source->reload;
make_numbers('numbers', 5_000);
on_source('grant select on numbers to reader, mapped');
on_target('create role app login; grant create on schema public to app; '
      . 'grant execute on function pgclone_submit, pgclone_table, pgclone_table_async, '
      . 'pgclone_schema, pgclone_schema_async, pgclone_plan to app');

my %reader = (user => 'reader', password => $canary);
my $collected = ''; # everything that anybody was told

# Runs a statement as a role; collects what it says and returns it.
sub say_as
{
    my ($role, $sql) = @_;
    my ($status, $out, $err) = $target->psql('postgres', "\\set VERBOSITY verbose\n$sql;\n",
        connstr => $target->connstr('postgres') . " user=$role", on_error_stop => 0);
    $collected .= "$out\n$err\n";
    return "$out$err";
}

sub arguments
{
    my ($conninfo, $scope, $object, $options) = @_;
    return '(' . join(', ', map { literal($_) } $conninfo, $scope, $object, $options // '{}') . ')';
}

sub submit_as
{
    my ($role, $conninfo, $object, $options) = @_;
    return say_as($role, 'select pgclone_submit' . arguments($conninfo, 'table', $object, $options));
}

my $superuser = on_target('select current_user');
my $listener = session($target);
$listener->query_safe('listen pgclone_events');

# --- A job that succeeds, looked at from all sides while it runs

my $gate = close_gate(1);
my $job = submit_as('app', source_conninfo(%reader), 'public.numbers',
    '{"where": "' . gate_where(1, 'id = 2000') . '"}');
like($job, qr/^\d+$/, 'a role that is no superuser submits with a password');
wait_at_gate(1);
foreach my $node ($source, $target)
{
    $collected .= $node->safe_psql('postgres',
        'select string_agg(a::text, chr(10)) from pg_stat_activity as a');
}
$collected .= on_target('select string_agg(v::text, chr(10)) from pgclone_jobs_view as v');
$collected .= on_target('select string_agg(v::text, chr(10)) from pgclone_tasks_view as v');
$collected .= on_target('select pgclone_jobs()::text');
my @workers = worker_processes(qr/pgclone/);
cmp_ok(@workers, '>=', 3, 'supervisor, job worker and table worker run');
my @backends = split /\n/, on_target('select pid from pg_stat_activity');
$collected .= PgcloneTest::read_proc("$_/cmdline") . PgcloneTest::read_proc("$_/environ")
  foreach (@workers, @backends);
open_gate($gate);
is(wait_for_end($job), 'completed', 'it completes');
is_equal('numbers', 'numbers', 'with all rows');

is(say_as('app', 'select pgclone_table' . '('
          . join(', ', map { literal($_) } source_conninfo(%reader), 'public', 'numbers')
          . ", target_name => 'by_table')"),
    'completed', 'so does pgclone_table');

# --- Jobs that fail

my %failing = (
    'wrong password' => [ source_conninfo(%reader, password => "wrong$canary"), 'public.numbers' ],
    'no such role' => [ source_conninfo(%reader, user => 'nobody'), 'public.numbers' ],
    'no such database' => [ source_conninfo(%reader, dbname => 'nowhere'), 'public.numbers' ],
    'nobody listens' => [ source_conninfo(%reader, port => 1), 'public.numbers', '{"retries": 0}' ],
    'no such host' => [ source_conninfo(%reader, host => 'host.invalid'), 'public.numbers',
        '{"retries": 0}' ],
    'no such table' => [ source_conninfo(%reader), 'public.absent' ],
    'table exists' => [ source_conninfo(%reader), 'public.numbers' ],
    'error in where' => [ source_conninfo(%reader), 'public.numbers',
        '{"target_name": "w", "where": "id / 0 = 1"}' ],
    'no password needed' => [ source_conninfo(%reader, user => $superuser), 'public.numbers' ],
);
foreach my $name (sort keys %failing)
{
    my $id = submit_as('app', @{ $failing{$name} });
    like(wait_for_end($id), qr/^failed [0-9A-Z]{5}$/, "job fails: $name");
    $collected .= on_target("select error_message from pgclone_jobs_view where job_id = $id");
}
foreach my $name ('wrong password', 'no such table')
{
    my ($conninfo, $table) = @{ $failing{$name} };
    like(say_as('app', 'select pgclone_table('
                . join(', ', map { literal($_) } $conninfo, split(/\./, $table), )
                . ')'), qr/ERROR:/, "pgclone_table fails: $name");
}

# --- Submits that are refused

my %refused = (
    'unknown option' => arguments(source_conninfo(%reader), 'table', 'public.numbers', '{"x": 1}'),
    'options of a wrong type' => arguments(source_conninfo(%reader), 'table', 'public.numbers', '[1]'),
    'unknown scope' => arguments(source_conninfo(%reader), 'galaxy', 'public.numbers'),
    'scope null' => arguments(source_conninfo(%reader), undef, 'public.numbers'),
    'new database' => arguments(source_conninfo(%reader), 'database', undef,
        '{"target_database": "x"}'),
    'system schema' => arguments(source_conninfo(%reader), 'schema', 'pg_catalog'),
    'object missing' => arguments(source_conninfo(%reader), 'table', undef),
    'object malformed' => arguments(source_conninfo(%reader), 'table', 'a.b.c.d'),
    'where malformed' => arguments(source_conninfo(%reader), 'table', 'public.numbers',
        '{"where": "id = ("}'),
    'connection string without =' => arguments("password=$canary host", 'table', 'public.numbers'),
    'quote not closed' => arguments("host=h password='$canary", 'table', 'public.numbers'),
    'bad URI' => arguments("postgresql://reader:$canary\@[::1/x", 'table', 'public.numbers'),
    'bad escape in URI' => arguments("postgresql://reader:$canary%zz\@h/x", 'table', 'public.numbers'),
    'unknown parameter' => arguments("password=$canary nonsense=1", 'table', 'public.numbers'),
    'parameter not allowed' => arguments(source_conninfo(%reader, sslcert => '/x'), 'table',
        'public.numbers'),
    'socket' => arguments(source_conninfo(%reader, host => '/tmp'), 'table', 'public.numbers'),
    'too long' => arguments(source_conninfo(%reader, application_name => 'x' x 3000), 'table',
        'public.numbers'),
);
foreach my $name (sort keys %refused)
{
    like(say_as('app', "select pgclone_submit$refused{$name}"), qr/ERROR:/, "refused: $name");
    like(say_as('app', "select * from pgclone_plan$refused{$name}"), qr/ERROR:/, "no plan: $name");
}
foreach my $form ('pgclone_schema', 'pgclone_schema_async')
{
    like(say_as('app', "select $form(" . literal(source_conninfo(%reader, sslcert => '/x')) . ", 'a')"),
        qr/ERROR:/, "$form is refused");
}
like(say_as('app', 'do $$ begin perform pgclone_submit' . $refused{'unknown option'} . '; end $$'),
    qr/ERROR:/, 'refused inside PL/pgSQL');
like(say_as('app', 'begin read only; select pgclone_submit'
          . arguments(source_conninfo(%reader), 'table', 'public.numbers')),
    qr/ERROR:/, 'refused in a read-only transaction');
like(say_as('app', 'begin; select pgclone_submit'
          . arguments(source_conninfo(%reader), 'table', 'public.numbers')
          . "; prepare transaction 'p'"),
    qr/ERROR:/, 'refused at PREPARE TRANSACTION');

# --- The form without any password of ours: a foreign server

on_target("create extension postgres_fdw; "
      . "create server shop foreign data wrapper postgres_fdw options (host '127.0.0.1', port '"
      . $source->port . "', dbname 'postgres'); "
      . "create user mapping for app server shop options (user 'mapped', password 'other')");
$job = submit_as('app', 'shop', 'public.numbers', '{"target_name": "denied"}');
like($job, qr/ERROR:/, 'a foreign server needs USAGE');
on_target('grant usage on foreign server shop to app');
$job = submit_as('app', 'shop', 'public.numbers', '{"target_name": "by_server"}');
is(wait_for_end($job), 'completed', 'a clone from a foreign server');
is_equal('numbers', 'by_server', 'has all rows');

# --- The search

$listener->query_safe('select 1');
my $events = output_of($listener);
$listener->query('select 2');
$collected .= on_target('select string_agg(j::text, chr(10)) from pgclone_job as j');
$collected .= on_target('select string_agg(t::text, chr(10)) from pgclone_task as t');
$collected .= on_target('select string_agg(v::text, chr(10)) from pgclone_jobs_view as v');
$collected .= $events;
end_session($listener);
unlike($collected, qr/$canary/, 'not in views, ledger, activity, processes, events, errors')
  or diag(join "\n", grep { /$canary/ } split /\n/, $collected);
like($collected, qr/password authentication failed/, '(which were really read)');
nothing_left('secrets');

stop_servers();
foreach my $node ($source, $target)
{
    my @lines = grep { /$canary/ } split /\n/, server_log($node);
    @lines = grep { !/create role reader/ } @lines;
    is(join("\n", @lines), '', 'not in the log of the ' . $node->name);
}
my $files = `grep -rlaF $canary '@{[ $target->data_dir ]}'`;
is($files, '', 'not in the files of the target');
isnt(`grep -rlaF mapped '@{[ $target->data_dir ]}'`, '', '(which were really searched)');
done_testing();
