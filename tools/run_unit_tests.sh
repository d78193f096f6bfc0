#!/bin/sh
# Usage: run_unit_tests.sh PROGRAM...
# Runs each test program; fails if one fails, or if there is none.
set -u

if [ $# -eq 0 ]; then
    echo "no unit tests" >&2
    exit 1
fi
failed=
for program in "$@"; do
    printf '# %s\n' "$(basename "$program")"
    "$program" ${UNIT_ARGS:-} || failed="$failed $(basename "$program")"
done
if [ -n "$failed" ]; then
    printf 'failed:%s\n' "$failed" >&2
    exit 1
fi
