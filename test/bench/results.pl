#!/usr/bin/perl
# Tables of figures, and the file that they are kept in, for bench_lib.sh.
#
#   results.pl table FILE              Markdown of a case, from lines that run.sh writes:
#                                      RUN WAY STATUS WALL ANALYZE SOURCE TARGET WORKERS CLIENTS MEMORY,
#                                      with tabs
#   results.pl section FILE TITLE MACHINE <TEXT
#                                      makes TEXT the section TITLE of FILE
use strict;
use warnings;

my %title = (
    pgclone => 'pgclone',
    unanalyzed => 'pgclone, without ANALYZE',
    pg_dump => 'pg_dump \| psql',
    pg_restore => 'pg_dump -Fd -Z0 -j, pg_restore -j',
    pgcopydb => 'pgcopydb clone',
    logical => 'logical replication, initial copy');
my %is_ours = map { $_ => 1 } qw(pgclone unanalyzed);
my @order = qw(pgclone unanalyzed pg_dump pg_restore pgcopydb logical);

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

# Rows of cells, the first one is the head; all but the first column are figures.
sub markdown {
    my @rows = @_;
    my @width;
    for my $row (@rows) {
        for my $column (0 .. $#$row) {
            my $length = length $row->[$column];
            $width[$column] = $length if $length > ($width[$column] // 2);
        }
    }
    my $text = '';
    for my $row (@rows) {
        $text .= '| ' . join(' | ', map { sprintf $_ ? '%*s' : '%-*s', $width[$_], $row->[$_] } 0 .. $#$row) . " |\n";
        $text .= '| ' . join(' | ', map { $_ ? '-' x ($width[$_] - 1) . ':' : '-' x $width[$_] } 0 .. $#$row) . " |\n"
            if $row == $rows[0];
    }
    return $text;
}

sub print_table {
    my ($file) = @_;
    my %runs;
    open my $in, '<', $file or die "$file: $!\n";
    while (<$in>) {
        chomp;
        my ($run, $way, $status, @figures) = split /\t/;
        push @{$runs{$way}}, {status => $status, figures => \@figures};
    }
    # The times of a way count only if all of its runs came to their end. Of each: the clone alone, and
    # with the planner's statistics.
    my (@wall, @best);
    for my $way (keys %runs) {
        next if grep { $_->{status} ne 'ok' } @{$runs{$way}};
        my @figures = map { $_->{figures} } @{$runs{$way}};
        my @medians = (median(map { $_->[0] } @figures), median(map { $_->[0] + $_->[1] } @figures));
        for my $n (0, 1) {
            $wall[$n]{$way} = $medians[$n];
            next if $is_ours{$way};
            $best[$n] = $medians[$n] if !defined $best[$n] || $medians[$n] < $best[$n];
        }
    }
    my $ratio = sub { $best[$_[0]] ? sprintf '%.2f', $wall[$_[0]]{$_[1]} / $best[$_[0]] : '' };
    my @rows = [
        'way', 'median s', 'least', 'most', 'ratio', 'with statistics', 'ratio', 'source CPU s', 'target CPU s',
        'workers CPU s', 'clients CPU s', 'memory MB'];
    for my $way (grep { $runs{$_} } @order) {
        my @column = map { my $n = $_; [map { $_->{figures}[$n] } @{$runs{$way}}] } 0 .. 6;
        my ($failed) = grep { $_->{status} ne 'ok' } @{$runs{$way}};
        my @cells = ($title{$way});
        if ($failed) {
            push @cells, $failed->{status}, ('') x 10;
        } else {
            my ($least, @more) = sort { $a <=> $b } @{$column[0]};
            push @cells, sprintf('%.2f', $wall[0]{$way}), $least, $more[-1] // $least, $ratio->(0, $way),
                sprintf('%.2f', $wall[1]{$way}), $ratio->(1, $way),
                (map { sprintf '%.2f', median(@{$column[$_]}) } 2 .. 5),
                sprintf('%.0f', median(@{$column[6]}) / 1024);
            # Only pgclone has workers of its own; those of a subscription are the server's.
            $cells[9] = '' unless $is_ours{$way};
        }
        push @rows, \@cells;
    }
    print markdown(@rows);
    if ($wall[0]{pgclone}) {
        my @ours = map { $_->{figures} } @{$runs{pgclone}};
        my $servers = median(map { $_->[2] + $_->[3] } @ours);
        printf "\npgclone's workers take %.0f %% of the CPU time of both servers.\n",
            100 * median(map { $_->[4] } @ours) / $servers if $servers > 0;
    }
}

sub write_section {
    my ($file, $wanted, $machine) = @_;
    local $/;
    my $text = <STDIN>;
    my $old = '';
    if (open my $in, '<', $file) {
        $old = <$in>;
    }
    my $head = "# Results\n\nWritten by the scripts of this folder, which say in their first lines what they do. Medians; "
        . "seconds are wall\ntime unless said otherwise; the ratio is to the best peer.\n\n$machine\n";
    # Of another machine, or with other versions: not to be compared with this one.
    my $rest = index($old, $head) == 0 ? substr($old, length $head) : '';
    my (@titles, %body);
    for my $part (split /^(?=## )/m, $rest) {
        next unless $part =~ /^## (.*)\n/;
        push @titles, $1;
        $body{$1} = $part;
    }
    push @titles, $wanted unless $body{$wanted};
    $body{$wanted} = "## $wanted\n\n$text";
    # The cases before what was measured once, whatever was run first.
    @titles = sort { ($b =~ /^\(/) <=> ($a =~ /^\(/) || ($a =~ /^\(/ ? $a cmp $b : 0) } @titles;
    open my $out, '>', "$file.new" or die "$file.new: $!\n";
    print $out $head;
    for my $title (@titles) {
        $body{$title} =~ s/\s*\z/\n/;
        print $out "\n$body{$title}";
    }
    close $out or die "$file.new: $!\n";
    rename "$file.new", $file or die "$file: $!\n";
}

my ($command, @arguments) = @ARGV;
if (($command // '') eq 'table' && @arguments == 1) {
    print_table(@arguments);
} elsif (($command // '') eq 'section' && @arguments == 3) {
    write_section(@arguments);
} else {
    die "usage: results.pl table FILE | section FILE TITLE MACHINE\n";
}
