#!/bin/bash
# What the benchmarks share: two servers, sources to fill, ways to clone, a meter, RESULTS.md.
# To be sourced; brings ../lib.sh along.
#
# Environment:
#   BENCH_SCALE=1          a factor for the size of the sources, 0.01 to try a script
#   BENCH_RESULTS=FILE     instead of RESULTS.md here; other scales are written nowhere else

# shellcheck disable=SC2034,SC2154 # find_port and printf -v set variables; scripts use what is set here
bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$bench_dir/../lib.sh"
BENCH_SCALE=${BENCH_SCALE:-1}

# Table workers, and jobs of the peers.
parallel=2
# The database on the source, and the one on the target that is cloned into.
source_database=
database=
# The logical replication of many tables does not end in reasonable time.
time_limit=180
# Autovacuum would fall into some runs and not into others.
bench_settings=('max_wal_size = 4GB' 'max_locks_per_transaction = 256' 'autovacuum = off'
    'max_worker_processes = 24')

# --- Figures

# Prints the median of its arguments.
median() {
    printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END {
        print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# ratio A B: A / B with two decimals.
ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# scaled N LEAST: N times BENCH_SCALE, at least LEAST.
scaled() {
    awk -v n="$1" -v least="$2" -v s="$BENCH_SCALE" 'BEGIN {
        n = int(n * s + 0.5); print n < least ? least : n }'
}

# timed COMMAND...: its wall time in seconds goes to the variable `seconds`.
timed() {
    local start=$EPOCHREALTIME status=0
    "$@" || status=$?
    seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
    return $status
}

# In TAP only what begins with # is a remark.
say() {
    echo "${short:+# }$*"
}

# --- The meter: CPU time of both servers, CPU time and memory of pgclone's workers, memory of the
# client tools, from now on until stop_meter. It samples /proc; meter.pl says how.

start_meter() {
    local ready
    exec {meter}< <(exec perl "$bench_dir/meter.pl" \
        "$(head -n 1 "$work_dir/source/postmaster.pid")" \
        "$(head -n 1 "$work_dir/target/postmaster.pid")" $$)
    meter_pid=$!
    read -r ready <&"$meter"
    [ "$ready" = ready ] || die "the meter does not start"
}

# The figures go to the associative array `measured`; meter.pl lists the names.
stop_meter() {
    local name value
    declare -gA measured=()
    kill -TERM "$meter_pid"
    while IFS='=' read -r name value <&"$meter"; do
        measured[$name]=$value
    done
    exec {meter}<&-
    [ -n "${measured[source_cpu]:-}" ] || die "the meter gives no figures"
}

# --- Servers

start_bench_server() {
    local name=$1 port=$2
    shift 2
    [ "$name" != target ] || set -- "shared_preload_libraries = 'pgclone'" \
        "max_logical_replication_workers = $((parallel + 2))" \
        "max_sync_workers_per_subscription = $parallel" "$@"
    [ "$name" != source ] || set -- "wal_level = logical" 'max_replication_slots = 32' \
        'max_wal_senders = 32' "$@"
    start_server "$name" "$port" "${bench_settings[@]}" "$@" || exit 1
}

# Source and target; the ports go to source_port and target_port.
start_bench_servers() {
    make_work_dir
    find_port source_port
    find_port target_port
    start_bench_server source "$source_port"
    start_bench_server target "$target_port"
}

# Where the clients and the target find the source: all the same way, as on another machine.
source_address() {
    source_conninfo "${relay_port:-$source_port}" "$source_database"
}

target_address() {
    echo "host=$work_dir port=$target_port dbname=$database user=postgres"
}

# An empty database of this name on the target, and all dirty pages written.
empty_target() {
    database=$1
    psql_at "$target_port" postgres -c "create database $database" || die "no empty database"
    ! is_ours "${2:-}" ||
        psql_at "$target_port" "$database" -c 'create extension pgclone' || die "no extension"
    psql_at "$source_port" postgres -c checkpoint
    psql_at "$target_port" postgres -c checkpoint
}

# --- Sources

new_source() {
    source_database=$1
    psql_at "$source_port" postgres -c "create database $source_database" ||
        die "no database for the source"
}

# Hint bits and statistics are not to be the business of whoever comes first.
settle_source() {
    psql_at "$source_port" "$source_database" -c 'vacuum (analyze)' -c checkpoint
}

# fill_many_tables TABLES: t1, t2, ... with a primary key, another index, a foreign key, an identity
# column and 20 rows each. Without a transaction around it: 10,000 tables would be too many locks. A
# session that has made many tables becomes slow, so none makes more than 1,000.
fill_many_tables() {
    local first
    for ((first = 1; first <= $1; first += 1000)); do
        make_tables "$first" $((first + 999 < $1 ? first + 999 : $1)) || return
    done
    psql_at "$source_port" "$source_database" -c analyze -c checkpoint
}

# make_tables FIRST LAST
make_tables() {
    psql_at "$source_port" "$source_database" -v first="$1" -v last="$2" >/dev/null <<'SQL'
set client_min_messages = warning;
set synchronous_commit = off;
select format('create table t%s (
    id bigint generated by default as identity primary key,
    parent_id bigint references t%s,
    name text not null default %L,
    amount numeric(12, 2),
    made_at timestamptz not null default now()
);
create index on t%s (name, made_at);
insert into t%s (parent_id, name, amount)
    select case when %s > 1 then i end, %L || i, i * 1.25 from generate_series(1, 20) i',
    n, greatest(n / 2, 1), 'name', n, n, n, 'row ')
from generate_series(:first, :last) n \gexec
SQL
}

