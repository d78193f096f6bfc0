# The library is new, the extension's SQL objects are those of 1.0: nothing is done until they are
# updated, what was under way goes on then, and in the end all is as if it had been installed new.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_servers();
make_numbers('numbers', 20_000);
my $newest = on_target('select pgclone_version()');

# What an extension consists of: its objects with owners, privileges, comments and definitions.
sub extension_objects
{
    my ($database) = @_;
    return $target->safe_psql($database, <<'SQL');
select pg_describe_object(d.classid, d.objid, 0), obj_description(d.objid, d.classid::regclass::name),
       p.proacl::text, md5(case when p.prokind = 'f' then pg_get_functiondef(p.oid) end),
       c.relacl::text, (select md5(string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ','
                                              order by a.attnum))
                        from pg_attribute as a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
from pg_depend as d
left join pg_proc as p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
left join pg_class as c on d.classid = 'pg_class'::regclass and c.oid = d.objid
where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
  and d.refobjid = (select oid from pg_extension where extname = 'pgclone')
order by 1
SQL
}

sub error_of
{
    my ($sql) = @_;
    my (undef, undef, $err) = $target->psql('postgres', "\\set VERBOSITY verbose\n$sql;\n", on_error_stop => 0);
    return $err;
}

sub set_version { on_target("update pg_extension set extversion = '$_[0]' where extname = 'pgclone'"); }

on_target('create database new');
$target->safe_psql('new', 'create extension pgclone');

# --- A database with the objects of 1.0

on_target('drop extension pgclone');
on_target("create extension pgclone version '1.0'");
is(on_target("select string_agg(source || ' ' || path, ', ') from pg_extension_update_paths('pgclone') "
          . "where source = '1.0' and path is not null"),
    "1.0 1.0--$newest", 'there is a way from 1.0 to the newest version');
my $said = error_of('select pgclone_submit(' . literal(source_conninfo()) . ", 'table', 'public.numbers')");
like($said, qr/ERROR:  55000: extension "pgclone" of this database has version 1\.0, but the loaded library has version \Q$newest/,
    'the new library does not work with the old objects');
like($said, qr/HINT:  Use ALTER EXTENSION pgclone UPDATE/, 'and says what to do');

# Jobs as a library of 1.0 would have left them: one completed, one in the middle when the server is
# stopped. (That library is not at hand; the new one takes the old objects under its own version.)
set_version($newest);
my $completed = submit('public.numbers', { target_name => 'completed' });
is(wait_for_end($completed), 'completed', 'a job completes');
my $gate = close_gate(1);
my $interrupted = submit('public.numbers', { where => gate_where(1, 'id = 10000') });
wait_at_gate(1);
set_version('1.0');
$target->stop('immediate');
open_gate($gate);
$target->start;
ok(wait_until(sub { server_log($target) =~ /could not search the ledger of pgclone: .*has version 1\.0/ }),
    'after the start the old ledger is not touched, and the log says why');
is(on_target("select status from pgclone_job where job_id = $interrupted"), 'running', 'its job waits');

# --- The update

on_target('alter extension pgclone update');
is(on_target("select extversion from pg_extension where extname = 'pgclone'"), $newest, 'the extension is updated');
is(wait_for_end($interrupted), 'completed', 'the job that was interrupted goes on by itself');
is_equal('numbers', 'numbers', 'with all rows');
is(outcome($completed), 'completed', 'what was completed is still there');
cmp_ok(on_target("select count(*) from pgclone_timeline($completed)"), '>', 1, 'and has a timeline');
is(extension_objects('postgres'), extension_objects('new'), 'all objects are as in a new installation');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
nothing_left('in the end');
done_testing();
