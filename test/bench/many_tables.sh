#!/bin/bash
# Many small tables, one job: pgclone_database against pg_dump | psql, in turns on the same servers.
#
#   test/bench/many_tables.sh [RUNS] [TABLES]     5 runs of 1,000 tables
#   BENCH_SHORT=1 test/bench/many_tables.sh       2 runs of 200 tables; prints TAP
#
# Each table has a primary key, another index, a foreign key, an identity column and 20 rows. Prints
# each run, the medians and their ratio, and proves the last clone with test/fidelity's tools. Uses
# the extension that is installed.
set -u
# shellcheck source-path=SCRIPTDIR source=bench_lib.sh
. "$(dirname "$0")/bench_lib.sh"
short=${BENCH_SHORT:-}
runs=${1:-${short:+2}}
runs=${runs:-5}
tables=${2:-${short:+200}}
tables=${tables:-1000}
# The short form fails only if this is missed: two runs on a busy machine tell no more.
short_bound=3

# measure WAY: into an empty database; the wall time goes to `seconds`. None is dropped before the
# end: file systems look long for a free inode when many were freed just now.
measure() {
    empty_target "many_${1}_$run" "$1"
    timed "clone_with_$1" || die "failed: $1"
    is_clone "$1" || exit 1
}

start_bench_servers
new_source many
describe_machine | while read -r line; do say "$line"; done
say "load:    $load_before"
fill_many_tables "$tables" || die "the source can't be filled"
note_shape
say "tables:  $tables, 20 rows each"

ours=()
theirs=()
for ((run = 1; run <= runs; run++)); do
    # in turns: which one is first
    ways=(pg_dump pgclone)
    [ $((run % 2)) -eq 1 ] || ways=(pgclone pg_dump)
    for way in "${ways[@]}"; do
        measure "$way"
        if [ "$way" = pgclone ]; then ours+=("$seconds"); else theirs+=("$seconds"); fi
    done
    say "run $run:   pgclone ${ours[-1]} s, pg_dump | psql ${theirs[-1]} s"
done
verify_clone "many_pgclone_$runs"

ours_median=$(median "${ours[@]}")
theirs_median=$(median "${theirs[@]}")
ratio=$(ratio "$ours_median" "$theirs_median")
say "median:  pgclone $ours_median s, pg_dump | psql $theirs_median s, ratio $ratio"
[ -n "$short" ] || exit 0
if awk -v r="$ratio" -v b=$short_bound 'BEGIN { exit !(r <= b) }'; then
    echo "ok 1 - $tables tables in at most $short_bound times what pg_dump | psql takes"
else
    echo "not ok 1 - $tables tables in at most $short_bound times what pg_dump | psql takes"
fi
echo "1..1"