# fill_pgbench SCALE [STEPS]
fill_pgbench() {
    pgbench -i -q -s "$1" -I "${2:-dtGvp}" \
        "host=$work_dir port=$source_port dbname=$source_database user=postgres" \
        >"$work_dir/pgbench.out" 2>&1 || die "pgbench: $(cat "$work_dir/pgbench.out")"
    settle_source
}

# fill_from FILE.sql [VARIABLE=VALUE...]
fill_from() {
    local file=$1 argument arguments=()
    shift
    for argument in "$@"; do arguments+=(-v "$argument"); done
    psql_at "$source_port" "$source_database" "${arguments[@]}" -f "$bench_dir/$file" >/dev/null ||
        die "$file fails"
    settle_source
}

# --- Ways to clone $source_database into $database. All take the source from TCP and the target
# from its socket.

# clone_with_pgclone [OPTIONS]: further options, as in JSON.
clone_with_pgclone() {
    psql_at "$target_port" "$database" -c "select pgclone_database('$(source_address)',
        options => '{\"parallel\": $parallel${1:+, $1}}')" >/dev/null
}

clone_with_unanalyzed() {
    clone_with_pgclone '"analyze": false'
}

# Whether a way is pgclone, with these options or those.
is_ours() {
    [[ $1 =~ ^(pgclone|unanalyzed)$ ]]
}

# Whether a way makes the statistics of the planner, too.
analyzes() {
    [[ $1 =~ ^(pgclone|pgcopydb)$ ]]
}

# analyze_clone WAY: gives $database what it lacks to be of use at once; the wall time goes to
# `seconds`.
analyze_clone() {
    seconds=0
    analyzes "$1" ||
        timed vacuumdb --quiet --analyze-only -j "$parallel" -d "$(target_address)" ||
        die "vacuumdb fails"
}

clone_with_pg_dump() {
    pg_dump -d "$(source_address)" | psql_at "$target_port" "$database" -f - >/dev/null
    [ "${PIPESTATUS[*]}" = "0 0" ]
}

# Uncompressed: the dump goes no further than this machine.
clone_with_pg_restore() {
    pg_dump -d "$(source_address)" -Fd -Z0 -j "$parallel" -f "$work_dir/dump.$database" &&
        pg_restore -d "$(target_address)" -j "$parallel" "$work_dir/dump.$database"
}

clone_with_pgcopydb() {
    as_server_user env PATH="$PATH" PGCONNECT_TIMEOUT=10 pgcopydb clone \
        --source "postgresql://postgres@127.0.0.1:${relay_port:-$source_port}/$source_database" \
        --target "postgresql://postgres@/$database?host=$work_dir&port=$target_port" \
        --dir "$work_dir/pgcopydb.$database" --table-jobs "$parallel" --index-jobs "$parallel"
}

# The initial copy of a subscription. What a dump does before and after it stands around it; the
# values of sequences are not copied by anybody.
clone_with_logical() {
    pg_dump -d "$(source_address)" -Fc -s --no-publications --no-subscriptions \
        -f "$work_dir/schema.$database" &&
        pg_restore -d "$(target_address)" --section=pre-data "$work_dir/schema.$database" &&
        psql_at "$target_port" "$database" -v source="$(source_address)" -v limit="${time_limit}s" \
            >/dev/null <<'SQL' &&
set client_min_messages = warning;
create subscription bench connection :'source' publication bench;
set statement_timeout = :'limit';
do $$
begin
    while exists (select from pg_subscription_rel where srsubstate <> 'r') loop
        perform pg_sleep(0.05);
    end loop;
end $$;
SQL
        pg_restore -d "$(target_address)" --section=post-data -j "$parallel" \
            "$work_dir/schema.$database"
}

before_logical() {
    psql_at "$source_port" "$source_database" -c 'set client_min_messages = error' \
        -c 'create publication bench for all tables'
}

