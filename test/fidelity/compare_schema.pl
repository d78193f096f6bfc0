#!/usr/bin/perl
# Are two databases defined alike? Compares what `pg_dump -s` says of them, entry by entry.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Getopt::Long;

my $usage = <<'USAGE';
usage: compare_schema.pl [OPTION...] SOURCE TARGET

SOURCE and TARGET are connection strings. The entries of both dumps (pg_dump's own: one for each
object, comment, set of privileges ...) are compared as sets, whatever their order, with their full
text. Extension pgclone itself is left out. Exit status: 0 equal, 1 not equal, 2 error.

  --schema NAME     only this schema of the source (pg_dump -n), and of the target
  --rename NEW      with --schema: it has this name in the target
  --create          the properties of the databases, too (pg_dump -C); their names may differ
  --except PATTERN  leave out entries whose "TYPE SCHEMA NAME" matches this regular expression,
                    and say how many; may be repeated
  --diffs N         show at most so many differences in full (default 20)
  --quiet           print the counts alone
USAGE

my ($schema, $rename, $create, @except, $quiet);
my $diffs = 20;
GetOptions(
    'schema=s' => \$schema,
    'rename=s' => \$rename,
    'create' => \$create,
    'except=s' => \@except,
    'diffs=i' => \$diffs,
    'quiet' => \$quiet,
    'help' => sub { print $usage; exit 0 }) && @ARGV == 2 && !(defined $rename && !defined $schema)
    or do { print STDERR $usage; exit 2 };
my ($source, $target) = @ARGV;
my $dir = tempdir(CLEANUP => 1);

sub fail {
    print STDERR "compare_schema.pl: @_\n";
    exit 2;
}

# --- Dumps

# Starts a pg_dump that writes into a file, and returns its process.
sub start_dump {
    my ($conninfo, $only_schema, $file) = @_;
    my @command = ('pg_dump', '-s');
    push @command, '-C' if $create;
    if (defined $only_schema) {
        # A pattern: in quotes, so that each character stands for itself.
        (my $pattern = $only_schema) =~ s/"/""/g;
        push @command, '-n', qq{"$pattern"};
    }
    my $pid = fork // fail("fork: $!");
    if ($pid == 0) {
        open STDOUT, '>', $file or fail("$file: $!");
        exec @command, '-d', $conninfo or fail("pg_dump: $!");
    }
    return $pid;
}

sub slurp {
    my $file = shift;
    open my $in, '<:raw', $file or fail("$file: $!");
    local $/;
    return scalar <$in>;
}

sub quote_ident {
    my $name = shift;
    return $name if $name =~ /^[a-z_][a-z0-9_]*$/;
    $name =~ s/"/""/g;
    return qq{"$name"};
}

# --- Entries

# Types whose entries are preceded by a SET of the tablespace, or of the access method, unless
# the value is already set: so the SETs depend on the order of the entries, and each entry gets the
# value that holds for it. To other entries they mean nothing.
my $with_tablespace = qr/^(?:TABLE|FOREIGN TABLE|MATERIALIZED VIEW|INDEX|CONSTRAINT)$/;
my $with_access_method = qr/^(?:TABLE|MATERIALIZED VIEW)$/;

