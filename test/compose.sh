#!/bin/bash
# compose/ and tools/watch.psql, as far as they can be tried without a container engine: test/compose.sh
#
# The files are checked one against the other; the scripts of the demo run against two servers of
# ours instead of containers; each SQL query of the dashboard and of the exporter is executed there,
# by the role that is made for it, with a job that is completed, one that has failed, and one that
# runs. Where `docker compose` or postgres_exporter are installed, they read their files, too. Prints
# TAP; uses the extension that is installed.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tap.sh"
cd "$repo_root" || exit 1

# --- Files

check_files() {
    local check
    if ! python3 -c 'import yaml' 2>/dev/null; then
        skip "the files of compose/ fit together" "there is no python3-yaml"
        return
    fi
    for check in compose dockerfile metrics dashboard; do
        report "$check: the files of compose/ fit together" "$(test/compose/check_files.py $check 2>&1)"
    done
}

# What the Dockerfile copies into its first stage is enough to build from. (Only make's own view of it:
# nothing is compiled.)
check_build_context() {
    local folder=$work_dir/context
    mkdir "$folder"
    sed -n '/^FROM .* AS build/,/^FROM .* AS server/ s/^COPY \(.*\) [^ ]*$/\1/p' compose/Dockerfile | tr ' ' '\n' |
        while read -r name; do cp -r "$name" "$folder/"; done
    find "$folder" \( -name '*.o' -o -name '*.d' -o -name '*.so' -o -name 'catalog_sql.?pp' \) -delete
    report "the Dockerfile copies all that make asks for" "$(
        make -C "$folder" -n PG_CONFIG="$PG_CONFIG" all install DESTDIR="$folder/install" 2>&1 >/dev/null
    )"
}

check_by_compose() {
    local compose=() profile
    if docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose=(docker-compose)
    else
        skip "docker compose reads compose.yaml" "it is not installed"
        return
    fi
    sed 's/^\([A-Z_]*PASSWORD\)=$/\1=secret/' compose/.env.example >"$work_dir/env"
    # (Version 1, which Debian 12 has, knows all of it but the name.)
    if [[ ${compose[0]} = docker-compose ]]; then
        sed '/^name:/d' compose/compose.yaml >"$work_dir/compose.yaml"
    else
        cp compose/compose.yaml "$work_dir/"
    fi
    report "docker compose reads compose.yaml" "$(
        for profile in pg14 pg15 pg16 pg17 pg18 pg19 demo test watch; do
            "${compose[@]}" --env-file "$work_dir/env" -f "$work_dir/compose.yaml" --project-directory compose \
                --profile $profile config -q 2>&1
        done
    )"
}

# --- Servers: what the images' entry points and the demo do. All log in without a password here.

# in_service NAME PORT COMMAND...: with the environment of a service.
in_service() {
    local port=$1
    shift
    env PGHOST="$work_dir" PGPORT="$port" PGUSER=postgres PGDATABASE=shop POSTGRES_USER=postgres POSTGRES_DB=shop \
        DEMO_SCALE=1 SHOP_SQL=test/demo/shop.sql WATCH_PSQL=tools/watch.psql \
        SOURCE_HOST=127.0.0.1 SOURCE_PORT="$source_port" SOURCE_PASSWORD="it's \"secret\" \\x" \
        MONITOR_PASSWORD="it's \"secret\" \\x" "$@"
}

failed_by() {
    local status output
    output=$("$@" 2>&1)
    status=$?
    [ $status -eq 0 ] || printf 'exit status %s\n%s\n' "$status" "$(tail -n 20 <<<"$output")"
}

start_services() {
    find_port source_port
    find_port target_port
    start_server source "$source_port" 'wal_level = logical' &&
        start_server target "$target_port" "shared_preload_libraries = 'pgclone'" 'max_worker_processes = 16' &&
        psql_at "$source_port" postgres -c 'create database shop' &&
        psql_at "$target_port" postgres -c 'create database shop'
}

