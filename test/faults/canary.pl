# A password, the canary, over more than thirty ways in which a job or a submit goes wrong: afterwards
# it is in no log, view, catalog, process title, file of the data directory or base backup. (What is
# promised, and that log_statement and log_min_duration_statement are off, is in SECURITY.md.)
#
# The jobs that are looked at while they run, and the refusals of arguments, are in secrets.pl.
use strict;
use warnings FATAL => 'all';

use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $canary = 'kanarienvogel7';
my $mapped = 'zeisigfink8'; # stands in a user mapping, so in its catalog, and nowhere else

my $library = `$ENV{PG_CONFIG} --pkglibdir`;
chomp $library;
my $has_statements = -e "$library/pg_stat_statements.so";
my ($source, $target) = start_servers(
    source => ["password_encryption = 'scram-sha-256'"],
    target => [
        # The later line counts.
        "shared_preload_libraries = '" . ($has_statements ? 'pg_stat_statements, ' : '') . "pgclone'",
        ($has_statements ? 'pg_stat_statements.track = all' : ()),
        'pgclone.max_workers = 3', 'pgclone.max_jobs = 4', 'pgclone.connect_timeout = 300ms',
        'max_prepared_transactions = 2', 'wal_level = replica', 'max_wal_senders = 4',
        'log_min_messages = warning', 'log_min_error_statement = error', 'log_error_verbosity = verbose',
        'log_parameter_max_length_on_error = -1', 'log_lock_waits = on', 'deadlock_timeout = 50ms',
        'log_connections = on', 'log_disconnections = on', 'log_line_prefix = \'%m [%p] %a %q\'' ]);
on_source("create role reader login password '$canary'; create role mapped login password '$mapped'");
my $hba = $source->data_dir . '/pg_hba.conf';
my $rules = slurp_file($hba);
unlink $hba;
append_to_file($hba, "host all reader,mapped 127.0.0.1/32 scram-sha-256\n$rules");
$source->reload;
make_numbers('numbers', 500);
on_source('grant select on numbers to reader, mapped');
on_target('create extension pg_stat_statements') if $has_statements;
on_target('create role app login; grant create on schema public to app; '
      . 'grant execute on all functions in schema public to app');

my %reader = (user => 'reader', password => $canary);
my $collected = ''; # all that anybody was told
my $paths = 0;

