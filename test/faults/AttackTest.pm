# What the attacks*.pl share. A role without rights, mallory, attacks; each attack is a test with a
# number and a line that says what is tried, and passes if nothing was gained.
#
# Whoever can be brought to run mallory's code writes a row into the table `gain`: a row of anybody
# else than mallory is a gain. Roles of the source need a password, those of the target none.
package AttackTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

our @EXPORT = qw(start_attack_servers prepare_database as_role say_as attack refused fails_later
  mallory_source submit_text submit_as json hold_workers release_workers gains count_of_attacks
  $sane_options);

our ($source, $target);
# For sessions that are to be usable whatever role and database are set to.
our $sane_options = "options='-c search_path=public -c statement_timeout=0 -c lock_timeout=0 -c role=none "
  . "-c idle_session_timeout=0 -c idle_in_transaction_session_timeout=0 -c client_encoding=UTF8 "
  . "-c client_min_messages=error -c default_transaction_read_only=off -c default_transaction_isolation=read\\\\ committed'";

my $attacks = 0;

sub json { return JSON::PP->new->canonical->encode($_[0]); }
sub count_of_attacks { return $attacks; }

# One job at a time, so that others can be kept waiting (hold_workers).
sub start_attack_servers
{
    my (@configuration) = @_;
    ($source, $target) = start_servers(
        source => ["password_encryption = 'scram-sha-256'"],
        target => [ 'pgclone.max_workers = 3', 'pgclone.max_jobs = 16', @configuration ]);
    on_source("create role asked login password 'secret'; create role trusted login");
    my $hba = $source->data_dir . '/pg_hba.conf';
    my $rules = slurp_file($hba);
    unlink $hba;
    append_to_file($hba, "host all asked 127.0.0.1/32 scram-sha-256\n$rules");
    $source->reload;
    make_numbers('numbers', 100);
    on_source('grant select on numbers to asked, trusted');
    on_target('create role mallory login; create role victim login; create role nobody login');
    prepare_database('postgres');
    return ($source, $target);
}

# Makes a database with the extension one where mallory may try.
sub prepare_database
{
    my ($database) = @_;
    $target->safe_psql($database, <<'SQL');
grant create on schema public to mallory, victim;
grant execute on function pgclone_submit, pgclone_plan, pgclone_table, pgclone_table_async,
    pgclone_schema, pgclone_cancel, pgclone_alter, pgclone_resume, pgclone_clear_jobs
    to mallory, victim;
create table public.gain (what text, who name, session name default session_user);
grant all on public.gain to public;
create schema evil authorization mallory;
SQL
    return;
}

# Runs statements in a session of the role; returns what it printed, errors with their SQLSTATE.
sub say_as
{
    my ($role, $sql, %options) = @_;
    my $database = $options{database} // 'postgres';
    my (undef, $out, $err) = $target->psql($database, "\\set VERBOSITY verbose\n$sql;\n",
        connstr => $target->connstr($database) . " user=$role " . ($options{conninfo} // ''),
        on_error_stop => $options{stop} // 0);
    return $err ne '' ? "$out\n$err" : $out;
}

# The same where no error is expected: setting the stage.
sub as_role
{
    my ($role, $sql, %options) = @_;
    my $said = say_as($role, $sql, %options, stop => 1);
    BAIL_OUT("$role: $sql\n$said") if $said =~ /ERROR:|FATAL:/;
    return $said;
}

# What was done with rights that mallory has not.
sub gains
{
    my ($database) = @_;
    $database //= 'postgres';
    my (undef, $found, $error) = $target->psql($database, <<'SQL',
select format('%s as %s (session of %s), %s times', what, who, session, count(*))
from gain where who <> 'mallory' or session <> 'mallory' group by what, who, session
union all
select 'mallory is ' || concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, rolreplication,
                                  rolbypassrls)
from pg_roles where rolname = 'mallory'
                and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)
SQL
        connstr => $target->connstr($database) . " $sane_options");
    return $found . $error;
}

# One attack: `foiled` is whether nothing was gained by itself; `said` what is shown if not.
sub attack
{
    my ($description, $foiled, $said, $database) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $attacks++;
    my $gains = gains($database);
    diag(time - $^T) if $ENV{ATTACK_TIMES};
    my $passed = ok($foiled && $gains eq '', "attack: $description");
    diag($gains, $said // '') unless $passed;
    return $passed;
}

# The attack is a statement of mallory's that must end in one of these SQLSTATEs.
sub refused
{
    my ($description, $sql, $sqlstates, %options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $said = say_as($options{role} // 'mallory', $sql, %options);
    return attack($description, scalar($said =~ /ERROR:  (?:$sqlstates):/), $said,
        $options{database});
}

sub mallory_source
{
    my (%parameters) = @_;
    return source_conninfo(user => 'asked', password => 'secret', %parameters);
}

# Calls pgclone_submit for a table; arguments: source, table, options.
sub submit_text
{
    my ($conninfo, $table, $options) = @_;
    return 'select public.pgclone_submit(' . join(', ', literal($conninfo), "'table'",
        literal($table // 'public.numbers'), literal(json($options // {}))) . ')';
}

sub submit_as
{
    my ($role, @arguments) = @_;
    return as_role($role, submit_text(@arguments));
}

# The attack is a job that must fail with one of these SQLSTATEs, whether at submit or later.
sub fails_later
{
    my ($description, $conninfo, $sqlstates, %options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $role = $options{role} // 'mallory';
    my $said = say_as($role, submit_text($conninfo, $options{table}, $options{options}));
    my $outcome = $said =~ /^\d+$/ ? wait_for_end($said) : $said;
    return attack($description, scalar($outcome =~ /failed (?:$sqlstates)|ERROR:  (?:$sqlstates):/),
        $outcome);
}

# A job of the superuser that stands at a gate and takes all workers; jobs submitted now wait.
sub hold_workers
{
    my $gate = close_gate(99);
    my $job = submit('public.numbers',
        { target_name => 'held_up', where => gate_where(99, 'id = 1'), conflict => 'replace' });
    wait_at_gate(99);
    return { gate => $gate, job => $job };
}

sub release_workers
{
    my ($hold) = @_;
    open_gate($hold->{gate});
    return wait_for_end($hold->{job});
}

1;
