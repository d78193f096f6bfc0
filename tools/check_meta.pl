#!/usr/bin/perl
# Usage: check_meta.pl [FOLDER]
#
# Checks META.json against the PGXN Meta Spec 1.0.0, and that all places that name a version name the
# same one: META.json, pgclone.control, the extension scripts, the library and debian/changelog. One
# finding a line; exit status 1 if there are any.
use strict;
use warnings;
use JSON::PP;

my $folder = shift // '.';
my @findings;

sub finding { push @findings, "@_"; return }

sub text_of {
    my ($name) = @_;
    open my $in, '<', "$folder/$name" or do { finding("$name: $!"); return '' };
    local $/;
    return scalar <$in>;
}

sub is_text { my ($value) = @_; return defined $value && !ref $value && length $value }

# --- The spec

my $semver = qr/^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[A-Za-z][0-9A-Za-z-]*)?$/;
# A name becomes a part of addresses and file names.
my $term = qr/^[^\s\/\\[:cntrl:]]{2,}$/;
my @licenses = qw(agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3
    gpl_1 gpl_2 gpl_3 lgpl_2_1 lgpl_3_0 mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0
    ssleay sun zlib open_source restricted unrestricted unknown);
my %known = map { $_ => 1 } qw(name abstract description version maintainer license release_status
    provides prereqs no_index resources generated_by meta-spec tags);

