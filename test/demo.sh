#!/bin/bash
# Shows pgclone at work: test/demo.sh
#
# On a fresh Debian 12, as root, it installs what is needed, builds and installs the extension,
# starts two servers in a temporary folder, and clones a database - a large table, and a shop with
# all kinds of objects - in one job: first the plan, then the job while you watch, then its steps.
# In the end it proves that both databases are equal. Nothing stays but the packages and the
# installed extension. SCALE=20 is the size of the large table, in 100,000 rows.
set -u
. "$(dirname "$0")/lib.sh"
cd "$repo_root" || exit 1

scale=${SCALE:-20}

heading() {
    printf '\n== %s\n' "$1"
}

seconds_since() {
    awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'
}

# --- The session that submits and listens. psql prints notifications after each statement.

open_session() {
    coproc SESSION {
        exec psql -X -q -A -t -P pager=off -v VERBOSITY=verbose \
            "host=$work_dir port=$target_port dbname=shop user=postgres" 2>&1
    }
}

close_session() {
    local pid=$SESSION_PID
    echo '\q' >&"${SESSION[1]}"
    wait "$pid" 2>/dev/null
}

# ask SQL: sets `answer` to the last line that SQL printed; `event` to the event of a
# notification about the job `job_id`, if one came.
ask() {
    local line
    answer=
    printf "%s;\nselect 'end' || ' of answer';\n" "$1" >&"${SESSION[1]}" || return 1
    while IFS= read -r -t 60 -u "${SESSION[0]}" line; do
        case $line in
        'end of answer') return 0 ;;
        *'Asynchronous notification "pgclone_events"'*) note_event "$line" ;;
        '') ;;
        *) answer=$line ;;
        esac
    done
    die "the session does not answer: $answer"
}

