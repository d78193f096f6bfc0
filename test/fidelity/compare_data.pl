#!/usr/bin/perl
# Do two databases hold the same data? Compares tables as multisets of whole rows, sequences, and
# large objects.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Getopt::Long;
use JSON::PP;

my $usage = <<'USAGE';
usage: compare_data.pl [OPTION...] SOURCE TARGET

SOURCE and TARGET are connection strings of superusers. Compared are: the rows of each table and
materialized view as a multiset, with the names, types and order of the columns; value and
parameters of each sequence; content, owner, privileges and comment of each large object; versions
of extensions.
Extension pgclone's own tables are left out. Exit status: 0 equal, 1 not equal, 2 error.

  --schema NAME     only this schema of the source, and of the target; no large objects or extensions
  --rename NEW      with --schema: it has this name in the target
  --except PATTERN  leave out what matches this regular expression, by its SCHEMA.NAME or OID, and
                    say how many; may be repeated
  --rows N          show at most so many differing rows of a table (default 10)
  --quiet           print the counts alone
USAGE

my ($schema, $rename, @except, $quiet) = ('', undef);
my $rows = 10;
GetOptions(
    'schema=s' => \$schema,
    'rename=s' => \$rename,
    'except=s' => \@except,
    'rows=i' => \$rows,
    'quiet' => \$quiet,
    'help' => sub { print $usage; exit 0 }) && @ARGV == 2 && !(defined $rename && $schema eq '')
    or do { print STDERR $usage; exit 2 };
my %conninfo = (source => $ARGV[0], target => $ARGV[1]);
my $target_schema = $rename // $schema;
my $dir = tempdir(CLEANUP => 1);
# Names stay strings of bytes, in whatever encoding the servers have.
my $json = JSON::PP->new->allow_nonref;

sub fail {
    print STDERR "compare_data.pl: @_\n";
    exit 2;
}

# Runs psql on both sides at once; what each prints goes to the files source and target.
sub run_on_both {
    my %arguments = @_;
    my %pids;
    for my $side (qw(source target)) {
        my $pid = fork // fail("fork: $!");
        if ($pid == 0) {
            open STDOUT, '>:raw', "$dir/$side" or fail("$dir: $!");
            exec 'psql', '-X', '-q', '-d', $conninfo{$side}, @{$arguments{$side}}
                or fail("psql: $!");
        }
        $pids{$pid} = $side;
    }
    while (%pids) {
        my $pid = wait;
        fail("psql: $!") if $pid < 0;
        my $side = delete $pids{$pid};
        fail("psql failed on the $side") if $?;
    }
}

# The lines of a side: key => value.
sub read_lines {
    my $side = shift;
    my %lines;
    open my $in, '<:raw', "$dir/$side" or fail("$dir: $!");
    while (my $line = <$in>) {
        chomp $line;
        $line =~ /^(blob\t\d+|extension\t"[^\t]*"|(?:table|sequence)\t"[^\t]*"\t"[^\t]*")\t(.*)$/
            or fail("not understood: $line");
        $lines{$1} = $2;
    }
    return \%lines;
}

# A key as people write it.
sub label {
    my ($kind, @names) = split /\t/, shift;
    return join '.', map { $json->decode($_) } @names;
}

# Names go into statements as %I would print them.
sub quote_ident {
    my $name = shift;
    $name =~ s/"/""/g;
    return qq{"$name"};
}

# The rows that only one side has, by a diff of the sorted rows.
sub show_rows {
    my ($schema_name, $name) = map { $json->decode($_) } @_;
    my %arguments;
    for my $side (qw(source target)) {
        my $real = $side eq 'target' || !defined $rename ? $schema_name : $schema;
        my $table = join '.', map { quote_ident($_) } $real, $name;
        $arguments{$side} = ['-c', "set search_path = ''", '-c', "copy (select textin(record_out(x.*))
            collate \"C\" as r from only $table x order by r) to stdout"];
    }
    run_on_both(%arguments);
    local $| = 1;
    open my $diff, '-|', 'diff', '-U', '0', "$dir/source", "$dir/target" or fail("diff: $!");
    my $count = 0;
    while (<$diff>) {
        next if /^(?:---|\+\+\+|@@) /;
        print '    ', (length > 200 ? substr($_, 0, 200) . "...\n" : $_) if $count++ < $rows;
    }
    close $diff;
    print "    ... $count rows in all\n" if $count > $rows;
}

# --- Comparison

my $query = dirname(__FILE__) . '/compare_data.sql';
run_on_both(
    source => ['-v', "schema=$schema", '-v', "shown_schema=$target_schema", '-f', $query],
    target => ['-v', "schema=$target_schema", '-v', "shown_schema=$target_schema", '-f', $query]);
my ($source, $target) = map { read_lines($_) } qw(source target);
my %keys = (%$source, %$target);
my (%equal, @different, @missing, @extra);
my ($left_out, $total_rows) = (0, 0);
for my $key (sort keys %keys) {
    my ($kind, @names) = split /\t/, $key;
    my ($ours, $theirs) = ($source->{$key}, $target->{$key});
    if (grep { label($key) =~ $_ } @except) {
        $left_out++;
    } elsif (!defined $theirs) {
        push @missing, $key;
    } elsif (!defined $ours) {
        push @extra, $key;
    } elsif ($ours eq $theirs) {
        $equal{$kind}++;
        $total_rows += (split /\t/, $ours)[1] // 0 if $kind eq 'table' && $ours =~ /\t\d/;
    } else {
        push @different, $key;
    }
}

if (!$quiet) {
    for my $key (@missing) {
        my ($kind) = split /\t/, $key;
        print "missing: $kind ", label($key), "\n";
    }
    for my $key (@extra) {
        my ($kind) = split /\t/, $key;
        print "extra: $kind ", label($key), "\n";
    }
    for my $key (@different) {
        my ($kind, @names) = split /\t/, $key;
        print "different: $kind ", label($key), "\n";
        my @ours = split /\t/, $source->{$key};
        my @theirs = split /\t/, $target->{$key};
        # Rows can be shown if both sides have the same columns and some rows.
        if ($kind eq 'table' && $ours[0] eq $theirs[0] && @ours == @theirs) {
            print "    source: $ours[1] rows, target: $theirs[1] rows\n";
            show_rows(@names);
        } else {
            print "    source: @ours\n    target: @theirs\n";
        }
    }
}
printf "%d tables with %d rows, %d sequences, %d large objects, %d extensions equal;"
    . " %d different, %d missing, %d extra%s\n",
    map({ $_ // 0 } $equal{table}, $total_rows, @equal{qw(sequence blob extension)}), scalar @different,
    scalar @missing, scalar @extra, $left_out ? " ($left_out left out)" : '';
exit(@different || @missing || @extra ? 1 : 0);
