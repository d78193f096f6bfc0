#!/bin/bash
# One table, no indexes: pgclone_table against psql | psql, in turns on the same two servers.
#
#   test/bench/single_table.sh [RUNS] [SCALE]     5 runs of pgbench_accounts at scale 50
#
# Prints each run, the medians and their ratio, and the peak memory of the table worker. Uses the
# extension that is installed.
set -u
. "$(dirname "$0")/../lib.sh"
runs=${1:-5}
scale=${2:-50}

# Prints the median of its arguments.
median() {
    printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END {
        print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# timed COMMAND...: its wall time in seconds goes to the variable `seconds`.
timed() {
    local start=$EPOCHREALTIME
    "$@" || die "failed: $*"
    seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
}

# Both ways begin with no table, and with all dirty pages written.
fresh_target() {
    psql_at "$target_port" postgres -c 'set client_min_messages = warning' \
        -c 'drop table if exists pgbench_accounts' -c 'checkpoint'
}

clone_with_pgclone() {
    psql_at "$target_port" postgres -c "select pgclone_table('$source', 'public',
        'pgbench_accounts', options => '{\"indexes\": false, \"constraints\": false}')" >/dev/null
}

clone_with_psql() {
    psql_at "$target_port" postgres -c 'create table pgbench_accounts
        (aid integer not null, bid integer, abalance integer, filler character(84))' &&
        psql_at "$source_port" postgres -c 'copy pgbench_accounts to stdout' |
        psql_at "$target_port" postgres -c 'copy pgbench_accounts from stdin'
    [ "${PIPESTATUS[*]}" = "0 0" ]
}

check_rows() {
    local rows
    rows=$(psql_at "$target_port" postgres -c 'select count(*) from pgbench_accounts')
    [ "$rows" -eq $((scale * 100000)) ] || die "$1: $rows rows"
}

# Watches the table workers until the file $work_dir/watch is gone; their largest peak, in kB, is
# then in $work_dir/peak. VmHWM goes with the process, so it has to be read while it lives.
watch_memory() {
    local peak=0 status current
    while [ -f "$work_dir/watch" ]; do
        for status in $(grep -l 'pgclone table worker' /proc/[0-9]*/cmdline 2>/dev/null); do
            current=$(awk '/^VmHWM/ { print $2 }' "${status%cmdline}status" 2>/dev/null)
            [ "${current:-0}" -le "$peak" ] || peak=$current
        done
        sleep 0.2
    done
    echo "$peak" >"$work_dir/peak"
}

make_work_dir
find_port source_port
find_port target_port
start_server source "$source_port" 'max_wal_size = 4GB' || exit 1
start_server target "$target_port" "shared_preload_libraries = 'pgclone'" 'max_wal_size = 4GB' ||
    exit 1
source=$(source_conninfo "$source_port" postgres)
psql_at "$target_port" postgres -c 'create extension pgclone' || exit 1

echo "machine: $(nproc) CPUs, $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)," \
    "$(awk '/^MemTotal/ { printf "%.1f GB", $2 / 1048576 }' /proc/meminfo), load $(cut -d' ' -f1-3 /proc/loadavg)"
echo "server:  $(psql_at "$target_port" postgres -c 'select version()' | cut -d, -f1)"
pgbench -i -q -s "$scale" -I dtGv "host=$work_dir port=$source_port dbname=postgres user=postgres" \
    >"$work_dir/pgbench.out" 2>&1 || die "pgbench: $(cat "$work_dir/pgbench.out")"
echo "table:   pgbench_accounts, $((scale * 100000)) rows," \
    "$(psql_at "$source_port" postgres -c "select pg_size_pretty(pg_table_size('pgbench_accounts'))")"

touch "$work_dir/watch"
watch_memory &
ours=()
theirs=()
for ((run = 1; run <= runs; run++)); do
    fresh_target
    timed clone_with_pgclone
    check_rows pgclone
    ours+=("$seconds")
    fresh_target
    timed clone_with_psql
    check_rows psql
    theirs+=("$seconds")
    echo "run $run:   pgclone ${ours[-1]} s, psql | psql ${theirs[-1]} s"
done
rm "$work_dir/watch"
wait

ours_median=$(median "${ours[@]}")
theirs_median=$(median "${theirs[@]}")
echo "median:  pgclone $ours_median s, psql | psql $theirs_median s, ratio" \
    "$(awk -v a="$ours_median" -v b="$theirs_median" 'BEGIN { printf "%.2f", a / b }')"
echo "memory:  table worker VmHWM $(cat "$work_dir/peak") kB"
