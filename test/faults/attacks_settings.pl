# Attacks by settings, by changes of the submitting role, by size, and by arguments that no one would
# give. None may gain anything, change what is cloned, or bring the server down.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use AttackTest;
use PgcloneTest;
use Test::More;

my ($source, $target) = start_attack_servers();
my $superuser = $PgcloneTest::superuser;

# --- Settings of the role and of the database

on_source(<<'SQL');
create table typed (id integer primary key, d date, t timestamptz, i interval, f float8, b bytea,
    n numeric, s text default 'a\b', m money, x text);
insert into typed select g, date '2024-02-03' + g, timestamptz '2024-02-03 04:05:06+00' + g * interval '1 h',
    g * interval '1 mon -3 d 04:05:06.789', 1.0 / g, decode(md5(g::text), 'hex'), 1.0 / g,
    E'\\' || g, g::float8::numeric::money, case when g % 3 = 0 then null else 'äöü' || g end
from generate_series(1, 50) as g;
grant select on typed to asked;
SQL
my @settings = (
    "search_path = 'evil', 'pg_catalog'", "session_replication_role = 'replica'", "role = 'victim'",
    'default_transaction_read_only = on', "default_transaction_isolation = 'serializable'",
    'default_transaction_deferrable = on', "statement_timeout = '1ms'", "lock_timeout = '1ms'",
    "idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '1ms'", 'row_security = on',
    'check_function_bodies = on', "client_encoding = 'LATIN1'", "DateStyle = 'German, DMY'",
    "IntervalStyle = 'sql_standard'", "TimeZone = 'Asia/Kathmandu'", 'extra_float_digits = -15',
    "bytea_output = 'escape'", 'standard_conforming_strings = off', 'array_nulls = off',
    'transform_null_equals = on', 'quote_all_identifiers = on', "xmloption = 'document'",
    "default_tablespace = 'nowhere'", "default_table_access_method = 'nowhere'",
    "temp_tablespaces = 'nowhere'", 'synchronous_commit = off', "client_min_messages = 'debug5'",
    "plpgsql.extra_errors = 'all'", "plpgsql.variable_conflict = 'error'", "lc_monetary = 'C'",
    "backslash_quote = 'on'", 'escape_string_warning = off', 'enable_seqscan = off',
    "work_mem = '64kB'", "maintenance_work_mem = '1MB'",
    "log_parameter_max_length_on_error = '-1'", "application_name = 'pgclone job 1'");
sub typed_state
{
    my ($node, $database, $table) = @_;
    return $node->safe_psql($database, 'set timezone = utc; set extra_float_digits = 3; '
          . "select md5(string_agg(x::text, '|' order by id)) || (select string_agg(concat(attname, ' ', "
          . "format_type(atttypid, atttypmod), attnotnull), ', ' order by attnum) from pg_attribute "
          . "where attrelid = '$table'::regclass and attnum > 0) from $table as x");
}

$target->safe_psql('postgres', 'create database mallorys owner mallory');
$target->safe_psql('mallorys', 'create extension pgclone');
prepare_database('mallorys');
foreach my $whom ('role mallory', 'database mallorys')
{
    my $statements = join ";\n", map { "alter $whom set $_" } @settings;
    say_as('mallory', $statements, conninfo => $sane_options);
    # What she may not set, a superuser has set for reasons of their own.
    $target->psql('postgres', $statements, on_error_stop => 0);
    foreach my $role ('mallory', $superuser)
    {
        next if $whom =~ /role/ && $role ne 'mallory';
        my $name = "by_$role";
        my $conninfo = $role eq 'mallory' ? mallory_source() : source_conninfo();
        my $said = say_as($role, 'select public.pgclone_table(' . literal($conninfo)
              . ", 'public', 'typed', target_name => '$name', options => '{\"conflict\": \"replace\"}')",
            database => 'mallorys', conninfo => $sane_options);
        my $copy = say_as($superuser, "select relowner::regrole from pg_class where relname = '$name'",
            database => 'mallorys', conninfo => $sane_options);
        $target->safe_psql('postgres', "alter $whom reset all") if $role eq $superuser || $whom =~ /role/;
        my $equal = $said eq 'completed' && $copy =~ /^"?$role"?$/;
        if ($equal && ($role eq $superuser || $whom =~ /role/))
        {
            $equal = typed_state($target, 'mallorys', "public.$name") eq
              typed_state($source, 'postgres', 'public.typed');
        }
        attack(@settings . " settings of the $whom, then a clone by $role", $equal, "$said $copy",
            'mallorys');
    }
}

