# Functions shared by all.sh and demo.sh: packages, build, servers. To be sourced by bash.
#
# Environment:
#   PG_MAJOR=15            the server's major version
#   PGTAP_PACKAGE=name     which package has pgTAP; empty: it is there already
#   PG_CONFIG=/path        its pg_config, if it is not Debian's
#   TEST_PORT=25410        ports are searched from here on: below those that systems give to outgoing
#                          connections (from 32768 on), one of which could have it a moment later
#   KEEP=1                 keep the work folder with the servers' data and logs

repo_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PG_MAJOR=${PG_MAJOR:-15}
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}
TEST_PORT=${TEST_PORT:-25410}
# The servers refuse to run as root.
server_user=postgres
work_dir=

# The environment must not redirect psql and friends.
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE PGSERVICEFILE PGPASSFILE PGOPTIONS
unset PGHOSTADDR PGSSLMODE PGAPPNAME PGCLIENTENCODING PGDATA PGTZ PGTARGETSESSIONATTRS
export PSQLRC=/dev/null LC_ALL=C.UTF-8

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# --- Packages

# Debian 12 has 1.81 beside its default, which is too old; later releases have a newer one.
boost_package() {
    if (. /etc/os-release && [ "${VERSION_ID:-}" = 12 ]); then
        echo libboost1.81-dev
    else
        echo libboost-dev
    fi
}

# packages [USE...]: what it takes to build and run, and for each USE.
packages() {
    echo "postgresql-$PG_MAJOR postgresql-server-dev-$PG_MAJOR libpq-dev $(boost_package)"
    echo "g++ make ccache perl"
    local use
    for use in "$@"; do
        case $use in
        tests) echo "${PGTAP_PACKAGE-postgresql-$PG_MAJOR-pgtap} doctest-dev libipc-run-perl bzip2 openssl" ;;
        analysis) echo "clang-tidy cppcheck" ;;
        fuzz) echo "clang libclang-rt-dev" ;;
        compose) echo "python3-yaml" ;;
        packaging) echo "debootstrap unzip git" ;;
        esac
    done
}

