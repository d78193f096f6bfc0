#!/bin/bash
# What grows when the source does: wall time, and memory of pgclone's processes.
#
#   test/bench/growth.sh [rows|tables]...     both
#
# One table of 50,000, 500,000 and 5,000,000 rows like those of pgbench, the second clone of two; 100, 1,000
# and 10,000 small tables. Meanwhile the views are read, five times a second, and the longest answer counts.
# Each clone starts with a server just started, since peaks of memory belong to the life of a process: VmHWM,
# shared memory that was touched included. Prints a table and writes it to RESULTS.md. Uses the extension that
# is installed.
set -u
# shellcheck source-path=SCRIPTDIR source=bench_lib.sh
. "$(dirname "$0")/bench_lib.sh"
[ $# -gt 0 ] || set -- rows tables

fill_rows() {
    psql_at "$source_port" "$source_database" -v rows="$1" <<'SQL'
create table accounts (aid integer primary key, bid integer, abalance integer, filler character(84));
insert into accounts select i, 1 + i / 100000, 0, '' from generate_series(1, :rows) i;
SQL
    settle_source
}

fill_tables() {
    fill_many_tables "$1"
}

# watch_view VIEW: reads all of it, again and again, until it is killed; psql's times in $work_dir/VIEW.
watch_view() {
    exec psql -X -A -t -P pager=off "$(target_address)" >"$work_dir/$1" 2>&1 <<SQL
\\timing on
select count(*) from (select * from $1 offset 0) v \\watch 0.2
SQL
}

# The longest time in ms that psql measured, and how many there are.
longest() {
    awk '/^Time:/ { if ($2 > most) most = $2; n++ } END { printf "%.1f (%d)", most, n }' "$work_dir/$1"
}

# grow KIND COUNT: a row of the table.
grow() {
    local kind=$1 count=$2 watchers=() view
    new_source "growth_${kind}_$count"
    "fill_$kind" "$count" || die "the source can't be filled"
    if [ "$kind" = rows ]; then # the WAL files are made by a clone that does not count
        empty_target first pgclone
        run_way pgclone || die "pgclone: $(tail -n 20 "$work_dir/clone.log")"
        psql_at "$target_port" postgres -c 'drop database first' -c checkpoint
    fi
    stop_server target
    as_server_user pg_ctl -D "$work_dir/target" -l "$work_dir/target.log" -w -s start || exit 1
    empty_target "growth_${kind}_$count" pgclone
    for view in pgclone_jobs_view pgclone_tasks_view; do
        watch_view $view &
        watchers+=($!)
    done
    run_way pgclone || die "pgclone: $(tail -n 20 "$work_dir/clone.log")"
    kill "${watchers[@]}"
    wait "${watchers[@]}" 2>/dev/null
    printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "$count $kind" "$seconds" "${measured[worker_cpu]}" \
        "${measured[hwm supervisor]:-}" "${measured[hwm job]:-}" "${measured[hwm table worker]:-}" \
        "$(longest pgclone_jobs_view)" "$(longest pgclone_tasks_view)" | tee -a "$work_dir/rows"
    # Not the small tables: drop_clone of run.sh says why.
    [ "$kind" = tables ] ||
        psql_at "$target_port" postgres -c "drop database growth_${kind}_$count" -c checkpoint
}

start_bench_servers
{
    echo "| source | wall s | workers CPU s | supervisor kB | job worker kB | table worker kB | jobs view ms | tasks view ms |"
    echo "| --- | --: | --: | --: | --: | --: | --: | --: |"
} | tee "$work_dir/rows"
for kind in "$@"; do
    case $kind in
    rows) sizes=(50000 500000 5000000) ;;
    tables) sizes=(100 1000 10000) ;;
    *) die "unknown: $kind" ;;
    esac
    for size in "${sizes[@]}"; do
        grow "$kind" "$(scaled "$size" 1)"
    done
done
{
    echo "One clone each with \`parallel\` $parallel. Memory is VmHWM, of several table workers the largest; the views' times are"
    echo "the longest of all answers (in brackets: how many) while the job ran. $(describe_day)"
    echo
    cat "$work_dir/rows"
} | write_section "Growth"