# --- The role between submit and run

my @cases = (
    [ 'dropped, and a superuser made with its name', 'drop owned by changing; drop role changing; '
          . 'create role changing login superuser' ],
    [ 'renamed, and another takes its name', 'alter role changing rename to was_changing; '
          . 'alter role other rename to changing' ],
    [ 'may not log in any more', 'alter role changing nologin' ],
    [ 'may not have any session', 'alter role changing connection limit 0' ],
    [ 'may not create in the schema', 'revoke create on schema public from changing' ],
    [ 'may not connect to the database', 'revoke connect on database postgres from public, changing' ],
    [ 'may not submit any more', 'revoke execute on function pgclone_submit from changing' ]);
foreach my $case (@cases)
{
    my ($what, $change) = @$case;
    on_target('create role changing login; create role other login; '
          . 'grant create on schema public to changing, other; '
          . 'grant execute on function pgclone_submit to changing, other');
    my $hold = hold_workers();
    my $job = submit_as('changing', mallory_source(), undef, { target_name => 'changed', retries => 0 });
    on_target($change);
    release_workers($hold);
    my $outcome = wait_for_end($job);
    my $made = on_target("select count(*) from pg_class where relname = 'changed'");
    attack("the role, between submit and run: $what", $outcome =~ /^failed/ && !$made, $outcome);
    on_target('grant connect on database postgres to public');
    foreach my $role (qw(changing other was_changing))
    {
        $target->psql('postgres', "drop owned by $role cascade");
        $target->psql('postgres', "drop role $role");
    }
}
refused('the role: SET ROLE to one that she is no member of, then submit',
    'set role victim; ' . submit_text(mallory_source()), '42501');

# --- Size

my %sizes = (
    'options of a megabyte' => "jsonb_build_object('where', repeat('x', 1000000))",
    '100,000 patterns' => "jsonb_build_object('include', (select jsonb_agg('t' || g) "
      . 'from generate_series(1, 100000) as g))',
    '10,000 levels of arrays' => "(repeat('[', 5000) || repeat(']', 5000))::jsonb",
    '1,000 levels inside an option' => "jsonb_build_object('role_map', "
      . "(repeat('{\"a\":', 1000) || '1' || repeat('}', 1000))::jsonb)",
    '20,000 unknown options' => "(select jsonb_object_agg('o' || g, g) from generate_series(1, 20000) as g)",
    'a name of 10,000 bytes' => "jsonb_build_object('target_name', repeat('n', 10000))",
    'a key of 10,000 bytes' => "jsonb_build_object('unique_key', repeat('n', 10000))",
    'parallel 65' => "'{\"parallel\": 65}'", 'parallel 0' => "'{\"parallel\": 0}'",
    'parallel 1e300' => "'{\"parallel\": 1e300}'", 'parallel -1' => "'{\"parallel\": -1}'",
    'a rate above all numbers' => "'{\"rate_limit\": \"99999999999999999999TB/s\"}'",
    'retries 1e9' => "'{\"retries\": 1000000000}'",
    'a where of 10,000 brackets' => "jsonb_build_object('where', repeat('(', 10000) || '1' "
      . "|| repeat(')', 10000))",
);
my $start = "select pgclone_submit(" . literal(mallory_source());
foreach my $what (sort keys %sizes)
{
    my $place = $what =~ /patterns/ ? "'schema', 'public'" : "'table', 'public.numbers'";
    refused("size: $what", "$start, $place, $sizes{$what})", '22023|54001|42601|54000|53200');
}
refused('size: a table name of a megabyte', "$start, 'table', 'a.' || repeat('n', 1000000))", '22023');
refused('size: a connection string of a megabyte',
    "select pgclone_submit('host=x password=' || repeat('n', 1000000), 'table', 'a.b')", '22023');
refused('size: an alteration to 1,000 workers', 'select pgclone_alter(1, 1000)', '22023|42704|42501');

my $hold = hold_workers();
refused('size: 100 jobs in one transaction',
    "$start, 'table', 'public.numbers', jsonb_build_object('target_name', 'n' || g)) "
      . 'from generate_series(1, 100) as g', '53400');
