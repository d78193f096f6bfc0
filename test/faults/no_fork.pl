# The server cannot start processes: a worker that was asked for and never comes is given up after a
# while, and another one is asked for.
#
# A small library that is loaded into the target server lets fork() fail while a flag is there.
#
# Takes half a minute, so it is done with PGCLONE_LONG=1 only.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use PgcloneTest;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'PGCLONE_LONG is not set' unless $ENV{PGCLONE_LONG};
my $folder = $PostgreSQL::Test::Utils::tmp_check;
my $flag = "$folder/no_fork";
append_to_file("$folder/fork.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

pid_t fork(void)
{
    const char *flag = getenv("NO_FORK_FLAG");
    if (flag && access(flag, F_OK) == 0)
    {
        errno = EAGAIN;
        return -1;
    }
    return ((pid_t (*)(void)) dlsym(RTLD_NEXT, "fork"))();
}
C
my $said = `cc -shared -fPIC -O1 -o '$folder/fork.so' '$folder/fork.c' -ldl 2>&1`;
plan skip_all => "no C compiler: $said" if $? != 0;
END { unlink $flag if defined $flag; }

my ($source, $target) = start_servers();
make_numbers('numbers', 1000);
{
    local $ENV{LD_PRELOAD} = "$folder/fork.so";
    local $ENV{NO_FORK_FLAG} = $flag;
    $target->restart;
}
# Its backend is there already.
my $session = session($target);
sub ask { return $session->query($_[0]); }
wait_until(sub { ask("select count(*) from pg_stat_activity where backend_type = 'pgclone ledger worker'") eq '0' });

append_to_file($flag, "no\n");
my $job = ask('select pgclone_submit(' . literal(source_conninfo()) . ", 'table', 'public.numbers')");
my $began = time;
ok(wait_until(sub { server_log($target) =~ /could not fork worker process/ }, 10), 'no worker process can be started');
unlink $flag;
is(ask("select status from pgclone_jobs_view where job_id = $job"), 'running', 'the job waits for its worker');
ok(wait_until(sub { server_log($target) =~ /pgclone worker in slot \d+ did not start in time/ }, 30),
    'after a while it is given up');
ok(wait_until(sub { ask("select status from pgclone_jobs_view where job_id = $job") eq 'completed' }, 20),
    'another one is asked for, and the job completes');
cmp_ok(time - $began, '<=', 30, 'soon after');
is_equal('numbers', 'numbers', 'with all rows');
end_session($session);
nothing_left('no fork');
unlike(server_log($target), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
done_testing();
