# A source that misbehaves: it says nothing, too much, what is no protocol, what is a lie. Whatever it
# does, the job ends with an error that can be read, the server stays up, memory stays bounded, and
# nothing that came from there is carried out but the statements of its definitions, one by one.
#
#   PGCLONE_LONG=1                 10,000 random sessions instead of 100, and all scripted cases
#                                  instead of a third of them, others each time
#   PGCLONE_HOSTILE_SESSIONS=n     as many of them
#   PGCLONE_SEED=n                 the seed that a run printed
use strict;
use warnings FATAL => 'all';

use HostileCases;
use HostileMutations;
use HostileServer;
use JSON::PP ();
use POSIX ();
use PgProtocol;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time usleep);
use WireProxy;

my $sessions = $ENV{PGCLONE_HOSTILE_SESSIONS} // ($ENV{PGCLONE_LONG} ? 10_000 : 100);
my $seed = $ENV{PGCLONE_SEED} // int(time) % 1_000_000;
my $most_at_once = 40;
my $most_memory = 400 * 1024; # kB of a worker: the longest answer, parsed, and what libpq holds of it
my $cancel_limit = 2000;      # ms
my $patience = $ENV{UNIT_VARIANT} ? 120 : 30; # seconds for a job; instrumented processes are slow
diag("hostile sessions: $sessions at random, seed $seed");

my ($source, $target) = start_servers(
    target => [ 'max_connections = 200', 'max_worker_processes = 80', 'pgclone.max_workers = 64',
        'pgclone.max_jobs = 200', 'fsync = off', "pgclone.connect_timeout = '60s'",
        "pgclone.stall_timeout = '60s'", 'log_min_messages = warning', 'autovacuum = off' ]);
on_source(<<'SQL');
create schema shop;
create type shop.mood as enum ('sad', 'happy');
create table shop.customer (id integer primary key, name text not null default 'nobody',
    mood shop.mood, extra jsonb, check (id > 0));
create table shop.orders (id bigint generated always as identity primary key,
    customer integer references shop.customer, at timestamptz, note text);
create index on shop.orders (at);
create view shop.happy as select * from shop.customer where mood = 'happy';
create function shop.twice(i integer) returns integer language sql immutable as 'select 2 * i';
create function shop.touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before insert on shop.orders for each row execute function shop.touch();
comment on table shop.orders is 'what was ordered';
grant select on shop.customer to public;
insert into shop.customer select g, 'name ' || g, 'happy', '{"a": [1, 2]}' from generate_series(1, 50) g;
insert into shop.orders (customer, at, note) select g, now(), repeat('x', 100) from generate_series(1, 50) g;
create table public.item (id serial primary key, name text default 'x', price numeric check (price > 0));
create index on public.item (name);
comment on column public.item.price is 'net';
insert into public.item (name, price) select 'item ' || g, g from generate_series(1, 100) as g;
SQL
# What a clone of the database finds already is where each of those jobs ends at the latest.
on_target(<<'SQL');
create table victim (id integer primary key);
insert into victim select generate_series(1, 10);
create table item (id integer);
create role app login;
grant create on schema public to app;
grant execute on function pgclone_submit to app;
SQL

# --- A recording of clones of all scopes

my $folder = PostgreSQL::Test::Utils::tempdir();
my $tag = 0;

