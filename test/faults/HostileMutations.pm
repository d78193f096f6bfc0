# Random harm to the messages of a recorded session, by a seed: the same seed does the same.
package HostileMutations;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PgProtocol;

our @EXPORT = qw(random_case);

my @lengths = (0, 1, 3, 4, 5, 8, 255, 65536, 30_001, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000,
    0xfffffffe, 0xffffffff);
my @values = ('', undef, '0', '-1', '1', 't', 'f', 'abc', '4294967296', '99999999999999999999',
    '1e400', 'NaN', "a\0b", "\0", "\e[2J", "\xff\xfe", '[]', '{}', '[', '[null]', '["a\u0000"]',
    '[[[[[[[[[[', 'null', '"', "'", '$$', 'x' x 70, 'x' x 100_000, 'COMMIT', 'ROLLBACK',
    '["COMMIT"]', '["DROP TABLE victim"]]', '; DROP TABLE victim; --', '"; DROP TABLE victim; --',
    "'; DROP TABLE victim; --", "[\"CREATE TABLE hostile_x (); DROP TABLE victim\"]",
    '{"role": 1}', '["a", {"role": null}]');

sub pick { return $_[ int rand @_ ]; }

sub random_bytes { return join '', map { chr int rand 256 } 1 .. $_[0]; }

# A message that a server may say, at a time that is most likely wrong.
sub any_message
{
    return pick(
        sub { error_response(S => 'ERROR', C => pick('22000', '57P01', '57014', '08006', '', "\e"),
                M => random_bytes(int rand 50) =~ s/\0//gr) },
        sub { notice_response(S => 'NOTICE', C => '00000', M => 'n') x pick(1, 100) },
        sub { parameter_status(pick('server_version', 'client_encoding', 'server_encoding',
                    'integer_datetimes', 'x', ''), pick('', '9.0', '160000', 'LATIN1', "\e")) },
        sub { message('A', pack('N', 1) . "channel\0payload\0") },
        sub { message('Z', pick('I', 'T', 'E', "\0")) },
        sub { copy_out_response(pick(0, 1, 7), pick(0, 1, 2, 65535)) },
        sub { message('G', pack 'C n n', 0, 1, 0) },
        sub { message('W', pack 'C n n', 0, 1, 0) },
        sub { message('c', '') },
        sub { message('d', random_bytes(int rand 100)) },
        sub { data_row(map { pick(@values) } 0 .. rand 6) },
        sub { row_description(map { pick('a', 'oid', 'name', '') } 0 .. rand 6) },
        sub { command_complete(pick('COPY 5', 'SELECT 1', '', 'COPY -1', 'BEGIN')) },
        sub { message('I', '') },
        sub { message('n', '') },
        sub { message('s', '') },
        sub { message('t', pack 'n', 0) },
        sub { message(pick('1', '2', '3'), '') },
        sub { message('K', random_bytes(8)) },
        sub { message('V', pack('N', 4) . 'abcd') },
        sub { authentication(pick(0, 3, 5, 7, 10, 11, 12), random_bytes(4)) },
        sub { message('v', pack 'N N', 196608, 1) . "a\0" },
        sub { message(chr(int rand 256), random_bytes(int rand 40)) },
    )->();
}

my $kept = '';

# Each: the connection and the message; gives the bytes to be sent instead. (The commonest are in the
# list more than once.)
my %harms = (
    truncate => sub { $_[0]->put(substr $_[1], 0, int rand length $_[1]); $_[0]->hang_up },
    hang_up => sub { $_[0]->hang_up },
    silence => sub { $_[0]->silence },
    cut_short => sub { substr $_[1], 0, int rand length $_[1] },
    flip => sub {
        my ($connection, $message) = @_;
        substr($message, rand length $message, 1) =~ s/(.)/chr(ord($1) ^ 1 << rand 8)/se
          foreach 0 .. rand 3;
        return $message;
    },
    length => sub {
        my ($connection, $message) = @_;
        my $length = rand() < 0.5 ? pick(@lengths) : length($message) - 1 + pick(-2, -1, 1, 2);
        substr($message, 1, 4) = pack 'N', $length & 0xffffffff;
        return $message;
    },
    type => sub { my $message = $_[1]; substr($message, 0, 1) = chr int rand 256; $message },
    twice => sub { $_[1] x 2 },
    many_times => sub { $_[1] x 1000 },
    drop => sub { '' },
    later => sub { my $now = $kept; $kept = $_[1]; $now },
    before => sub { any_message() . $_[1] },
    after => sub { $_[1] . any_message() },
    instead => sub { any_message() },
    garbage => sub { random_bytes(1 + rand 200) . $_[1] },
    value => sub {
        my ($connection, $message) = @_;
        return $message unless $message =~ /^D/;
        my @fields = row_fields(substr $message, 5);
        $fields[ rand @fields ] = pick(@values) foreach 0 .. rand 2;
        return data_row(@fields);
    },
    all_values => sub {
        my ($connection, $message) = @_;
        return $message unless $message =~ /^D/;
        my $value = pick(@values);
        return data_row(map { $value } row_fields(substr $message, 5));
    },
    columns => sub {
        my ($connection, $message) = @_;
        return $message unless $message =~ /^[DTdH]/ and length $message > 7;
        substr($message, 5, 2) = pack 'n', pick(0, 1, 2, 1000, 65535);
        return $message;
    },
);
my @often = ((sort keys %harms), ('value') x 12, ('all_values', 'flip', 'length', 'before') x 3);

# The hooks of a case that does one to three of these at random messages. `totals`: how many messages
# a session of the job, and of the table worker, has.
sub random_case
{
    my ($seed, $connection, $totals) = @_;
    srand $seed;
    $kept = '';
    my $role = rand() < 0.6 ? 'job' : 'worker';
    my %harm_at;
    # Silence costs time and shows little.
    my @harms = rand() < 0.03 ? @often : grep { $_ ne 'silence' } @often;
    foreach (1 .. pick(1, 1, 1, 2, 3))
    {
        # Half of them in the first messages, of which there are few.
        my $at = int rand(rand() < 0.3 ? 30 : $totals->{$role});
        $harm_at{$at} = pick(@harms);
    }
    return {} if $connection->role ne $role;
    return {
        message => sub {
            my ($self, $message) = @_;
            my $harm = $harm_at{ $self->sent } or return $message;
            return $message if $message eq '';
            return $harms{$harm}->($self, $message);
        }
    };
}

1;
