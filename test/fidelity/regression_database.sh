#!/bin/bash
# The database `regression` that PostgreSQL's own regression tests leave behind:
# test/fidelity/regression_database.sh
#
# Prints the data folder of a server that was stopped in good order, with that database; copy it,
# and start a server on the copy. It is built once and kept in the cache that postgres_tests.sh
# describes; what the tests said is in the file `summary` beside it. Exit status 77 if the tests
# can't be had here, with the reason on standard error.
set -u
. "$(dirname "$0")/../lib.sh"

build_database() {
    local sources=$1 cache=$2 pgxs port regress
    regress=$sources/src/test/regress
    pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
    make_work_dir

    # Functions of the database point to the library by its path: it has to stay where it is.
    mkdir -p "$work_dir/library" "$cache/lib"
    cp "$regress/regress.c" "$work_dir/library"
    printf 'MODULES = regress\noverride with_llvm = no\nPGXS := %s\ninclude $(PGXS)\n' "$("$PG_CONFIG" --pgxs)" \
        >"$work_dir/library/Makefile"
    make -C "$work_dir/library" PG_CONFIG="$PG_CONFIG" >"$work_dir/library.log" 2>&1 ||
        die "regress.so does not build: $(tail -n 5 "$work_dir/library.log")"
    cp "$work_dir/library/regress.so" "$("$PG_CONFIG" --pkglibdir)"/{refint,autoinc}.so "$cache/lib/"
    chmod -R a+rX "$cache/lib"

    find_port port
    start_server regression "$port" 'fsync = off' 'max_prepared_transactions = 2' \
        'min_wal_size = 32MB' 'max_wal_size = 64MB' 'max_connections = 60' || die "no server"
    as_server_user mkdir "$work_dir/output"
    # Tests fail where the tests' version and the server's are not the same; what they create is
    # there all the same.
    as_server_user "$pgxs/src/test/regress/pg_regress" --host="$work_dir" --port="$port" \
        --user=postgres --bindir="$bin_dir" --dlpath="$cache/lib" --inputdir="$regress" \
        --outputdir="$work_dir/output" --no-locale --encoding=UTF8 --max-concurrent-tests=20 \
        --max-connections=10 --schedule="$regress/parallel_schedule" >"$work_dir/regress.log" 2>&1
    # One materialized view is older than its data, and a clone's would not be.
    psql_at "$port" regression -c 'refresh materialized view public.mvtest_bb' -c 'checkpoint' ||
        die "no regression database: $(tail -n 5 "$work_dir/regress.log")"
    [ "$(psql_at "$port" regression -c "select count(*) > 400 from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace")" = t ] ||
        die "the regression database is not complete: $(tail -n 5 "$work_dir/regress.log")"
    stop_server regression
    {
        echo "tests of postgresql-$PG_MAJOR $(cat "$sources/version") on $("$PG_CONFIG" --version)"
        grep -E '^ *(All )?[0-9]+ .*tests? ' "$work_dir/regress.log"
        grep -E 'FAILED|^not ok' "$work_dir/regress.log"
    } >"$cache/summary"
    rm -rf "$cache/data.new"
    cp -a "$work_dir/regression" "$cache/data.new"
    mv "$cache/data.new" "$cache/data"
}

sources=$("$(dirname "$0")/postgres_tests.sh") || exit
cache=$(dirname "$sources")
exec 9>"$cache/lock"
flock 9
if [ ! -d "$cache/data" ]; then
    (build_database "$sources" "$cache") >&2 || exit 1
fi
echo "$cache/data"