my $said = say_as('mallory', join(';', map { submit_text(mallory_source(), undef,
            { target_name => "filled$_" }) } 1 .. 30));
attack('size: all slots of the queue, one by one', scalar($said =~ /ERROR:  53400/), $said);
my $mine = on_target("select string_agg(job_id::text, ',') from pgclone_jobs_view "
      . "where submitted_by = 'mallory' and status = 'pending'");
say_as('mallory', "select pgclone_cancel(j) from unnest(array[$mine]) as j");
release_workers($hold);

# --- Arguments: NULL, empty and of a wrong kind, one at a time, for all that is public

my %plausible = (source => literal(mallory_source()), scope => "'table'", object => "'public.numbers'",
    options => "'{}'", job_id => '1', timeout => "'1 ms'", schema_name => "'public'",
    table_name => "'numbers'", target_database => "'x'", include_data => 'true', parallel => '1',
    rate_limit => "'1MB/s'", target_name => "'x'");
my %odd = (text => [ 'null', "''", "' '", "E'\\001'", "'\x{e4}'", "repeat('x', 70)", "'\"'", "'a.b.c'",
        "'host=''x'", "'%n'", '\'a"b\'' ],
    jsonb => [ 'null', "'null'", "'[]'", "'1'", "'\"x\"'", "'{\"x\": 1}'", "'{\"where\": null}'" ],
    bigint => [ 'null', '0', '-1', '9223372036854775807' ], integer => [ 'null', '0', '-1', '2147483647' ],
    boolean => ['null'], interval => [ "'-1 s'", "'-1000000 years'", "'infinity'" ]);
my @functions = split /\n/, on_target(<<'SQL');
select p.proname || '|' || (select string_agg(a.name || ' ' || format_type(t.type, null), ',' order by t.n)
    from unnest(p.proargtypes) with ordinality as t(type, n)
    join unnest(p.proargnames) with ordinality as a(name, n) on a.n = t.n)
from pg_proc as p join pg_depend as d on d.objid = p.oid and d.deptype = 'e'
where p.prokind = 'f' and p.pronargs > 0 and p.proname ~ '^pgclone_'
  and p.proname !~ '^pgclone_(ledger|live|may|plan_rows|merge|rate|bar|guard|forget)'
SQL
on_target('grant execute on function ' . join(', ', map { s/\|.*//r } @functions) . ' to mallory');
my @statements;
foreach my $function (@functions)
{
    my ($name, $list) = split /\|/, $function;
    my @arguments = map { [ split / / ] } split /,/, $list;
    foreach my $at (0 .. $#arguments)
    {
        foreach my $value (@{ $odd{ $arguments[$at][1] } // ['null'] })
        {
            push @statements, "select public.$name(" . join(', ', map {
                    ($_ == $at ? $value : $plausible{ $arguments[$_][0] } // 'null')
                  . "::$arguments[$_][1]" } 0 .. $#arguments) . ')';
        }
    }
}
# Where jobs would be made and waited for, nobody answers.
s/port='\d+'/port='1'/ or s/port=''\d+''/port=''1''/ foreach @statements;
$said = say_as('mallory', "set statement_timeout = '100ms';\n" . join(";\n", @statements));
my %states;
$states{$1}++ while $said =~ /ERROR:  (\w{5}):/g;
my @bad = grep { /^XX|^58|^57P0/ } keys %states;
attack("arguments: " . @statements . ' calls with one of a wrong kind', @bad == 0 && @functions >= 15
      && $said !~ /server closed/, join(' ', %states) . join(' | ', grep { /ERROR:  XX/ } split /\n/, $said));
note(join ', ', map { "$_: $states{$_}" } sort keys %states);

$mine = on_target("select coalesce(string_agg(job_id::text, ','), '0') from pgclone_jobs_view "
      . "where status in ('pending', 'running')");
on_target("select pgclone_cancel(j) from unnest(array[$mine]::bigint[]) as j where j > 0");
nothing_left('attacks_settings');
stop_servers();
unlike(server_log($target), qr/PANIC|was terminated by signal/, 'no process of the target died');
cmp_ok(count_of_attacks(), '>=', 25, count_of_attacks() . ' attacks');
done_testing();
