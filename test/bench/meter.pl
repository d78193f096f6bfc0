#!/usr/bin/perl
# Measures what a clone costs, for bench_lib.sh.
#
#   meter.pl SOURCE TARGET CLIENTS     process ids of two postmasters, and of the script whose
#                                      descendants are the client tools
#
# Prints "ready", measures until SIGTERM, then prints NAME=VALUE lines:
#
#   source_cpu, target_cpu   CPU seconds of the server, of all its processes; those of pgclone's
#                            workers are not in target_cpu
#   worker_cpu               CPU seconds of pgclone's workers
#   memory                   kB, peak of the workers' and the client tools' proportional set size
#   hwm NAME                 kB, largest VmHWM of the pgclone processes of this kind: "hwm table worker"
#
# The servers' seconds are exact: a process that ended is in its postmaster's cutime, one that lives
# has them in its own stat. But a postmaster does not tell whose seconds it inherited, so the workers
# are looked at every 50 ms, and what one uses between the last look and its end is not seen: it
# counts for the server then. A job's workers live as long as the job and idle at its end.
#
# Pss rather than resident memory: shared buffers and libraries are not to be counted for each process.
use strict;
use warnings;
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(sleep time);

die "usage: meter.pl SOURCE TARGET CLIENTS\n" unless @ARGV == 3;
my ($source, $target, $clients) = @ARGV;
my $ticks = sysconf(_SC_CLK_TCK);
my $interval = 0.05;
my $memory_interval = 0.2;
# Shells between the script and a client tool.
my %shell = map { $_ => 1 } qw(bash sh runuser env sleep awk);

# The content of a file of /proc, '' if the process is gone.
sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return scalar(<$in>) // '';
}

sub children {
    return split ' ', slurp("/proc/$_[0]/task/$_[0]/children");
}

# (command, own ticks, ticks of children that were waited for)
sub usage {
    my ($pid) = @_;
    my $stat = slurp("/proc/$pid/stat");
    $stat =~ /^\d+ \((.*)\) (.*)$/s or return ('', 0, 0);
    my ($command, @field) = ($1, split ' ', $2);
    return ($command, $field[11] + $field[12], $field[13] + $field[14]);
}

# Ticks of a postmaster and all its children, dead or alive. A child that is reaped in between would
# be counted twice or not at all, so again then.
sub server_usage {
    my ($postmaster) = @_;
    for (1 .. 100) {
        my (undef, $own, $reaped) = usage($postmaster);
        my $sum = $own + $reaped;
        for my $child (children($postmaster)) {
            my (undef, $ticks_of_child) = usage($child);
            $sum += $ticks_of_child;
        }
        my (undef, undef, $reaped_now) = usage($postmaster);
        return $sum if $reaped_now == $reaped;
    }
    return 0;
}

sub descendants {
    my @found = children($_[0]);
    return (@found, map { descendants($_) } @found);
}

sub memory_of {
    return slurp("/proc/$_[0]/smaps_rollup") =~ /^Pss:\s+(\d+)/m ? $1 : 0;
}

# What a child of the target is: '' if it is no process of pgclone, undef if it can't be told yet, since
# the title is set some time after the fork.
my %kind;

sub kind_of {
    my ($pid) = @_;
    return $kind{$pid} if defined $kind{$pid};
    my $title = slurp("/proc/$pid/cmdline");
    return undef unless $title =~ /^postgres: (.*)/s;
    my $kind = $1 =~ /^pgclone ([a-z ]*[a-z])/ ? $1 : '';
    return $kind{$pid} = $kind;
}

my (%first, %last, %hwm);
my $peak = 0;

sub look {
    my ($with_memory) = @_;
    my $memory = 0;
    for my $pid (children($target)) {
        my $kind = kind_of($pid);
        next unless defined $kind && $kind ne '';
        my (undef, $now) = usage($pid);
        $first{$pid} //= 0;
        $last{$pid} = $now if $now >= ($last{$pid} // 0);
        next unless $with_memory;
        $memory += memory_of($pid);
        my $hwm = slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0;
        $hwm{$kind} = $hwm if $hwm > ($hwm{$kind} // 0);
    }
    return unless $with_memory;
    for my $pid (descendants($clients)) {
        next if $pid == $$;
        my ($command) = usage($pid);
        $memory += memory_of($pid) unless $shell{$command};
    }
    $peak = $memory if $memory > $peak;
}

die "no /proc/PID/task/PID/children\n" unless -e "/proc/$source/task/$source/children";
my $done = 0;
$SIG{TERM} = sub { $done = 1 };
$| = 1;

for my $pid (children($target)) {
    next unless kind_of($pid);
    (undef, $first{$pid}) = usage($pid);
    $last{$pid} = $first{$pid};
}
my %before = map { $_ => server_usage($_) } $source, $target;
print "ready\n";
my $memory_at = 0;
while (!$done) {
    my $now = time;
    my $with_memory = $now >= $memory_at;
    look($with_memory);
    if ($with_memory) {
        # A tool with a thousand processes is not to be slowed by being looked at: 5 % of the time at most.
        my $took = time - $now;
        $memory_at = $now + ($took * 20 > $memory_interval ? $took * 20 : $memory_interval);
    }
    # The script has gone without a word.
    exit 1 unless -e "/proc/$clients";
    sleep $interval;
}
my %after = map { $_ => server_usage($_) } $source, $target;
look(0);

my $workers = 0;
$workers += $last{$_} - $first{$_} for keys %last;
printf "source_cpu=%.2f\n", ($after{$source} - $before{$source}) / $ticks;
printf "target_cpu=%.2f\n", ($after{$target} - $before{$target} - $workers) / $ticks;
printf "worker_cpu=%.2f\n", $workers / $ticks;
print "memory=$peak\n";
print "hwm $_=$hwm{$_}\n" for sort keys %hwm;
