# Runs the ```sql blocks of README.md, SECURITY.md, CONTRIBUTING.md, docs/*.md and the folders' READMEs with psql, each
# document's in their order, and looks at what the documents should mention. Called by run.sh.
#
# What a document may take for granted (prelude() below; what one of its blocks does by itself is left out):
#
#   source    database shop, role reader (password 'secret'), who may read all of it
#   target    database mydb with extensions pgclone, postgres_fdw and pg_trgm (which shop needs); roles clone_operator,
#             shop_owner, shop_clerk, shop_reader; foreign server prod, with a user mapping for the superuser; the
#             first job's number is 7
#
# What is replaced in a block before it is run (substitute()):
#
#   host 'db1.example'      host '127.0.0.1', port '...'      options of a foreign server
#   host=db1.example        host=127.0.0.1 port=...           connection strings
#   @db1.example            @127.0.0.1:...                    URIs
#   verify-full             prefer                            the source of the test has no certificate
#
# A block is run by the superuser of the target in mydb, and must not raise an error. Jobs that it has submitted are
# waited for, and must not fail. Before each block what clones have made is dropped. HTML comments on the lines before
# the block say otherwise:
#
#   <!-- as ROLE -->                the block is run by this role
#   <!-- on the source -->          on the source, in shop, by its superuser
#   <!-- error: SQLSTATE -->        the block must fail with that
#   <!-- job fails: SQLSTATE -->    a job of it must
#   <!-- continues -->              what the blocks before have cloned is still there
#   <!-- before: SQL -->            run before, by the superuser
#   <!-- from version: 1.1 -->      skipped if the extension that is installed is older
#   <!-- not run: REASON -->        skipped
use strict;
use warnings;
use Test::More;

my %port = (source => $ENV{SOURCE_PORT}, target => $ENV{TARGET_PORT});
my $work_dir = $ENV{WORK_DIR};
my $patience = 60; # seconds, for a block and for its jobs
my %wanted = map { $_ => 1 } @ARGV;

# --- psql

my $scratch = "$work_dir/docs";
mkdir $scratch or die "$scratch: $!";

