# Who the workers log in as: the submitter, as the server's own rules allow it at that time.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

# Room for one job at a time, so that another one waits.
my ($source, $target) = start_servers(target => ['pgclone.max_workers = 3']);
on_source("create role reader login password 'secret'; create table one as select 1 as id; "
      . 'grant select on one to reader');
foreach my $rule ([ $source, 'host all reader 127.0.0.1/32 scram-sha-256' ],
    [ $target, 'local all refused reject' ])
{
    my ($node, $line) = @$rule;
    my $file = $node->data_dir . '/pg_hba.conf';
    my $rules = slurp_file($file);
    unlink $file;
    append_to_file($file, "$line\n$rules");
    $node->reload;
}
make_numbers('numbers', 1000);
foreach my $role (qw(refused revoked renamed dropped demoted))
{
    on_target("create role $role login; grant create on schema public to $role; "
          . "grant execute on function pgclone_submit, pgclone_table to $role");
}
on_target('create role without_login; grant execute on function pgclone_submit to without_login');
on_target('alter role demoted superuser');

sub submit_sql
{
    my ($name, %parameters) = @_;
    return 'select pgclone_submit('
      . literal(source_conninfo(user => 'reader', password => 'secret', %parameters))
      . ", 'table', 'public.one', '{\"target_name\": \"$name\"}')";
}

sub submit_as
{
    my ($role, %parameters) = @_;
    return on_target("set role $role; " . submit_sql("of_$role", %parameters));
}

# --- Refused by pg_hba.conf

my $job = submit_as('refused');
is(wait_for_end($job), 'failed 28000', 'a role that pg_hba.conf refuses: the job fails');
my $hint = on_target("select error_hint from pgclone_job where job_id = $job");
like($hint, qr/local "postgres" "refused" peer map=pgclone/, 'the hint has the line for pg_hba.conf');
like($hint, qr/pgclone \S+ "?refused"?/, 'and that for pg_ident.conf');
my ($status, $out, $err) = $target->psql('postgres', 'set role refused; select pgclone_table('
      . literal(source_conninfo(user => 'reader', password => 'secret')) . ", 'public', 'one')");
like($err, qr/ERROR:.*\n.*pg_hba\.conf/s, 'pgclone_table says so, too');

# --- Refused at submit

($status, $out, $err) = $target->psql('postgres', 'set role without_login; ' . submit_sql('x'));
like($err, qr/ERROR:.*log in/, 'a role without LOGIN is refused at submit');

# --- Changed between submit and run

my $gate = close_gate(1);
my $blocker = submit('public.numbers', { where => gate_where(1, 'id = 1') });
wait_at_gate(1);
my %jobs = map { $_ => submit_as($_) } qw(revoked renamed dropped);
# Without a password: only a superuser may.
$jobs{demoted} = submit_as('demoted', user => $PgcloneTest::superuser, password => '');
on_target(<<'SQL');
revoke execute on function pgclone_submit from revoked;
alter role renamed rename to has_other_name;
drop owned by dropped;
drop role dropped;
alter role demoted nosuperuser;
SQL
open_gate($gate);
is(wait_for_end($blocker), 'completed', 'the job that held up the others ends');
is(wait_for_end($jobs{revoked}), 'failed 42501', 'EXECUTE revoked before the job runs: failed');
like(wait_for_end($jobs{renamed}), qr/^(completed|failed 28000)$/, 'role renamed: the job ends');
diag('role renamed: ' . outcome($jobs{renamed}));
like(wait_for_end($jobs{dropped}), qr/^failed (28000|42704)$/, 'role dropped: failed');
like(wait_for_end($jobs{demoted}), qr/^failed (2F003|42501)$/, 'role demoted: judged again');
is(on_target("select count(*) from pg_class where relname in ('of_revoked', 'of_dropped', 'of_demoted')"), 0,
    'none of them made a table');
nothing_left('login');
done_testing();
