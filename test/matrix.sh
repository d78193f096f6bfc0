#!/bin/bash
# Runs the tests on other majors of PostgreSQL: test/matrix.sh [MAJOR...]
#
#   test/matrix.sh                    15, 17, 18 and 19
#   test/matrix.sh 17 18              two of them
#   SUITES="pgtap faults=kills" test/matrix.sh 18
#
# As root, on Debian 12. The machine's own major is tested where we are; of each other one a folder
# with the Debian release that has it is made once (debootstrap), which takes some minutes and 1.5 GB
# each. There the extension is built by that release's compiler with its Boost, warnings being
# errors, and all suites of test/all.sh run but lint, analysis, fuzz, docs and compose, which do not depend on
# the server. Nothing else of the machine is touched: the folders have mounts, processes and a network of
# their own while tests run, and all of these go with them.
#
#   PGCLONE_MATRIX_DIR=/path   where the folders are kept, by default /var/cache/pgclone-matrix
#   SUITES="..."               what to run, as test/all.sh takes it
#
# The last line is the result of all together, as test/all.sh's.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/roots.sh"
cd "$repo_root" || exit 1

suites=${SUITES:-unit boundary pgtap faults fidelity bench}
log_dir=$matrix_dir/logs
passed=0
failed=0

# test_major MAJOR: sets `result`.
test_major() {
    local major=$1 log=$log_dir/$1.log root
    if [ "$major" = "$host_major" ]; then
        # shellcheck disable=SC2086
        PG_MAJOR=$major bash test/all.sh $suites >"$log" 2>&1
        return
    fi
    prepare_root "$major" >"$log" 2>&1 || return
    isolation=--net in_root "SKIP_INSTALL=1 bash test/all.sh $suites" >>"$log" 2>&1
}

install_root_tools
mkdir -p "$log_dir"
[ $# -gt 0 ] || set -- 15 17 18 19
for major in "$@"; do
    [ "$major" = $host_major ] || release_of "$major" >/dev/null
done

for major in "$@"; do
    start=$SECONDS
    test_major "$major"
    log=$log_dir/$major.log
    result=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$')
    printf '\n=== PostgreSQL %s: %s, %d min\n' "$major" "${result:-could not be tested}" \
        $(((SECONDS - start + 59) / 60))
    sed -n '/^# PostgreSQL/p' "$log"
    # What was not run says why.
    grep -hE '# SKIP|: skipped|^skipped' "$log" | sort -u
    if [ -z "$result" ]; then
        failed=$((failed + 1))
        tail -n 40 "$log"
    else
        read -r good _ bad _ <<<"${result//,/}"
        passed=$((passed + good))
        failed=$((failed + bad))
        [ "$bad" -eq 0 ] || sed -n '/^failed:/,$p' "$log"
    fi
    echo "all of it: $log"
done
printf '\n%d passed, %d failed\n' $passed $failed
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
