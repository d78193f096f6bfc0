# Functions shared by run.sh and pairs.sh: TAP, databases, comparisons. To be sourced by bash, after
# lib.sh. `source_port` and `target_port` are those of the servers.

here=$repo_root/test/fidelity
tests=0
failures=0

# --- TAP

# result STATUS DESCRIPTION [FILE]: one test; FILE explains a failure.
result() {
    tests=$((tests + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tests - $2"
    else
        echo "not ok $tests - $2"
        failures=$((failures + 1))
        [ -z "${3:-}" ] || head -n "${FIDELITY_LINES:-60}" "$3" | cut -c 1-300 | sed 's/^/#   /'
    fi
}

skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# --- Databases. Their names may be anything.

# conninfo PORT DATABASE: how tools and psql reach it.
conninfo() {
    local name=${2//\\/\\\\}
    echo "host=$work_dir port=$1 user=postgres dbname='${name//\'/\\\'}'"
}

# The same by TCP, as a target names its source.
source_of() {
    local name=${2//\\/\\\\}
    echo "host=127.0.0.1 port=$1 user=postgres dbname='${name//\'/\\\'}'"
}

run_sql() {
    local port=$1 database=$2
    shift 2
    psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1 -d "$(conninfo "$port" "$database")" "$@"
}

# fill NAME FILE: a database of the source.
fill() {
    run_sql "$source_port" postgres -c "create database $1 template template0" &&
        run_sql "$source_port" "$1" -f "$2" >/dev/null
}

# create_like PORT DATABASE NAME: the database NAME on the target, as the source's, and empty.
create_like() {
    run_sql "$1" "$2" <<'SQL' >"$work_dir/create.sql" &&
select format('encoding %L lc_collate %L lc_ctype %L', pg_encoding_to_char(encoding), datcollate, datctype)
from pg_database where datname = current_database();
SQL
        run_sql "$target_port" postgres -v name="$3" >/dev/null <<SQL
select format('create database %I template template0 %s', :'name', \$_\$$(cat "$work_dir/create.sql")\$_\$) \\gexec
SQL
}

# pgclone DATABASE CALL SOURCE: runs it in a database of the target; `:'source'` is the source.
pgclone() {
    run_sql "$target_port" "$1" -c 'create extension if not exists pgclone' -v source="$3" -f - <<SQL
set client_min_messages = warning;
set statement_timeout = '240s';
select $2;
SQL
}

# timed COMMAND...: sets `seconds`.
timed() {
    local start=$EPOCHREALTIME status
    "$@"
    status=$?
    seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    return $status
}

# compare TITLE SOURCE TARGET [OPTION...]: both comparisons; options that begin with data: are for
# compare_data.pl, with schema: for compare_schema.pl.
compare() {
    local title=$1 source=$2 target=$3 option tool
    shift 3
    for tool in schema data; do
        local arguments=()
        for option in "$@"; do
            case $option in
            schema:* | data:*) [ "${option%%:*}" != $tool ] || arguments+=("${option#*:}") ;;
            *) arguments+=("$option") ;;
            esac
        done
        "$here/compare_$tool.pl" ${arguments[@]+"${arguments[@]}"} "$source" "$target" \
            >"$work_dir/compare" 2>&1
        result $? "$title: equal $tool" "$work_dir/compare"
        echo "# $title: $(tail -n 1 "$work_dir/compare")"
    done
}
