#!/bin/bash
# Runs all tests: test/all.sh [SUITE[=NAME,NAME...]...]
#
#   test/all.sh                            everything but sanitize and packaging
#   test/all.sh unit pgtap                 two suites
#   test/all.sh pgtap=submit,cancel        two files of a suite
#
# On a fresh Debian 12, as root, it installs what it needs. The last line is the result,
# `N passed, M failed`; the exit status is 0 only if something was run and nothing failed.
# SKIP_INSTALL=1 tests what is installed. test/README.md describes the suites.
set -u
. "$(dirname "$0")/lib.sh"
cd "$repo_root" || exit 1

suites=(lint analysis unit fuzz boundary pgtap compose faults fidelity docs sanitize packaging bench)
# What takes long and says little that is new is run when asked for.
only_when_asked=(sanitize packaging)
declare -A chosen=()
passed=0
failed=0
failures=()

# --- Counting

start_section() {
    section_start=$SECONDS
    section=$1
    printf '\n=== %s\n' "$section"
}

end_section() {
    printf -- '--- %s: %d s\n' "$section" $((SECONDS - section_start))
}

add_passed() {
    passed=$((passed + $1))
}

add_failure() {
    failed=$((failed + 1))
    failures+=("$1")
}

# count_tap NAME STATUS FILE [ERRORS]: counts the tests of FILE, the TAP output of a program that
# ended with STATUS. A missing or unfulfilled plan and a bad exit are failures, too.
count_tap() {
    local name=$1 status=$2 file=$3 errors=${4:-/dev/null}
    local ok not_ok planned reason=
    ok=$(grep -cE '^(ok|not ok .*# (TODO|todo))' "$file")
    not_ok=$(grep -E '^not ok' "$file" | grep -cviE '# todo')
    planned=$(grep -oE '^1\.\.[0-9]+' "$file" | tail -n 1 | cut -c 4-)
    if [ -z "$planned" ]; then
        reason="no plan, exit status $status"
    elif [ "$planned" -eq 0 ] && grep -qiE '^1\.\.0 *# *skip' "$file"; then
        echo "    $name: skipped"
        return
    elif [ "$planned" -ne $((ok + not_ok)) ]; then
        reason="planned $planned tests, ran $((ok + not_ok))"
    elif [ "$status" -ne 0 ] && [ "$not_ok" -eq 0 ]; then
        reason="exit status $status"
    fi
    add_passed "$ok"
    failed=$((failed + not_ok))
    if [ "$not_ok" -gt 0 ]; then
        failures+=("$name: $not_ok of $planned tests")
    fi
    [ -z "$reason" ] || add_failure "$name: $reason"
    if [ "$not_ok" -gt 0 ] || [ -n "$reason" ]; then
        echo "not ok $name ($ok passed, $not_ok failed${reason:+, $reason})"
        grep -vE '^(ok|1\.\.)' "$file" | sed 's/^/    /' | head -n 60
        if [ -s "$errors" ]; then
            echo "    --- standard error:"
            tail -n 40 "$errors" | sed 's/^/    /'
        fi
    else
        echo "ok $name ($ok tests)"
    fi
}

# A server that crashed and recovered may have passed every test.
check_log() {
    local log=$work_dir/$1.log
    if grep -qE 'terminated by signal|PANIC:|TRAP:|was not properly shut down' "$log"; then
        add_failure "$1 server: crashed"
        grep -nE 'terminated by signal|PANIC:|TRAP:' "$log" | head -n 5 | sed 's/^/    /'
    else
        add_passed 1
        echo "ok $1 server did not crash"
    fi
}

await_server() {
    local deadline=$((SECONDS + 10))
    while [ $SECONDS -lt $deadline ]; do
        pg_isready -q -h "$work_dir" -p "$1" && return
        sleep 0.1
    done
}

# wanted SUITE NAME: is this file among those that were asked for?
wanted() {
    local names=${chosen[$1]:-}
    [ -z "$names" ] || [[ ",$names," == *",$2,"* ]]
}

# --- Suites

run_lint() {
    test/lint.sh >"$work_dir/lint.tap"
    count_tap lint $? "$work_dir/lint.tap"
}

# What is not installed is skipped, and says so.
run_analysis() {
    PG_CONFIG=$PG_CONFIG timeout 900 tools/analyze.sh >"$work_dir/analysis.tap" \
        2>"$work_dir/analysis.err"
    count_tap analysis $? "$work_dir/analysis.tap" "$work_dir/analysis.err"
    grep -E '^# by themselves|^ok .* # SKIP ' "$work_dir/analysis.tap" || true
}

