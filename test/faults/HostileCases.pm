# What a hostile server does, case by case; HostileServer carries it out. Beside the hooks a case may
# say: scope (of the job; else 'table'), expect (a regular expression of the outcome; else: failed
# with any SQLSTATE), endless (it ends only if it is cancelled), silent (it ends by a time-out).
package HostileCases;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PgProtocol;

our @EXPORT = qw(hostile_cases);

my %cases;
my $kilobyte = 'x' x 1024;
my $garbage = join '', map { chr(($_ * 167 + 13) % 256) } 1 .. 4096;
my $json_bomb = '[' x 100_000;

sub add
{
    my ($name, %case) = @_;
    die "case $name twice" if $cases{$name};
    $cases{$name} = \%case;
}

# Hooks for one question: by what is asked, or by columns of the answer. `change` gets the
# connection and the answer's messages, and returns others.
sub at_statement
{
    my ($pattern, $change) = @_;
    return (answer => sub {
            my ($connection, $statement, @messages) = @_;
            return $statement =~ $pattern ? $change->($connection, @messages) : @messages;
    });
}

sub columns_of
{
    my (@messages) = @_;
    my ($description) = grep { /^T/ } @messages;
    return $description ? description_columns(substr $description, 5) : ();
}

sub at_column
{
    my ($column, $change) = @_;
    return (answer => sub {
            my ($connection, $statement, @messages) = @_;
            my @columns = columns_of(@messages);
            return @messages unless grep { $_ eq $column } @columns;
            return $change->($connection, @messages);
    });
}

# Changes one column of all rows; `value` may be a function of what stood there.
sub with_value
{
    my ($column, $value) = @_;
    return at_column($column, sub {
            my ($connection, @messages) = @_;
            my @columns = columns_of(@messages);
            my ($at) = grep { $columns[$_] eq $column } 0 .. $#columns;
            return map {
                my @fields = /^D/ ? row_fields(substr $_, 5) : ();
                $fields[$at] = ref $value ? $value->($fields[$at]) : $value if @fields;
                @fields ? data_row(@fields) : $_;
            } @messages;
    });
}

# --- Before the login

