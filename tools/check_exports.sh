#!/bin/sh
# Usage: check_exports.sh MODULE.so EXPORTS
# Fails unless the module exports exactly the symbols of the list. A function that lacks
# extern "C" is found here. So is a function of ours that is declared, called and not defined: the
# linker lets it pass, since it takes it for one of the server's.
set -eu

expected=$(awk '{ print $1 }' "$2" | sort)
actual=$(nm -D --defined-only "$1" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort)

missing=$(printf '%s\n' "$expected" "$actual" "$actual" | sort | uniq -u)
extra=$(printf '%s\n' "$actual" "$expected" "$expected" | sort | uniq -u)
status=0
if [ -n "$missing" ]; then
    printf '%s does not define (extern "C" forgotten?): %s\n' "$1" "$(echo $missing)" >&2
    status=1
fi
if [ -n "$extra" ]; then
    printf '%s exports more than it should: %s\n' "$1" "$(echo $extra)" >&2
    status=1
fi
undefined=$(nm -D --undefined-only "$1" | awk '{ print $2 }' | grep '7pgclone' | c++filt || true)
if [ -n "$undefined" ]; then
    printf '%s calls what it does not define: %s\n' "$1" "$undefined" >&2
    status=1
fi
exit $status
