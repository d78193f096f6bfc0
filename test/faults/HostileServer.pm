# A server that is a source of pgclone, until it misbehaves. It answers with what a real source
# said when the same was asked: a clone through a recording proxy gives it its lines. So it knows
# all questions of the version of pgclone that is tested, and the cases say only what is wrong.
#
#   my $server = HostileServer->start(recording => $recording, cases => \%cases);
#
# A client chooses the case by the name of the database. A case is a hash of hooks, each of which is
# given the connection (a HostileServer::Connection; see there what it can do):
#
#   accept   before anything is read. Such a case has a port of its own: $server->port($name)
#   startup  after the startup packet; true = go on as usual
#   login    the messages up to ReadyForQuery; returns what to send instead
#   answer   a statement and the messages of its answer; returns what to send instead
#   message  a message that is about to be sent; returns the bytes to send instead
#
# Each connection has a process of its own. What it was told (parameters of the startup packet,
# passwords) is kept in a file that $server->heard gives.
package HostileServer;

use strict;
use warnings FATAL => 'all';

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use PgProtocol;
use PostgreSQL::Test::Utils qw(slurp_file);

sub start
{
    my ($class, %self) = @_;
    my %listeners = ('' => undef);
    my %cases = %{ $self{cases} };
    $listeners{$_} = undef foreach grep { $cases{$_}{accept} } keys %cases;
    foreach my $name (keys %listeners)
    {
        $listeners{$name} =
          IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1', ReuseAddr => 1)
          or die "cannot listen: $!";
    }
    my $self = bless { %self, ports => { map { $_ => $listeners{$_}->sockport } keys %listeners } },
      $class;
    my $pid = fork // die "cannot fork: $!";
    if ($pid == 0)
    {
        # The framework's END blocks are the parent's alone. The children go with this process.
        setpgrp;
        $SIG{TERM} = sub { $SIG{TERM} = 'IGNORE'; kill 'TERM', -$$; POSIX::_exit(0) };
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = 'IGNORE';
        eval { $self->serve(\%listeners); };
        warn "hostile server: $@" if $@;
        $SIG{TERM}->();
    }
    $self->{pid} = $pid;
    return $self;
}

