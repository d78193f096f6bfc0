#!/bin/bash
# Runs the SQL examples of the documentation: test/docs/run.sh [NAME...]
#
#   test/docs/run.sh                all documents
#   test/docs/run.sh README usage   two of them
#
# Starts a source with the database of test/demo/shop.sql, made smaller, and a target; blocks.pl does
# the rest, and its first lines describe what documents may take for granted. Prints TAP.
# Environment: as for test/all.sh (test/lib.sh); the extension must be installed.
set -u
. "$(dirname "$0")/../lib.sh"
cd "$repo_root" || exit 1

make_work_dir
find_port source_port
find_port target_port
# The source asks the role that clones log in as for a password, as pgclone wants it to.
hba_lines='host all reader 127.0.0.1/32 scram-sha-256' start_server source "$source_port" \
    'wal_level = logical' 'fsync = off' >&2 || exit 1
start_server target "$target_port" "shared_preload_libraries = 'pgclone'" \
    'max_worker_processes = 16' 'wal_level = logical' 'fsync = off' >&2 || exit 1

psql_at "$source_port" postgres -c 'create database shop' || exit 1
sed 's/generate_series(1, 100000)/generate_series(1, 2000)/; s/generate_series(1, 300000)/generate_series(1, 5000)/' \
    test/demo/shop.sql >"$work_dir/shop.sql"
psql_at "$source_port" shop -f "$work_dir/shop.sql" || exit 1

SOURCE_PORT=$source_port TARGET_PORT=$target_port WORK_DIR=$work_dir perl test/docs/blocks.pl "$@"
