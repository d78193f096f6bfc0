#!/bin/sh
# Usage: check_toolchain.sh CXX [FLAG...]
# Fails with a message that says what to install if the compiler has no C++20 with coroutines, or
# if there is no Boost 1.81 or later.
set -u

fail() {
    printf 'pgclone: %s\n' "$@" >&2
    exit 1
}

command -v "$1" >/dev/null 2>&1 ||
    fail "C++ compiler \"$1\" not found" "install g++ 11 or later (Debian: apt-get install g++)"

cxx=$1
shift

printf '#include <coroutine>\n#include <span>\n#if !defined(__cpp_impl_coroutine)\n#error\n#endif\n' |
    "$cxx" -std=c++20 "$@" -x c++ -E -o /dev/null - 2>/dev/null ||
    fail "$cxx does not support C++20 with coroutines" \
        "install g++ 11 (or clang 17) or later, or name one with CXX=..."

version=$(printf '#include <boost/version.hpp>\nBOOST_VERSION\n' |
    "$cxx" -std=c++20 "$@" -x c++ -E -P - 2>/dev/null | tail -n 1)
case $version in
'' | *[!0-9]*)
    fail "Boost not found: pgclone needs the headers of Boost 1.81 or later" \
        "Debian: apt-get install libboost1.81-dev; elsewhere name them with BOOST_INCLUDEDIR=..."
    ;;
esac
[ "$version" -ge 108100 ] ||
    fail "Boost $((version / 100000)).$((version / 100 % 1000)) is too old: pgclone needs 1.81 or later" \
        "Debian: apt-get install libboost1.81-dev; elsewhere name it with BOOST_INCLUDEDIR=..."

printf '#include <libpq-fe.h>\n' | "$cxx" -std=c++20 "$@" -x c++ -E -o /dev/null - 2>/dev/null ||
    fail "libpq-fe.h not found" "Debian: apt-get install libpq-dev"

printf '#include <postgres.h>\n' | "$cxx" -std=c++20 "$@" -x c++ -E -o /dev/null - 2>/dev/null ||
    fail "postgres.h not found" "Debian: apt-get install postgresql-server-dev-NN"