# Cuts a dump into entries: hashes with type, schema, name, owner and text.
sub entries {
    my $dump = shift;
    # The end, and a key that pg_dump draws at random.
    $dump =~ s/\n--\n-- PostgreSQL database dump complete\n--\n.*\z/\n/s
        or fail("a dump has no end");
    $dump =~ s/^\\(?:un)?restrict .*\n//mg;
    # What some servers of 15 note at each column for themselves, and pg_dump of later majors takes for an option.
    $dump =~ s/^ALTER (?:FOREIGN )?TABLE ONLY .* SET \(pg_attver=\d+\);\n//mg;
    $dump =~ s/ SET \(pg_attver=\d+, / SET (/g;
    my @parts = split /^--\n(-- Name: .*; Type: .*; Schema: .*; Owner: .*)\n--\n/m, $dump;
    my $preamble = shift @parts;
    my %settings = (tablespace => '', access_method => '');
    my $note_settings = sub {
        my $text = shift;
        while ($$text =~ s/\n+SET (default_tablespace|default_table_access_method) = ([^\n]*);\n*\z/\n/) {
            # From the end to the start, and not twice before one entry.
            $settings{$1 eq 'default_tablespace' ? 'tablespace' : 'access_method'} = $2;
        }
    };
    $note_settings->(\$preamble);
    # What is dumped may come from servers of different versions.
    $preamble =~ s/^-- Dumped (?:from|by) .*\n//mg;
    $preamble =~ s/\n+\z/\n/;
    my @entries = ({type => 'PREAMBLE', schema => '-', name => '-', text => $preamble});
    while (@parts) {
        my ($header, $text) = splice @parts, 0, 2;
        $header =~ /^-- Name: (.*); Type: ([A-Z ]+); Schema: (.*?); Owner: (.*)$/
            or fail("not understood: $header");
        my %entry = (name => $1, type => $2, schema => $3);
        my $rest = $4;
        my $before = join '',
            ($entry{type} =~ $with_tablespace ? "-- tablespace $settings{tablespace}\n" : ''),
            # A partitioned table has no access method.
            ($entry{type} =~ $with_access_method && $text !~ /^PARTITION BY /m
                ? "-- access method $settings{access_method}\n" : '');
        $note_settings->(\$text);
        $text =~ s/\n+\z/\n/;
        $text = sort_roles($text) if $entry{type} eq 'POLICY';
        # Who owns an object of the system is in no statement of a dump, its privileges are.
        $rest = '-' if $entry{type} eq 'ACL' && $entry{schema} eq 'pg_catalog';
        $entry{text} = "-- owner $rest\n$before$text";
        push @entries, \%entry unless is_pgclone(\%entry);
    }
    return \@entries;
}

# pg_dump lists the roles of a policy as they lie in the server's table of roles.
sub sort_roles {
    my $text = shift;
    my $name = qr/(?:"(?:[^"]|"")+"|[^\s",;]+)/;
    $text =~ s/ TO ($name(?:, $name)+)(?= USING | WITH CHECK |;$)/
        my $roles = $1; ' TO ' . join ', ', sort $roles =~ m{$name}g/em;
    return $text;
}

# Grants on pgclone's functions that its script makes are not dumped: these entries are all.
sub is_pgclone {
    my $entry = shift;
    return $entry->{type} eq 'EXTENSION' && $entry->{name} eq 'pgclone'
        || $entry->{type} eq 'COMMENT' && $entry->{name} eq 'EXTENSION pgclone';
}

sub label {
    my $entry = shift;
    return join ' ', @$entry{qw(type schema name)};
}

# Renames the schema in an entry of the source. In all other places than strings the name of an object
# is qualified. A string, such as the body of a function, is no name to the server, so nobody can
# rename in it - unless it is a constant of type regclass and the like.
sub rename_schema {
    my ($entry, $old, $new) = @_;
    my ($from, $to) = (quote_ident($old), quote_ident($new));
    my $renamed = sub {
        my $text = shift;
        $text =~ s/(?<![\w."\$])\Q$from\E(?=\.)/$to/g;
        $text =~ s/\bSCHEMA \Q$from\E(?![\w"\$])/SCHEMA $to/g;
        return $text;
    };
    my $string = qr/E?'(?:[^']|'')*'/;
    my $is_routine = $entry->{type} =~ /^(?:FUNCTION|PROCEDURE)$/;
    $entry->{text} =~ s{(\bAS (\$\w*\$).*?\g{-1})|($string)(::reg[a-z]+)?|((?:(?!\bAS \$|$string).)+)}{
        defined $1 && $is_routine || defined $3 && !defined $4 ? $& : $renamed->($&)}gse;
    $entry->{name} = $renamed->($entry->{name});
    if ($entry->{schema} eq $old) {
        $entry->{schema} = $new;
    }
    $entry->{name} = $new if $entry->{type} eq 'SCHEMA';
}

# The name of the database stands in the entries about it, and nowhere else.
sub rename_database {
    my ($entry) = @_;
    return unless $entry->{type} =~ /^DATABASE/ || $entry->{name} =~ /^DATABASE /;
    my ($name) = $entry->{text} =~ /\bDATABASE ("(?:[^"]|"")+"|[^\s"]+)/ or return;
    $entry->{text} =~ s/\bDATABASE \Q$name\E/DATABASE (this)/g;
    $entry->{text} =~ s/^(?:\\encoding .*\n)?\\connect .*$/\\connect (this)/m;
    $entry->{name} = $entry->{type} =~ /^DATABASE/ ? '(this)' : 'DATABASE (this)';
}

