# The frontend/backend protocol, as far as a server needs it that is a source of pgclone: messages
# as bytes, read and written. A message is its type and its body; the startup packet has no type.
package PgProtocol;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';

our @EXPORT = qw(message take_message take_startup startup_parameters row_fields data_row
  row_description description_columns command_complete error_response notice_response
  parameter_status authentication copy_out_response parse_body bind_parameters
  recorded_exchanges);

our %startup_code = (80877102 => 'cancel', 80877103 => 'ssl', 80877104 => 'gss');

sub message
{
    my ($type, $body) = @_;
    return $type . pack('N', 4 + length $body) . $body;
}

# Cuts the first whole message off a buffer; returns type, body and the bytes of both.
sub take_message
{
    my ($buffer) = @_;
    return if length $$buffer < 5;
    my $length = unpack 'x N', $$buffer;
    return if length $$buffer < 1 + $length;
    my $bytes = substr $$buffer, 0, 1 + $length, '';
    return (substr($bytes, 0, 1), substr($bytes, 5), $bytes);
}

# The same for what comes before the first message of a client; returns the kind and the body.
sub take_startup
{
    my ($buffer) = @_;
    return if length $$buffer < 8;
    my ($length, $code) = unpack 'N N', $$buffer;
    return if length $$buffer < $length;
    my $body = substr substr($$buffer, 0, $length, ''), 8;
    return ($startup_code{$code} // 'startup', $body);
}

sub startup_parameters
{
    my ($body) = @_;
    my @parts = split /\0/, $body, -1;
    pop @parts while @parts and $parts[-1] eq '';
    push @parts, '' if @parts % 2;
    return @parts;
}

# --- Messages of a server

# The fields of a DataRow; undef is NULL.
sub row_fields
{
    my ($body) = @_;
    my ($count) = unpack 'n', $body;
    my $at = 2;
    my @fields;
    foreach (1 .. $count)
    {
        my $length = unpack 'l>', substr $body, $at, 4;
        $at += 4;
        push @fields, $length < 0 ? undef : substr $body, $at, $length;
        $at += $length if $length > 0;
    }
    return @fields;
}

sub data_row
{
    my (@fields) = @_;
    return message('D', pack('n', scalar @fields)
          . join('', map { defined $_ ? pack('N', length $_) . $_ : pack 'N', 0xffffffff } @fields));
}

sub row_description
{
    my (@columns) = @_;
    return message('T', pack('n', scalar @columns)
          . join('', map { "$_\0" . pack 'N n N n N n', 0, 0, 25, 0xffff, 0xffffffff, 0 } @columns));
}

# The names of the columns.
sub description_columns
{
    my ($body) = @_;
    my $at = 2;
    my @names;
    foreach (1 .. unpack 'n', $body)
    {
        my $end = index $body, "\0", $at;
        push @names, substr $body, $at, $end - $at;
        $at = $end + 19;
    }
    return @names;
}

sub command_complete { return message('C', "$_[0]\0"); }

# Fields by their letters, in this order; a list, since a hostile server may repeat them.
sub fields_of_error
{
    my (@fields) = @_;
    my $body = '';
    while (my ($letter, $text) = splice @fields, 0, 2) { $body .= "$letter$text\0"; }
    return "$body\0";
}

sub error_response { return message('E', fields_of_error(@_)); }
sub notice_response { return message('N', fields_of_error(@_)); }
sub parameter_status { return message('S', join('', map { "$_\0" } @_)); }
sub authentication { return message('R', pack('N', $_[0]) . ($_[1] // '')); }

sub copy_out_response
{
    my ($format, $columns) = @_;
    return message('H', pack 'C n n*', $format, $columns, ($format) x $columns);
}

# --- Messages of a client

# Parse: the statement.
sub parse_body { return (split /\0/, $_[0], -1)[1]; }

# Bind: the parameters' bytes, all of them in one.
sub bind_parameters
{
    my ($body) = @_;
    $body =~ s/^[^\0]*\0[^\0]*\0//;
    my $formats = unpack 'n', $body;
    return substr $body, 2 + 2 * $formats;
}

# --- A recorded connection, as questions and their answers

# Both directions of a connection, from the first byte on. Returns the messages up to the first
# ReadyForQuery, and a hash: question => list of messages. A question is a statement, for the
# extended protocol with its parameters after a NUL; the answer to that of the simple protocol has
# ReadyForQuery.
sub recorded_exchanges
{
    my ($client, $server) = @_;
    my %answers;
    my @login;
    my ($kind, $startup);
    while (1)
    {
        ($kind, $startup) = take_startup(\$client) or return;
        last if $kind eq 'startup';
        substr $server, 0, 1, ''; # no TLS, no GSS
    }
    # The server's messages up to one of these types.
    my $until = sub {
        my ($last) = @_;
        my @messages;
        while (my ($type, undef, $bytes) = take_message(\$server))
        {
            push @messages, $bytes;
            last if $type =~ $last;
        }
        return @messages;
    };
    @login = $until->(qr/Z/);
    my $statement;
    my $question;
    while (my ($type, $body) = take_message(\$client))
    {
        last if !defined $type;
        if ($type eq 'Q')
        {
            $answers{ substr $body, 0, -1 } //= [ $until->(qr/Z/) ];
        }
        elsif ($type eq 'P') { $statement = parse_body($body); }
        elsif ($type eq 'B') { $question = "$statement\0" . bind_parameters($body); }
        elsif ($type eq 'E') { $answers{$question} //= [ $until->(qr/[CEIs]/) ]; }
        elsif ($type eq 'S') { $until->(qr/Z/); } # settings that have changed, perhaps
    }
    return ([startup_parameters($startup)], \@login, \%answers);
}

1;
