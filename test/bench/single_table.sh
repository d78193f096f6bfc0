#!/bin/bash
# One table, no indexes: pgclone_table against psql | psql, in turns on the same two servers.
#
#   test/bench/single_table.sh [RUNS] [SCALE]     5 runs of pgbench_accounts at scale 50
#
# Prints each run, the medians and their ratio, and the peak memory of the table worker. Uses the
# extension that is installed.
set -u
# shellcheck source-path=SCRIPTDIR source=bench_lib.sh
. "$(dirname "$0")/bench_lib.sh"
runs=${1:-5}
scale=${2:-50}

# Both ways begin with no table, and with all dirty pages written.
fresh_target() {
    psql_at "$target_port" postgres -c 'set client_min_messages = warning' \
        -c 'drop table if exists pgbench_accounts' -c 'checkpoint'
}

table_with_pgclone() {
    psql_at "$target_port" postgres -c "select pgclone_table('$(source_address)', 'public',
        'pgbench_accounts', options => '{\"indexes\": false, \"constraints\": false}')" >/dev/null
}

table_with_psql() {
    psql_at "$target_port" postgres -c 'create table pgbench_accounts
        (aid integer not null, bid integer, abalance integer, filler character(84))' &&
        psql "$(source_address)" -X -q -c 'copy pgbench_accounts to stdout' |
        psql_at "$target_port" postgres -c 'copy pgbench_accounts from stdin'
    [ "${PIPESTATUS[*]}" = "0 0" ]
}

check_rows() {
    local rows
    rows=$(psql_at "$target_port" postgres -c 'select count(*) from pgbench_accounts')
    [ "$rows" -eq $((scale * 100000)) ] || die "$1: $rows rows"
}

start_bench_servers
new_source single
psql_at "$target_port" postgres -c 'create extension pgclone' || exit 1
describe_machine
echo "* load $load_before"
fill_pgbench "$scale" dtGv
echo "table:   pgbench_accounts, $((scale * 100000)) rows," \
    "$(psql_at "$source_port" single -c "select pg_size_pretty(pg_table_size('pgbench_accounts'))")"

start_meter
ours=()
theirs=()
for ((run = 1; run <= runs; run++)); do
    for way in pgclone psql; do
        fresh_target
        timed "table_with_$way" || die "failed: $way"
        check_rows "$way"
        if [ "$way" = pgclone ]; then ours+=("$seconds"); else theirs+=("$seconds"); fi
    done
    echo "run $run:   pgclone ${ours[-1]} s, psql | psql ${theirs[-1]} s"
done
stop_meter

ours_median=$(median "${ours[@]}")
theirs_median=$(median "${theirs[@]}")
echo "median:  pgclone $ours_median s, psql | psql $theirs_median s, ratio" \
    "$(ratio "$ours_median" "$theirs_median")"
echo "memory:  table worker VmHWM ${measured[hwm table worker]:-0} kB"
