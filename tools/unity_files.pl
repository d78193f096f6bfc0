#!/usr/bin/perl
# Usage: unity_files.pl FOLDER COUNT SOURCE...
# Writes files into FOLDER that are many sources each, COUNT or more of each kind, and prints their
# names, the largest one first. So a tool that takes long for what the sources include, Boost and
# the standard library, reads it once and not a hundred times. The kinds: pg_* are on the server's
# side of the boundary, asio_* see Boost.Asio, cpp_* are the rest.
#
# Sources that use a name for different things, each in its unnamed namespace, come into different
# files. They are copied, not included: clang's analyzer looks only at what is in the main file.
#
# Usage: unity_files.pl --locate
# Replaces places in such files by those in the sources, from standard input to standard output.
use strict;
use warnings;

my $begins = '// --- begin of ';

if (@ARGV == 1 && $ARGV[0] eq '--locate') {
    my %lines; # of each file: the source and the number of each line
    while (my $line = <STDIN>) {
        if ($line =~ /^(\S+\.cpp):(\d+)(:.*)/s && -f $1) {
            my ($file, $number, $rest) = ($1, $2, $3);
            if (!$lines{$file}) {
                my ($source, $at) = ($file, 0);
                for my $text (split /\n/, text_of($file)) {
                    $at++;
                    push @{$lines{$file}}, "$source:$at";
                    ($source, $at) = ($1, 0) if $text =~ /^\Q$begins\E(.*)/;
                }
            }
            $line = ($lines{$file}[$number - 1] // "$file:$number") . $rest;
        }
        print $line;
    }
    exit;
}

my ($folder, $count, @sources) = @ARGV;

sub text_of {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

# What a source defines. Lines are looked at where the house's layout has them, at the left margin.
# Functions go by the types of their parameters, too, since they may have overloads.
sub names_defined {
    my %names;
    for my $line (split /\n/, shift) {
        next if $line !~ /^\w/ || $line =~ /^(?:static_assert|namespace|using \w+::)/;
        if ($line =~ /^(?:struct|class|enum class|enum|using) (\w+)/) {
            $names{$1} = 1;
        } elsif ($line =~ /^[^({=;]*?(?<!::)\b(\w+)(?:\[\w*\])?\s*([({=;])([^()]*)/) {
            my ($name, $kind, $parameters) = ($1, $2, $3);
            $parameters = join ',', map { s/\b\w+$//r } split /\s*,\s*/, $parameters;
            $names{$kind eq '(' ? "$name($parameters" : $name} = 1;
        }
    }
    return \%names;
}

# The files of ours that a file includes, however indirectly, and itself.
sub files_seen_by {
    my ($file, $seen) = @_;
    return if !-f $file || $seen->{$file}++;
    # (A header that is named without a folder is beside the file.)
    for my $header (text_of($file) =~ /^#include "([^"]+\.hpp)"/mg) {
        my $beside = $file =~ s{[^/]*$}{$header}r;
        files_seen_by(-f $beside ? $beside : $header, $seen);
    }
    return sort keys %$seen;
}

my %source;
for my $file (@sources) {
    my $text = text_of($file);
    my @seen = files_seen_by($file, {});
    $source{$file} = {
        file => $file,
        kind => $file =~ /_pg\.cpp$/ ? 'pg'
            : grep({ text_of($_) =~ /<boost\/asio/ } @seen) ? 'asio'
            : 'cpp',
        size => length $text,
        own => names_defined(join '', $text =~ /^PG_MODULE_MAGIC;\n/mg,
            $text =~ /^namespace \{\n(.*?)^\} \/\/ namespace$/msg),
        all => {map { %{names_defined(text_of($_))} } @seen},
    };
}

# Whether two sources may be in one file.
sub is_apart {
    my ($one, $other) = @_;
    return !grep({ $other->{all}{$_} } keys %{$one->{own}}) &&
        !grep({ $one->{all}{$_} } keys %{$other->{own}});
}

# Server headers break the headers of the C++ side that come after them. So a file with sources of
# the server's side begins with all of those.
sub cpp_headers {
    my %headers;
    for my $file (grep { /_pg\.[ch]pp$/ } map { files_seen_by($_, {}) } @_) {
        $headers{"<$_>"} = 1 for text_of($file) =~ /^#include <([^>.]+)>/mg;
    }
    $headers{"\"$_\""} = 1 for grep { /(?<!_pg)\.hpp$/ } map { files_seen_by($_, {}) } @_;
    return sort keys %headers;
}

my @written;
for my $kind ('asio', 'cpp', 'pg') {
    my @of_kind = grep { $_->{kind} eq $kind } values %source;
    my @groups = map { {size => 0, sources => []} } 1 .. $count;
    for my $one (sort { $b->{size} <=> $a->{size} || $a->{file} cmp $b->{file} } @of_kind) {
        my ($group) = sort { $a->{size} <=> $b->{size} } grep {
            my $sources = $_->{sources};
            !grep { !is_apart($one, $_) } @$sources;
        } @groups;
        push @groups, $group = {size => 0, sources => []} if !$group;
        $group->{size} += $one->{size};
        push @{$group->{sources}}, $one;
    }
    my $number = 0;
    for my $group (grep { $_->{size} } @groups) {
        my @files = sort map { $_->{file} } @{$group->{sources}};
        my $name = "$folder/${kind}_" . ++$number . '.cpp';
        open my $out, '>', $name or die "$name: $!\n";
        if ($kind eq 'pg') {
            print $out "#include $_\n" for cpp_headers(@files);
        }
        print $out "$begins$_\n", text_of($_) for @files;
        close $out or die "$name: $!\n";
        push @written, {name => $name, size => $group->{size}};
    }
}
print "$_->{name}\n" for sort { $b->{size} <=> $a->{size} } @written;
