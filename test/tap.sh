# Checks that report what they find, as TAP: for lint.sh and tools/analyze.sh. To be sourced by bash.

tests=0
failures=0

# report NAME FINDINGS: one test; every line of FINDINGS is a violation.
report() {
    tests=$((tests + 1))
    if [ -z "$2" ]; then
        echo "ok $tests - $1"
    else
        echo "not ok $tests - $1"
        sed 's/^/#   /' <<<"$2"
        failures=$((failures + 1))
    fi
}

# skip NAME REASON
skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# The plan; fails if a test has failed.
end_tests() {
    echo "1..$tests"
    [ "$failures" -eq 0 ]
}