note_event() {
    local payload=${1#*payload \"}
    payload=${payload%\" received*}
    echo "$payload" >>"$work_dir/events"
    if [[ $payload =~ \"job_id\"\ ?:\ ?([0-9]+) ]] && [ "${BASH_REMATCH[1]}" = "${job_id:-}" ] &&
        [[ $payload =~ \"event\"\ ?:\ ?\"([a-z]+)\" ]]; then
        event=${BASH_REMATCH[1]}
    fi
}

show_bar() {
    [ -n "$1" ] || return 0
    if [ -t 1 ]; then
        printf '\r%s\033[K' "$1"
    elif [ "$1" != "${last_bar:-}" ]; then
        echo "$1"
    fi
    last_bar=$1
}

# Shows phase, bar and current table of job `job_id` until its final event arrives.
watch_job() {
    local ends=$((SECONDS + 900))
    local query="select format('%-12s %s  %s', phase, progress_bar, current_table)
                 from pgclone_jobs_view where job_id = $job_id"
    event=
    until [[ $event =~ ^(completed|failed|cancelled|held)$ ]]; do
        ask "$query"
        show_bar "$answer"
        [ $SECONDS -lt $ends ] || die "no notification for job $job_id within 15 minutes"
        sleep 0.2
    done
    ask "$query"
    show_bar "$answer"
    [ ! -t 1 ] || echo
    echo "NOTIFY pgclone_events: $event"
    [ "$event" = completed ] && return
    ask "select concat_ws(' ', sqlstate, error_message) from pgclone_jobs_view where job_id = $job_id"
    echo "job $job_id: $answer"
    return 1
}

# --- The plan, the steps, the proof

# query SQL: its rows as a table.
query() {
    psql -X -q -P pager=off -P footer=off "host=$work_dir port=$target_port dbname=shop user=postgres" -c "$1" |
        sed 's/^/  /; /^ *$/d'
    [ "${PIPESTATUS[0]}" -eq 0 ] || exit 1
}

# prove TOOL: runs one of test/fidelity's comparisons.
prove() {
    local database="dbname=shop user=postgres"
    if "test/fidelity/compare_$1.pl" "host=$work_dir port=$source_port $database" \
        "host=$work_dir port=$target_port $database" >"$work_dir/comparison"; then
        printf '  %-24s %s\n' "$2" "$(tail -n 1 "$work_dir/comparison")"
    else
        sed 's/^/  /' "$work_dir/comparison"
        differences=1
    fi
}

# --- Main

demo_start=$EPOCHREALTIME
heading "Packages, build, installation"
install_packages >/tmp/pgclone-demo-packages.$$ 2>&1 || {
    tail -n 40 /tmp/pgclone-demo-packages.$$
    rm -f /tmp/pgclone-demo-packages.$$
    die "the packages could not be installed"
}
rm -f /tmp/pgclone-demo-packages.$$
make_work_dir
build_and_install >"$work_dir/build.log" 2>&1 || {
    tail -n 40 "$work_dir/build.log"
    die "the extension does not build"
}
echo "done in $(seconds_since "$demo_start") s"

heading "Source and target"
find_port source_port
find_port target_port
start_server source "$source_port" 'wal_level = logical' 'max_wal_size = 4GB' || exit 1
start_server target "$target_port" "shared_preload_libraries = 'pgclone'" \
    'max_worker_processes = 16' 'wal_level = logical' 'max_wal_size = 4GB' || exit 1
start=$EPOCHREALTIME
psql_at "$source_port" postgres -c 'create database shop'
pgbench -i -s "$scale" -q "host=$work_dir port=$source_port dbname=shop user=postgres" \
    >"$work_dir/pgbench.log" 2>&1 || { cat "$work_dir/pgbench.log"; exit 1; }
psql_at "$source_port" shop -f test/demo/shop.sql || exit 1
# Roles belong to a server, not to a database: they are there before the clone begins.
psql_at "$target_port" postgres -c 'create database shop' -c 'create role shop_owner' \
    -c 'create role shop_clerk' -c 'create role shop_reader'
psql_at "$target_port" shop -c 'create extension pgclone' || exit 1
source=$(source_conninfo "$source_port" shop)
echo "source: port $source_port, filled by pgbench (scale $scale) and test/demo/shop.sql"
echo "        in $(seconds_since "$start") s, $(psql_at "$source_port" shop -c \
    'select pg_size_pretty(pg_database_size(current_database()))')"
echo "target: port $target_port, an empty database with extension pgclone $(psql_at "$target_port" shop -c \
    'select pgclone_version()')"

heading "The plan: nothing is changed yet"
echo "SELECT * FROM pgclone_plan('$source', 'database');"
query "select phase, kind, count(*) as objects, sum(rows) as \"rows (about)\", pg_size_pretty(sum(bytes)) as size,
              count(conflict) as conflicts, count(missing) as missing, count(skip_reason) as skipped
       from pgclone_plan('$source', 'database') group by phase, kind order by min(step)"

heading "The job"
: >"$work_dir/events"
open_session
ask 'listen pgclone_events'
submit="SELECT pgclone_database_async('$source')"
echo "$submit;"
start=$EPOCHREALTIME
ask "$submit"
job_id=$answer
[[ $job_id =~ ^[0-9]+$ ]] || die "submit failed: $answer"
echo "job $job_id"
watch_job || exit 1
clone_seconds=$(seconds_since "$start")
close_session

heading "Its steps"
started="(select started_at from pgclone_jobs_view where job_id = $job_id)"
query "select phase, kind, count(*) as tasks, count(*) filter (where status = 'done') as done,
              sum(rows_target) as rows, pg_size_pretty(sum(bytes)) as size,
              round(extract(epoch from min(started_at) - $started)::numeric, 2) as \"from s\",
              round(extract(epoch from max(finished_at) - $started)::numeric, 2) as \"to s\"
       from pgclone_tasks_view where job_id = $job_id group by phase, kind order by min(task_id)"
echo
query "select object_name as \"largest tables\", rows_target as rows, pg_size_pretty(bytes) as size, format,
              round(extract(epoch from elapsed_time)::numeric, 2) as seconds
       from pgclone_tasks_view where job_id = $job_id and rows_target is not null order by bytes desc nulls last limit 6"

heading "Proof"
differences=0
prove schema 'pg_dump -s, by entries:'
prove data 'rows, as multisets:'

heading "Summary"
echo "the database: cloned in $clone_seconds s"
echo "all of it: $(seconds_since "$demo_start") s"
[ "$differences" -eq 0 ] || die "source and target differ"
echo "source and target are equal"
