#!/bin/sh
# Usage: list_exports.sh FILE_pg.cpp...
# Prints the symbols that the module exports, as lines of `name ordinal`: what the server looks up
# by name, which are the SQL functions with their info functions, the entry points of the
# background workers, and the module's magic block and initialiser.
set -eu

{
    printf '%s\n' Pg_magic_func _PG_init
    cat /dev/null "$@" | sed -nE \
        -e 's/^[[:space:]]*PG_FUNCTION_INFO_V1\(([A-Za-z0-9_]+)\).*/\1\npg_finfo_\1/p' \
        -e 's/.*\b(pgclone_[a-z]+_(worker_)?main)\(Datum.*/\1/p'
} | awk '!seen[$0]++ { print $0, ++count }'