add('mute', accept => sub { $_[0]->silence }, silent => 1);
add('closes_at_once', accept => sub { $_[0]->hang_up });
add('web_server', accept => sub {
        $_[0]->put("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); $_[0]->silence; });
add('garbage_at_once', accept => sub { $_[0]->put($garbage); $_[0]->silence });
foreach my $answer ('S', 'E', 'X', "\0")
{
    add('tls_answer_' . ord $answer, sslmode => 'require', accept => sub {
            my ($connection) = @_;
            $connection->read_more;
            $connection->hear('no TLS');
            $connection->put($answer . $garbage);
            $connection->read_more while 1;
    });
}
add('tls_refused', sslmode => 'require');
add('tls_silent', sslmode => 'require', silent => 1, accept => sub {
        $_[0]->read_more; $_[0]->put('S'); $_[0]->silence; });

# --- The login

sub at_startup
{
    my (@bytes) = @_;
    return (startup => sub { $_[0]->put(join '', @bytes); $_[0]->silence });
}

add('closes_at_startup', startup => sub { 0 });
add('silent_at_startup', startup => sub { $_[0]->silence }, silent => 1);
add('garbage_at_startup', at_startup($garbage));
add('error_of_version_2', at_startup("Esorry, too many clients already\n\0"));
foreach my $type ('R', 'S', 'K', 'Z', 'N', 'E', 'v', 'A', 'D')
{
    foreach my $length (0x7fffffff, 0xffffffff, 0, 3, 0x40000000)
    {
        add(sprintf('startup_%s_%x', $type, $length), silent => 1,
            at_startup($type . pack('N', $length) . "\0\0\0\0" . $kilobyte));
    }
}
# Kerberos 4 and 5, crypt, SCM, GSS, GSS goes on, SSPI, SASL goes on, SASL ends, and more to come
foreach my $kind (1, 2, 4, 6, 7, 8, 9, 11, 12, 13, 99, 0x7fffffff)
{
    add("authentication_$kind", at_startup(authentication($kind, 'salt')), silent => 1);
}
add('sasl_unknown', at_startup(authentication(10, "SCRAM-SHA-1024\0OAUTHBEARER\0\0")));
add('sasl_none', at_startup(authentication(10, "\0")));
add('sasl_not_ended', at_startup(authentication(10, 'SCRAM-SHA-256' x 100)), silent => 1);
# The first answer of SCRAM: what is no salt, no nonce of ours, no number.
foreach my $answer ('', 'r=x,s=x,i=4096', "r=\0,s=,i=", 'e=other-error', 'i=4096' x 300, $garbage)
{
    add('scram_' . length $answer, password => 'secret', startup => sub {
            my ($connection) = @_;
            $connection->put(authentication(10, "SCRAM-SHA-256\0\0"));
            my ($type, $body) = $connection->read_message;
            $connection->put(authentication(11, $answer));
            $connection->silence;
    }, silent => 1);
}

# Asks for a password; the messages of the login follow.
sub asks_for
{
    my ($request, %case) = @_;
    return (%case, startup => sub {
            my ($connection) = @_;
            $connection->put($request);
            my ($type, $body) = $connection->read_message;
            $connection->hear("password $body");
            return 1;
    });
}
add('asks_for_clear_password', asks_for(authentication(3), password => 'geheim',
        expect => qr/^completed$/));
add('asks_for_md5_password', asks_for(authentication(5, 'salz'), password => 'geheim',
        expect => qr/^completed$/));
add('asks_for_unknown_password', asks_for(authentication(3)));
add('asks_user_without_password', asks_for(authentication(3)), role => 'app',
    expect => qr/^refused/);
add('needs_no_password', role => 'app', password => 'geheim', expect => qr/^failed 2F003$/);
add('clear_password_of_user', asks_for(authentication(3), password => 'geheim'), role => 'app',
    expect => qr/^completed$/);

my %errors = (
    plain => [ S => 'FATAL', V => 'FATAL', C => '28000', M => 'no' ],
    empty => [],
    no_sqlstate => [ S => 'FATAL', M => 'no state' ],
    no_message => [ S => 'FATAL', C => '28000' ],
    success => [ S => 'FATAL', C => '00000', M => 'all is well' ],
    short_sqlstate => [ S => 'FATAL', C => '2', M => 'short' ],
    odd_sqlstate => [ S => 'FATAL', C => "\e[2J;", M => 'odd' ],
    long_sqlstate => [ S => 'FATAL', C => $kilobyte, M => 'long' ],
    cancelled => [ S => 'ERROR', C => '57014', M => 'canceling statement due to user request' ],
    shutdown => [ S => 'FATAL', C => '57P01', M => 'terminating connection' ],
    control => [ S => 'FATAL', C => '28000', M => join '', map { chr } 1 .. 127 ],
    escape => [ S => "FATAL\e[2J", C => '28000', M => "\e]0;owned\a\e[31mred\x9b31m", D => "\eD",
        H => "\r\b\b\bhint" ],
    lines => [ S => 'FATAL', C => '28000', M => "x\n2026-01-01 LOG:  forged line\n" x 20 ],
    megabyte => [ S => 'FATAL', C => '28000', M => $kilobyte x 1024, D => $kilobyte x 1024,
        H => $kilobyte x 1024 ],
    not_utf8 => [ S => 'FATAL', C => '28000', M => join '', map { chr } 128 .. 255 ],
    repeated => [ map { (S => 'FATAL', C => '28000', M => "message $_") } 1 .. 1000 ],
    unknown_fields => [ map { chr, "field $_" } 1 .. 255 ],
    pooler => [ S => 'FATAL', C => '08P01', M => 'unsupported startup parameter: options' ],
    many_clients => [ S => 'FATAL', C => '53300', M => 'sorry, too many clients already' ],
    format => [ S => '%s%n', C => '28000', M => '%s%n%d%1000000000s', D => '%n', H => '%s' ],
    source_place => [ S => 'FATAL', C => '28000', M => 'm', F => "\e", L => '9' x 1000, R => '%n',
        P => '-1', q => 'select 1', p => '999999999', s => "\e", t => "\n", n => "\e" ],
);
my $at_export = qr/pg_export_snapshot/;
foreach my $name (keys %errors)
{
    my $bytes = error_response(@{ $errors{$name} });
    add("startup_error_$name", at_startup($bytes), silent => $name eq 'empty');
    add("late_error_$name", at_statement($at_export, sub { $bytes }));
    add("notice_$name", at_statement($at_export, sub {
                my ($connection, @messages) = @_;
                return ((notice_response(@{ $errors{$name} })) x 3, @messages);
        }), expect => qr/^completed$/);
}
add('late_error_position', at_statement($at_export, sub {
            error_response(S => 'ERROR', C => '42601', M => 'm', P => '99999999999999999999') }));
add('error_not_ended', at_startup(message('E', "SFATAL\0C28000\0Mno end")), silent => 1);
add('error_then_close', startup => sub {
        $_[0]->put(error_response(S => 'FATAL', C => '3D000', M => 'database does not exist')); 0 },
    expect => qr/^failed 3D000$/);
add('pooler_says_why', at_startup(error_response(@{ $errors{pooler} })), expect => qr/^failed 08P01$/,
    says => qr/unsupported startup parameter/);

# What the server claims to be.
sub with_version
{
    my ($version) = @_;
    return (login => sub {
            my ($connection, @messages) = @_;
            @messages = grep { !/^S....server_version\0/s } @messages;
            return @messages unless defined $version;
            return (@messages[ 0 .. $#messages - 1 ], parameter_status('server_version', $version),
                $messages[-1]);
    });
}
my $number = 0;
foreach my $version ('8.0', '9.2', '9.6.24', '', 'x', undef, '-15', "\e[2J")
{
    add('version_' . $number++, with_version($version), expect => qr/^failed 0A000$/);
}
foreach my $version ('99', '15', '99999999999999999999.1', '15.99999999999999999999')
{
    add('version_' . $number++, with_version($version), expect => qr/^(completed|failed \w{5})$/);
}
foreach my $encoding ('LATIN1', 'SQL_ASCII', 'x' x 20_000, '')
{
    add('encoding_' . $number++, login => sub {
            my ($connection, @messages) = @_;
            return (@messages[ 0 .. $#messages - 1 ],
                (map { parameter_status($_, $encoding) }
                    qw(client_encoding server_encoding standard_conforming_strings DateStyle)),
                $messages[-1]);
    }, expect => qr/^(completed|failed \w{5})$/);
}
add('status_not_ended', at_startup(authentication(0), message('S', 'server_version')), silent => 1);
add('no_key', login => sub { grep { !/^K/ } @_[ 1 .. $#_ ] }, expect => qr/^completed$/);
add('never_ready', login => sub { grep { !/^Z/ } @_[ 1 .. $#_ ] }, silent => 1);
add('ready_twice', login => sub { @_[ 1 .. $#_ ], $_[-1] }, expect => qr/^(completed|failed \w{5})$/);
add('ready_oddly', login => sub { @_[ 1 .. $#_ - 1 ], message('Z', "\e") },
    expect => qr/^(completed|failed \w{5})$/);
add('ready_without_login', at_startup(message('Z', 'I')), silent => 1);
add('negotiates', at_startup(message('v', pack('N N', 196607, 3) . "a\0b\0c\0")), silent => 1);

# --- Floods, before the login has ended, in an answer, in the rows

my $counter = 0;
my %floods = (
    notice => sub { notice_response(S => 'NOTICE', C => '00000', M => $kilobyte x 16) },
    same_status => sub { parameter_status('application_name', $kilobyte x 16) },
    status => sub { parameter_status('p' . $counter++, $kilobyte x 16) },
    notification => sub { message('A', pack('N', 1) . "channel\0" . $kilobyte x 7 . "\0") },
    error => sub { error_response(S => 'ERROR', C => '22000', M => $kilobyte x 16) },
    key => sub { message('K', pack 'N N', 1, 2) x 1000 },
    row => sub { data_row($kilobyte x 16) },
    copy_row => sub { message('d', "1\t$kilobyte\n" x 16) },
    completed => sub { command_complete('SELECT 1') x 1000 },
    ready => sub { message('Z', 'T') x 1000 },
    empty => sub { message('I', '') x 1000 },
    described => sub { row_description(('c') x 200) },
);
foreach my $flood (keys %floods)
{
    my $next = $floods{$flood};
    add("flood_login_$flood", startup => sub {
            my ($connection) = @_;
            $connection->put(authentication(0));
            $connection->flood($next);
    }, endless => 1);
    add("flood_answer_$flood", at_column('can_use_schema', sub {
                my ($connection, @messages) = @_;
                $connection->put($messages[0] . $messages[1] . row_description('x'));
                $connection->flood($next);
        }), endless => 1);
    add("flood_rows_$flood", at_statement(qr/^COPY/, sub {
                my ($connection, @messages) = @_;
                $connection->put($messages[0] . $messages[1]);
                $connection->flood($next);
        }), endless => 1);
}

# --- Answers to questions

add('wrong_pid', login => sub {
        my ($connection, @messages) = @_;
        return map { /^K/ ? message('K', pack 'N N', 0xffffffff, 0) : $_ } @messages;
    }, expect => qr/^completed$/);

my %stages = (session => 'set_config', identity => 'lsn', export => 'id', table => 'can_use_schema',
    columns => 'binary_safe');
foreach my $stage (sort keys %stages)
{
    my $column = $stages{$stage};
    my $add = sub {
        my ($name, $change, %case) = @_;
        add("${stage}_$name", at_column($column, $change), %case);
    };
    my @any_end = (expect => qr/^(completed|failed \w{5})$/);
    $add->('silent', sub { $_[0]->silence }, silent => 1);
    $add->('closes', sub { $_[0]->hang_up });
    $add->('closes_in_message', sub { $_[0]->put(substr join('', @_[ 1 .. $#_ ]), 0, -9);
            $_[0]->hang_up });
    $add->('garbage', sub { $_[0]->put($garbage); $_[0]->silence });
    $add->('nothing', sub { () }, silent => 1, @any_end);
    $add->('no_rows', sub { grep { !/^D/ } @_[ 1 .. $#_ ] }, @any_end);
    $add->('no_description', sub { grep { !/^T/ } @_[ 1 .. $#_ ] }, silent => 1);
    $add->('no_columns', sub { ($_[1], $_[2], row_description(), data_row(), $_[-1]) }, @any_end);
    $add->('other_columns', sub { ($_[1], $_[2], row_description('a', 'b'), data_row(1, 2), $_[-1]) },
        @any_end);
    $add->('many_columns', sub { ($_[1], $_[2], row_description(('c') x 65535),
                data_row((undef) x 65535), $_[-1]) }, silent => 1, @any_end);
    $add->('announces_columns', sub { ($_[1], $_[2], message('T', pack 'n', 65535), $_[-1]) },
        silent => 1);
    $add->('row_too_long', sub { map { /^D/ ? data_row(row_fields(substr $_, 5), 'more') : $_ }
              @_[ 1 .. $#_ ] }, silent => 1);
    $add->('row_too_short', sub { map { /^D/ ? data_row() : $_ } @_[ 1 .. $#_ ] }, silent => 1);
    $add->('null', sub { map { /^D/ ? data_row((undef) x row_fields(substr $_, 5)) : $_ }
              @_[ 1 .. $#_ ] }, @any_end);
    foreach my $value ('', 'abc', '1e400', '-1', '99999999999999999999', '4294967296', "a\0b",
        "\xff\xfe", "\e[2J", $json_bomb, '["a\u0000b"]', '{"a": 1}', '"')
    {
        my $name = 'value_' . $number++;
        $add->($name, sub { map { /^D/ ? data_row(($value) x row_fields(substr $_, 5)) : $_ }
                  @_[ 1 .. $#_ ] }, @any_end);
    }
    foreach my $length (0x7fffffff, 0xfffffffe, 0x40000000, 5)
    {
        my $bytes = message('D', pack('n N', 1, $length) . $kilobyte);
        $add->(sprintf('field_%x', $length), sub { ($_[1], $_[2], row_description('x'), $bytes,
                    $_[-1]) }, silent => 1, @any_end);
        $add->(sprintf('row_%x', $length), sub { ($_[1], $_[2], row_description('x'),
                    'D' . pack('N', $length) . $kilobyte, $_[-1]) }, silent => 1);
    }
    $add->('copy_out', sub { copy_out_response(0, 1) }, silent => 1);
    $add->('copy_in', sub { message('G', pack 'C n n', 0, 1, 0) }, silent => 1);
    $add->('copy_both', sub { message('W', pack 'C n n', 0, 1, 0) }, silent => 1);
    $add->('copy_data', sub { message('d', $kilobyte) }, silent => 1);
    $add->('function_result', sub { message('V', pack('N', 4) . 'abcd') }, silent => 1);
    $add->('no_query', sub { message('I', '') }, silent => 1, @any_end);
    $add->('suspended', sub { (@_[ 1 .. $#_ - 1 ], message('s', '')) }, silent => 1, @any_end);
    $add->('unknown_type', sub { (message('*', $kilobyte), @_[ 1 .. $#_ ]) }, silent => 1);
    $add->('login_again', sub { (authentication(3), @_[ 1 .. $#_ ]) }, silent => 1, @any_end);
    $add->('twice', sub { (@_[ 1 .. $#_ ], @_[ 1 .. $#_ ]) }, silent => 1, @any_end);
    $add->('too_early_ready', sub { ($_[1], message('Z', 'I'), @_[ 2 .. $#_ ]) }, silent => 1,
        @any_end);
    $add->('rows_and_close', sub {
            my ($connection, @messages) = @_;
            my ($row) = grep { /^D/ } @messages;
            $connection->put($messages[0] . $messages[1] . $messages[2] . ($row // '') x 1000);
            $connection->hang_up;
    });
}

# --- The rows

my @rows_start;
sub at_rows
{
    my ($name, $change, %case) = @_;
    add("rows_$name", at_statement(qr/^COPY/, $change), %case);
}

at_rows('silent', sub { $_[0]->silence }, silent => 1);
at_rows('silent_within', sub { $_[0]->put($_[1] . $_[2]); $_[0]->silence }, silent => 1);
at_rows('closes', sub { $_[0]->hang_up });
at_rows('closes_within', sub { $_[0]->put($_[1] . $_[2] . substr $_[3], 0, -3); $_[0]->hang_up });
at_rows('closes_after_last', sub { $_[0]->put(join '', grep { !/^[CZ]/ } @_[ 1 .. $#_ ]);
        $_[0]->hang_up });
at_rows('no_end', sub { grep { !/^[cCZ]/ } @_[ 1 .. $#_ ] }, silent => 1);
at_rows('not_done', sub { grep { !/^c/ } @_[ 1 .. $#_ ] }, silent => 1,
    expect => qr/^(completed|failed \w{5})$/);
at_rows('no_tag', sub { grep { !/^C/ } @_[ 1 .. $#_ ] }, silent => 1);
at_rows('never_ready', sub { grep { !/^Z/ } @_[ 1 .. $#_ ] }, silent => 1);
at_rows('ready_within', sub { ($_[1], $_[2], message('Z', 'T'), @_[ 3 .. $#_ ]) }, silent => 1);
at_rows('error_at_end', sub { ((grep { !/^[cCZ]/ } @_[ 1 .. $#_ ]),
            error_response(S => 'ERROR', C => '22012', M => 'division by zero'), $_[-1]) },
    expect => qr/^failed 22012$/);
at_rows('error_after_done', sub { ((grep { !/^[CZ]/ } @_[ 1 .. $#_ ]),
            error_response(S => 'ERROR', C => '22012', M => 'division by zero'), $_[-1]) },
    expect => qr/^failed 22012$/);
at_rows('fewer', sub { grep { !/^d/ || $_ ne $_[3] } @_[ 1 .. $#_ ] },
    expect => qr/^failed (XX001|08P01|22P04)$/);
at_rows('one_more', sub { ($_[1], $_[2], $_[3], @_[ 3 .. $#_ ]) }, expect => qr/^failed \w{5}$/);
foreach my $tag ('COPY 0', 'COPY -1', 'COPY 99999999999999999999', 'COPY', '', 'SELECT 1', "\e",
    'x' x 1000)
{
    at_rows('tag_' . $number++, sub { map { /^C/ ? command_complete($tag) : $_ } @_[ 1 .. $#_ ] });
}
foreach my $length (0x7fffffff, 0xffffffff, 0, 3, 0x40000000, 0x30000000)
{
    at_rows(sprintf('length_%x', $length), sub { $_[0]->put($_[1] . $_[2] . 'd' . pack('N', $length)
                  . $kilobyte); $_[0]->silence }, silent => 1);
}
at_rows('other_format', sub { map { /^H/ ? copy_out_response(0, 3) : $_ } @_[ 1 .. $#_ ] },
    expect => qr/^(completed|failed \w{5})$/);
at_rows('format_99', sub { map { /^H/ ? copy_out_response(99, 3) : $_ } @_[ 1 .. $#_ ] },
    expect => qr/^(completed|failed \w{5})$/);
at_rows('columns_65535', sub { map { /^H/ ? copy_out_response(1, 65535) : $_ } @_[ 1 .. $#_ ] },
    expect => qr/^(completed|failed \w{5})$/);
at_rows('copy_both', sub { map { /^H/ ? 'W' . substr $_, 1 : $_ } @_[ 1 .. $#_ ] }, silent => 1);
at_rows('copy_in', sub { map { /^H/ ? 'G' . substr $_, 1 : $_ } @_[ 1 .. $#_ ] }, silent => 1);
at_rows('garbage', sub { map { /^d/ ? message('d', $garbage) : $_ } @_[ 1 .. $#_ ] });
at_rows('empty', sub { map { /^d/ ? message('d', '') : $_ } @_[ 1 .. $#_ ] });
at_rows('nul', sub { map { /^d/ ? message('d', "\0" x 100) : $_ } @_[ 1 .. $#_ ] });
at_rows('instead', sub { (row_description('x'), data_row('1'), command_complete('SELECT 1'),
            $_[-1]) }, silent => 1);
at_rows('second_copy', sub { ((grep { !/^Z/ } @_[ 1 .. $#_ ]), (grep { !/^Z/ } @_[ 1 .. $#_ ]),
            $_[-1]) }, silent => 1);

# --- Names and definitions. A statement that carries a second one is refused by the extended
# protocol; nothing of it may be carried out.

my $harm = 'DROP TABLE victim';
my $nothing_done = qr/^failed \w{5}$/;
my %definitions = (
    second => "CREATE TABLE hostile_x (); $harm",
    second_commits => "CREATE TABLE hostile_x (); COMMIT; $harm",
    commit_and => "COMMIT; $harm",
    nul => "CREATE TABLE hostile_x ()\0; $harm",
    comment => "CREATE TABLE hostile_x () -- \n; $harm",
    copy => 'COPY victim FROM STDIN',
    copy_out => 'COPY victim TO STDOUT',
);
sub json_string
{
    my ($text) = @_;
    $text =~ s/([\0-\x1f"\\])/sprintf '\\u%04x', ord $1/ge;
    return "\"$text\"";
}
my %where = (
    create_sql => sub { '[' . json_string($_[0]) . ']' },
    relation => sub { $_[0] },
    head => sub { $_[0] },
    tail => sub { $_[0] },
    drop_sql => sub { $_[0] },
    object_as => sub { $_[0] },
    shell_sql => sub { $_[0] },
    index_sql => sub { $_[0] },
    statements => sub { '[' . json_string($_[0]) . ']' },
    statement => sub { $_[0] },
);
foreach my $column (sort keys %where)
{
    foreach my $name (sort keys %definitions)
    {
        my $value = $where{$column}->($definitions{$name});
        add("definition_${column}_$name", with_value($column, $value), scope => 'schema',
            expect => $name eq 'nul' || $column =~ /drop|shell|index|object_as/
              ? qr/^(completed|failed \w{5})$/ : $nothing_done);
    }
}
foreach my $word ('COMMIT', 'ROLLBACK', 'ABORT', 'BEGIN', 'SAVEPOINT s', 'SET SESSION AUTHORIZATION x')
{
    add('definition_is_' . lc $word =~ s/ /_/gr, with_value('create_sql', '[' . json_string($word)
              . ']'), scope => 'schema', expect => qr/^failed \w{5}$/);
}
# Of one object alone: that what stands before it in the same transaction is not lost, or kept.
foreach my $word ('COMMIT', 'ROLLBACK', 'ABORT', 'BEGIN')
{
    foreach my $of ('VIEW', 'TYPE', 'FUNCTION')
    {
        add(lc "transaction_${word}_$of", with_value('create_sql', sub {
                    ($_[0] // '') =~ /CREATE (OR REPLACE )?$of/ ? "[\"$word\"]" : $_[0] }),
            scope => 'schema', expect => $word eq 'BEGIN' ? qr/^(completed|failed \w{5})$/
              : qr/^failed \w{5}$/);
    }
}
foreach my $name ("x\"; $harm; --", "x'; $harm; --", "x\n; $harm", "\\'; $harm; --", "\0", 'x' x 10_000,
    "\xff\xfe", "\e[2J", '', '$$', "x\0\"; $harm; --")
{
    my $id = 'name_' . $number++;
    add("${id}_of_object", with_value('name', $name), scope => 'schema',
        expect => qr/^(completed|failed \w{5})$/);
    add("${id}_of_column", with_value('name', $name), expect => qr/^(completed|failed \w{5})$/);
    add("${id}_of_owner", with_value('owner', $name), scope => 'schema',
        expect => qr/^(completed|failed \w{5})$/);
    add("${id}_of_type", with_value('type', $name), expect => qr/^(completed|failed \w{5})$/);
    add("${id}_of_default", with_value('default_expression', $name),
        expect => qr/^(completed|failed \w{5})$/);
    add("${id}_of_constraint", with_value('definition', $name),
        expect => qr/^(completed|failed \w{5})$/);
    add("${id}_of_snapshot", with_value('id', $name), expect => qr/^(completed|failed \w{5})$/);
}

sub hostile_cases { return %cases; }

1;
