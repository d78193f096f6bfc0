# A TCP proxy between pgclone and a source. It records what passes, or does harm to it at one byte:
#
#   my $proxy = WireProxy->start(to => $port, fault => { connection => 1, direction => 'server',
#       offset => 4711, action => 'cut' });
#   ... port=$proxy->port ...
#   $proxy->stop;
#
# connection: which one, in the order of their coming, from 0. direction: 'server' is what the server
# says. offset: so many bytes pass unharmed. Then, by `action`:
#
#   cut        both sides see an orderly end
#   reset      both sides see a reset
#   blackhole  nothing passes any more in either direction, nothing is closed
#   truncate   nothing passes any more in this direction
#   delay      nothing passes in this direction for `seconds`
#   garble     the bits of `mask` change in the next byte
#   remove     the next `count` bytes are left out
#   duplicate  the next `count` bytes come twice
#
# `every => 1`: all connections from that one on. `record => folder`: what either end says is kept
# in NUMBER.client and NUMBER.server.
package WireProxy;

use strict;
use warnings FATAL => 'all';

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

my $chunk = 65536;
my $most_queued = 1_000_000;

sub start
{
    my ($class, %self) = @_;
    my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', ReuseAddr => 1)
      or die "cannot listen: $!";
    my $self = bless { %self, port => $listener->sockport }, $class;
    my $pid = fork // die "cannot fork: $!";
    if ($pid == 0)
    {
        # The framework's END blocks are the parent's alone.
        $SIG{TERM} = sub { POSIX::_exit(0) };
        $SIG{PIPE} = 'IGNORE';
        alarm 300; # whatever happens
        eval { $self->serve($listener); };
        warn "proxy: $@" if $@;
        POSIX::_exit(1);
    }
    $self->{pid} = $pid;
    return $self;
}

sub port { return $_[0]{port}; }

sub stop
{
    my ($self) = @_;
    return unless my $pid = delete $self->{pid};
    kill 'TERM', $pid;
    waitpid $pid, 0;
}

# --- In the proxy's process