# --- Comparison

my %pids = (
    start_dump($source, $schema, "$dir/source") => 'source',
    start_dump($target, $rename // $schema, "$dir/target") => 'target');
while (%pids) {
    my $pid = wait;
    fail("pg_dump: $!") if $pid < 0;
    my $side = delete $pids{$pid};
    fail("pg_dump of the $side failed") if $?;
}
my %side = map { $_ => entries(slurp("$dir/$_")) } qw(source target);
my $left_out = 0;
for my $name (keys %side) {
    my @kept;
    for my $entry (@{$side{$name}}) {
        rename_schema($entry, $schema, $rename) if defined $rename && $name eq 'source';
        rename_database($entry) if $create;
        if (grep { label($entry) =~ $_ } @except) {
            $left_out++;
        } else {
            push @kept, $entry;
        }
    }
    $side{$name} = \@kept;
}

# Overloaded operators, for example, have entries of the same name. Equal texts are paired first.
my (%source, %target, @missing, @extra, @different);
push @{$source{label($_)}}, $_ for @{$side{source}};
push @{$target{label($_)}}, $_ for @{$side{target}};
my $identical = 0;
my %labels = (%source, %target);
for my $label (sort keys %labels) {
    my @target = @{$target{$label} // []};
    my @unpaired;
    for my $entry (@{$source{$label} // []}) {
        my ($match) = grep { $target[$_]{text} eq $entry->{text} } 0 .. $#target;
        if (defined $match) {
            splice @target, $match, 1;
            $identical++;
        } else {
            push @unpaired, $entry;
        }
    }
    push @different, [shift @unpaired, shift @target] while @unpaired && @target;
    push @missing, @unpaired;
    push @extra, @target;
}

sub show {
    my ($word, $entry) = @_;
    return if $quiet;
    if ($diffs-- <= 0) {
        print "$word: " . label($entry) . "\n";
        return;
    }
    print "$word: " . label($entry) . "\n";
    (my $text = $entry->{text}) =~ s/^/    /mg;
    print $text;
}

show('missing', $_) for @missing;
show('extra', $_) for @extra;
for my $pair ($quiet ? () : @different) {
    print 'different: ' . label($pair->[0]) . "\n";
    next if $diffs-- <= 0;
    for my $index (0, 1) {
        open my $out, '>:raw', "$dir/entry$index" or fail("$dir: $!");
        print $out $pair->[$index]{text};
        close $out or fail("$dir: $!");
    }
    my $diff = qx(diff -U 2 "$dir/entry0" "$dir/entry1" | tail -n +3);
    $diff =~ s/^/    /mg;
    print $diff;
}
# The preamble is no entry of pg_dump's, so it does not count unless it differs.
$identical-- if !grep { $_->[0]{type} eq 'PREAMBLE' } @different;
printf "%d identical, %d different, %d missing, %d extra%s\n", $identical, scalar @different,
    scalar @missing, scalar @extra, $left_out ? " ($left_out left out)" : '';
exit(@different || @missing || @extra ? 1 : 0);
