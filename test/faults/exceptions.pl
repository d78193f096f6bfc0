# C++ exceptions where nobody expects them: memory runs out, the library's own mistakes, things that are
# no exception at all, in whatever process and at whatever moment. An ERROR or a failed job; no
# process ever aborts.
#
# A small library that is loaded into the target server throws from the n-th allocation of C++ code in
# each process, while a flag says so; or, while another flag names the process, at once.
#
# PGCLONE_THROWS = how many (24), PGCLONE_SEED = what the random numbers begin with.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time);

my $throws = $ENV{PGCLONE_THROWS} // 24;
my $seed = $ENV{PGCLONE_SEED} // int(time);
srand $seed;
note("PGCLONE_SEED=$seed PGCLONE_THROWS=$throws");

my $folder = $PostgreSQL::Test::Utils::tmp_check;
my $flag = "$folder/throw";
append_to_file("$folder/throw.cpp", <<'CPP');
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <unistd.h>

namespace {

struct Plan {
    int kind = 0; // 0 = none
    long at = 0;
};

// Read once a process, at its first allocation.
Plan read_plan()
{
    Plan plan;
    const char* name = std::getenv("THROW_FLAG");
    if (std::FILE* file = name ? std::fopen(name, "r") : nullptr) {
        if (std::fscanf(file, "%d %ld", &plan.kind, &plan.at) != 2)
            plan.kind = 0;
        std::fclose(file);
    }
    return plan;
}

// Whether the flag with the ending ".now", which may come at any time, has this process and the kind.
bool is_named(int kind)
{
    static const char* const name = std::getenv("THROW_FLAG");
    if (!name)
        return false;
    char path[1024];
    std::snprintf(path, sizeof(path), "%s.now", name);
    int pid = 0;
    int wanted = 0;
    if (std::FILE* file = std::fopen(path, "r")) {
        if (std::fscanf(file, "%d %d", &pid, &wanted) != 2)
            pid = 0;
        std::fclose(file);
    }
    return pid == getpid() && wanted == kind;
}

void* allocate(std::size_t size)
{
    if (is_named(3))
        throw 1;
    if (is_named(4))
        throw std::bad_alloc();
    static const Plan plan = read_plan();
    static long count = 0;
    count++;
    // Whoever handles it may need memory: it is not thrown again at once.
    if (plan.kind != 0 && count == plan.at) {
        if (plan.kind == 1)
            throw std::bad_alloc();
        if (plan.kind == 2)
            throw std::logic_error("a mistake of the library");
        throw 1;
    }
    if (plan.kind == 4 && count > plan.at) // memory is gone for good
        throw std::bad_alloc();
    if (void* memory = std::malloc(size ? size : 1))
        return memory;
    throw std::bad_alloc();
}

} // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
CPP
my $said = `c++ -std=c++17 -shared -fPIC -O1 -o '$folder/throw.so' '$folder/throw.cpp' 2>&1`;
plan skip_all => 'it preloads a library, as the sanitizers do' if ($ENV{UNIT_VARIANT} // '') eq 'sanitize';
plan skip_all => "no C++ compiler: $said" if $? != 0;
END { unlink $flag, "$flag.now" if defined $flag; }

my ($source, $target) = start_servers(target => ["pgclone.retry_limit = 1"]);
on_source(<<'SQL');
create schema shop;
create table shop.a (id integer primary key, payload text);
insert into shop.a select g, md5(g::text) from generate_series(1, 2000) as g;
create table shop.b (id integer primary key references shop.a);
insert into shop.b select g from generate_series(1, 2000) as g;
create view shop.v as select count(*) as n from shop.a;
create function shop.f() returns integer language sql as 'select 1';
SQL
{
    local $ENV{LD_PRELOAD} = "$folder/throw.so";
    local $ENV{THROW_FLAG} = $flag;
    $target->restart;
}
my $started_at = on_target('select pg_postmaster_start_time()');
my $crashed = 0;
my (%outcomes, @stuck);
my @kinds = ('', 'bad_alloc', 'logic_error', 'throw 1', 'bad_alloc for good');

foreach my $number (1 .. $throws)
{
    my $kind = 1 + ($number - 1) % 4;
    # Early and late moments alike.
    my $at = int(exp(rand(log(6000)))) + 1;
    unlink $flag;
    append_to_file($flag, "$kind $at\n");
    my ($scope, $object) = $number % 2 ? ('schema', "'shop'") : ('table', "'shop.a'");
    my $options = $number % 2 ? '{}' : '{"target_schema": "public"}';
    my ($status, $job, $error) = $target->psql('postgres',
        'select pgclone_submit(' . literal(source_conninfo()) . ", '$scope', $object, '$options')");
    if ($status != 0)
    {
        $outcomes{'an ERROR of submit'}++;
        push @stuck, "$kinds[$kind] at $at: $error" if $error !~ /ERROR:/;
        next;
    }
    # Others look meanwhile.
    my $final = wait_until(sub { outcome($job) =~ /^(failed|completed|cancelled)/ }, 40);
    unlink $flag;
    push @stuck, "$kinds[$kind] at $at: job $job: " . outcome($job) unless $final;
    my ($end) = split / /, outcome($job);
    $outcomes{$end}++;
    if ($end eq 'completed')
    {
        my $table = $number % 2 ? 'shop.a' : 'public.a';
        push @stuck, "$kinds[$kind] at $at: $table differs" if table_state($target, $table) ne table_state($source, 'shop.a');
    }
    on_target('drop schema if exists shop cascade; drop table if exists public.a');
}
note(join ', ', map { "$outcomes{$_} $_" } sort keys %outcomes);
is(join("\n", @stuck), '', 'each submit or job ends, with an error or complete');
cmp_ok(($outcomes{failed} // 0) + ($outcomes{'an ERROR of submit'} // 0), '>', 0, 'some met the exception');
unlink $flag;
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:|terminate called/, 'no process aborted');

# The job worker itself can't undo what the job has made: a fresh one does.
foreach my $case ([ 3, 'failed 57P01' ], [ 4, 'failed 53200' ])
{
    my ($kind, $end) = @$case;
    foreach my $scope (qw(schema table))
    {
        my $label = "$scope, $kinds[$kind] in the job worker";
        my $job = submit($scope eq 'table' ? 'shop.a' : 'shop',
            { rate_limit => '40kB/s', $scope eq 'table' ? (target_schema => 'public') : () },
            scope => $scope);
        $target->poll_query_until('postgres', "select rows_copied > 0 from pgclone_jobs_view where job_id = $job");
        my ($worker) = worker_processes(qr/^pgclone job $job$/);
        append_to_file("$flag.now", "$worker $kind\n");
        is(wait_for_end($job), $end, $label);
        unlink "$flag.now";
        is(on_target("select to_regnamespace('shop') is null and to_regclass('public.a') is null"), 't',
            "$label: nothing that it made is there");
        nothing_left($label);
    }
}
my $job = submit('shop', {}, scope => 'schema');
is(wait_for_end($job), 'completed', 'afterwards a job completes');
is_equal("shop.$_", "shop.$_", "$_: rows equal") foreach qw(a b);
nothing_left('exceptions');
done_testing();