run_demo() {
    report "a source is filled" "$(failed_by in_service "$source_port" compose/initdb/source.sh)"
    report "a target is set up" "$(failed_by in_service "$target_port" compose/initdb/target.sh)"
    report "the demo clones" "$(failed_by in_service "$target_port" compose/demo.sh)"
    report "the clone is equal" "$(
        diff <(psql_at "$source_port" shop -c 'select count(*), sum(abalance), sum(aid) from pgbench_accounts') \
            <(psql_at "$target_port" shop -c 'select count(*), sum(abalance), sum(aid) from pgbench_accounts')
    )"
    report "the demo does not clone twice" "$(
        in_service "$target_port" compose/demo.sh | grep -v 'is cloned already'
        psql_at "$target_port" shop -c 'select job_id from pgclone_jobs_view offset 1'
    )"
}

# One that fails, one that takes its time.
submit_jobs() {
    psql_at "$target_port" shop >/dev/null <<'SQL'
select pgclone_submit('host=127.0.0.1 port=1 dbname=x', 'table', 'a.b', '{"retries": 0}') as job \gset
select pgclone_wait(:job, '60 s');
SQL
    running=$(psql_at "$target_port" shop -c "select pgclone_submit('source', 'table', 'public.pgbench_accounts',
        '{\"target_name\": \"again\", \"rate_limit\": \"1MB/s\"}')")
    for _ in $(seq 100); do
        [ "$(psql_at "$target_port" shop -c "select rows_copied > 0 from pgclone_jobs_view where job_id = $running")" = t ] &&
            return
        sleep 0.1
    done
}

# --- Queries

# as_monitor [ARGUMENT...]: by the role of the dashboard.
as_monitor() {
    psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1 \
        "host=$work_dir port=$target_port dbname=shop user=monitor" "$@" 2>&1
}

# columns_differ FILE COLUMN=KIND...: T is a time, L a label (a text), V a value (a number). The exporter
# ignores columns that it is not told of, so there must be none.
columns_differ() {
    local file=$1 column kind found expected=
    shift
    [ $# -gt 0 ] || return 0
    found=$(as_monitor -F ' ' -f - <<<"$(cat "$file") \\gdesc")
    for column in "$@"; do
        kind=$(sed -n "s/^${column%=*} //p" <<<"$found")
        case ${column#*=}:$kind in
        L:text | L:name | V:bigint | V:integer | V:numeric | V:'double precision') ;;
        T:numeric | T:'double precision' | T:'timestamp with time zone') expected="more" ;;
        *) echo "column ${column%=*}: ${kind:-missing}" ;;
        esac
    done
    [ "$expected" = "more" ] || [ "$(wc -l <<<"$found")" -eq $# ] || echo "other columns: $found"
}

check_query() {
    local number=$1 name=$2 file=$work_dir/sql/$1.sql
    shift 2
    if grep -q pgclone_timeline "$file" &&
        [ -z "$(as_monitor -c "select to_regprocedure('pgclone_timeline(bigint)')")" ]; then
        skip "$name" "there is no pgclone_timeline() in the installed version"
        return
    fi
    # shellcheck disable=SC2068
    report "$name" "$(
        as_monitor -f "$file" >"$work_dir/sql/$number.out" || cat "$work_dir/sql/$number.out"
        columns_differ "$file" $@
    )"
}

# has_line NAME PATTERN: is there such a line in the result of the query of that name?
has_line() {
    local number
    number=$(awk -F '\t' -v name="$1" '$2 == name { print $1 }' "$work_dir/sql/list")
    grep -qE "$2" "$work_dir/sql/$number.out" ||
        { echo "$1: no line like $2:"; cat "$work_dir/sql/$number.out"; }
}

check_queries() {
    local number name columns
    if ! python3 -c 'import yaml' 2>/dev/null; then
        skip "queries of the dashboard and the exporter" "there is no python3-yaml"
        return
    fi
    mkdir "$work_dir/sql"
    report "all macros of the queries are known" "$(test/compose/check_files.py sql "$work_dir/sql" 2>&1)"
    while IFS=$'\t' read -r number name columns; do
        # shellcheck disable=SC2086
        check_query "$number" "$name" $columns
    done <"$work_dir/sql/list"
    report "they show the jobs, to a role that has submitted none" "$(
        has_line 'panel Jobs by status' '^completed\|1$'
        has_line 'panel Jobs by status' '^failed\|1$'
        has_line 'panel Unfinished jobs' "^$running\|running\|.*public.*pgbench_accounts"
        has_line 'panel Progress' "^job $running\|[0-9.]+$"
        has_line 'panel Errors: jobs' '\|failed\|.*\|08'
        has_line 'metric pgclone_jobs' 'shop\|completed\|1\|[1-9][0-9]+\|[1-9][0-9]+'
        has_line 'metric pgclone_job' "shop\|$running\|table\|postgres\|running\|[1-9]"
    )"
    report "the role of the dashboard can change nothing" "$(
        as_monitor -c "select pgclone_cancel($running)" | grep -v 'permission denied'
    )"
}

