#!/bin/bash
# Usage: tools/analyze.sh
# Runs clang-tidy and cppcheck over the extension and the boundary's test module. Prints TAP, what
# they find in lines that begin with `#`. CXX=clang++ or JOBS=N change what is used; the checks are
# in .clang-tidy and tools/cppcheck_suppressions.txt, each one that is off with its reason.
set -u
cd "$(dirname "$0")/.." || exit 1

jobs=${JOBS:-$(nproc)}
folder=build/analysis
make=(make --no-print-directory -s "PG_CONFIG=${PG_CONFIG:-pg_config}" "CXX=${CXX:-clang++}")
. test/tap.sh

# A check is not switched off without a reason.
report "each check that is off has a reason" "$(
    comm -3 <(grep -oE '^ +-[a-z*][a-zA-Z0-9.*-]+' .clang-tidy | tr -d ' ,' | sort) \
        <(grep -oE '^#   -[a-zA-Z0-9.*-]+: .' .clang-tidy | tr -d '# ' | sed 's/:.*//' | sort) |
        sed 's/[[:blank:]]//g' | grep -vxF -e '-*'
)"

mapfile -t sources < <(
    printf '%s\n' shared/*.cpp sql_api/*.cpp worker/*.cpp test/boundary/*.cpp |
        grep -vx worker/catalog_sql.cpp
)

# --- clang-tidy

# tidy FOLDER COUNT SOURCE...: runs clang-tidy over the sources, put together in COUNT or more files
# of each kind. Its analyzer does not know coroutines: it walks long ways through Asio and finds
# errors there that are none, so it looks at the other kinds only; in depth at the server's side,
# where memory is C's, since strings and maps of the standard library take it minutes.
tidy() {
    local group=$1 count=$2
    shift 2
    mkdir -p "$group"
    tools/unity_files.pl "$group" "$count" "$@" |
        xargs -P "$jobs" -I '{}' sh -c '
            checks= depth=
            case $1 in
            */asio_*) checks=-clang-analyzer-* ;;
            */cpp_*) depth="-Xclang -analyzer-config -Xclang mode=shallow" ;;
            esac
            clang-tidy --quiet --checks="$checks" "$1" -- $2 $depth >"$1.found" 2>"$1.errors" ||
                echo failed >>"$1.found"' \
            tidy '{}' "$flags"
}

# What clang-tidy has found in the files of $1, each thing once. (A recursion through a function of
# ours is reported for the standard library, too.)
findings() {
    cat "$1"/*.found | sed "s|$PWD/||; s|^\./||" | grep -vx failed |
        tools/unity_files.pl --locate | awk '
        / (warning|error): / { is_new = !seen[$0]++ && $0 !~ /^\/.*\[misc-no-recursion/ }
        is_new'
}

if command -v clang-tidy >/dev/null; then
    rm -rf "$folder"
    mkdir -p "$folder"
    "${make[@]}" worker/catalog_sql.hpp >"$folder/make.log" 2>&1 || cat "$folder/make.log" >&2
    # (The test module names a header beside it without its folder.)
    flags="$("${make[@]}" print_analysis_flags) -Itest/boundary"
    tidy "$folder/all" $(((jobs + 1) / 2)) "${sources[@]}"
    # Sources that do not compile as one file are looked at by themselves.
    apart=()
    for found in "$folder"/all/*.found; do
        grep -q 'clang-diagnostic-error' "$found" || continue
        mapfile -t -O ${#apart[@]} apart < <(
            sed -n 's|^// --- begin of ||p' "${found%.found}"
        )
        rm "$found"
    done
    if [ ${#apart[@]} -gt 0 ]; then
        echo "# by themselves: ${apart[*]}"
        tidy "$folder/apart" ${#apart[@]} "${apart[@]}"
    fi
    found=$(findings "$folder/all"; [ ${#apart[@]} -eq 0 ] || findings "$folder/apart")
    if [ -z "$found" ] && grep -qx failed "$folder"/*/*.found; then
        found=$(cat "$folder"/*/*.errors)
    fi
    report "clang-tidy" "$found"
else
    skip "clang-tidy" "it is not installed"
fi

# --- cppcheck

# It does without the headers of others: it knows the standard library and POSIX itself.
if command -v cppcheck >/dev/null; then
    report "cppcheck" "$(
        cppcheck -q -j "$jobs" --std=c++20 --language=c++ --library=posix -I. \
            --enable=warning,performance,portability,style --inline-suppr \
            --suppressions-list=tools/cppcheck_suppressions.txt \
            --template='{file}:{line}: {severity}: {message} [{id}]' "${sources[@]}" 2>&1
    )"
else
    skip "cppcheck" "it is not installed"
fi

end_tests