# Runs SQL; returns exit status, standard output, standard error. Options: side, database, role, flags.
sub psql
{
    my ($sql, %option) = @_;
    my $side = $option{side} // 'target';
    my $database = $option{database} // ($side eq 'source' ? 'shop' : 'mydb');
    my $conninfo = "host=$work_dir port=$port{$side} dbname=$database user=" . ($option{role} // 'postgres');
    write_file("$scratch/in.sql", $sql);
    my $flags = $option{flags} // '';
    my $status = system("cd '$scratch' && PGOPTIONS='-c client_min_messages=warning' timeout $patience psql -X -q "
          . "-P pager=off -v ON_ERROR_STOP=1 -v VERBOSITY=verbose $flags '$conninfo' -f in.sql >out 2>err");
    return ($status, read_file("$scratch/out"), read_file("$scratch/err"));
}

# A statement of our own: its result, values only. Dies if it fails.
sub ask
{
    my ($sql, %option) = @_;
    my ($status, $out, $err) = psql($sql, flags => '-A -t', %option);
    die "$sql\n$err" if $status != 0;
    chomp $out;
    return $out;
}

sub read_file
{
    my ($name) = @_;
    open my $in, '<:encoding(UTF-8)', $name or die "$name: $!";
    local $/;
    return <$in> // '';
}

sub write_file
{
    my ($name, $text) = @_;
    open my $out, '>:encoding(UTF-8)', $name or die "$name: $!";
    print $out $text;
    close $out or die "$name: $!";
}

# --- Documents

sub documents
{
    my @files = split /\0/, `find . -name '*.md' -not -path './build/*' -not -path './.git/*' -print0`;
    s{^\./}{} for @files;
    return sort { ($b eq 'README.md') <=> ($a eq 'README.md') or $a cmp $b } @files;
}

# The sql blocks of a text: { line, sql, directives => { name => value } or unknown => text }.
sub blocks_of
{
    my ($text) = @_;
    my @blocks;
    my $comments = qr/(?:^<!--(?:(?!-->).)*-->\n)*/ms;
    while ($text =~ /($comments)^```sql\n(.*?)^```$/msg)
    {
        my ($before, $sql) = ($1, $2);
        my $start = substr($text, 0, $-[2]);
        my %block = (line => ($start =~ tr/\n//), sql => $sql, directives => {});
        while ($before =~ /<!--\s*(.*?)\s*-->/sg)
        {
            my $comment = $1;
            if ($comment =~ /^(on the source|continues)$/) { $block{directives}{$1} = 1 }
            elsif ($comment =~ /^as (\w+)$/) { $block{directives}{as} = $1 }
            elsif ($comment =~ /^(error|job fails|before|from version|not run): (.+)$/s) { $block{directives}{$1} = $2 }
            else { $block{unknown} = $comment }
        }
        push @blocks, \%block;
    }
    return @blocks;
}

sub substitute
{
    my ($sql) = @_;
    $sql =~ s/host 'db1\.example'/host '127.0.0.1', port '$port{source}'/g;
    $sql =~ s/host=db1\.example/host=127.0.0.1 port=$port{source}/g;
    $sql =~ s/\@db1\.example/\@127.0.0.1:$port{source}/g;
    $sql =~ s/verify-full/prefer/g;
    return $sql;
}

# --- What a document finds

# A server as it was in the beginning, whatever the document before has done to it.
sub forget_all
{
    my ($side, $kept) = @_;
    my %there = (side => $side, database => 'postgres');
    ask("drop database \"$_\" with (force)", %there)
      for grep { $_ ne $kept } split /\n/,
      ask("select datname from pg_database where not datistemplate and datname <> 'postgres'", %there);
    return if $side eq 'source';
    ask("drop role \"$_\"", %there)
      for split /\n/, ask(q{select rolname from pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'}, %there);
    ask('alter system reset all', %there);
    ask('select pg_reload_conf()', %there);
}

sub prelude
{
    my ($sql_of_document) = @_;
    my $unless = sub {
        my ($pattern, $sql, %option) = @_;
        ask(substitute($sql), %option) unless $sql_of_document =~ /$pattern/i;
    };
    forget_all('source', 'shop');
    forget_all('target', '');
    ask("drop role if exists $_", side => 'source') for ask(
        q{select coalesce(string_agg(quote_ident(rolname), ', '), 'reader') from pg_roles
          where rolcanlogin and rolname <> 'postgres'}, side => 'source');
    my $create_reader = "create role reader login bypassrls password 'secret'; grant pg_read_all_data, shop_clerk to reader";
    $unless->(qr/CREATE ROLE reader/, $create_reader, side => 'source');

    $unless->(qr/CREATE DATABASE mydb/, 'create database mydb', database => 'postgres');
    $unless->(qr/CREATE ROLE clone_operator/, 'create role clone_operator login');
    $unless->(qr/CREATE ROLE $_\b/, "create role $_") for qw(shop_owner shop_clerk shop_reader);
    $unless->(qr/CREATE EXTENSION pg_trgm/, 'create extension pg_trgm');
    $unless->(qr/CREATE EXTENSION pgclone/, 'create extension pgclone');
    $unless->(qr/CREATE EXTENSION postgres_fdw/, 'create extension postgres_fdw');
    $unless->(qr/CREATE SERVER prod/,
        "create server prod foreign data wrapper postgres_fdw options (host 'db1.example', dbname 'shop');
         create user mapping for current_user server prod options (user 'reader', password 'secret')");
}

# What jobs have made in mydb goes; what the document's blocks have set up there stays.
my $drop_clones = <<'SQL';
do $$
declare
    statement text;
begin
    for statement in
        select format('drop publication %I', pubname) from pg_publication
        union all
        select format('drop extension %I cascade', extname) from pg_extension
        where extname not in ('plpgsql', 'pgclone', 'postgres_fdw', 'pg_trgm')
        union all
        select format('drop schema %I cascade', nspname) from pg_namespace
        where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')
        union all
        select format('select lo_unlink(%s)', oid) from pg_largeobject_metadata
    loop
        execute statement;
    end loop;
end
$$;
SQL

my $number_first_job = <<'SQL';
do $$
begin
    if to_regclass('pgclone_job_id_seq') is not null then
        perform setval('pgclone_job_id_seq', 7, false) from pgclone_job_id_seq where not is_called;
    end if;
end
$$;
SQL

# --- Jobs

my $looked_at = '-infinity'; # when jobs were looked at last

# Waits for all jobs; returns what became of those that have failed since the last call.
sub failed_jobs
{
    return '' if ask("select count(*) from pg_extension where extname = 'pgclone'") eq '0';
    my $answer = ask(<<"SQL");
do \$\$
begin
    for i in 1 .. $patience * 20 loop
        exit when not exists (select from pgclone_jobs_view where status in ('pending', 'running'));
        perform pg_sleep(0.05);
    end loop;
end
\$\$;
select clock_timestamp(), string_agg(concat_ws(' ', coalesce(sqlstate, status), error_message, error_detail), E'\\n')
from pgclone_job
where (status = 'failed' and finished_at > '$looked_at') or status in ('pending', 'running', 'held');
SQL
    ($looked_at, my $failed) = split /\|/, $answer, 2;
    return $failed;
}

# --- Running

# What is wrong with the block; undef if nothing is.
sub run_block
{
    my ($block) = @_;
    my %directive = %{ $block->{directives} };
    return "unknown comment before the block: $block->{unknown}" if $block->{unknown};
    ask(join ";\n", $directive{continues} ? '' : $drop_clones, $number_first_job, substitute($directive{before} // ''));

    my ($status, $out, $err) = psql(
        substitute($block->{sql}),
        $directive{'on the source'} ? (side => 'source') : (),
        $directive{as} ? (role => $directive{as}) : ());
    my ($sqlstate) = $err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}): /;
    my $failed = failed_jobs();
    if (my $expected = $directive{error})
    {
        return ($sqlstate // '') eq $expected ? undef : "$expected was to be raised\n$err";
    }
    return $err || 'psql did not end in time' if $status != 0;
    if (my $expected = $directive{'job fails'})
    {
        return $failed =~ /^\Q$expected\E / ? undef : "a job was to fail with $expected\n$failed";
    }
    return $failed ne '' ? "a job has failed: $failed" : undef;
}

sub is_older
{
    my ($version, $wanted) = @_;
    my @have = split /\./, $version;
    my @want = split /\./, $wanted;
    return ($have[0] <=> $want[0] || ($have[1] // 0) <=> ($want[1] // 0)) < 0;
}

sub run_document
{
    my ($file, $version) = @_;
    my @blocks = blocks_of(read_file($file));
    return unless @blocks;
    prelude(join "\n", map { $_->{sql} } @blocks);
    $looked_at = '-infinity';
    for my $block (@blocks)
    {
        my $name = "$file:$block->{line}";
        my $needs = $block->{directives}{'from version'};
        my $reason = $block->{directives}{'not run'};
        $reason //= "needs version $needs" if $needs && is_older($version, $needs);
      SKIP: {
            skip "$name: $reason", 1 if defined $reason;
            my $problem = eval { run_block($block) };
            $problem = $@ if $@;
            ok(!defined $problem, $name) or diag($problem);
        }
    }
}

# --- What is to be mentioned, and links

sub mentions
{
    my ($file, $what, @names) = @_;
    my $text = read_file($file);
    my @missing = grep { $text !~ /(?<![\w.])\Q$_\E(?!\w)/ } @names;
    ok(@names > 0 && !@missing, "$file mentions every $what") or diag("missing: @missing");
}

sub check_mentions
{
    prelude('');
    my $usage = 'docs/usage.md';
    mentions($usage, 'function', split /\n/, ask(<<'SQL'));
select distinct p.proname from pg_proc as p
join pg_depend as d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
join pg_extension as e on e.oid = d.refobjid and e.extname = 'pgclone'
where obj_description(p.oid, 'pg_proc') is not null
SQL
    for my $view (qw(pgclone_jobs_view pgclone_tasks_view))
    {
        mentions($usage, "column of $view", map { "`$_`" } split /\n/,
            ask("select attname from pg_attribute where attrelid = '$view'::regclass and attnum > 0"));
    }
    mentions($usage, 'parameter', split /\n/, ask(q{select name from pg_settings where name like 'pgclone.%'}));
    mentions($usage, 'option', map { "`$_`" } read_file('shared/clone_options.cpp') =~ /^    \{"(\w+)", read_/mg);
    my $words = sub {
        my ($names) = @_;
        return map { "`$_`" } read_file('shared/job_state.cpp') =~ /${names}_names = \{(.*?)\};/s ? $1 =~ /"(\w+)"/g : ();
    };
    mentions($usage, 'phase', $words->('phase'));
    mentions('docs/operations.md', 'status', $words->('status'));
    mentions('docs/operations.md', 'SQLSTATE that the code raises',
        read_file('shared/error_types.hpp') =~ / = "([0-9A-Z]{5})";/g);
}

# As GitHub makes them of headings.
sub anchors_of
{
    my ($text) = @_;
    $text =~ s/^```.*?^```$//msg;
    my %anchors;
    for my $heading ($text =~ /^#+ +(.*?) *$/mg)
    {
        my $anchor = lc $heading;
        $anchor =~ s/[^\w\- ]//g;
        $anchor =~ tr/ /-/;
        $anchors{$anchor} = 1;
    }
    return \%anchors;
}

sub check_links
{
    for my $file (documents())
    {
        my $text = read_file($file);
        $text =~ s/^```.*?^```$//msg;
        my ($folder) = $file =~ m{^(.*/)};
        my @broken;
        for my $link ($text =~ /\]\(([^)\s]+)\)/g, $text =~ /<img[^>]* src="([^"]+)"/g)
        {
            next if $link =~ /^[a-z]+:/;
            my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
            my $target = $path eq '' ? $file : ($folder // '') . $path;
            if (!-e $target) { push @broken, $link }
            elsif (defined $anchor && !anchors_of(read_file($target))->{$anchor}) { push @broken, $link }
        }
        ok(!@broken, "$file: links lead somewhere") or diag("broken: @broken");
    }
}

# --- Main

my $version = ask(q{select default_version from pg_available_extensions where name = 'pgclone'}, database => 'postgres');
for my $file (documents())
{
    my ($name) = $file =~ m{([^/]+)\.md$};
    run_document($file, $version) if !%wanted || $wanted{$name};
}
if (!%wanted)
{
    check_mentions();
    check_links();
}
done_testing();