# The port of a case of its own, or that of all others.
sub port { return $_[0]{ports}{ $_[1] // '' } // $_[0]{ports}{''}; }

sub stop
{
    my ($self) = @_;
    return unless my $pid = delete $self->{pid};
    kill 'TERM', $pid;
    waitpid $pid, 0;
}

sub heard { return -e $_[0]{log} ? slurp_file($_[0]{log}) : ''; }

# --- In the server's process

sub serve
{
    my ($self, $listeners) = @_;
    my %name_of = map { $listeners->{$_} => $_ } keys %$listeners;
    my $select = IO::Select->new(values %$listeners);
    my $parent = getppid;
    while (getppid == $parent)
    {
        foreach my $listener ($select->can_read(1))
        {
            my $socket = $listener->accept or next;
            my $pid = fork;
            if (defined $pid and $pid == 0)
            {
                $SIG{TERM} = 'DEFAULT';
                $SIG{CHLD} = 'DEFAULT';
                alarm($self->{patience} // 120);
                close $_ foreach values %$listeners;
                my $connection = HostileServer::Connection->new($self, $socket);
                eval { $connection->serve($name_of{$listener}); };
                warn "hostile server: $@" if $@ and ref $@ ne 'HostileServer::End';
                POSIX::_exit(0);
            }
            close $socket;
        }
    }
}

# --- A connection, for the hooks

package HostileServer::Connection;

use PgProtocol;
use Time::HiRes qw(time);

sub new
{
    my ($class, $server, $socket) = @_;
    return bless {
        server => $server, socket => $socket, in => '', out => '', sent => 0, case => {},
        parameters => {}
    }, $class;
}

# Parameters of the startup packet.
sub parameter { return $_[0]{parameters}{ $_[1] } // ''; }
# 'worker' for the session of a table worker, else 'job'.
sub role { return $_[0]->parameter('application_name') =~ /table worker/ ? 'worker' : 'job'; }
# How many messages were sent before.
sub sent { return $_[0]{sent}; }

# Ends the connection and this process.
sub hang_up
{
    my ($self) = @_;
    $self->flush;
    close $self->{socket};
    die bless {}, 'HostileServer::End';
}

# Says nothing more until the client goes.
sub silence
{
    my ($self) = @_;
    $self->flush;
    while (sysread $self->{socket}, my ($ignored), 65536) { }
    $self->hang_up;
}

# Sends bytes at once, whatever they are.
sub put
{
    my ($self, $bytes) = @_;
    $self->{out} .= $bytes;
    $self->flush;
}

# Sends what `next` gives until the client goes, or after `limit` bytes.
sub flood
{
    my ($self, $next, $limit) = @_;
    my $sent = 0;
    while (!defined $limit or $sent < $limit)
    {
        my $bytes = $next->();
        $sent += length $bytes;
        $self->put($bytes);
    }
}

# Reads a message; ends with the client. Does not wait longer than `seconds`, if given.
sub read_message
{
    my ($self) = @_;
    while (1)
    {
        my ($type, $body) = take_message(\$self->{in});
        return ($type, $body) if defined $type;
        $self->read_more;
    }
}

sub read_more
{
    my ($self) = @_;
    $self->flush;
    sysread $self->{socket}, $self->{in}, 65536, length $self->{in} or $self->hang_up;
}

sub hear
{
    my ($self, $text) = @_;
    open my $log, '>>', $self->{server}{log} or die $!;
    syswrite $log, "$text\n";
    close $log;
}

sub flush
{
    my ($self) = @_;
    while (length $self->{out})
    {
        my $sent = syswrite $self->{socket}, $self->{out};
        if (!defined $sent)
        {
            close $self->{socket};
            die bless {}, 'HostileServer::End';
        }
        substr $self->{out}, 0, $sent, '';
    }
}

# --- What it does

sub serve
{
    my ($self, $own_case) = @_;
    my $cases = $self->{server}{cases};
    $self->{case} = $cases->{$own_case} // {};
    $self->{case}{accept}->($self) if $self->{case}{accept};
    $self->read_startup;
    my $name = $self->parameter('database');
    $self->hear("startup of $name by " . $self->role);
    my $random = $name =~ /^random_(\d+)$/ ? $self->{server}{random}->($1, $self) : undef;
    $self->{case} = $random // $cases->{$name} // $self->{case};
    my $case = $self->{case};
    if ($case->{startup}) { $case->{startup}->($self) or $self->hang_up; }
    my @login = @{ $self->recording->{login} };
    @login = $case->{login}->($self, @login) if $case->{login};
    $self->send(@login);
    $self->answer_questions;
}

sub recording { return $_[0]{server}{recording}; }

sub read_startup
{
    my ($self) = @_;
    while (1)
    {
        my ($kind, $body) = take_startup(\$self->{in});
        if (!defined $kind) { $self->read_more; next; }
        $self->hang_up if $kind eq 'cancel';
        if ($kind eq 'startup')
        {
            $self->{parameters} = { startup_parameters($body) };
            return;
        }
        $self->hear($kind);
        $self->put('N');
    }
}

sub send
{
    my ($self, @messages) = @_;
    foreach my $message (@messages)
    {
        $message = $self->{case}{message}->($self, $message) if $self->{case}{message};
        $self->{out} .= $message;
        $self->{sent}++;
        $self->flush if length $self->{out} > 65536;
    }
}

sub answer_questions
{
    my ($self) = @_;
    my ($statement, $question) = ('', '');
    my $failed = 0;
    while (1)
    {
        my ($type, $body) = $self->read_message;
        $self->hang_up if $type eq 'X';
        if ($type eq 'S')
        {
            $self->send($self->ready);
            $failed = 0;
        }
        elsif ($failed) { next; }
        elsif ($type eq 'P') { $statement = parse_body($body); }
        elsif ($type eq 'B') { $question = "$statement\0" . bind_parameters($body); }
        elsif ($type eq 'E') { $failed = !$self->answer($question); }
        elsif ($type eq 'Q')
        {
            $self->answer(substr $body, 0, -1) or $self->send($self->ready);
        }
    }
}

sub ready { return message('Z', 'T'); }

# False if there is no answer but an error.
sub answer
{
    my ($self, $question) = @_;
    my ($statement) = split /\0/, $question;
    my $answers = $self->recording->{answers};
    my @messages = @{ $answers->{$question} // [] };
    if (!@messages)
    {
        $self->hear("unknown: $statement");
        @messages = (error_response(S => 'ERROR', V => 'ERROR', C => '42601',
                M => 'the recording does not have this question'));
    }
    @messages = $self->{case}{answer}->($self, $statement, @messages) if $self->{case}{answer};
    $self->send(@messages);
    return !grep { /^E/ } @messages;
}

1;
