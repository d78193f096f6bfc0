# No space is left on the device of the table's tablespace: the job waits and tries again, and goes on
# when there is space; else it fails with 53100, and gives back what it had.
#
# The device is made full by a small library that is loaded into the target server: below one folder,
# no file grows while a flag is there. So no file system has to be mounted.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;

my $folder = $PostgreSQL::Test::Utils::tmp_check;
my $flag = "$folder/full";

sub build_library
{
    my $code = "$folder/full.c";
    append_to_file($code, <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Whether a file that is to reach `end` would have to grow, and cannot. */
static int is_full(int file, off_t end)
{
    const char *flag = getenv("FULL_FLAG");
    const char *folder = getenv("FULL_FOLDER");
    char link[64];
    char path[4096];
    struct stat status;
    ssize_t length;
    int saved_errno = errno;

    if (!flag || !folder || access(flag, F_OK) != 0)
    {
        errno = saved_errno;
        return 0;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof(path) - 1);
    errno = saved_errno;
    if (length <= 0)
        return 0;
    path[length] = '\0';
    if (strncmp(path, folder, strlen(folder)) != 0 || fstat(file, &status) != 0)
        return 0;
    return end > status.st_size;
}

static off_t size_of(const struct iovec *parts, int count)
{
    off_t size = 0;
    for (int i = 0; i < count; i++)
        size += (off_t) parts[i].iov_len;
    return size;
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))
#define NO_SPACE (errno = ENOSPC, -1)

ssize_t write(int file, const void *bytes, size_t size)
{
    struct stat status;
    if (size > 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
        is_full(file, lseek(file, 0, SEEK_CUR) + (off_t) size))
        return NO_SPACE;
    return REAL(write)(file, bytes, size);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
    return is_full(file, offset + (off_t) size) ? NO_SPACE : REAL(pwrite)(file, bytes, size, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset)
{
    return is_full(file, offset + (off_t) size) ? NO_SPACE : REAL(pwrite64)(file, bytes, size, offset);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset)
{
    return is_full(file, offset + size_of(parts, count)) ? NO_SPACE
                                                         : REAL(pwritev)(file, parts, count, offset);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset)
{
    return is_full(file, offset + size_of(parts, count))
               ? NO_SPACE
               : REAL(pwritev64)(file, parts, count, offset);
}

int posix_fallocate(int file, off_t offset, off_t size)
{
    return is_full(file, offset + size) ? ENOSPC : REAL(posix_fallocate)(file, offset, size);
}

int posix_fallocate64(int file, off64_t offset, off64_t size)
{
    return is_full(file, offset + size) ? ENOSPC : REAL(posix_fallocate64)(file, offset, size);
}

int ftruncate(int file, off_t size)
{
    return is_full(file, size) ? NO_SPACE : REAL(ftruncate)(file, size);
}

int ftruncate64(int file, off64_t size)
{
    return is_full(file, size) ? NO_SPACE : REAL(ftruncate64)(file, size);
}
C
    my $library = "$folder/full.so";
    my $said = `cc -shared -fPIC -O1 -o '$library' '$code' -ldl 2>&1`;
    return ($? == 0 ? $library : undef, $said);
}

my ($library, $said) = build_library();
plan skip_all => 'it preloads a library, as the sanitizers do' if ($ENV{UNIT_VARIANT} // '') eq 'sanitize';
plan skip_all => "no C compiler: $said" unless $library;

my ($source, $target) = start_servers();
# A folder of either server: the tablespace has the same name on both.
my %place;
foreach my $node ($source, $target)
{
    my $path = $place{ $node->name } = $folder . '/space_' . $node->name;
    mkdir $path or die "$path: $!";
    $node->safe_psql('postgres', "create tablespace space location '$path'");
}
{
    local $ENV{LD_PRELOAD} = $library;
    local $ENV{FULL_FLAG} = $flag;
    local $ENV{FULL_FOLDER} = $place{target};
    $target->restart;
}
on_source(<<'SQL');
create schema shop;
create table shop.filled (id integer primary key, payload text) tablespace space;
insert into shop.filled select g, repeat(md5(g::text), 4) from generate_series(1, 40000) as g;
create table shop.indexed (id integer, payload text);
insert into shop.indexed select * from shop.filled;
create index in_space on shop.indexed (payload) tablespace space;
analyze;
SQL

sub fill_disk { append_to_file($flag, "no space\n"); }
sub empty_disk { unlink $flag or die "$flag: $!"; }
END { unlink $flag if defined $flag; }

# Files of the tablespace that take space, once the server has let go of those that nobody needs.
sub files_in_space
{
    on_target('checkpoint');
    my $files = `find '$place{target}' -type f -size +0 | wc -l`;
    return $files + 0;
}

sub clone_shop { return submit('shop', { @_ }, scope => 'schema'); }

sub wait_for_task
{
    my ($job, $condition) = @_;
    return $target->poll_query_until('postgres',
        "select count(*) > 0 from pgclone_tasks_view where job_id = $job and $condition");
}

is(files_in_space(), 0, 'the tablespace is empty at first');

# --- While rows are copied, and then while an index is built: tried again until there is space

fill_disk();
my $job = clone_shop(retries => 30, parallel => 1);
ok(wait_for_task($job, "sqlstate = '53100' and status = 'pending' and attempts >= 1 "
          . "and next_attempt_at > clock_timestamp()"),
    'the view has the error, the attempts, and when the next one will be');
is($target->poll_query_until('postgres',
        "select wait_reason = 'retry after 53100' from pgclone_jobs_view where job_id = $job"),
    1, 'the job says what it waits for');
like(on_target("select error_message from pgclone_tasks_view where job_id = $job and sqlstate = '53100' limit 1"),
    qr/No space left on device/, 'and why');
is(on_target("select coalesce((select count(*) from pg_class where oid = to_regclass('shop.filled') "
          . 'and relpages > 0), 0)'), 0, 'no row of it can be seen');
empty_disk();
is(wait_for_end($job), 'completed', 'there is space: the job completes');
is_equal("shop.$_", "shop.$_", "$_: rows equal") foreach qw(filled indexed);
cmp_ok(on_target("select max(attempts) from pgclone_tasks_view where job_id = $job"), '>', 1,
    'not at the first attempt');
is(on_target('select count(*) from pg_index where not indisvalid'), 0, 'all indexes are valid');
is(on_target("select count(*) from pg_class where reltablespace <> 0 and relnamespace = 'shop'::regnamespace"),
    2, 'table and index are in the tablespace');
nothing_left('disk full for a while');
on_target('drop schema shop cascade');
is(files_in_space(), 0, 'the tablespace is empty again');

# --- In the middle of the COPY of a table; attempts run out

my $gate = close_gate(1);
$job = submit('shop.filled', { target_schema => 'public', retries => 1, where => gate_where(1, 'id = 30000') });
wait_at_gate(1);
fill_disk();
open_gate($gate);
is(wait_for_end($job), 'failed 53100', 'full in the middle of a COPY, for long: the job fails');
is(on_target("select attempts from pgclone_tasks_view where job_id = $job and kind = 'data'"), 2,
    'after as many attempts as it has');
is(on_target("select to_regclass('public.filled') is null"), 't', 'there is no table');
is(files_in_space(), 0, 'the space is given back while the disk is still full');
nothing_left('disk full in the copy');

# --- A table that is to be replaced stays as it is

empty_disk();
on_target("create table public.filled (id integer) tablespace space; insert into public.filled values (1), (2)");
my $before = table_state($target, 'public.filled');
fill_disk();
$job = submit('shop.filled', { target_schema => 'public', retries => 0, conflict => 'replace' });
is(wait_for_end($job), 'failed 53100', 'full before the old table was replaced: the job fails');
is(table_state($target, 'public.filled'), $before, 'the old table is as it was');
empty_disk();
$job = submit('shop.filled', { target_schema => 'public', retries => 0, conflict => 'replace' });
is(wait_for_end($job), 'completed', 'with space it is replaced');
is_equal('shop.filled', 'public.filled', 'by all rows');
nothing_left('in the end');

# --- No tablespace of that name at all

on_target('drop table public.filled; drop tablespace space');
$job = clone_shop(retries => 3);
is(wait_for_end($job), 'failed 42704', 'the target lacks the tablespace: the job fails');
like(on_target("select concat_ws(' ', error_message, error_detail) from pgclone_job where job_id = $job"),
    qr/space/, 'and names it');
is(on_target("select to_regnamespace('shop') is null"), 't', 'before anything is made');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