run_unit() {
    local program name output=$work_dir/unit.out totals
    if ! build -k WERROR=1 unit_programs >"$output" 2>&1; then
        grep -vE '^(CXX|make)' "$output" | head -n 60
        add_failure "unit tests: do not build"
    fi
    for program in "build/${UNIT_VARIANT:-sanitize}"/*_test; do
        name=$(basename "$program" _test)
        # A program whose source is gone is left over from another build.
        [ -x "$program" ] && [ -f "test/unit/${name}_test.cpp" ] && wanted unit "$name" || continue
        timeout 900 "$program" --no-colors=true >"$output" 2>&1
        local status=$?
        totals=$(grep -oE 'test cases: .*' "$output" | grep -oE '[0-9]+ (passed|failed)')
        local ok not_ok
        ok=$(grep -oE '[0-9]+ passed' <<<"$totals" | grep -oE '[0-9]+')
        not_ok=$(grep -oE '[0-9]+ failed' <<<"$totals" | grep -oE '[0-9]+')
        add_passed "${ok:-0}"
        if [ "${not_ok:-0}" -gt 0 ]; then
            failed=$((failed + not_ok))
            failures+=("unit/$name: $not_ok test cases")
        elif [ $status -ne 0 ] || [ "${ok:-0}" -eq 0 ]; then
            add_failure "unit/$name: exit status $status"
        fi
        if [ $status -ne 0 ] || [ "${not_ok:-0}" -gt 0 ]; then
            echo "not ok unit/$name"
            head -n 80 "$output" | sed 's/^/    /'
        else
            echo "ok unit/$name (${ok:-0} test cases)"
        fi
    done
}

# Some seconds of each fuzz target; `make fuzz FUZZ_SECONDS=600` is a long run.
run_fuzz() {
    local log=$work_dir/fuzz-build.log
    if ! command -v clang++ >/dev/null; then
        echo "skipped: there is no clang++"
        return
    fi
    if ! build fuzz_programs >"$log" 2>&1; then
        grep -vE '^(CXX|make)' "$log" | head -n 60
        add_failure "fuzz targets: do not build"
        return
    fi
    tools/run_fuzz.sh "${FUZZ_SECONDS:-5}" build/fuzz/*_fuzz >"$work_dir/fuzz.tap"
    count_tap fuzz $? "$work_dir/fuzz.tap"
    grep '^# FUZZ_SEED' "$work_dir/fuzz.tap"
}

run_boundary() {
    local port log=$work_dir/boundary-build.log
    if ! make -C test/boundary --no-print-directory PG_CONFIG="$PG_CONFIG" WERROR=1 \
        >"$log" 2>&1; then
        cat "$log"
        add_failure "boundary: does not build"
        return
    fi
    cp test/boundary/pgclone_boundary_test.so "$work_dir/"
    chmod 755 "$work_dir/pgclone_boundary_test.so"
    find_port port
    start_server boundary "$port" || { add_failure "boundary: no server"; return; }
    psql_at "$port" postgres -c 'create extension pgtap' -c 'create extension dblink'
    timeout 300 psql -X "host=$work_dir port=$port dbname=postgres user=postgres" \
        -v module="$work_dir/pgclone_boundary_test.so" \
        -v conninfo="host=$work_dir port=$port dbname=postgres user=postgres" \
        -f test/boundary/boundary_test.sql \
        >"$work_dir/boundary.tap" 2>"$work_dir/boundary.err"
    count_tap boundary $? "$work_dir/boundary.tap" "$work_dir/boundary.err"
    check_log boundary
    stop_server boundary
}

run_pgtap() {
    local file name source_port target_port status
    find_port source_port
    find_port target_port
    # Roles that a test makes members of these meet an authentication that is not trust.
    hba_lines='host all +password_login 127.0.0.1/32 scram-sha-256' \
        start_server source "$source_port" || { add_failure "pgtap: no source"; return; }
    hba_lines='local all +no_login reject
host all +no_login 127.0.0.1/32 reject' \
        start_server target "$target_port" "shared_preload_libraries = 'pgclone'" \
        'max_worker_processes = 16' 'pgclone.max_jobs = 128' ||
        { add_failure "pgtap: no target"; return; }
    psql_at "$source_port" postgres -c 'create role password_login'
    psql_at "$target_port" postgres -c 'create role no_login'

    for file in test/pgtap/*.sql; do
        name=$(basename "$file" .sql)
        [[ -f $file && $name != *.source ]] && wanted pgtap "$name" || continue
        local tap=$work_dir/pgtap-$name.tap errors=$work_dir/pgtap-$name.err
        # A crash in one file is not to fail the others, too.
        await_server "$target_port"
        {
            psql_at "$source_port" postgres -c "create database \"source_$name\"" &&
                psql_at "$target_port" postgres -c "create database \"target_$name\"" &&
                psql_at "$target_port" "target_$name" -c 'create extension pgtap' \
                    -c 'create extension pgclone' &&
                { [ ! -f "test/pgtap/$name.source.sql" ] ||
                    psql_at "$source_port" "source_$name" -f "test/pgtap/$name.source.sql"; }
        } >"$tap" 2>"$errors"
        status=$?
        if [ $status -eq 0 ]; then
            PGOPTIONS='-c client_min_messages=warning' timeout 300 psql -X -q -A -t -P pager=off \
                "host=$work_dir port=$target_port dbname=target_$name user=postgres" \
                -v source="$(source_conninfo "$source_port" "source_$name")" \
                -v source_host=127.0.0.1 -v source_port="$source_port" \
                -v source_database="source_$name" \
                -v target="host=$work_dir port=$target_port dbname=target_$name user=postgres" \
                -f "$file" >"$tap" 2>"$errors"
            status=$?
        fi
        count_tap "pgtap/$name" $status "$tap" "$errors"
    done
    check_log target
    check_log source
    stop_server target
    stop_server source
}

# compose/ and what watches a job, without a container engine.
run_compose() {
    TEST_PORT=$TEST_PORT timeout 300 test/compose.sh >"$work_dir/compose.tap" 2>"$work_dir/compose.err"
    count_tap compose $? "$work_dir/compose.tap" "$work_dir/compose.err"
    grep -E '^ok .* # SKIP ' "$work_dir/compose.tap" || true
}

# The archive for PGXN, and the Debian package from it, in clean Debians of its own.
run_packaging() {
    timeout 3600 test/packaging.sh >"$work_dir/packaging.tap" 2>"$work_dir/packaging.err"
    count_tap packaging $? "$work_dir/packaging.tap" "$work_dir/packaging.err"
    grep '^# ' "$work_dir/packaging.tap" || true
}

# PostgreSQL's own test framework (PostgreSQL::Test::Cluster): each file makes its servers. Two files
# at a time, since they mostly wait; FAULTS_AT_ONCE says otherwise.
run_faults() {
    local file name pgxs tap
    local names=() waiting=()
    pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
    # The servers' user may have no right to read the checkout, below /root for example.
    cp -r test/faults "$work_dir/faults-scripts" && chmod -R a+rX "$work_dir/faults-scripts"
    for file in test/faults/*.pl; do
        name=$(basename "$file" .pl)
        [ -f "$file" ] && wanted faults "$name" || continue
        as_server_user mkdir -p "$work_dir/faults/$name" "$work_dir/faults/ports"
        run_fault_file "$name" &
        names+=("$name")
        [ ${#names[@]} -lt "${FAULTS_AT_ONCE:-2}" ] || count_fault_files
    done
    while [ ${#names[@]} -gt 0 ]; do
        count_fault_files
    done
}

# Its exit status comes last, and says that it has ended.
run_fault_file() {
    local name=$1
    local tap=$work_dir/faults-$name.tap
    (
        # The framework writes into the current folder, and needs one that it may read.
        cd "$work_dir/faults/$name" &&
            as_server_user env PATH="$PATH" PERL5LIB="$pgxs/src/test/perl:$work_dir/faults-scripts" \
                TESTDIR="$work_dir/faults/$name" TESTDATADIR="$work_dir/faults/$name/data" \
                TESTLOGDIR="$work_dir/faults/$name/log" PG_TEST_TIMEOUT_DEFAULT=60 \
                PG_TEST_PORT_DIR="$work_dir/faults/ports" top_builddir="$work_dir/faults" \
                PG_REGRESS="$pgxs/src/test/regress/pg_regress" PG_CONFIG="$PG_CONFIG" \
                timeout "${FAULTS_TIMEOUT:-420}" perl "$work_dir/faults-scripts/$name.pl"
    ) >"$tap" 2>"$work_dir/faults-$name.err"
    echo $? >"$tap.status"
}

# What a script dies of is in the framework's own log: it has redirected standard error there.
explain_death() {
    grep -qE '^1\.\.[0-9]+' "$2" ||
        find "$work_dir/faults/$1" -name "regress_log_$1" -exec tail -n 25 {} + >>"$work_dir/faults-$1.err"
}

# Waits until one of `names` has ended, and takes those that have out of it.
count_fault_files() {
    wait -n
    waiting=()
    for name in "${names[@]}"; do
        tap=$work_dir/faults-$name.tap
        if [ -s "$tap.status" ]; then
            explain_death "$name" "$tap"
            count_tap "faults/$name" "$(cat "$tap.status")" "$tap" "$work_dir/faults-$name.err"
        else
            waiting+=("$name")
        fi
    done
    names=("${waiting[@]}")
}

# Whole databases, cloned and compared. What can't be had, PostgreSQL's own tests for example, is
# skipped, and says why.
run_fidelity() {
    # shellcheck disable=SC2086
    timeout 900 test/fidelity/run.sh ${chosen[fidelity]//,/ } \
        >"$work_dir/fidelity.tap" 2>"$work_dir/fidelity.err"
    count_tap fidelity $? "$work_dir/fidelity.tap" "$work_dir/fidelity.err"
    grep -E '^# |^ok .* # SKIP ' "$work_dir/fidelity.tap" | grep -v '^#  ' || true
}

# The SQL examples of the documentation.
run_docs() {
    # shellcheck disable=SC2086
    PG_CONFIG=$PG_CONFIG TEST_PORT=$TEST_PORT timeout 600 test/docs/run.sh ${chosen[docs]//,/ } \
        >"$work_dir/docs.tap" 2>"$work_dir/docs.err"
    count_tap docs $? "$work_dir/docs.tap" "$work_dir/docs.err"
    grep -E '^ok .* # (SKIP|skip) ' "$work_dir/docs.tap" || true
}

# A few tests with AddressSanitizer and UBSan in the servers, too (unit tests always have them);
# test/instrumented.sh runs others.
run_sanitize() {
    local output=$work_dir/sanitize.out
    if [ -n "${UNIT_VARIANT:-}" ]; then
        echo "skipped: this is an instrumented run"
        return
    fi
    TEST_PORT=$TEST_PORT timeout 600 test/instrumented.sh sanitize pgtap=table_clone,cancel faults=sync \
        >"$output" 2>&1
    local status=$? passed_there
    passed_there=$(sed -nE 's/^([0-9]+) passed, [0-9]+ failed$/\1/p' "$output")
    add_passed "${passed_there:-0}"
    if [ $status -ne 0 ] || [ -z "$passed_there" ]; then
        add_failure "sanitize: exit status $status"
        tail -n 80 "$output" | sed 's/^/    /'
    else
        grep '^ok' "$output"
    fi
}

# Benchmarks that have a short form, and print TAP: they fail if a bound is missed by far.
run_bench() {
    local file name
    for file in test/bench/*.sh; do
        name=$(basename "$file" .sh)
        [ -x "$file" ] && wanted bench "$name" || continue
        grep -q BENCH_SHORT "$file" || continue
        BENCH_SHORT=1 timeout 180 "$file" >"$work_dir/bench-$name.tap" 2>"$work_dir/bench-$name.err"
        count_tap "bench/$name" $? "$work_dir/bench-$name.tap" "$work_dir/bench-$name.err"
        grep -E '^# ' "$work_dir/bench-$name.tap" || true
    done
}

# --- Main

for argument in "$@"; do
    suite=${argument%%=*}
    [[ " ${suites[*]} " == *" $suite "* ]] || die "unknown suite \"$suite\" (there are: ${suites[*]})"
    chosen[$suite]=
    [[ $argument != *=* ]] || chosen[$suite]=${argument#*=}
done
[ $# -gt 0 ] || for suite in "${suites[@]}"; do
    [[ " ${only_when_asked[*]} " == *" $suite "* ]] || chosen[$suite]=
done

finish() {
    printf '\n'
    if [ ${#failures[@]} -gt 0 ]; then
        echo "failed:"
        printf '    %s\n' "${failures[@]}"
    fi
    echo "$SECONDS s"
    # Stopping the servers may say something, and the result is the last line.
    stop_all
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

if [ "${SKIP_INSTALL:-}" != 1 ]; then
    start_section "packages"
    log=$(mktemp)
    if ! install_packages tests ${chosen[analysis]+analysis} ${chosen[fuzz]+fuzz} ${chosen[compose]+compose} \
        ${chosen[packaging]+packaging} >"$log" 2>&1; then
        tail -n 40 "$log"
        rm -f "$log"
        add_failure "the packages could not be installed"
        finish
    fi
    rm -f "$log"
    end_section
fi
make_work_dir

if [ "${SKIP_INSTALL:-}" != 1 ]; then
    start_section "build and install"
    if ! build_and_install WERROR=1 >"$work_dir/build.log" 2>&1; then
        grep -vE '^(CXX|make)' "$work_dir/build.log" | cut -c 1-300 | tail -n 80
        add_failure "the extension does not build"
        end_section
        finish
    fi
    end_section
fi

for suite in "${suites[@]}"; do
    [ -n "${chosen[$suite]+set}" ] || continue
    start_section "$suite"
    "run_$suite"
    end_section
done
finish
