#!/bin/bash
# Clones whole databases and compares: test/fidelity/run.sh [NAME...]
#
#   regression                       what PostgreSQL's own regression tests leave behind
#   zoo                              the objects of pg_dump's own test
#   billing content geodata          databases/*.sql, like those of applications
#   identifiers                      names of every byte
#   schema                           the schema of billing, under another name
#   create                           pgclone_database_create, into a database that is not there yet
#   tools                            do the comparison tools find what differs?
#
# Prints TAP. Uses the extension that is installed. FIDELITY_BY=pg_dump clones with pg_dump | psql
# instead: what the oracle itself reaches. KEEP=1 keeps the servers' folder, as in all.sh.
set -u
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/common.sh"
all_names=(tools regression zoo billing content geodata identifiers schema create)
names=("$@")
[ $# -gt 0 ] || names=("${all_names[@]}")

# --- Clones

# clone_by_... PORT SOURCE TARGET
clone_by_pg_dump() {
    pg_dump -d "$(conninfo "$1" "$2")" |
        psql -X -q -d "$(conninfo "$target_port" "$3")" >/dev/null
}

clone_by_pgclone() {
    pgclone "$3" "pgclone_database(:'source', options => '{}')" "$(source_of "$1" "$2")"
}

# check_clone TITLE PORT DATABASE [OPTION...]: clones a whole database into one of the same name.
check_clone() {
    local title=$1 port=$2 database=$3
    shift 3
    if ! create_like "$port" "$database" "$database" >"$work_dir/clone" 2>&1; then
        result 1 "$title: an empty database" "$work_dir/clone"
        return
    fi
    timed "clone_by_$way" "$port" "$database" "$database" >"$work_dir/clone" 2>&1
    result $? "$title: cloned" "$work_dir/clone"
    echo "# $title: cloned in $seconds s"
    compare "$title" "$(conninfo "$port" "$database")" "$(conninfo "$target_port" "$database")" "$@"
}

# Roles of a source, on the target. Those that are there already stay, without a word.
copy_roles() {
    pg_dumpall -r -d "$(conninfo "$1" postgres)" |
        psql -X -q -d "$(conninfo "$target_port" postgres)" >/dev/null 2>&1
}

# --- What is compared

check_regression() {
    local data port reason=$work_dir/regression.reason
    data=$("$here/regression_database.sh" 2>"$reason")
    case $? in
    0) ;;
    77) skip "regression database" "$(tail -n 1 "$reason")" && return ;;
    *) result 1 "regression database" "$reason" && return ;;
    esac
    cp -a "$data" "$work_dir/regression" && find_port port &&
        as_server_user tee -a "$work_dir/regression/postgresql.conf" >/dev/null <<CONFIGURATION
port = $port
unix_socket_directories = '$work_dir'
fsync = off
CONFIGURATION
    as_server_user pg_ctl -D "$work_dir/regression" -l "$work_dir/regression.log" -w -t 60 -s start
    result $? "regression: server" "$work_dir/regression.log" || return
    copy_roles "$port"
    check_clone regression "$port" regression
    stop_server regression
}

check_zoo() {
    local sources database file=$work_dir/zoo.sql reason=$work_dir/zoo.reason
    sources=$("$here/postgres_tests.sh" 2>"$reason")
    case $? in
    0) ;;
    77) skip "object zoo" "$(tail -n 1 "$reason")" && return ;;
    *) result 1 "object zoo" "$reason" && return ;;
    esac
    # The first database makes roles that the others need.
    for database in $(perl "$here/object_zoo.pl" "$sources/src/bin/pg_dump/t/002_pg_dump.pl"); do
        perl "$here/object_zoo.pl" "$sources/src/bin/pg_dump/t/002_pg_dump.pl" "$database" >"$file"
        # Not into `postgres`: a target has one already.
        fill "zoo_$database" "$file" >"$work_dir/zoo.log" 2>&1
        result $? "zoo: $database can be made" "$work_dir/zoo.log" || continue
        copy_roles "$source_port"
        # One materialized view counts the rows of pg_class.
        check_clone "zoo: $database" "$source_port" "zoo_$database" \
            data:--except 'data:^dump_test\.regress_pg_dump_matview_am'
    done
}

check_application() {
    fill_application "$1" || return
    check_clone "$1" "$source_port" "$1"
}

check_billing() { check_application billing; }
check_content() { check_application content; }
check_geodata() { check_application geodata; }

# Fills billing, content or geodata once.
fill_application() {
    [ ! -f "$work_dir/filled.$1" ] || return 0
    fill "$1" "$here/databases/$1.sql" >"$work_dir/fill.log" 2>&1
    result $? "$1 can be made" "$work_dir/fill.log" || return
    copy_roles "$source_port"
    touch "$work_dir/filled.$1"
}

