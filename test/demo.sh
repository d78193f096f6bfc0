#!/bin/bash
# Shows pgclone at work: test/demo.sh
#
# On a fresh Debian 12, as root, it installs what is needed, builds and installs the extension,
# starts two servers in a temporary folder, clones a large table through the queue while you
# watch, then a small shop table by table, and proves that both sides are equal. Nothing stays
# but the packages and the installed extension.
set -u
. "$(dirname "$0")/lib.sh"
cd "$repo_root" || exit 1

scale=${SCALE:-20}
shop_tables=(customers products promotions orders order_items)

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

# Shows the bar of job `job_id` until its final event arrives.
watch_job() {
    local ends=$((SECONDS + 900))
    event=
    until [[ $event =~ ^(completed|failed|cancelled|held)$ ]]; do
        ask "select progress_bar from pgclone_jobs_view where job_id = $job_id"
        show_bar "$answer"
        [ $SECONDS -lt $ends ] || die "no notification for job $job_id within 15 minutes"
        sleep 0.2
    done
    ask "select progress_bar from pgclone_jobs_view where job_id = $job_id"
    show_bar "$answer"
    [ ! -t 1 ] || echo
    echo "NOTIFY pgclone_events: $event"
    [ "$event" = completed ] && return
    ask "select concat_ws(' ', sqlstate, error_message) from pgclone_jobs_view where job_id = $job_id"
    echo "job $job_id: $answer"
    return 1
}

# --- The proof

# Number of rows, and a hash that does not depend on their order.
fingerprint() {
    psql_at "$1" shop -c "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from $2 t"
}

compare_rows() {
    local table=$1 source target
    source=$(fingerprint "$source_port" "$table") && target=$(fingerprint "$target_port" "$table")
    if [ -n "$source" ] && [ "$source" = "$target" ]; then
        printf '  %-26s %9s rows   equal\n' "$table" "${source%%|*}"
    else
        printf '  %-26s DIFFERENT: source %s, target %s\n' "$table" "$source" "$target"
        differences=$((differences + 1))
    fi
}

dump_schema() {
    pg_dump -s -t "$2" "host=$work_dir port=$1 dbname=shop user=postgres" |
        grep -vE '^\\(un)?restrict '
}

compare_definitions() {
    if diff <(dump_schema "$source_port" "$1") <(dump_schema "$target_port" "$1") \
        >"$work_dir/diff"; then
        printf '  %-26s pg_dump -s      equal\n' "$1"
    else
        printf '  %-26s pg_dump -s      DIFFERENT:\n' "$1"
        sed 's/^/      /' "$work_dir/diff"
        differences=$((differences + 1))
    fi
}

# The next values of the identity columns and serials.
compare_sequences() {
    local query="select string_agg(format('%s=%s', sequencename, last_value), ' ' order by 1)
                 from pg_sequences where schemaname = 'shop'"
    local source target
    source=$(psql_at "$source_port" shop -c "$query")
    target=$(psql_at "$target_port" shop -c "$query")
    if [ "$source" = "$target" ]; then
        printf '  %-26s %s   equal\n' "sequences" "$source"
    else
        printf '  %-26s DIFFERENT: source %s, target %s\n' "sequences" "$source" "$target"
        differences=$((differences + 1))
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
start_server source "$source_port" || exit 1
start_server target "$target_port" "shared_preload_libraries = 'pgclone'" \
    'max_worker_processes = 16' 'max_wal_size = 4GB' || exit 1
start=$EPOCHREALTIME
psql_at "$source_port" postgres -c 'create database shop'
psql_at "$target_port" postgres -c 'create database shop'
pgbench -i -s "$scale" -q "host=$work_dir port=$source_port dbname=shop user=postgres" \
    >"$work_dir/pgbench.log" 2>&1 || { cat "$work_dir/pgbench.log"; exit 1; }
psql_at "$source_port" shop -f test/demo/shop.sql || exit 1
psql_at "$target_port" shop -c 'create extension pgclone' -f test/demo/shop_functions.sql || exit 1
source=$(source_conninfo "$source_port" shop)
echo "source: port $source_port, filled by pgbench (scale $scale) and test/demo/shop.sql"
echo "        in $(seconds_since "$start") s, $(psql_at "$source_port" shop -c \
    'select pg_size_pretty(pg_database_size(current_database()))')"
echo "target: port $target_port, with extension pgclone $(psql_at "$target_port" shop -c \
    'select pgclone_version()')"

heading "A large table, through the queue"
: >"$work_dir/events"
open_session
ask 'listen pgclone_events'
submit="SELECT pgclone_submit('$source', 'table', 'public.pgbench_accounts')"
echo "$submit;"
start=$EPOCHREALTIME
ask "$submit"
job_id=$answer
[[ $job_id =~ ^[0-9]+$ ]] || die "submit failed: $answer"
echo "job $job_id"
watch_job || exit 1
large_seconds=$(seconds_since "$start")
close_session

heading "A shop, table by table, each call waits"
start=$EPOCHREALTIME
for table in "${shop_tables[@]}"; do
    step=$EPOCHREALTIME
    result=$(psql_at "$target_port" shop -v source="$source" -v table="$table" \
        <<<"select pgclone_table(:'source', 'shop', :'table');") || exit 1
    printf '  %-26s %6s s   %s\n' "shop.$table" "$(seconds_since "$step")" "$result"
done
shop_seconds=$(seconds_since "$start")

heading "Proof"
differences=0
compare_rows public.pgbench_accounts
for table in "${shop_tables[@]}"; do
    compare_rows "shop.$table"
done
compare_definitions public.pgbench_accounts
compare_definitions 'shop.*'
compare_sequences

heading "Summary"
echo "pgbench_accounts: $((scale * 100000)) rows in $large_seconds s"
echo "shop: ${#shop_tables[@]} tables in $shop_seconds s"
echo "all of it: $(seconds_since "$demo_start") s"
if [ "$differences" -gt 0 ]; then
    echo "$differences differences"
    exit 1
fi
echo "source and target are equal"