sub serve
{
    my ($self, $listener) = @_;
    my ($readers, $writers) = (IO::Select->new($listener), IO::Select->new);
    $self->{readers} = $readers;
    $self->{writers} = $writers;
    $self->{of} = {};
    my $number = 0;
    my $parent = getppid;
    while (getppid == $parent)
    {
        my ($readable, $writable) = IO::Select->select($readers, $writers, undef, 0.05);
        $self->resume_delayed;
        foreach my $socket (@{ $readable // [] })
        {
            if ($socket == $listener)
            {
                my $client = $listener->accept or next;
                $self->open_pair($client, $number++);
            }
            elsif (my $end = $self->{of}{$socket}) { $self->read_from($end); }
        }
        foreach my $socket (@{ $writable // [] })
        {
            my $end = $self->{of}{$socket} or next;
            $self->write_to($end);
        }
    }
}

# Each end has a socket, the bytes that are to be written to it, and how many have come from it.
sub open_pair
{
    my ($self, $client, $number) = @_;
    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{to});
    if (!$server) { close $client; return; }
    my %ends = (client => { name => 'client', socket => $client },
        server => { name => 'server', socket => $server });
    foreach my $end (values %ends)
    {
        $end->{socket}->blocking(0);
        @$end{qw(out seen number)} = ('', 0, $number);
        $self->{of}{ $end->{socket} } = $end;
        $self->{readers}->add($end->{socket});
        if ($self->{record})
        {
            open $end->{log}, '>:raw', "$self->{record}/$number.$end->{name}" or die $!;
            $end->{log}->autoflush(1);
        }
    }
    $ends{client}{peer} = $ends{server};
    $ends{server}{peer} = $ends{client};
}

sub read_from
{
    my ($self, $end) = @_;
    my $bytes;
    my $got = sysread $end->{socket}, $bytes, $chunk;
    return if !defined $got and $!{EAGAIN};
    return $self->close_pair($end) unless $got;
    print { $end->{log} } $bytes if $end->{log};
    $self->pass($end, $bytes) unless $end->{hole};
}

sub pass
{
    my ($self, $end, $bytes) = @_;
    my $before = $end->{seen};
    $end->{seen} += length $bytes;
    my $fault = $self->fault_of($end);
    if ($end->{held} or !$fault or $end->{struck} or $end->{seen} <= $fault->{offset})
    {
        defined $end->{held} ? ($end->{held} .= $bytes) : $self->queue($end->{peer}, $bytes);
        return;
    }
    my $good = substr $bytes, 0, $fault->{offset} - $before, '';
    $self->queue($end->{peer}, $good);
    $end->{struck} = 1;
    $self->strike($end, $fault, $bytes);
}

sub fault_of
{
    my ($self, $end) = @_;
    my $fault = $self->{fault} or return;
    return if $end->{name} ne $fault->{direction};
    my $is_meant = $fault->{every} ? $end->{number} >= $fault->{connection}
      : $end->{number} == $fault->{connection};
    return $is_meant ? $fault : undef;
}

sub strike
{
    my ($self, $end, $fault, $bytes) = @_;
    my $action = $fault->{action};
    my $count = $fault->{count} // 1;
    if ($action eq 'cut' or $action eq 'reset')
    {
        $self->close_pair($end, $action);
        return;
    }
    if ($action eq 'blackhole' or $action eq 'truncate')
    {
        $end->{hole} = 1;
        $end->{peer}{hole} = 1 if $action eq 'blackhole';
        return;
    }
    if ($action eq 'delay')
    {
        $end->{held} = $bytes;
        $end->{held_until} = time + ($fault->{seconds} // 0.3);
        return;
    }
    if ($action eq 'garble')
    {
        substr($bytes, 0, 1) = chr(ord($bytes) ^ $fault->{mask});
    }
    elsif ($action eq 'remove') { substr $bytes, 0, $count, ''; }
    elsif ($action eq 'duplicate') { $bytes = substr($bytes, 0, $count) . $bytes; }
    else { die "no such action: $action"; }
    $self->queue($end->{peer}, $bytes);
}

sub resume_delayed
{
    my ($self) = @_;
    foreach my $end (values %{ $self->{of} })
    {
        next unless defined $end->{held} and time > $end->{held_until};
        $self->queue($end->{peer}, delete $end->{held});
    }
}

sub queue
{
    my ($self, $end, $bytes) = @_;
    $end->{out} .= $bytes;
    $self->write_to($end);
    # The reader is slow: the other side is to feel it.
    $self->{readers}->remove($end->{peer}{socket}) if length $end->{out} > $most_queued;
}

sub write_to
{
    my ($self, $end) = @_;
    if (length $end->{out})
    {
        my $sent = syswrite $end->{socket}, $end->{out};
        return $self->close_pair($end) if !defined $sent and !$!{EAGAIN};
        substr $end->{out}, 0, $sent // 0, '';
    }
    $self->{readers}->add($end->{peer}{socket})
      if length $end->{out} <= $most_queued and $self->{of}{ $end->{peer}{socket} };
    my $method = length $end->{out} ? 'add' : 'remove';
    $self->{writers}->$method($end->{socket});
}

# The end that hung up, or both. A black hole tells neither side of the other's end.
sub close_pair
{
    my ($self, $end, $action) = @_;
    my @ends = $end->{hole} ? ($end) : ($end, $end->{peer});
    foreach my $each (@ends)
    {
        my $socket = $each->{socket};
        delete $self->{of}{$socket} or next;
        $self->{readers}->remove($socket);
        $self->{writers}->remove($socket);
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack('i i', 1, 0) if ($action // '') eq 'reset';
        # What was said before an end is heard.
        syswrite $socket, $each->{out} if length $each->{out} and !$action;
        close $socket;
    }
}

1;
