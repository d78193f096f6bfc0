#!/usr/bin/perl
# Prints the SQL by which pg_dump's own test (002_pg_dump.pl) makes its objects, of each kind one
# or more: object_zoo.pl FILE DATABASE
#
# DATABASE is the one that the test uses; without it, their names are printed.
use strict;
use warnings;

my ($file, $database) = @ARGV;
die "usage: object_zoo.pl FILE [DATABASE]\n" unless defined $file && @ARGV <= 2;

open my $in, '<', $file or die "$file: $!\n";
my $text = do { local $/; <$in> };
close $in;

# The definitions, without the part of the program that runs them. They refer to each other.
my ($definitions) = $text =~ /^(my %dump_test_schema_runs = \(.*^my %tests = \(.*?\);\n)\n*^\#{20}/ms
    or die "$file: no definitions of tests found\n";
my %tests = eval qq{no strict; no warnings; my \$tempdir = ''; my \$supports_icu = 1;
    my \$supports_lz4 = 1; $definitions; %tests};
die "$file: $@\n" if $@;
die "$file: no tests found\n" unless keys %tests > 50;

# In order of create_order; what has none comes last.
my @names = sort {
    ($tests{$a}{create_order} // 1e9) <=> ($tests{$b}{create_order} // 1e9) || $a cmp $b
} grep { $tests{$_}{create_sql} } keys %tests;
my %databases;
for my $name (@names) {
    my $sql = $tests{$name}{create_sql};
    push @{$databases{$tests{$name}{database} // 'postgres'}}, "$sql;\n";
}
print defined $database ? @{$databases{$database} // []} : map { "$_\n" } sort keys %databases;
