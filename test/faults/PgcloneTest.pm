# What the fault tests share: a source and a target server, jobs, gates, and what may be left over.
#
# A gate stops a clone in the middle of its COPY until the test has done its harm: the job's
# `where` asks for an advisory lock at one row, and a session of the test holds it.
package PgcloneTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(start_servers new_server stop_servers on_source on_target ask_target
  wait_for_target literal source_conninfo submit wait_for_end outcome wait_for_phase
  cancel_and_wait wait_until make_numbers gate_where close_gate open_gate wait_at_gate session
  end_session background output_of backend_pids terminate_backends worker_processes
  pgclone_processes process_status nothing_left is_equal table_state server_log);

# Sessions that die with their server must not take the test with them.
$SIG{PIPE} = 'IGNORE';

our ($source, $target);
my @nodes;
our $superuser = getpwuid($>);

my $patience = $PostgreSQL::Test::Utils::timeout_default; # seconds, generous

# --- Servers

# Defaults that the framework changes are set back to what users have.
sub new_server
{
    my ($name, @configuration) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    # Whatever the environment says.
    $node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
    $node->append_conf('postgresql.conf', join("\n",
            "listen_addresses = '127.0.0.1'",
            'log_statement = none',
            'restart_after_crash = on',
            'max_connections = 60',
            @configuration, ''));
    $node->start;
    push @nodes, $node;
    return $node;
}

# The framework's immediate stop would lose the counters of processes that measure coverage.
END
{
    my $status = $?;
    if ($ENV{GCOV_PREFIX})
    {
        foreach my $node (grep { defined $_->{_pid} } @nodes)
        {
            eval { $node->stop('fast'); };
        }
    }
    $? = $status;
}