missing_packages() {
    local package
    for package in $(packages "$@"); do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            echo "$package"
    done
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# install_packages [USE...]: installs what is missing, by Debian package names. Needs root only if
# something is.
install_packages() {
    command -v dpkg-query >/dev/null || return 0
    local missing
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    [ "$(id -u)" -eq 0 ] || die "these packages are missing (run as root to have them installed):" \
        "$(echo $missing)"
    apt-get update -q
    # Debian makes and starts a cluster when the server is installed. Nobody asked for that one.
    local configuration=/etc/postgresql-common/createcluster.conf
    if [[ " $(echo $missing) " == *" postgresql-$PG_MAJOR "* ]]; then
        apt_install postgresql-common
        cp "$configuration" "$configuration.before-pgclone"
        echo 'create_main_cluster = false' >>"$configuration"
    fi
    local status=0
    # shellcheck disable=SC2086
    apt_install $missing || status=$?
    if [ -f "$configuration.before-pgclone" ]; then
        mv "$configuration.before-pgclone" "$configuration"
    fi
    return $status
}

# --- Build

build() {
    make -C "$repo_root" --no-print-directory -j"$(nproc)" PG_CONFIG="$PG_CONFIG" "$@"
}

build_and_install() {
    build "$@" && build "$@" install
}

# --- Servers. Each has a folder $work_dir/NAME with its data, and its log in $work_dir/NAME.log;
# all sockets are in $work_dir. The superuser is postgres.

# Runs a command as the user of the servers.
as_server_user() {
    if [ "$(id -u)" -eq 0 ]; then
        (
            # Programs complain about a current folder that their user may not enter.
            [[ $PWD == "$work_dir"* ]] || cd "$work_dir" || exit
            exec runuser -u "$server_user" -- env HOME="$work_dir" "$@"
        )
    else
        "$@"
    fi
}

make_work_dir() {
    [ -z "$work_dir" ] || return 0
    bin_dir=$("$PG_CONFIG" --bindir) || die "pg_config not found: $PG_CONFIG"
    PATH=$bin_dir:$PATH
    work_dir=$(mktemp -d "${TMPDIR:-/tmp}/pgclone-test.XXXXXX")
    chmod 755 "$work_dir"
    [ "$(id -u)" -ne 0 ] || chown "$server_user" "$work_dir"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# Tests that run in the background do not hear of Ctrl+C.
stop_background_tests() {
    local file
    [ -n "$(jobs -pr)" ] || return 0
    for file in /proc/[0-9]*/cmdline; do
        if { tr '\0' ' ' <"$file" | grep -q "^perl $work_dir/"; } 2>/dev/null; then
            kill -TERM "${file//[^0-9]/}" 2>/dev/null
        fi
    done
    wait
    find "$work_dir" -name postmaster.pid | while read -r file; do
        as_server_user pg_ctl -D "$(dirname "$file")" -m immediate -w -t 30 -s stop
    done
}

clean_up() {
    local status=$?
    trap - EXIT
    stop_background_tests
    stop_all
    if [ "${KEEP:-}" = 1 ]; then
        echo "kept: $work_dir" >&2
    else
        rm -rf "$work_dir"
    fi
    exit $status
}

# Sets the variable $1 to a port that nobody listens on.
find_port() {
    while (exec 3<>"/dev/tcp/127.0.0.1/$TEST_PORT") 2>/dev/null; do
        TEST_PORT=$((TEST_PORT + 1))
    done
    printf -v "$1" '%s' "$TEST_PORT"
    TEST_PORT=$((TEST_PORT + 1))
}

# start_server NAME PORT [CONFIGURATION LINE...]
# Without a password for local users, unless the caller sets `initdb_options`; lines of
# `hba_lines`, if set, come before the others in pg_hba.conf.
start_server() {
    local name=$1 port=$2
    shift 2
    local data=$work_dir/$name
    if ! as_server_user initdb -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync \
        ${initdb_options:--A trust} >"$work_dir/$name.initdb" 2>&1; then
        cat "$work_dir/$name.initdb" >&2
        return 1
    fi
    as_server_user tee -a "$data/postgresql.conf" >/dev/null <<CONFIGURATION
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$work_dir'
log_line_prefix = '%m [%p] %b %a: '
$(printf '%s\n' "$@")
CONFIGURATION
    if [ -n "${hba_lines:-}" ]; then
        printf '%s\n' "$hba_lines" "$(as_server_user cat "$data/pg_hba.conf")" |
            as_server_user tee "$data/pg_hba.conf.new" >/dev/null
        as_server_user mv "$data/pg_hba.conf.new" "$data/pg_hba.conf"
    fi
    if ! as_server_user pg_ctl -D "$data" -l "$work_dir/$name.log" -w -t 60 -s start; then
        tail -n 20 "$work_dir/$name.log" >&2
        return 1
    fi
}

# Stops a server of ours by its own data folder.
stop_server() {
    local data=$work_dir/$1
    [ -f "$data/postmaster.pid" ] || return 0
    as_server_user pg_ctl -D "$data" -m fast -w -t 30 -s stop ||
        as_server_user pg_ctl -D "$data" -m immediate -w -t 30 -s stop
}

stop_all() {
    local pid_file
    [ -n "$work_dir" ] || return 0
    for pid_file in "$work_dir"/*/postmaster.pid; do
        [ ! -f "$pid_file" ] || stop_server "$(basename "$(dirname "$pid_file")")"
    done
}

# --- Clients

# psql_at PORT DATABASE [ARGUMENT...]: as superuser, through the socket, values only.
psql_at() {
    local port=$1 database=$2
    shift 2
    psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1 \
        "host=$work_dir port=$port dbname=$database user=postgres" "$@"
}

# The connection string by which a target reaches a database of a source.
source_conninfo() {
    echo "host=127.0.0.1 port=$1 dbname=$2 user=postgres"
}