sub check_version {
    my ($what, $version) = @_;
    finding("$what: not a semantic version: " . ($version // 'missing'))
        unless is_text($version) && $version =~ $semver;
    return;
}

# One text, or a list of them.
sub check_texts {
    my ($what, $value) = @_;
    my @texts = ref $value eq 'ARRAY' ? @$value : ($value);
    finding("$what: neither a text nor a list of texts") if !@texts || grep { !is_text($_) } @texts;
    return @texts;
}

sub check_provides {
    my ($provides) = @_;
    return finding('provides: not an object with an extension in it')
        unless ref $provides eq 'HASH' && %$provides;
    for my $extension (sort keys %$provides) {
        my $entry = $provides->{$extension};
        finding("provides: not a name: $extension") unless $extension =~ $term;
        next unless ref $entry eq 'HASH' or finding("provides.$extension: not an object");
        check_version("provides.$extension.version", $entry->{version});
        finding("provides.$extension.file: missing") unless is_text($entry->{file});
        for my $key (qw(file docfile)) {
            next unless is_text($entry->{$key});
            finding("provides.$extension.$key: there is no $entry->{$key}")
                unless -f "$folder/$entry->{$key}" && $entry->{$key} !~ m{^/|\.\.};
        }
    }
    return;
}

sub check_prereqs {
    my ($prereqs) = @_;
    return finding('prereqs: not an object') unless ref $prereqs eq 'HASH';
    for my $phase (sort keys %$prereqs) {
        finding("prereqs: unknown phase $phase")
            unless $phase =~ /^(?:configure|build|test|runtime|develop)$/;
        my $relations = $prereqs->{$phase};
        for my $relation (sort keys %$relations) {
            finding("prereqs.$phase: unknown relation $relation")
                unless $relation =~ /^(?:requires|recommends|suggests|conflicts)$/;
            my $packages = $relations->{$relation};
            check_version("prereqs.$phase.$relation.$_", $packages->{$_}) for sort keys %$packages;
        }
    }
    return;
}

my $meta = eval { JSON::PP->new->utf8->decode(text_of('META.json')) };
if (ref $meta ne 'HASH') {
    finding('META.json: not a JSON object: ' . ($@ // ''));
    $meta = {};
}
for my $key (qw(name abstract version maintainer license provides meta-spec)) {
    finding("$key: missing") unless defined $meta->{$key};
}
for my $key (sort keys %$meta) {
    finding("$key: not in the spec") unless $known{$key} || $key =~ /^x_/i;
}
finding('name: not a name') unless is_text($meta->{name}) && $meta->{name} =~ $term;
for my $key (qw(abstract description generated_by)) {
    finding("$key: not a text") if exists $meta->{$key} && !is_text($meta->{$key});
}
check_version('version', $meta->{version});
check_texts('maintainer', $meta->{maintainer});
if (ref $meta->{license} eq 'HASH') {
    finding("license: no address for $_") for grep { $meta->{license}{$_} !~ m{^https?://} } keys %{ $meta->{license} };
}
else {
    for my $license (check_texts('license', $meta->{license})) {
        finding("license: unknown $license") unless grep { $_ eq ($license // '') } @licenses;
    }
}
finding('release_status: neither stable, testing nor unstable')
    if exists $meta->{release_status} && $meta->{release_status} !~ /^(?:stable|testing|unstable)$/;
check_provides($meta->{provides});
check_prereqs($meta->{prereqs}) if exists $meta->{prereqs};
my $spec = ref $meta->{'meta-spec'} eq 'HASH' ? $meta->{'meta-spec'} : {};
finding('meta-spec: not version 1.0.0') unless ($spec->{version} // '') eq '1.0.0';
if (exists $meta->{tags}) {
    for my $tag (check_texts('tags', $meta->{tags})) {
        finding("tags: $tag") if length $tag > 255 || $tag =~ m{[/\\[:cntrl:]]};
    }
}

# --- The versions. The extension has two numbers, the distribution's third counts its releases.

my ($version) = text_of('pgclone.control') =~ /^default_version\s*=\s*'([^']+)'/m;
$version //= '';
finding('pgclone.control: no default_version') if $version eq '';

my $distribution = $meta->{version} // '';
finding("META.json: version $distribution, but pgclone.control has $version")
    unless $distribution =~ /^\Q$version\E\.\d+/;
my $provided = ref $meta->{provides} eq 'HASH' ? $meta->{provides}{pgclone} : undef;
finding("META.json: provides.pgclone.version is not $distribution")
    unless ref $provided eq 'HASH' && ($provided->{version} // '') eq $distribution;

# CREATE EXTENSION takes an install script, and update scripts from there on.
my (@install, %updates);
for my $path (glob "$folder/sql/pgclone--*.sql") {
    my ($from, $to) = $path =~ m{/pgclone--(.+?)(?:--(.+))?\.sql$};
    if (defined $to) { push @{ $updates{$from} }, $to }
    else             { push @install, $from }
}
my %reached;
my @next = @install;
while (defined(my $here = shift @next)) {
    push @next, @{ $updates{$here} // [] } unless $reached{$here}++;
}
finding("sql/: no scripts lead to version $version") unless $reached{$version};
# What is installed must be able to become the default version, too.
for my $old (sort keys %reached) {
    my %seen;
    my @way = ($old);
    while (defined(my $here = shift @way)) {
        push @way, @{ $updates{$here} // [] } unless $seen{$here}++;
    }
    finding("sql/: version $old cannot be updated to $version") unless $seen{$version};
}
my $file = ref $provided eq 'HASH' ? $provided->{file} // '' : '';
finding("META.json: provides.pgclone.file is no install script: $file")
    unless grep { $file eq "sql/pgclone--$_.sql" } @install;

my ($library) = text_of('sql_api/ledger_access_pg.hpp') =~ /\blibrary_version\s*=\s*"([^"]+)"/;
finding('sql_api/ledger_access_pg.hpp: library_version ' . ($library // 'missing') . ", not $version")
    unless ($library // '') eq $version;

my ($packaged) = text_of('debian/changelog') =~ /^pgclone \(([^)]+)\)/;
finding('debian/changelog: version ' . ($packaged // 'missing') . ", not $distribution")
    unless ($packaged // '') eq $distribution;

print map { "$_\n" } @findings;
exit(@findings ? 1 : 0);
