#!/bin/bash
# Runs tests with an instrumented build of the extension:
#
#   test/instrumented.sh sanitize [SUITE[=NAME,...]...]   AddressSanitizer and UBSan
#   test/instrumented.sh coverage [SUITE[=NAME,...]...]   and which lines of ours were executed
#
# The suites are those of test/all.sh; without any, all that say something about the library. Nothing
# is installed: the server's programs are copied to a temporary folder, with that library among them.
# Of an instrumented server no times are to be believed, and some tests may wait too long for it.
set -u
. "$(dirname "$0")/lib.sh"
cd "$repo_root" || exit 1

variant=${1:-}
case $variant in
sanitize | coverage) shift ;;
*) die "usage: test/instrumented.sh sanitize|coverage [SUITE...]" ;;
esac
[ $# -gt 0 ] || set -- unit pgtap faults fidelity

CXX=${CXX:-g++}
reports=
folder=$(mktemp -d "${TMPDIR:-/tmp}/pgclone-$variant.XXXXXX") || exit 1
[ "${KEEP:-}" = 1 ] || trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"

# --- A server that has our library: PostgreSQL finds its files relative to the program.

root=$folder/server
# copy_of WHAT: where this folder of the server is in the copy.
copy_of() {
    echo "$root$("$PG_CONFIG" "--$1")"
}

copy_server() {
    local what
    for what in bindir pkglibdir sharedir; do
        mkdir -p "$(dirname "$(copy_of $what)")"
        cp -a "$("$PG_CONFIG" --$what)" "$(copy_of $what)" || return
    done
    # Nothing is installed there, only read.
    for what in includedir includedir-server; do
        mkdir -p "$(dirname "$(copy_of $what)")"
        [ -e "$(copy_of $what)" ] || ln -s "$("$PG_CONFIG" --$what)" "$(copy_of $what)" || return
    done
    [ -x "$(copy_of bindir)/pg_config" ] || cp "$PG_CONFIG" "$(copy_of bindir)/"
    cp "build/$variant/pgclone.so" "$(copy_of pkglibdir)/" &&
        cp pgclone.control sql/*.sql "$(copy_of sharedir)/extension/"
}

# The sanitizer's library has to be the first of the process, and postgres is not linked to it. While
# it starts, it looks for a function of Swift's; that there is none makes glibc translate an error
# message at a time when its locks are not ready for that, and the process hangs in the end.
wrap_postgres() {
    local program
    echo 'char *swift_demangle(void) { return 0; }' |
        $CXX -x c -shared -fPIC -o "$folder/no_swift.so" - || return
    program=$(copy_of bindir)/postgres
    mv "$program" "$program.plain"
    # pg_ctl restarts a server by the name that it was started with.
    cat >"$program" <<WRAPPER
#!/bin/bash
export LD_PRELOAD="$($CXX -print-file-name=libasan.so) $folder/no_swift.so"
export ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:log_path=$reports/asan"
export UBSAN_OPTIONS="print_stacktrace=1:abort_on_error=1:log_path=$reports/ubsan"
exec -a "\$0" "$program.plain" "\$@"
WRAPPER
    chmod 755 "$program"
}

wanted=("build/$variant/pgclone.so")
# Now, since the copy's folder would be another one each time for ccache.
[[ " $* " != *" unit"* ]] || wanted+=(unit_programs)
build "UNIT_VARIANT=$variant" "${wanted[@]}" >"$folder/build.log" 2>&1 || {
    grep -vE '^(CXX|make)' "$folder/build.log" | head -n 60
    die "the instrumented library does not build"
}
copy_server || die "cannot copy the server"
reports=$folder/reports
# The servers' user writes there.
mkdir -m 1777 "$reports"
[ "$variant" != sanitize ] || wrap_postgres || die "cannot start postgres with the sanitizers"
if [ "$variant" = coverage ]; then
    # Counters go to a tree of their own, not into the checkout, which that user may not even read.
    export GCOV_PREFIX=$reports
    umask 0
fi

UNIT_VARIANT=$variant SKIP_INSTALL=1 PG_CONFIG=$(copy_of bindir)/pg_config test/all.sh "$@"
status=$?

# --- What was found

if [ "$variant" = sanitize ]; then
    if [ -n "$(ls -A "$reports")" ]; then
        echo "not ok - the sanitizers found something"
        head -n 60 "$reports"/* | sed 's/^/    /'
        status=1
    fi
    exit $status
fi

command -v gcovr >/dev/null || die "gcovr is missing (Debian: apt-get install gcovr)"
counters=$reports$repo_root
(cd build/coverage && find . -name '*.gcno' -exec cp --parents {} "$counters/build/coverage/" \;)
# Files that are generated hold no code.
gcovr --root "$repo_root" --object-directory "$counters/build/coverage" \
    --filter "$repo_root/(shared|sql_api|worker)/" --exclude '.*catalog_sql.*' \
    --txt --sort-percentage ${COVERAGE_DETAILS:+--json "$COVERAGE_DETAILS"} \
    "$counters/build/coverage" 2>"$folder/gcovr.err" ||
    { tail -n 20 "$folder/gcovr.err"; exit 1; }
exit $status