# start_servers(source => [lines], target => [lines]): configuration beside the usual.
sub start_servers
{
    my (%configuration) = @_;
    $source = new_server('source', @{ $configuration{source} // [] });
    $target = new_server('target', "shared_preload_libraries = 'pgclone'",
        @{ $configuration{target} // [] });
    on_target('create extension pgclone');
    return ($source, $target);
}

sub stop_servers
{
    $_->stop('fast') foreach ($target, $source);
}

sub on_source { return $source->safe_psql('postgres', $_[0]); }
sub on_target { return $target->safe_psql('postgres', $_[0]); }

# The same of a server that may be down or go down: undef if it did not answer. (A psql that was refused
# may be gone before its query is written to it; the broken pipe is an exception of the framework's,
# also in poll_query_until().)
sub ask_target
{
    my ($sql) = @_;
    my ($status, $answer) = eval { $target->psql('postgres', $sql) };
    return defined $status && $status == 0 ? $answer : undef;
}

sub literal
{
    my ($text) = @_;
    return 'null' unless defined $text;
    $text =~ s/'/''/g;
    return "'$text'";
}

sub server_log { return slurp_file($_[0]->logfile, $_[1] // 0); }

# Calls `condition` until it is true, or patience ends; returns what it said last.
sub wait_until
{
    my ($condition, $seconds) = @_;
    my $deadline = time + ($seconds // $patience);
    my $result;
    until ($result = $condition->())
    {
        last if time > $deadline;
        usleep(20_000);
    }
    return $result;
}

# Waits until the target accepts connections.
sub wait_for_target
{
    return wait_until(sub { defined ask_target('select') });
}

# --- Jobs

sub source_conninfo
{
    my (%parameters) = @_;
    %parameters = (host => '127.0.0.1', port => $source->port, dbname => 'postgres',
        user => $superuser, %parameters);
    return join ' ', map { "$_='$parameters{$_}'" } sort keys %parameters;
}

# Submits the clone of a table; options as a hash; source => connection string and scope if not the
# usual ones.
sub submit
{
    my ($table, $options, %arguments) = @_;
    my $json = JSON::PP->new->canonical->encode($options // {});
    return on_target(sprintf 'select pgclone_submit(%s, %s, %s, %s)',
        literal($arguments{source} // source_conninfo()), literal($arguments{scope} // 'table'),
        literal($table),
        literal($json));
}

# Waits for the end; returns "status" or "status SQLSTATE".
sub wait_for_end
{
    my ($job, $seconds) = @_;
    on_target(sprintf "select pgclone_wait(%d, interval '%d s')", $job, $seconds // $patience);
    return outcome($job);
}

sub outcome
{
    my ($job) = @_;
    return on_target("select concat_ws(' ', status, sqlstate) from pgclone_jobs_view "
          . "where job_id = $job");
}

sub wait_for_phase
{
    my ($job, $phase) = @_;
    return $target->poll_query_until('postgres',
        "select phase = '$phase' from pgclone_jobs_view where job_id = $job")
      || diag("job $job: " . outcome($job));
}

# Cancels; returns the outcome and the milliseconds from the call to the final state, by the
# target's clock.
sub cancel_and_wait
{
    my ($job) = @_;
    my ($before, $cancelled, $status, $after) = split /\n/, on_target(<<SQL);
select extract(epoch from clock_timestamp());
select pgclone_cancel($job);
select pgclone_wait($job, '30 s');
select extract(epoch from clock_timestamp());
SQL
    return (outcome($job), int(1000 * ($after - $before)), $cancelled);
}

# --- Gates

# A source table of `rows` rows, about 100 bytes each.
sub make_numbers
{
    my ($table, $rows) = @_;
    on_source(<<SQL);
create table $table (id integer primary key, payload text);
insert into $table select g, repeat(md5(g::text), 2) from generate_series(1, $rows) as g;
analyze $table;
SQL
}

sub gate_where
{
    my ($key, $condition) = @_;
    return "not ($condition) or pg_advisory_xact_lock_shared($key) is not null";
}

# Returns the session that holds the gate.
sub close_gate
{
    my ($key) = @_;
    my $session = session($source);
    $session->query_safe("select pg_advisory_lock($key)");
    return $session;
}

sub open_gate { end_session($_[0]); }

# Waits until a copy has come to the gate.
sub wait_at_gate
{
    my ($key) = @_;
    return $source->poll_query_until('postgres',
        "select count(*) > 0 from pg_locks where locktype = 'advisory' and objid = $key "
          . 'and not granted');
}

# --- Sessions of the test

sub session
{
    my ($node, $database) = @_;
    my $session = $node->background_psql($database // 'postgres', on_error_stop => 0);
    $session->set_query_timer_restart; # else the time-out is that of the whole session
    return $session;
}

# A session may be gone together with its server.
sub end_session
{
    my ($session) = @_;
    # Without kill_kill its pipes would stay open.
    eval { $session->quit; 1 } or eval { $session->{run}->kill_kill; };
}

# Starts statements without waiting for them; output_of() gives what has come so far, errors
# included.
sub background
{
    my ($session, $sql) = @_;
    $session->{stdin} .= "$sql;\n";
    $session->{run}->pump_nb while length $session->{stdin};
}

sub output_of
{
    my ($session) = @_;
    eval { $session->{run}->pump_nb; };
    return $session->{stdout} . $session->{stderr};
}

# Client backends of a server by application name (LIKE).
sub backend_pids
{
    my ($node, $name) = @_;
    return split /\n/, $node->safe_psql('postgres',
        'select pid from pg_stat_activity where application_name like ' . literal($name)
          . " and backend_type = 'client backend' order by backend_start");
}

sub terminate_backends
{
    my ($node, $name) = @_;
    return $node->safe_psql('postgres',
        'select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity '
          . 'where application_name like ' . literal($name)
          . " and backend_type = 'client backend'");
}

# --- Processes

sub read_proc
{
    my ($file) = @_;
    open my $handle, '<', "/proc/$file" or return '';
    local $/;
    return readline($handle) // '';
}

sub process_status
{
    my ($pid, $field) = @_;
    return read_proc("$pid/status") =~ /^$field:\s*(\S+)/m ? $1 : undef;
}

# All processes of pgclone on this machine whose parent is `parent` (undef = any): pid => title.
sub pgclone_processes
{
    my ($parent) = @_;
    my %found;
    opendir my $directory, '/proc' or die $!;
    foreach my $pid (grep { /^\d+$/ } readdir $directory)
    {
        my $title = read_proc("$pid/cmdline");
        next unless $title =~ /^postgres: .*?(pgclone .*?)[\s\0]*$/;
        my $name = $1;
        next if defined $parent and (process_status($pid, 'PPid') // 0) != $parent;
        $found{$pid} = $name unless $name =~ /\[local\]|\(\d+\)/;
    }
    return %found;
}

# Pids of the target's pgclone processes whose title matches.
sub worker_processes
{
    my ($pattern) = @_;
    my %processes = pgclone_processes($target->{_pid});
    my @pids = sort { $a <=> $b } grep { $processes{$_} =~ $pattern } keys %processes;
    return @pids;
}

# --- What must hold

# No session, no working relation, no slot and no process may be left of any job.
sub nothing_left
{
    my ($label) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $sessions = "select count(*) from pg_stat_activity "
      . "where application_name like 'pgclone %' and backend_type = 'client backend'";
    my $found;
    wait_until(
        sub {
            $found = join ', ', 'sessions on source ' . on_source($sessions),
              'on target ' . on_target($sessions),
              'relations ' . on_target("select count(*) from pg_class "
                  . "where relname like 'pgclone\\_%' and relname ~ '^pgclone_[0-9]'"),
              'slots ' . on_target('select count(*) from pgclone_live_jobs()'),
              'workers ' . scalar(worker_processes(qr/job|worker/));
            return $found !~ /[1-9]/;
        },
        10);
    return is($found,
        'sessions on source 0, on target 0, relations 0, slots 0, workers 0',
        "$label: nothing is left over");
}

sub table_state
{
    my ($node, $table) = @_;
    return $node->safe_psql('postgres',
        "select count(*) || ' rows, ' || coalesce(sum(hashtext(t::text)::bigint), 0) from $table t");
}

sub is_equal
{
    my ($source_table, $target_table, $label) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(table_state($target, $target_table), table_state($source, $source_table), $label);
}

1;
