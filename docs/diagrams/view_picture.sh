#!/bin/bash
# Makes jobs_view.svg, a picture of psql while a job runs, and timeline.svg: docs/diagrams/view_picture.sh
#
# Starts a source and a target as test/demo.sh does, clones the demo's database with a rate limit, asks the views when about
# half of the rows have come, and draws what psql has printed. The timeline is that of another clone, without a limit. The
# extension must be installed.
# SCALE=20 is the size of pgbench's tables; PERCENT=45 is the moment.
set -u
. "$(dirname "$0")/../../test/lib.sh"
cd "$repo_root" || exit 1
scale=${SCALE:-20}
percent=${PERCENT:-45}
picture=docs/diagrams/jobs_view.svg

psql_here() {
    psql -X -q -P pager=off "host=$work_dir port=$target_port dbname=shop user=postgres" "$@"
}

make_work_dir
find_port source_port
find_port target_port
start_server source "$source_port" 'wal_level = logical' 'max_wal_size = 4GB' || exit 1
start_server target "$target_port" "shared_preload_libraries = 'pgclone'" \
    'max_worker_processes = 16' 'wal_level = logical' 'max_wal_size = 4GB' || exit 1
psql_at "$source_port" postgres -c 'create database shop' || exit 1
pgbench -i -s "$scale" -q "host=$work_dir port=$source_port dbname=shop user=postgres" >"$work_dir/pgbench.log" 2>&1 ||
    die "pgbench failed: $(tail -n 3 "$work_dir/pgbench.log")"
psql_at "$source_port" shop -f test/demo/shop.sql || exit 1
psql_at "$target_port" postgres -c 'create database shop' -c 'create role shop_owner' \
    -c 'create role shop_clerk' -c 'create role shop_reader' || exit 1
psql_at "$target_port" shop -c 'create extension pgclone' || exit 1

job=$(psql_at "$target_port" shop -c "select pgclone_database_async('$(source_conninfo "$source_port" shop)',
    options => '{\"rate_limit\": \"20MB/s\"}')") || exit 1
deadline=$((SECONDS + 300))
until [ "$(psql_at "$target_port" shop -c "select coalesce(pct_complete, 0) >= $percent from pgclone_jobs_view
    where job_id = $job")" = t ]; do
    [ $SECONDS -lt $deadline ] || die "the job has not come to $percent %"
    sleep 0.2
done

jobs='SELECT job_id, status, phase, workers, wait_reason, progress_bar FROM pgclone_jobs_view;'
tasks="SELECT worker, status, object_name, format, rows_target AS rows, pg_size_pretty(bytes) AS size, wait_source
shop-# FROM pgclone_tasks_view WHERE kind = 'data' AND started_at IS NOT NULL ORDER BY status DESC, bytes DESC LIMIT 5;"
{
    echo "shop=# $jobs"
    psql_here -c "$jobs"
    echo "shop=# $tasks"
    psql_here -c "${tasks//shop-# /}"
    printf 'shop=# '
} >"$work_dir/screen" || exit 1

# A terminal: each line as wide as its characters, whatever font there is.
perl -CSD -e '
    my @lines = map { s/\s+$//r } <STDIN>;
    my ($width, $height, $margin, $bar) = (8, 19, 18, 30);
    my ($columns) = sort { $b <=> $a } map { length } @lines;
    my ($w, $h) = ($columns * $width + 2 * $margin, @lines * $height + $bar + 2 * $margin - 6);
    print qq{<svg xmlns="http://www.w3.org/2000/svg" width="$w" height="$h" viewBox="0 0 $w $h" role="img">\n},
        qq{<title>psql, showing pgclone_jobs_view while a database is cloned</title>\n},
        qq{<rect width="$w" height="$h" rx="8" fill="#1e272e"/>\n},
        qq{<path d="M0 8 a8 8 0 0 1 8 -8 H} . ($w - 8) . qq{ a8 8 0 0 1 8 8 V$bar H0 Z" fill="#37474f"/>\n};
    my $x = 20;
    for (qw(#ef5350 #ffca28 #66bb6a)) {
        print qq{<circle cx="$x" cy="15" r="6" fill="$_"/>\n};
        $x += 20;
    }
    print qq{<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" fill="#eceff1" xml:space="preserve">\n};
    my $y = $bar + $margin + 8;
    for my $line (@lines) {
        my $length = length($line) * $width;
        my $colour = $line =~ /^shop[=-]#/ ? q{ fill="#80cbc4"} : "";
        $line =~ s/&/&amp;/g; $line =~ s/</&lt;/g; $line =~ s/>/&gt;/g;
        print qq{<text x="$margin" y="$y" textLength="$length" lengthAdjust="spacingAndGlyphs"$colour>$line</text>\n} if $length;
        $y += $height;
    }
    print "</g>\n</svg>\n";
' <"$work_dir/screen" >"$picture" || exit 1
cat "$work_dir/screen"
echo
echo "$picture"

psql_at "$target_port" shop -c "select pgclone_cancel($job), pgclone_wait($job)" >/dev/null
psql_at "$target_port" postgres -c 'create database again' || exit 1
psql_at "$target_port" again -c 'create extension pgclone' \
    -c "select pgclone_database('$(source_conninfo "$source_port" shop)')" >/dev/null || exit 1
psql_at "$target_port" again -c 'select pgclone_timeline_svg(max(job_id)) from pgclone_jobs_view' \
    >docs/diagrams/timeline.svg || exit 1
echo docs/diagrams/timeline.svg
