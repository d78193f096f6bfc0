#!/bin/bash
# A source that is far away: many small tables, pgclone_database against pg_dump | psql, in turns.
#
#   test/bench/latency.sh [RUNS] [TABLES]     3 runs of 1,000 tables, 20 ms to the source and back
#
#   LATENCY_MS=20       a round trip
#   LATENCY_PARALLEL=4  table workers
#   LATENCY_BY=relay    not by the kernel, even if it can
#
# The kernel delays (tc netem, in a network namespace of this script's own) if it has that and if this is
# root; else a relay does, relay.pl. Both sides reach the source that way, and the target by its socket. Prints
# each run and the medians, and writes them to RESULTS.md. Uses the extension that is installed.
set -u
# shellcheck source-path=SCRIPTDIR source=bench_lib.sh
. "$(dirname "$0")/bench_lib.sh"
runs=${1:-3}
tables=${2:-$(scaled 1000 10)}
latency=${LATENCY_MS:-20}
parallel=${LATENCY_PARALLEL:-4}
half=$(awk -v l="$latency" 'BEGIN { print l / 2 }')

# In a network namespace of our own, whatever goes through its loopback device is late: TCP, and not Unix
# sockets.
delay_loopback() {
    ip link set lo up && tc qdisc add dev lo root netem delay "${half}ms" limit 1000000
}

if [ "${LATENCY_BY:-}" = namespace ]; then
    delay_loopback || die "no delay in the namespace"
elif [ -z "${LATENCY_BY:-}" ] && export -f delay_loopback && export half &&
    unshare -n bash -c delay_loopback 2>/dev/null; then
    LATENCY_BY=namespace exec unshare -n "$0" "$@"
fi

start_bench_servers
by="tc netem"
if [ "${LATENCY_BY:-}" != namespace ]; then
    by="relay.pl"
    # It ends when its standard input does, that is with this script.
    coproc relay { exec perl "$bench_dir/relay.pl" "$half" "$source_port"; }
    read -r relay_port <&"${relay[0]}" || die "the relay does not start"
fi

new_source far
fill_many_tables "$tables" || die "the source can't be filled"
note_shape
echo "tables:  $tables, 20 rows each; $latency ms by $by"
timed psql "$(source_address)" -X -q -c 'select 1' -c 'select 1' -c 'select 1' -o /dev/null ||
    die "the source is out of reach"
echo "a session with three queries takes $seconds s"

ours=()
theirs=()
for ((run = 1; run <= runs; run++)); do
    ways=(pg_dump pgclone)
    [ $((run % 2)) -eq 1 ] || ways=(pgclone pg_dump)
    for way in "${ways[@]}"; do
        empty_target "far_${way}_$run" "$way"
        run_way "$way" || die "$way: $(tail -n 20 "$work_dir/clone.log")"
        is_clone "$way" || exit 1
        if [ "$way" = pgclone ]; then ours+=("$seconds"); else theirs+=("$seconds"); fi
    done
    echo "run $run:   pgclone ${ours[-1]} s, pg_dump | psql ${theirs[-1]} s"
done
if [ "$by" = relay.pl ]; then
    # shellcheck disable=SC2154 # coproc sets it
    kill -TERM "$relay_PID"
    read -r relay_cpu <&"${relay[0]}"
    echo "relay:   $relay_cpu s CPU"
fi
verify_clone "far_pgclone_$runs"

ours_median=$(median "${ours[@]}")
theirs_median=$(median "${theirs[@]}")
echo "median:  pgclone $ours_median s, pg_dump | psql $theirs_median s, ratio $(ratio "$ours_median" "$theirs_median")"
write_section "Latency" <<SECTION
$tables small tables from a source that is $latency ms away (round trip, by $by), \`parallel\` $parallel; in
turns, runs of each way: $runs. $(describe_day)

| way | median s | ratio |
| --- | --: | --: |
| pgclone | $ours_median | $(ratio "$ours_median" "$theirs_median") |
| pg_dump \\| psql | $theirs_median | 1.00 |
SECTION