sub say
{
    my ($sql, %options) = @_;
    my (undef, $out, $err) = $target->psql('postgres', "\\set VERBOSITY verbose\n$sql;\n",
        connstr => $target->connstr('postgres') . ' user=' . ($options{role} // 'app'),
        on_error_stop => 0);
    $collected .= "$out\n$err\n";
    return $err ne '' ? "$out\n$err" : $out;
}

sub sample
{
    $collected .= $_->safe_psql('postgres', <<'SQL') . "\n" foreach ($source, $target);
select a::text from pg_stat_activity as a; select p::text from pg_prepared_statements as p;
select s::text from pg_settings as s; select c::text from pg_cursors as c;
SQL
    $collected .= on_target(<<'SQL') . "\n";
select v::text from pgclone_jobs_view as v; select v::text from pgclone_tasks_view as v;
select j::text from pgclone_job as j; select t::text from pgclone_task as t;
select a::text from pgclone_alteration as a; select pgclone_jobs()::text;
SQL
    opendir my $directory, '/proc' or die $!;
    foreach my $pid (grep { /^\d+$/ } readdir $directory)
    {
        my $title = PgcloneTest::read_proc("$pid/cmdline");
        # What psql is told by this test is not pgclone's; servers' processes are.
        $collected .= "$title\n" if $title =~ /postgres/ && $title !~ /psql/;
    }
}

# One path: `how` it goes wrong, what was said, what that must look like.
sub path
{
    my ($how, $said, $expected) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $paths++;
    like($said, $expected, "path: $how");
    unlike($said, qr/$canary|$mapped/, "path: $how: nothing is told");
    return;
}

sub call
{
    my ($conninfo, $options, $function) = @_;
    return ($function // 'pgclone_submit') . '(' . literal($conninfo) . ", 'table', 'public.numbers', "
      . literal($options // '{"retries": 0}') . ')';
}

sub job_path
{
    my ($how, $conninfo, $options, $expected) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $job = say('select ' . call($conninfo, $options));
    return path($how, $job, qr/job id/) if $job !~ /^\d+$/;
    wait_for_end($job);
    sample();
    return path($how, outcome($job) . ' '
          . on_target("select concat(error_message, error_detail, error_hint) from pgclone_job "
              . "where job_id = $job"), $expected);
}

# A server that asks for the password in clear text and answers with `reply`, a function of it.
sub hostile_server
{
    my ($reply) = @_;
    my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp')
      or die "no socket: $!";
    my $pid = fork // die $!;
    if ($pid == 0)
    {
        $SIG{ALRM} = sub { POSIX::_exit(0) };
        alarm 60;
        while (my $client = $listener->accept)
        {
            my $read = sub { # a message: its body
                my ($typed) = @_;
                my $head;
                read $client, $head, $typed ? 5 : 4 or return;
                my $length = unpack 'N', substr($head, $typed ? 1 : 0);
                read $client, my $body, $length - 4;
                return $body;
            };
            my $start = $read->(0) // next;
            if (length $start == 4) # TLS or GSS are asked for
            {
                $client->syswrite('N');
                $start = $read->(0) // next;
            }
            $client->syswrite(pack 'a N N', 'R', 8, 3);
            my $password = $read->(1) // next;
            $password =~ s/\0//;
            $client->syswrite($reply->($password));
            $client->close;
        }
        POSIX::_exit(0);
    }
    my $port = $listener->sockport;
    $listener->close;
    return ($port, $pid);
}

sub error_message
{
    my (%fields) = @_;
    my $body = join('', map { "$_$fields{$_}\0" } sort keys %fields) . "\0";
    return pack 'a N a*', 'E', length($body) + 4, $body;
}

require POSIX;
my $good = source_conninfo(%reader);
my $port = $source->port;

# --- Jobs that fail

job_path('wrong password', source_conninfo(%reader, password => "x$canary"), undef, qr/^failed 28P01/);
job_path('wrong host', source_conninfo(%reader, host => 'host.invalid'), undef, qr/^failed 08/);
job_path('nobody listens', source_conninfo(%reader, port => 1), undef, qr/^failed 08/);
job_path('sslmode that the source has not', source_conninfo(%reader, sslmode => 'require'), undef,
    qr/^failed 08/);
job_path('channel binding that cannot be had', source_conninfo(%reader, channel_binding => 'require'),
    undef, qr/^failed 08/);
job_path('another kind of server wanted', source_conninfo(%reader, target_session_attrs => 'standby'),
    undef, qr/^failed 08/);
job_path('no such database', source_conninfo(%reader, dbname => 'nowhere'), undef, qr/^failed 3D000/);
job_path('an error in the middle of the COPY', $good,
    '{"where": "1 / (id - 100) is not null", "target_name": "w"}', qr/^failed 22012/);
job_path('permission denied on the source',
    source_conninfo(%reader), '{"where": "exists (select from pg_authid)"}', qr/^failed 42501/);
my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die $!;
job_path('the source never answers', source_conninfo(%reader, port => $silent->sockport), undef,
    qr/^failed 08/);
my @children;
foreach my $case (
    [ 'the source echoes it in an error', sub { error_message(S => 'FATAL', C => '28P01',
            M => "no, '$_[0]' is wrong", D => "It was $_[0].", H => "Not $_[0].") } ],
    [ 'the source echoes it escaped by a control character', sub { error_message(S => 'FATAL',
            C => '28000', M => "\x07$_[0]\x1b") } ],
    [ 'the source echoes it in a notice and hangs up', sub { my $text = error_message(S => 'NOTICE',
            C => '00000', M => $_[0]); substr($text, 0, 1) = 'N'; $text } ],
    [ 'the source echoes it in an old-style error', sub { "E$_[0]\n\0" } ],
    [ 'the source echoes it as a message of no known kind', sub { pack('a N', 'z', 4 + length $_[0]) . $_[0] } ],
    [ 'the source closes the connection', sub { '' } ])
{
    my ($how, $reply) = @$case;
    my ($fake, $pid) = hostile_server($reply);
    push @children, $pid;
    job_path($how, source_conninfo(%reader, port => $fake, sslmode => 'disable'), undef, qr/^failed/);
    path("$how, in the form that waits", say('select pgclone_table('
              . literal(source_conninfo(%reader, port => $fake, sslmode => 'disable'))
              . ", 'public', 'numbers', options => '{\"retries\": 0}')"), qr/ERROR/);
}
kill 'KILL', @children;
waitpid $_, 0 foreach @children;

# --- Submits that fail

path('malformed: quote not closed', say('select ' . call("host=h password='$canary")), qr/ERROR:  22023/);
path('malformed: no equals sign', say('select ' . call("password=$canary host")), qr/ERROR:  22023/);
path('malformed: escape at the end', say('select ' . call("host=h password=$canary\\")), qr/\d|ERROR/);
path('malformed: port of a URI', say('select ' . call("postgresql://reader:$canary\@h:port:x/db")),
    qr/\d|ERROR/);
path('malformed: bracket of a URI', say('select ' . call("postgresql://r:$canary\@[::1/db")),
    qr/ERROR:  22023/);
path('malformed: percent in a URI', say('select ' . call("postgresql://r:$canary%zz\@h/db")),
    qr/ERROR:  22023/);
path('malformed: a URI without its prefix', say('select ' . call("reader:$canary\@h/db")), qr/ERROR/);
path('malformed: just the password', say('select ' . call("=$canary")), qr/ERROR/);
path('an unknown parameter next to it', say('select ' . call("host=h password=$canary nonsense=1")),
    qr/ERROR/);
path('an unknown parameter that is it', say('select ' . call("host=h $canary=1 password=x")), qr/ERROR/);
path('a parameter that is not allowed', say('select ' . call("$good options=-cx=y")), qr/ERROR:  42501/);
path('an unknown option', say('select ' . call($good, '{"x": 1}')), qr/ERROR/);
path('the connection string among the options', say('select ' . call($good, "{\"where\": "
          . "\"password=$canary host=h'\"}")), qr/ERROR/);
path('the connection string as object', say("select pgclone_submit('shop', 'table', "
          . literal($good) . ')'), qr/ERROR/);
path('the connection string as name of a table', say("select pgclone_table('host=h password=x', 'a', "
          . literal($good) . ')'), qr/ERROR/);
path('the wrong order of arguments', say("select pgclone_submit('table', " . literal($good)
          . ", 'public.numbers')"), qr/ERROR/);
path('the wrong number of arguments, in the form that waits',
    say('select pgclone_table(' . literal($good) . ", '', 'x')"), qr/ERROR:  22023/);
path('a transaction that fails after it', say('begin; select ' . call($good)
          . '; select 1 / (select 0); select 1; commit'), qr/division by zero/);
path('a transaction that is rolled back', say('begin; select ' . call($good) . '; rollback'), qr/^\d+/m);
path('a savepoint that is rolled back', say('begin; savepoint s; select ' . call($good)
          . '; rollback to s; commit'), qr/^\d+/m);
path('PREPARE TRANSACTION', say('begin; select ' . call($good) . "; prepare transaction 'p'"),
    qr/ERROR/);
path('a read-only transaction', say('begin read only; select ' . call($good)), qr/ERROR:  25006/);
path('a prepared statement', say('prepare p as select ' . call($good, '{"x": 1}') . '; execute p'),
    qr/ERROR/);
path('parameters of the extended protocol, in the form that waits', say('select pgclone_table('
          . literal($good) . ", 'public', 'numbers', options => '{\"x\": 1}')"), qr/ERROR/);
on_target('create role half login; grant execute on function pgclone_table to half');
path('only the form that waits may be executed', say('select pgclone_table(' . literal($good)
          . ", 'public', 'numbers')", role => 'half'), qr/ERROR:  42501/);
path('a cursor', say('begin; declare c cursor for select ' . call($good, '{"x": 1}') . '; fetch c'),
    qr/ERROR/);
path('PL/pgSQL with the string in a variable', say('do $x$ declare c text := ' . literal($good)
          . "; begin perform pgclone_submit(c, 'table', 'public.numbers', '{\"x\": 1}'); end \$x\$"),
    qr/ERROR/);
path('PL/pgSQL with dynamic SQL', say('do $x$ begin execute '
          . literal('select ' . call($good, '{"x": 1}')) . '; end $x$'), qr/ERROR/);
path('an SQL function', say('create function pg_temp.f() returns bigint language sql as $x$ select '
          . 'pgclone_submit(current_setting(\'my.source\'), \'table\', \'public.numbers\', \'{"x": 1}\') $x$; '
          . 'set my.source = ' . literal($good) . '; select pg_temp.f()'), qr/ERROR/);
path('pgclone_plan that fails', say('select * from ' . call($good =~ s/numbers/x/r, '{"x": 1}',
            'pgclone_plan')), qr/ERROR/);
path('pgclone_plan of what is not there', say('select * from pgclone_plan(' . literal($good)
          . ", 'table', 'public.absent')"), qr/ERROR/);
path('a schema that is not there, in the form that waits',
    say('select pgclone_schema(' . literal($good) . ", 'absent')"), qr/ERROR/);

# --- Interrupted

my $gate = close_gate(1);
my $gated = literal('{"target_name": "gated", "retries": 0, "where": "' . gate_where(1, 'id = 7') . '"}');
my $table = 'select pgclone_table(' . literal($good) . ", 'public', 'numbers', options => $gated)";
path('statement_timeout in the form that waits', say("set statement_timeout = '300ms'; $table"),
    qr/ERROR:  57014/);
my $session = session($target);
$session->query_safe('set session authorization app');
background($session, $table);
wait_at_gate(1);
sample();
on_target("select count(pg_terminate_backend(pid)) from pg_stat_activity "
      . "where query like '%pgclone_table(%' and pid <> pg_backend_pid()");
end_session($session);
wait_until(sub { on_target('select count(*) from pgclone_live_jobs()') eq '0' }, 20);
path('the waiting session is terminated', on_target('select string_agg(status, \' \') from pgclone_job'),
    qr/cancelled/);
my $job = say("select pgclone_submit(" . literal($good) . ", 'table', 'public.numbers', $gated)");
wait_at_gate(1);
path('queue full', say("select " . join(', ', map { call($good, "{\"target_name\": \"q$_\"}") } 1 .. 9)),
    qr/ERROR:  53400/);
my $waiting = say('select ' . call($good, '{"target_name": "waits"}'));
sample();
path('cancelled while it waits', say("select pgclone_cancel($waiting); select pgclone_wait($waiting)"),
    qr/cancelled/);
say("select pgclone_cancel($job)");
path('cancelled while it copies', wait_for_end($job) . outcome($job), qr/cancelled/);
say("begin; select " . call($good, '{"unique_key": "k", "target_name": "k"}') . "; select pg_sleep(0.2)");
$job = say("select pgclone_submit(" . literal($good) . ", 'table', 'public.numbers', $gated)");
wait_at_gate(1);
my @workers = worker_processes(qr/table worker/);
kill 'KILL', @workers;
wait_until(sub { eval { on_target('select 1') } }, 30);
$target->poll_query_until('postgres', 'select count(*) = 0 from pgclone_jobs_view '
      . "where status in ('pending', 'running')");
path('a worker is killed, and the server restarts', scalar(@workers) . ' ' . outcome($job),
    qr/^1 held/);
open_gate($gate);
path('resumed with a malformed string', say("select pgclone_resume($job, 'host=h password=''$canary')"),
    qr/ERROR:  22023/);
path('resumed with a parameter that is not allowed', say("select pgclone_resume($job, "
          . literal("$good passfile=/x") . ')'), qr/ERROR:  42501/);
path('resumed in a transaction that is rolled back', say("begin; select pgclone_resume($job, "
          . literal($good) . '); rollback'), qr/^\d+/m);
my $resumed = say("select pgclone_resume($job, "
      . literal(source_conninfo(%reader, password => "x$canary")) . ')');
wait_for_end($job);
sample();
path('resumed with a wrong password', $resumed . outcome($job), qr/failed 28P01/);

# --- By foreign server, with the password in a user mapping; and jobs that succeed

on_target("create extension postgres_fdw; create server shop foreign data wrapper postgres_fdw options "
      . "(host '127.0.0.1', port '$port', dbname 'postgres'); grant usage on foreign server shop to app; "
      . "create user mapping for app server shop options (user 'mapped', password '$mapped')");
job_path('a foreign server: it completes', 'shop', '{"target_name": "by_server"}', qr/^completed/);
on_target("alter server shop options (set dbname 'nowhere')");
job_path('a foreign server: it fails', 'shop', '{"retries": 0, "target_name": "s"}', qr/^failed 3D000/);
on_target("alter user mapping for app server shop options (set password 'x$mapped')");
job_path('a foreign server: wrong password', 'shop', '{"retries": 0, "target_name": "s"}',
    qr/^failed 28P01/);
job_path('it completes', $good, '{"target_name": "complete"}', qr/^completed/);
path('pgclone_plan that succeeds', say('select * from ' . call($good, '{"target_name": "planned"}',
            'pgclone_plan')), qr/\|/);

# --- The search

sample();
$collected .= on_target('select s::text from pg_stat_statements as s '
      . "where query !~ 'user mapping'") if $has_statements;
on_target('drop user mapping for app server shop; vacuum full pg_user_mapping');
$collected .= on_target(<<'SQL');
select string_agg(x, '') from pg_class as c, lateral (select query_to_xml(format('select * from %s',
    c.oid::regclass), true, false, '')::text) as t(x)
where c.relkind in ('r', 'v', 'm') and c.relnamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)
  and c.relname not in ('pg_hba_file_rules', 'pg_ident_file_mappings', 'pg_stat_statements')
SQL
unlike($collected, qr/$canary/, 'not in views, catalogs, activity, titles, settings, errors')
  or diag(map { substr($_, 0, 300) . "\n" } grep { /$canary/ } split /\n/, $collected);
unlike($collected, qr/$mapped/, 'nor that of the user mapping');
like($collected, qr/password authentication failed/, '(which were really read)');
cmp_ok($paths, '>=', 30, "$paths paths");
nothing_left('canary');

$target->backup('copy');
stop_servers();
my ($target_data, $copy) = ($target->data_dir, $target->backup_dir . '/copy');
foreach my $word ($canary, $mapped)
{
    my @lines = grep { /$word/ && !/create (role|user mapping)|alter user mapping/ } split /\n/,
      server_log($target) . server_log($source);
    is(join("\n", @lines), '', 'not in the logs');
}
is(`grep -rlaF $canary '$target_data' '$copy'`, '', 'not in the data directory, nor in a base backup');
isnt(`grep -rlaF numbers '$target_data' '$copy'`, '', '(which were really searched)');
done_testing();