# Three databases, so that their names have every byte, too.
check_identifiers() {
    local part name first=
    for part in '1, 42' '43, 84' '85, 127'; do
        name=$(run_sql "$source_port" postgres -c "select string_agg(chr(b), '' order by b)
            from generate_series($part) b
            where b not in (10, 13) or current_setting('server_version_num')::int < 190000; select ''")
        # The shell cuts newlines from the end; the name has one within.
        name=${name%$'\n'}
        run_sql "$source_port" postgres -v name="$name" -v like="${first:-template0}" >"$work_dir/fill.log" 2>&1 \
            <<<"create database :\"name\" template :\"like\";"
        if [ -z "$first" ]; then
            first=$name
            run_sql "$source_port" "$name" -f "$here/databases/identifiers.sql" >>"$work_dir/fill.log" 2>&1
        fi
        result $? "identifiers can be made (bytes $part)" "$work_dir/fill.log" || continue
        copy_roles "$source_port"
        check_clone "identifiers (bytes $part)" "$source_port" "$name"
    done
}

check_schema() {
    [ $way = pgclone ] || return
    fill_application billing || return
    run_sql "$target_port" postgres -c 'create database schemas template template0'
    pgclone schemas "pgclone_schema(:'source', 'billing', options => '{\"target_schema\": \"copy\"}')" \
        "$(source_of "$source_port" billing)" >"$work_dir/clone" 2>&1
    result $? "schema: cloned into another name" "$work_dir/clone"
    compare schema "$(conninfo "$source_port" billing)" "$(conninfo "$target_port" schemas)" \
        --schema billing --rename copy
}

# A database with properties of its own, of another locale and encoding than the target's.
check_create() {
    [ $way = pgclone ] || return
    local name='created "here"'
    run_sql "$source_port" postgres >"$work_dir/fill.log" 2>&1 <<SQL &&
create role create_owner;
create database create_source template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'
    owner create_owner connection limit 20;
alter database create_source set work_mem = '5MB';
alter database create_source set search_path = geo, "\$user", 'x y';
alter role create_owner in database create_source set datestyle = 'German, DMY';
comment on database create_source is 'It''s made';
revoke all on database create_source from public;
grant connect, temporary on database create_source to create_owner with grant option;
SQL
        run_sql "$source_port" create_source -f "$here/databases/geodata.sql" >>"$work_dir/fill.log" 2>&1
    result $? "create: the source can be made" "$work_dir/fill.log" || return
    copy_roles "$source_port"
    run_sql "$target_port" postgres -v name="$name" -c 'create extension if not exists pgclone' \
        -v source="$(source_of "$source_port" create_source)" -f - >"$work_dir/clone" 2>&1 <<'SQL'
set statement_timeout = '240s';
select pgclone_database_create(:'source', :'name');
SQL
    result $? "create: cloned" "$work_dir/clone"
    compare create "$(conninfo "$source_port" create_source)" "$(conninfo "$target_port" "$name")" \
        schema:--create
    [ "$(run_sql "$target_port" "$name" -c "select count(*) from pg_extension where extname = 'pgclone'")" = 0 ]
    result $? "create: extension pgclone is not left there"
}

# --- The tools themselves: a clone by pg_dump is equal, and what is changed in it is found.

# finds TOOL PATTERN: a line of the tool's last output matches.
finds() {
    grep -qE "$2" "$work_dir/found.$1"
    result $? "tools: compare_$1 finds ${2#^}" "$work_dir/found.$1"
}

check_tools() {
    local source target database
    fill_application billing || return
    create_like "$source_port" billing changed &&
        clone_by_pg_dump "$source_port" billing changed >"$work_dir/clone" 2>&1
    result $? "tools: cloned by pg_dump" "$work_dir/clone" || return
    source=$(conninfo "$source_port" billing)
    target=$(conninfo "$target_port" changed)
    compare "tools, by pg_dump" "$source" "$target"
    run_sql "$source_port" billing -c "select lo_from_bytea(9, 'one'), lo_from_bytea(10, 'one'),
        lo_create(12)" >/dev/null
    run_sql "$target_port" changed >"$work_dir/change" 2>&1 <<'SQL'
set search_path = billing;
select lo_from_bytea(9, 'two'), lo_from_bytea(10, 'one'), lo_create(11);
grant select on large object 10 to public;
-- A row is another; one is there twice and another is gone; two have changed places; one is more.
update users set full_name = 'Eve' where tenant_id = 100 and user_id = 1;
alter table audit_log disable rule no_delete;
delete from audit_log where audit_id = 1;
alter table audit_log enable rule no_delete;
insert into audit_log overriding system value select * from audit_log where audit_id = 2;
update currencies c set title = v.title from (values ('EUR', 'US Dollar'), ('USD', 'Euro')) v (currency, title)
where c.currency = v.currency;
delete from usage_daily where ctid = (select min(ctid) from usage_daily_us_2) and tableoid = 'usage_daily_us_2'::regclass;
alter table user_groups drop column name, add column name text not null default '';
select setval('invoice_numbers', 5000, true), setval('ledger_entries_entry_id_seq', 4999);
alter sequence coupons_coupon_id_seq cache 2;
refresh materialized view revenue_by_month with no data;
comment on table tenants is null;
comment on column tenants.slug is 'in URLs';
alter table plans owner to billing_app;
drop index invoices_open;
create index another on invoices (due_on);
alter table invoices enable trigger emptied;
revoke grant option for select on customers from billing_app cascade;
alter domain positive_amount validate constraint is_positive;
create or replace function touch() returns trigger language plpgsql as 'begin return null; end';
alter type invoice_status add value 'lost';
alter view open_invoices reset (security_barrier);
alter policy not_hidden on ledger_entries using (true);
alter table ledger_entries no force row level security;
alter statistics customers_kinds set statistics 5;
alter table usage_daily detach partition usage_daily_eu;
alter default privileges for role billing_app in schema billing revoke usage on types from billing_reader;
alter table exchange_rates set (fillfactor = 50);
alter sequence invoice_numbers owned by none;
SQL
    result $? "tools: the clone can be changed" "$work_dir/change" || return
    "$here/compare_schema.pl" --diffs 0 "$source" "$target" >"$work_dir/found.schema" 2>&1
    result $((! $?)) "tools: compare_schema says no"
    "$here/compare_data.pl" "$source" "$target" >"$work_dir/found.data" 2>&1
    result $((! $?)) "tools: compare_data says no"
    local line
    for line in 'table billing.users' 'table billing.audit_log' 'table billing.currencies' \
        'table billing.usage_daily_us_2' 'table billing.user_groups' 'table billing.revenue_by_month' \
        'sequence billing.invoice_numbers' 'sequence billing.ledger_entries_entry_id_seq' \
        'sequence billing.coupons_coupon_id_seq' 'blob 9' 'blob 10'; do
        finds data "different: $line"
    done
    finds data 'missing: blob 12'
    finds data 'extra: blob 11'
    for line in 'COMMENT billing COLUMN tenants.slug' 'TABLE billing plans' 'TRIGGER billing invoices emptied' \
        'ACL billing TABLE customers' 'FUNCTION billing touch\(\)' 'TYPE billing invoice_status' \
        'VIEW billing open_invoices' 'POLICY billing ledger_entries not_hidden' 'STATISTICS billing customers_kinds' \
        'TABLE billing exchange_rates' 'TABLE billing user_groups' 'SEQUENCE billing coupons_coupon_id_seq'; do
        finds schema "different: $line"
    done
    for line in 'COMMENT billing TABLE tenants' 'INDEX billing invoices_open' 'TABLE ATTACH billing usage_daily_eu' \
        'CHECK CONSTRAINT billing positive_amount is_positive' \
        'SEQUENCE OWNED BY billing invoice_numbers'; do
        finds schema "missing: $line"
    done
    finds schema 'extra: INDEX billing another'
    run_sql "$source_port" billing -c 'select lo_unlink(l) from unnest(array[9, 10, 12]) l' >/dev/null
}

# finds TOOL PATTERN: a line of the tool's output begins with it.
finds() {
    grep -qE "^$2" "$work_dir/found.$1"
    result $? "tools: compare_$1 finds $2" "$work_dir/found.$1"
}

# --- Main

for name in "${names[@]}"; do
    [[ " ${all_names[*]} " == *" $name "* ]] || die "unknown name \"$name\" (there are: ${all_names[*]})"
done
case ${FIDELITY_BY:-pgclone} in
pgclone | pg_dump) way=${FIDELITY_BY:-pgclone} ;;
*) die "FIDELITY_BY must be pgclone or pg_dump" ;;
esac
make_work_dir
find_port source_port
find_port target_port
settings=('fsync = off' 'wal_level = logical' 'max_wal_size = 4GB' 'allow_in_place_tablespaces = on'
    'max_locks_per_transaction = 256')
start_server source "$source_port" "${settings[@]}" || exit 1
[ $way = pg_dump ] || settings+=("shared_preload_libraries = 'pgclone'" 'max_worker_processes = 16')
start_server target "$target_port" "${settings[@]}" || exit 1
for name in "${names[@]}"; do
    start=$SECONDS
    "check_$name"
    echo "# $name: $((SECONDS - start)) s in all"
done
for name in source target; do
    ! grep -qE 'terminated by signal|PANIC:|TRAP:' "$work_dir/$name.log"
    result $? "the $name server did not crash" "$work_dir/$name.log"
done
echo "1..$tests"
stop_all
[ "$failures" -eq 0 ]
