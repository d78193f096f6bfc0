# The library is not loaded as it should be: not by shared_preload_libraries, or in another version than
# the extension's SQL objects. Whatever needs it says so, and nothing is read that could be of another
# layout.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers();
make_numbers('numbers', 20_000);

sub says
{
    my ($node, $sql) = @_;
    my (undef, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql;\n", on_error_stop => 0);
    return $out . $err;
}

my $conninfo = literal(source_conninfo());
my %calls = (
    submit => "select pgclone_submit($conninfo, 'table', 'public.numbers')",
    plan => "select * from pgclone_plan($conninfo, 'table', 'public.numbers')",
    table => "select pgclone_table($conninfo, 'public', 'numbers')",
    cancel => 'select pgclone_cancel(1)',
    wait => 'select pgclone_wait(1)',
    resume => 'select pgclone_resume(1)',
    alter => "select pgclone_alter(1, 2)");

# --- Not preloaded

my $plain = new_server('plain');
$plain->safe_psql('postgres', 'create extension pgclone');
foreach my $name (sort keys %calls)
{
    my $said = says($plain, $calls{$name});
    like($said, qr/ERROR:  55000: pgclone must be loaded via "shared_preload_libraries"/, "not preloaded: $name: an error");
    like($said, qr/HINT:  Add shared_preload_libraries = 'pgclone' to postgresql\.conf/, "not preloaded: $name: what to do");
}
is($plain->safe_psql('postgres', 'select (select count(*) from pgclone_jobs_view) '
          . '+ (select count(*) from pgclone_tasks_view) + pgclone_clear_jobs()'), 0, 'the views can be read');
is($plain->safe_psql('postgres', 'select pgclone_version()'), '1.1', 'so can the version');
$plain->safe_psql('postgres', 'drop extension pgclone');
pass('the extension can be dropped');
unlike(server_log($plain), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
$plain->stop;

# --- Another version of the SQL objects. (What an update of the extension does to the catalog, without
# the script that this version does not have.)

sub become_version { on_target("update pg_extension set extversion = '$_[0]' where extname = 'pgclone'"); }

my $gate = close_gate(1);
my $job = submit('public.numbers', { retries => 1, where => gate_where(1, 'id = 10000') });
wait_at_gate(1);
become_version('9.9');
foreach my $name (grep { !/cancel|wait|alter/ } sort keys %calls)
{
    my $said = says($target, $calls{$name});
    like($said, qr/ERROR:  55000: extension "pgclone" of this database has version 9\.9, but the loaded library has version 1\.1/,
        "another version: $name: an error");
    like($said, qr/HINT:  Use ALTER EXTENSION pgclone UPDATE, or restart/, "another version: $name: what to do");
}
like(says($target, 'select * from pgclone_jobs_view'), qr/55000.*version 9\.9/s, 'another version: the views, too');
open_gate($gate);
# The worker's marks are refused; so the ledger still says that the job runs.
ok(wait_until(sub { !worker_processes(qr/job |table worker/) }, 30), 'the job that runs stops');
is(on_target("select status from pgclone_job where job_id = $job"), 'running', 'and is not called completed');
is(on_target("select to_regclass('public.numbers') is null"), 't', 'there is no table');
become_version('1.1');
wait_until(sub { outcome($job) =~ /^(failed|completed)/ }, 20);
like(outcome($job), qr/^failed 55000$/, 'once the versions fit the job has failed, and says why');
like(on_target("select error_message from pgclone_jobs_view where job_id = $job"), qr/has version 9\.9/, 'with the versions');
$job = submit('public.numbers');
is(wait_for_end($job), 'completed', 'another job completes');
is_equal('numbers', 'numbers', 'with all rows');
become_version('9.9');
on_target('drop extension pgclone');
pass('an extension of another version can be dropped');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