after_logical() {
    psql_at "$target_port" "$database" -c 'set client_min_messages = warning' \
        -c 'drop subscription if exists bench'
    psql_at "$source_port" "$source_database" -c 'drop publication bench' -c \
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active" \
        >/dev/null
}

# run_way WAY: clones and measures. Status and wall time are that of the clone (`seconds`);
# `measured` has in addition client_cpu. What the tools say is in $work_dir/clone.log.
run_way() {
    local way=$1 status=0
    ! declare -F "before_$way" >/dev/null || "before_$way"
    start_meter
    timed run_in_subshell "clone_with_$way" || status=$?
    stop_meter
    measured[client_cpu]=$(awk '{ for (i = 1; i <= NF; i++) { split($i, t, /[ms]/); sum += t[1] * 60 + t[2] } }
        END { printf "%.2f", sum }' "$work_dir/times")
    ! declare -F "after_$way" >/dev/null || "after_$way"
    rm -rf "$work_dir/dump.$database" "$work_dir/pgcopydb.$database" "$work_dir/schema.$database"
    return $status
}

# A subshell's `times` are those of this command and all that it waited for.
run_in_subshell() {
    (
        "$@"
        status=$?
        times >"$work_dir/times"
        exit $status
    ) >"$work_dir/clone.log" 2>&1
}

# How many objects of each kind there are, and rows in the largest table of the source, in one line:
# what is no clone at all is noticed without a comparison.
shape_of() {
    psql_at "$1" "$2" -v largest="$source_largest" <<'SQL'
with own as (
    select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
), kinds (kind, n) as (
    select relkind::text, count(*) from pg_class
    where relnamespace in (select oid from own) and relname !~ '^pgclone_' group by 1
    union all
    select 'constraint ' || contype::text, count(*) from pg_constraint
    where connamespace in (select oid from own) and conname !~ '^pgclone_' and conrelid <> 0 group by 1
    union all
    select 'rows', count(*) from :largest
)
select string_agg(kind || ' ' || n, ', ' order by kind) from kinds
SQL
}

# Afterwards `is_clone` tells whether $database is one of the source, by its shape; if not, it says so.
note_shape() {
    source_largest=$(psql_at "$source_port" "$source_database" -c "select oid::regclass from pg_class
        where relkind = 'r' and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
        order by relpages desc, oid desc limit 1")
    source_shape=$(shape_of "$source_port" "$source_database")
    [ -n "$source_shape" ] || die "the source can't be looked at"
}

is_clone() {
    local found
    found=$(shape_of "$target_port" "$database")
    [ "$found" = "$source_shape" ] && return
    echo "$1: $found instead of $source_shape" >&2
    return 1
}

# verify_clone DATABASE: is it the source's equal? By the tools of test/fidelity.
verify_clone() {
    local tool
    for tool in schema data; do
        "$repo_root/test/fidelity/compare_$tool.pl" \
            "host=$work_dir port=$source_port dbname=$source_database user=postgres" \
            "host=$work_dir port=$target_port dbname=$1 user=postgres" >"$work_dir/compare" ||
            die "the clone differs: $(cat "$work_dir/compare")"
        say "$tool: $(tail -n 1 "$work_dir/compare")"
    done
}

# --- Descriptions and RESULTS.md

# Lines of Markdown: what the figures depend on, without what changes from day to day.
describe_machine() {
    awk -F': ' '/^model name/ && !n++ { model = $2 } /^processor/ { count++ }
        END { printf "* %d CPUs (%s)", count, model }' /proc/cpuinfo
    awk '/^MemTotal/ { printf ", %.1f GB memory\n", $2 / 1048576 }' /proc/meminfo
    echo "* Linux $(uname -r); data on $(df --output=fstype "$work_dir" | tail -n 1)"
    echo "* $(psql_at "$target_port" postgres -c 'select version()' | cut -d, -f1)," \
        "pgclone $(psql_at "$target_port" postgres -c "select default_version from pg_available_extensions
            where name = 'pgclone'")"
    echo "* Source and target server on this machine, source reached by TCP, settings other than the" \
        "defaults: $(printf '`%s`, ' "${bench_settings[@]}")source \`wal_level = logical\`"
}

describe_day() {
    echo "$(date +%F), load before it $load_before."
}
load_before=$(cut -d' ' -f1-3 /proc/loadavg)

# write_section TITLE: puts standard input into RESULTS.md in place of the section of this title.
# Sections of another machine go away: their figures say nothing beside these.
write_section() {
    local file=${BENCH_RESULTS:-}
    [ -n "$file" ] || [ "$BENCH_SCALE" != 1 ] || file=$bench_dir/RESULTS.md
    if [ -z "$file" ]; then
        cat >/dev/null
        return
    fi
    perl "$bench_dir/results.pl" section "$file" "$1" "$(describe_machine)"
}
