#!/bin/sh
# Usage: run_fuzz.sh SECONDS PROGRAM...
# Lets each fuzz target try inputs for that long, and prints TAP. What ends one badly is left in
# build/fuzz as a file, which is given to the program to see it again. FUZZ_SEED repeats a run.
set -u

seconds=$1
shift
seed=${FUZZ_SEED:-$(date +%s)}
tests=0
failures=0
echo "# FUZZ_SEED=$seed"
for program in "$@"; do
    tests=$((tests + 1))
    name=$(basename "$program")
    folder=$(dirname "$program")
    mkdir -p "$folder/$name.corpus"
    # Errors are what most inputs end with, so a long input is no better than a short one.
    if "$program" -seed="$seed" -max_total_time="$seconds" -max_len=512 -timeout=5 \
        -rss_limit_mb=1024 -dict="test/fuzz/$name.dict" -artifact_prefix="$folder/$name." \
        -print_final_stats=1 "$folder/$name.corpus" >"$folder/$name.log" 2>&1; then
        echo "ok $tests - $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log") inputs"
    else
        failures=$((failures + 1))
        echo "not ok $tests - $name"
        tail -n 30 "$folder/$name.log" | sed 's/^/#   /'
    fi
done
echo "1..$tests"
[ "$failures" -eq 0 ]