# What the exporter makes of queries.yaml, where there is one (POSTGRES_EXPORTER=/path names it).
check_exporter() {
    local program=${POSTGRES_EXPORTER:-} port pid metrics=$work_dir/metrics
    [ -n "$program" ] || program=$(command -v postgres_exporter || command -v prometheus-postgres-exporter)
    if [ -z "$program" ]; then
        skip "postgres_exporter shows the metrics" "it is not installed"
        return
    fi
    find_port port
    # Those of compose.yaml that this version has.
    local option options=()
    for option in disable-settings-metrics no-collector.stat_user_tables no-collector.stat_bgwriter; do
        "$program" --help 2>&1 | grep -qE -- "--(\[no-\])?${option#no-}\b" && options+=("--$option")
    done
    DATA_SOURCE_NAME="user=monitor host=$work_dir port=$target_port dbname=shop sslmode=disable" \
        "$program" --extend.query-path=compose/prometheus/queries.yaml "${options[@]}" \
        --web.listen-address="127.0.0.1:$port" >"$work_dir/exporter.log" 2>&1 &
    pid=$!
    for _ in $(seq 50); do
        # (No HTTP client is needed for that.)
        { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null && break
        sleep 0.2
    done
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
    timeout 20 cat <&3 >"$metrics"
    exec 3>&-
    kill "$pid"
    wait "$pid" 2>/dev/null
    report "postgres_exporter shows the metrics" "$(
        for pattern in 'pgclone_jobs_count\{database="shop",.*status="failed"\} 1' \
            'pgclone_jobs_count\{database="shop",.*status="held"\} 0' \
            "pgclone_job_rows_copied\\{.*job_id=\"$running\".*\\} [1-9]" \
            "pgclone_job_running_seconds\\{.*job_id=\"$running\"" \
            'pgclone_waiting_jobs\{.*wait="throttle"\} [01]' 'pgclone_queue_oldest_seconds\{.*\} 0'; do
            grep -qE "^$pattern" "$metrics" || echo "missing: $pattern"
        done
        grep -i 'error' "$work_dir/exporter.log" | grep pgclone
    )"
}

# --- watch.psql

check_watch() {
    local output=$work_dir/watch.out errors=$work_dir/watch.err status
    (sleep 2 && psql_at "$target_port" shop -c "select pgclone_alter($running, rate_limit => 'none')") >/dev/null &
    timeout 60 psql -X -v job="$running" -v every=0.5 "host=$work_dir port=$target_port dbname=shop user=monitor" \
        -f tools/watch.psql >"$output" 2>"$errors"
    status=$?
    report "watch.psql shows a job until it ends" "$(
        [ $status -eq 0 ] || echo "exit status $status"
        grep -q '^\[.*\] .*%.* rows .*workers: ' "$output" || echo "no bar"
        grep -qE '^    worker [0-9.]+ +data public\.' "$output" || echo "no worker's table"
        grep -q 'waits for throttle' "$output" || echo "no wait reason"
        grep -qE '^status +\| completed$' "$output" || { echo "no end:"; tail -n 20 "$output"; }
        grep -vE "\"job $running is completed\"" "$errors"
    )"
    report "watch.psql takes the latest job, and one that has ended" "$(
        timeout 20 psql -X "host=$work_dir port=$target_port dbname=shop user=monitor" -f tools/watch.psql 2>&1 |
            grep -qE '^status +\| completed$' || echo "it does not"
    )"
    report "watch.psql says that there is no such job" "$(
        timeout 20 psql -X -v job=999 "host=$work_dir port=$target_port dbname=shop user=monitor" \
            -f tools/watch.psql 2>&1 | grep -q 'no such job' || echo "it does not"
    )"
}

make_work_dir
check_files
check_build_context
check_by_compose
if start_services; then
    run_demo
    submit_jobs
    check_queries
    check_exporter
    check_watch
else
    report "servers" "could not be started"
fi
end_tests
