#!/usr/bin/perl
# A TCP relay that delays, for latency.sh where the kernel can't: what comes in at one end goes out
# at the other MILLISECONDS later, in order and without a limit on the bandwidth. A connection is
# open after one round trip.
#
#   relay.pl MILLISECONDS PORT     listens on a free port of 127.0.0.1, relays to PORT
#
# Prints the port it listens on. Ends with SIGTERM, and when standard input is closed; the CPU time that it
# took is its last line.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY SHUT_WR);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

die "usage: relay.pl MILLISECONDS PORT\n" unless @ARGV == 2;
my ($delay, $port) = ($ARGV[0] / 1000, $ARGV[1]);
# What may be under way in one direction: far more than any rate here makes of the delay. A bound is
# needed since a receiver may stop to read.
my $most = 64 << 20;

my $listener = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 1000, Blocking => 0) or die "listen: $!\n";
my $done = 0;
$SIG{TERM} = $SIG{INT} = sub { $done = 1 };
$SIG{PIPE} = 'IGNORE';
$| = 1;
print $listener->sockport, "\n";

# A direction: {from, to, queue => [[due, bytes]...], bytes, open_at, ended (nothing more to
# come), over (and that was passed on)}.
# Each socket (by its file number) is the end of two of them.
my (%reads, %writes);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub plug {
    my ($socket) = @_;
    $socket->blocking(0);
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return $socket;
}

sub open_pair {
    my ($near) = @_;
    # The far end is this machine: that it accepts at once is part of the delay's model.
    my $far = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp');
    return close $near unless $far;
    my $open_at = now() + 2 * $delay;
    for my $ends ([$near, $far], [$far, $near]) {
        my $direction =
            {from => plug($ends->[0]), to => plug($ends->[1]), queue => [], bytes => 0, open_at => $open_at};
        $reads{fileno $ends->[0]} = $direction;
        $writes{fileno $ends->[1]} = $direction;
    }
}

sub close_pair {
    my ($direction) = @_;
    my @sockets = @$direction{qw(from to)};
    delete @reads{map { fileno $_ } @sockets};
    delete @writes{map { fileno $_ } @sockets};
    close $_ for @sockets;
}

sub read_some {
    my ($direction) = @_;
    my $read = sysread $direction->{from}, my $bytes, 1 << 18;
    return if !defined $read && ($! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR);
    my $now = now();
    my $due = ($now > $direction->{open_at} ? $now : $direction->{open_at}) + $delay;
    $direction->{ended} = 1 unless $read;
    push @{$direction->{queue}}, [$due, $read ? $bytes : undef];
    $direction->{bytes} += $read // 0;
}

# Writes what is due; false if the connection is over.
sub write_due {
    my ($direction, $now) = @_;
    my $queue = $direction->{queue};
    while (@$queue && $queue->[0][0] <= $now) {
        my $bytes = $queue->[0][1];
        if (!defined $bytes) {
            # An end of file arrives like everything else. Only when both have, all is said.
            shift @$queue;
            shutdown $direction->{to}, SHUT_WR;
            $direction->{over} = 1;
            my $back = $reads{fileno $direction->{to}};
            return !($back && $back->{over});
        }
        my $written = syswrite $direction->{to}, $bytes;
        if (!defined $written) {
            return $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        }
        $direction->{bytes} -= $written;
        if ($written < length $bytes) {
            $queue->[0][1] = substr $bytes, $written;
            return 1;
        }
        shift @$queue;
    }
    return 1;
}

while (!$done) {
    my ($now, $next) = (now(), undef);
    for my $direction (map { $reads{$_} } keys %reads) {
        # Its pair may have been closed in this very loop.
        next unless defined fileno $direction->{from};
        close_pair($direction) unless write_due($direction, $now);
    }
    my $in = IO::Select->new($listener, \*STDIN);
    my $out = IO::Select->new;
    for my $direction (values %reads) {
        $in->add($direction->{from}) if !$direction->{ended} && $direction->{bytes} < $most;
        next unless @{$direction->{queue}};
        my $due = $direction->{queue}[0][0];
        if ($due <= $now) {
            $out->add($direction->{to});
        } elsif (!defined $next || $due < $next) {
            $next = $due;
        }
    }
    my $timeout = defined $next ? $next - now() : undef;
    $timeout = 0 if defined $timeout && $timeout < 0;
    my ($readable) = IO::Select->select($in, $out, undef, $timeout);
    for my $handle (@{$readable // []}) {
        if ($handle == $listener) {
            while (my $near = $listener->accept) { open_pair($near) }
        } elsif (fileno $handle == fileno STDIN) {
            $done = 1 unless sysread STDIN, my $ignored, 1;
        } elsif (my $direction = $reads{fileno $handle}) {
            read_some($direction);
        }
    }
}
printf "%.2f\n", (times)[0] + (times)[1];
