#!/bin/bash
# pgclone against its peers: whole databases, in turns on the same two servers.
#
#   test/bench/run.sh [OPTION...]          on a Debian 12, as root
#
#   --runs N         of each way in each case (3)
#   --only CASES     of a, b, c, d:  (a) pgbench at scale 50  (b) 1,000 small tables
#                    (c) a mixed database, 700 MB  (d) one table with 2 GB of TOASTed values
#   --peers PEERS    of pg_dump, pg_restore, pgcopydb, logical, and unanalyzed: pgclone again, without
#                    ANALYZE, which most of the others leave out
#   --parallel N     workers, and jobs of the peers (2)
#   --verify         compare the last clone of each case with its source (else of case b only)
#
# Servers, data and dumps are in a folder of TMPDIR that is removed in the end; case (d) wants some
# 15 GB of it. Prints a table for each case and writes it to RESULTS.md. Uses the extension that is
# installed.
set -u
# shellcheck source-path=SCRIPTDIR source=bench_lib.sh
. "$(dirname "$0")/bench_lib.sh"
runs=3
cases=a,b,c,d
peers=unanalyzed,pg_dump,pg_restore,pgcopydb,logical
verify=b

usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit "$1"
}

while [ $# -gt 0 ]; do
    [[ $1 =~ ^--(verify|help)$ || $# -gt 1 ]] || usage 2 >&2
    case $1 in
    --runs) runs=$2; shift ;;
    --only) cases=$2; shift ;;
    --peers) peers=$2; shift ;;
    --parallel) parallel=$2; shift ;;
    --verify) verify=a,b,c,d ;;
    --help) usage 0 ;;
    *) usage 2 >&2 ;;
    esac
    shift
done
[[ $runs$parallel =~ ^[1-9][0-9]*$ && $cases =~ ^[abcd](,[abcd])*$ ]] || usage 2 >&2
ways=(pgclone)
for peer in ${peers//,/ }; do
    [[ $peer =~ ^(unanalyzed|pg_dump|pg_restore|pgcopydb|logical)$ ]] || die "unknown peer: $peer"
    ways+=("$peer")
done

packages_of_peers() {
    [[ " ${ways[*]} " != *" pgcopydb "* ]] || command -v pgcopydb >/dev/null || apt_install pgcopydb
}

# --- Cases: title, source

describe_a() { echo "pgbench, scale $(scaled 50 1)"; }
fill_a() { fill_pgbench "$(scaled 50 1)"; }

describe_b() { echo "$(scaled 1000 10) small tables"; }
fill_b() { fill_many_tables "$(scaled 1000 10)"; }

describe_c() { echo "A mixed database"; }
fill_c() { fill_from mixed.sql scale="$BENCH_SCALE"; }

describe_d() { echo "One table with TOASTed values"; }
fill_d() { fill_from wide.sql rows="$(scaled 50000 100)"; }

# Dropping a database frees inodes, and file systems look long for a free one afterwards: what is
# small stays. What is large can't.
drop_clone() {
    [ "$1" = b ] || psql_at "$target_port" postgres -c "drop database $database" -c checkpoint
}

# --- Runs

# clone_once CASE RUN WAY: a line of the case's figures.
clone_once() {
    local case=$1 run=$2 way=$3 status=ok clone_seconds
    empty_target "clone_${case}_${way}_$run" "$way"
    sync -f "$work_dir"
    if ! run_way "$way"; then
        if [ "$way" = logical ] && grep -q 'statement timeout' "$work_dir/clone.log"; then
            status="> $time_limit"
        else
            ! is_ours "$way" || die "pgclone: $(tail -n 20 "$work_dir/clone.log")"
            echo "$way fails:"
            grep -vE ' INFO ' "$work_dir/clone.log" | head -n 20 | sed 's/^/    /'
            status=failed
        fi
    elif ! is_clone "$way"; then
        ! is_ours "$way" || exit 1
        status=incomplete
    fi
    clone_seconds=$seconds
    seconds=0
    [ "$status" != ok ] || analyze_clone "$way"
    printf '%s\t' "$run" "$way" "$status" "$clone_seconds" "$seconds" "${measured[source_cpu]}" \
        "${measured[target_cpu]}" "${measured[worker_cpu]}" "${measured[client_cpu]}" >>"$work_dir/case_$case"
    echo "${measured[memory]}" >>"$work_dir/case_$case"
    printf '    %-10s %8s s + %4s s   CPU s: source %s, target %s, workers %s, clients %s   %s kB%s\n' "$way" \
        "$clone_seconds" "$seconds" "${measured[source_cpu]}" "${measured[target_cpu]}" \
        "${measured[worker_cpu]}" "${measured[client_cpu]}" "${measured[memory]}" \
        "$([ "$status" = ok ] || echo "   $status")"
    if [ "$way" = pgclone ] && [ "$run" -eq "$runs" ] && [[ ,$verify, == *",$case,"* ]]; then
        verify_clone "$database"
    fi
    drop_clone "$case"
}

run_case() {
    local case=$1 run i size
    new_source "bench_$case"
    echo "($case) $("describe_$case")"
    timed "fill_$case" || die "the source can't be filled"
    size=$(psql_at "$source_port" "$source_database" -c 'select pg_size_pretty(pg_database_size(current_database()))')
    note_shape
    echo "    source: $size, filled in $seconds s: $source_shape"
    # A server has its WAL files to make before it can use them again, and whoever comes first would.
    echo "  a first run that does not count"
    clone_once "$case" 0 pgclone
    rm "$work_dir/case_$case"
    for ((run = 1; run <= runs; run++)); do
        echo "  run $run of $runs"
        for ((i = 0; i < ${#ways[@]}; i++)); do
            clone_once "$case" "$run" "${ways[(i + run - 1) % ${#ways[@]}]}"
        done
    done
    perl "$bench_dir/results.pl" table "$work_dir/case_$case" >"$work_dir/table" || die "no table"
    echo
    cat "$work_dir/table"
    echo
    {
        echo "$size. The ways in turns after one run that does not count, runs of each: $runs; workers and jobs: $parallel. $(describe_day)"
        echo
        cat "$work_dir/table"
        echo
        notes
    } | write_section "($case) $("describe_$case")"
    [ "$case" = b ] ||
        psql_at "$source_port" postgres -c "drop database $source_database" -c checkpoint
}

notes() {
    [[ " ${ways[*]} " != *" pgcopydb "* ]] ||
        echo "pgcopydb is $(dpkg-query -W -f '${Version}' pgcopydb), its jobs are table-jobs and index-jobs."
    echo "With statistics: pgclone and pgcopydb see to them by themselves; after the others (and pgclone without" \
        "it) runs \`vacuumdb --analyze-only -j $parallel\`. CPU and memory are without that."
    [[ " ${ways[*]} " != *" logical "* ]] ||
        echo "Logical replication leaves sequences without their values; given up after $time_limit s."
    echo "Memory: peak of pgclone's workers or of the client tools (Pss), not of the servers."
}

{ install_packages && packages_of_peers; } >/dev/null || die "the packages could not be installed"
start_bench_servers
describe_machine
echo
for case in ${cases//,/ }; do
    run_case "$case"
done