sub job_of
{
    my ($scope, $conninfo, $options) = @_;
    $tag++;
    my %object = (table => 'public.item', schema => 'shop', database => undef);
    my %place = (table => { target_name => "item_$tag" }, schema => { target_schema => "shop_$tag" },
        database => {});
    return sprintf 'pgclone_submit(%s, %s, %s, %s)', literal($conninfo), literal($scope),
      literal($object{$scope}),
      literal(JSON::PP->new->encode({ %{ $place{$scope} }, %{ $options // {} } }));
}

my %recording = (login => [], answers => {});
my %totals = (job => 0, worker => 0);
foreach my $scope ('table', 'schema', 'database')
{
    mkdir "$folder/$scope" or die $!;
    my $recorder = WireProxy->start(to => $source->port, record => "$folder/$scope");
    my $job = on_target('select ' . job_of($scope, source_conninfo(port => $recorder->port)));
    is(wait_for_end($job), $scope eq 'database' ? 'failed 42P07' : 'completed', "a $scope is recorded");
    $recorder->stop;
    foreach my $file (glob "$folder/$scope/*.client")
    {
        my $said = $file =~ s/client$/server/r;
        my ($parameters, $login, $answers) =
          recorded_exchanges(slurp_file($file), slurp_file($said));
        next unless $parameters;
        my %parameters = @$parameters;
        my $role = $parameters{application_name} =~ /table worker/ ? 'worker' : 'job';
        my $messages = @$login;
        $messages += @$_ foreach values %$answers;
        $totals{$role} = $messages if $messages > $totals{$role};
        $recording{login} = $login if $role eq 'job';
        # Each snapshot has its name, so what is the same in all is asked for in any.
        %{ $recording{answers} } = (%$answers, %{ $recording{answers} });
    }
}
cmp_ok($totals{job}, '>', 100, "the job's sessions say $totals{job} messages at most");
cmp_ok($totals{worker}, '>', 20, "those of a table worker $totals{worker}");

my %cases = hostile_cases();
my $share = $ENV{PGCLONE_LONG} ? 1 : 3;
sub is_due { return unpack('%32C*', $_[0] . $seed) % $share == 0; }
my $hostile = HostileServer->start(recording => \%recording, cases => \%cases,
    log => "$folder/heard",
    random => sub { random_case($_[0], $_[1], \%totals) });

# --- Jobs on it, many at once

sub hostile_conninfo
{
    my ($case) = @_;
    my $its = $cases{$case} // {};
    return source_conninfo(port => $hostile->port($case), dbname => $case, user => 'nobody',
        sslmode => $its->{sslmode} // 'prefer',
        $its->{password} ? (password => $its->{password}) : ());
}

# As the case says; the job's id, or "refused ...".
sub submit_case
{
    my ($case, $options) = @_;
    my $its = $cases{$case} // {};
    my $call = 'select ' . job_of($its->{scope} // 'table', hostile_conninfo($case),
        { retries => 0, %{ $options // {} } });
    return on_target($call) unless $its->{role};
    my ($status, $out, $err) = $target->psql('postgres', "set role $its->{role}; $call",
        connstr => $target->connstr('postgres') . " user=$its->{role}");
    return $status == 0 ? $out : "refused $err";
}

# A process of its own watches the memory of the workers. A worker's peak is missed only if it comes
# within its last 20 ms.
my %case_of; # by job
my $watcher = fork // die $!;
if ($watcher == 0)
{
    $SIG{TERM} = sub { POSIX::_exit(0) };
    watch_memory($target->{_pid});
    POSIX::_exit(0);
}

sub watch_memory
{
    my ($postmaster) = @_;
    my %peaks; # by job, in kB
    my $written = time;
    while (kill 0, $postmaster)
    {
        my $changed = 0;
        foreach my $pid (split ' ', PgcloneTest::read_proc("$postmaster/task/$postmaster/children"))
        {
            my $status = PgcloneTest::read_proc("$pid/status");
            next unless $status =~ /^VmHWM:\s*(\d+)/m;
            my $peak = $1;
            next unless PgcloneTest::read_proc("$pid/cmdline")
              =~ /pgclone (?:job|table worker) (\d+)[.\d]*[\s\0]*$/;
            next unless $peak > ($peaks{$1} // 0);
            $peaks{$1} = $peak;
            $changed = 1;
        }
        if ($changed and time > $written + 0.2)
        {
            append_to_file("$folder/peaks.new",
                join '', map { "$_ $peaks{$_}\n" } sort { $peaks{$b} <=> $peaks{$a} } keys %peaks);
            rename "$folder/peaks.new", "$folder/peaks";
            $written = time;
        }
        usleep(20_000);
    }
}

# The most that a worker had since the last call, in kB, and the cases with the most.
my %seen_peak;
sub peaks
{
    usleep(300_000);
    my @lines = -e "$folder/peaks" ? split /\n/, slurp_file("$folder/peaks") : ();
    my @peaks = grep { !$seen_peak{ $_->[0] } } map { [split / /] } @lines;
    $seen_peak{ $_->[0] } = 1 foreach @peaks;
    my $most = $#peaks > 4 ? 4 : $#peaks;
    return ($peaks[0][1] // 0,
        join ', ', map { "$_->[1] " . ($case_of{ $_->[0] } // '?') } @peaks[ 0 .. $most ]);
}

my $started_at = on_target('select pg_postmaster_start_time()');
# A crash of a backend leaves the postmaster as it is, but not shared memory.
my $supervisor = join ' ', worker_processes(qr/supervisor/);
my %ended; # outcome => how often
my @problems;

# Looks at what the ended jobs say. jobs: id => case.
sub judge
{
    my (%jobs) = @_;
    my $rows = on_target('select job_id, status, sqlstate, '
          . "translate(error_message, E'\\n\\t', '') ~ '[[:cntrl:]]', "
          . "coalesce(octet_length(error_message), 0), "
          . "translate(left(error_message, 200), E'\\n', ' ') from pgclone_jobs_view where job_id in ("
          . join(', ', 0, keys %jobs) . ')');
    foreach my $row (split /\n/, $rows)
    {
        my ($job, $status, $sqlstate, $is_unclean, $length, $message) = split /\|/, $row, 6;
        my $case = delete $jobs{$job};
        my $outcome = "$status $sqlstate" =~ s/ $//r;
        $ended{$outcome}++;
        note("$case: $outcome $message") if $ENV{PGCLONE_VERBOSE};
        my $its = $cases{$case} // { expect => qr/^(completed|failed \w{5})$/ };
        my $expected = $its->{expect} // qr/^failed \w{5}$/;
        push @problems, "$case: $outcome: $message" unless $outcome =~ $expected;
        next if $status eq 'completed';
        push @problems, "$case: the message has control characters" if $is_unclean ne 'f';
        push @problems, "$case: the message has $length bytes" if $length < 1 or $length > 4096;
        push @problems, "$case: the message does not say why: $message"
          if $its->{says} and $message !~ $its->{says};
    }
    push @problems, map { "$_: the job is not there" } values %jobs;
}

sub unfinished
{
    return split /\n/, on_target("select job_id from pgclone_live_jobs()");
}

# Drops what completed jobs have left, and forgets them.
sub sweep
{
    on_target(q{do $$ declare r record; begin
        for r in select format('drop schema %I cascade', nspname) as sql from pg_namespace
                 where nspname ~ '^shop_\d+$'
                 union all select format('drop table %s', oid::regclass) from pg_class
                 where relname ~ '^item_\d+$' and relkind = 'r' loop
            begin execute r.sql; exception when others then null; end;
        end loop; end $$; select pgclone_clear_jobs()});
}

# Submits jobs, never more than `most_at_once` of them at a time, and judges them when they end.
# start: the next job's id and case, or nothing. Returns those that did not end in time.
sub run_jobs
{
    my ($start, $seconds, $swept) = @_;
    my (%running, %since, @stuck);
    my $more = 1;
    my $judged = 0;
    while ($more or %running)
    {
        # What is forgotten must have been judged: let all end first.
        my $sweeps = $swept && $judged > 300;
        if ($sweeps and !%running) { sweep(); $judged = 0; $sweeps = 0; }
        while ($more and !$sweeps and keys %running < $most_at_once)
        {
            my %new = $start->();
            $more = keys %new;
            $since{$_} = time foreach keys %new;
            %case_of = (%case_of, %new);
            %running = (%running, %new);
        }
        my %live = map { $_ => 1 } unfinished();
        my %over = map { $_ => delete $running{$_} } grep { !$live{$_} } keys %running;
        judge(%over) if %over;
        $judged += keys %over;
        foreach my $job (grep { time - $since{$_} > $seconds } keys %running)
        {
            my $case = delete $running{$job};
            my ($outcome, $milliseconds) = cancel_and_wait($job);
            push @stuck, "$case (then $outcome in $milliseconds ms)";
        }
        usleep(50_000);
    }
    return @stuck;
}

sub all_is_well
{
    my ($label) = @_;
    is(join("\n", @problems), '', "$label: all outcomes are as they should be");
    @problems = ();
    is(on_target('select pg_postmaster_start_time()'), $started_at, "$label: the server is up");
    unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:|not properly shut down/,
        "$label: nothing crashed");
    is(join(' ', worker_processes(qr/supervisor/)), $supervisor, "$label: the supervisor is the same");
    is(on_target('select count(*), sum(id) from victim'), '10|55', "$label: the bystander is unharmed");
    is(on_target("select count(*) from pg_class where relname = 'hostile_x'"), 0,
        "$label: nothing stays of statements that carry a second one");
    diag("$label: outcomes " . join(', ', map { "$_: $ended{$_}" } sort keys %ended));
    my ($peak, $of) = peaks();
    diag("$label: peaks of workers, kB: $of");
    cmp_ok($peak, '<=', $most_memory, "$label: memory is bounded");
    %ended = ();
}

# --- The recording is complete: played without harm it is a source

foreach my $scope ('table', 'schema')
{
    my $job = on_target('select ' . job_of($scope, hostile_conninfo('harmless')));
    is(wait_for_end($job), 'completed', "harmless, scope $scope: the job completes");
}
unlike($hostile->heard, qr/^unknown/m, 'there was an answer to all');

# --- What does not end by itself: cancel does, within two seconds. A few at a time, since each takes
# a whole processor.

my @late;
my @endless = grep {
    ($cases{$_}{endless} and is_due($_)) or /^(mute|silent_at_startup|table_silent|rows_silent_within)$/
} sort keys %cases;
while (my @group = splice @endless, 0, 6)
{
    my %jobs = map { submit_case($_) => $_ } @group;
    %case_of = (%case_of, %jobs);
    usleep(1_000_000);
    my %live = map { $_ => 1 } unfinished();
    foreach my $job (sort { $a <=> $b } keys %jobs)
    {
        if (!$live{$job}) { note("$jobs{$job} ended by itself: " . outcome($job)); next; }
        my ($outcome, $milliseconds) = cancel_and_wait($job);
        push @late, "$jobs{$job}: $outcome, $milliseconds ms"
          unless $outcome =~ /^(cancelled 57014|failed .*)$/ and $milliseconds <= $cancel_limit;
    }
}
is(join("\n", @late), '', 'what does not end is cancelled in time');
nothing_left('endless');
all_is_well('endless');

# --- All cases, with time-outs that are short

$target->adjust_conf('postgresql.conf', 'pgclone.connect_timeout', "'1s'");
$target->adjust_conf('postgresql.conf', 'pgclone.stall_timeout', "'1s'");
$target->reload;
# A flood before the login has ended is no login, either.
my @names = grep {
    (is_due($_) and (!$cases{$_}{endless} or /^flood_login/)) or /password|^tls_refused$/
} sort keys %cases;
my $due = @names;
my $began = time;
my @stuck = run_jobs(sub {
        while (defined(my $case = shift @names))
        {
            my $job = submit_case($case);
            return ($job => $case) if $job =~ /^\d+$/;
            push @problems, "$case: $job" unless $job =~ ($cases{$case}{expect} // qr/^\d/);
        }
        return;
    }, $patience);
is(join("\n", @stuck), '', 'each job ended');
diag(sprintf '%d cases in %.1f s', $due, time - $began);
all_is_well('cases');
like($hostile->heard, qr/^password geheim/m, 'a password that was asked for was given');
unlike($hostile->heard, qr/^startup of tls_/m, 'where TLS is required nothing is said without it');
sweep();

# --- At random

$began = time;
my $next = 0;
my @scopes = ('table', 'schema', 'schema', 'database');
@stuck = run_jobs(sub {
        return if $next >= $sessions;
        my $count = $sessions - $next < 8 ? $sessions - $next : 8;
        my @cases = map { 'random_' . ($seed * 100_000 + $next + $_) } 1 .. $count;
        my @calls = map { job_of($scopes[ ($next + $_) % @scopes ], hostile_conninfo($cases[ $_ - 1 ]),
                { retries => 0 }) } 1 .. $count;
        $next += $count;
        my @ids = split /\n/, on_target(join ';', map { "select $_" } @calls);
        return map { $ids[$_] => $cases[$_] } 0 .. $#ids;
    }, $patience, 1);
is(join("\n", @stuck), '', 'each job ended');
diag(sprintf '%d random sessions in %.1f s', $sessions, time - $began);
all_is_well("random, seed $seed");

# --- And the source that is one

$hostile->stop;
sweep();
my $job = on_target('select ' . job_of('table', source_conninfo()));
is(wait_for_end($job), 'completed', 'a clone of the real source completes');
is_equal('item', "item_$tag", 'with all rows');
nothing_left('hostile');
kill 'TERM', $watcher;
waitpid $watcher, 0;
done_testing();
