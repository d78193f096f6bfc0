#!/bin/bash
# House rules that a machine can check (CONTRIBUTING.md says why they exist). Prints TAP; takes a
# second or two and needs nothing but bash, grep, awk and perl.
set -u
cd "$(dirname "$0")/.."

. test/tap.sh

# Files of the repository, without what a build or a test run leaves behind.
list_files() {
    find . \( -name .git -o -name build -o -name tmp_check -o -name results \) -prune -o -type f "$@" \
        ! -path './worker/catalog_sql.?pp' ! -name '*.o' ! -name '*.d' ! -name '*.so' -print |
        sed 's|^\./||' | sort
}

mapfile -t all_cpp < <(list_files \( -name '*.cpp' -o -name '*.hpp' \))
mapfile -t server_files < <(printf '%s\n' "${all_cpp[@]}" | grep -E '_pg\.[ch]pp$')
mapfile -t plain_files < <(printf '%s\n' "${all_cpp[@]}" | grep -vE '_pg\.[ch]pp$')
mapfile -t sources < <(list_files -name '*.cpp' | grep -E '^(shared|sql_api|worker)/')
mapfile -t own_code < <(printf '%s\n' "${all_cpp[@]}" | grep -E '^(shared|sql_api|worker)/')

# Prints FILE:LINE:TEXT of lines outside of comments that match a Perl regular expression.
code_matching() {
    local pattern=$1
    shift
    [ $# -eq 0 ] || PATTERN=$pattern perl -ne '
        BEGIN { $pattern = qr/$ENV{PATTERN}/ }
        my $line = $_;
        $line =~ s{//.*}{};
        print "$ARGV:$.: $_" if $line =~ $pattern;
        close ARGV if eof;' "$@"
}

# --- The boundary

report "only *_pg files see server headers" "$(
    code_matching '#\s*include\s*["<](?:postgres\.h|fmgr\.h|.*_pg\.hpp)[">]' "${plain_files[@]}"
)"

# Prints the files that see (do not see, with a leading !) a header, directly or through a header
# of our own: sees PATTERN FILE...
sees() {
    perl -e '
        my $wanted = shift;
        my $negated = $wanted =~ s/^!//;
        sub find {
            my ($file, $seen) = @_;
            return if $seen->{$file}++;
            open my $in, "<", $file or return;
            while (<$in>) {
                next unless m{^\s*#\s*include\s*["<]([^">]+)[">]};
                my $header = $1;
                $seen->{FOUND} //= $file if $header =~ /^$wanted/;
                find($header, $seen);
            }
        }
        for my $file (@ARGV) {
            my $seen = {};
            find($file, $seen);
            print "$file" . ($seen->{FOUND} ? ": through $seen->{FOUND}" : "") . "\n"
                if !$negated == !!$seen->{FOUND};
        }' "$@"
}

report "C++ sources include shared/cpp_only.hpp" "$(
    sees '!shared/cpp_only\.hpp$' $(printf '%s\n' "${plain_files[@]}" |
        grep '\.cpp$' | grep -v '^test/unit/')
)"

report "*_pg files see no Boost, not even through a header" "$(sees 'boost/' "${server_files[@]}")"

report "server headers come last" "$(
    [ ${#server_files[@]} -eq 0 ] || perl -ne '
        if (m{^\s*#\s*include\s*"(?:.*_pg\.hpp|postgres\.h)"}) { $server = 1 }
        elsif ($server && m{^\s*#\s*include\s*(?:<[^>.]+>|"[^"]+\.hpp")}) { print "$ARGV:$.: $_" }
        if (eof) { $server = 0; close ARGV }' "${server_files[@]}"
)"

report "no ereport or elog on the C++ side" "$(
    code_matching '\b(?:ereport|elog|PG_TRY|PG_CATCH)\s*\(' \
        $(printf '%s\n' "${plain_files[@]}" | grep -v '^test/')
)"

report "no throw on the server side" "$(
    code_matching '\bthrow\b' $(printf '%s\n' "${server_files[@]}" | grep '\.cpp$')
)"

# --- Processes

report "no threads, resolver or signal_set" "$(
    code_matching '\bstd::(?:thread|jthread|async)\b|\bsignal_set\b|\bip::\w+::resolver\b|\bbasic_resolver\b|\bthread_pool\b|\bpthread_create\b' \
        "${own_code[@]}"
)"

report "workers do not exit or abort by themselves" "$(
    code_matching '(?<![\w.>:])(?:std::)?(?:_exit|exit|abort|quick_exit|terminate)\s*\(' \
        $(printf '%s\n' "${own_code[@]}" | grep -vE '_pg\.cpp$')
)"

# g++ 12 may destroy the temporaries of a co_await expression twice (GCC PR 101367), clang 14
# miscompiles it within ?:. Statements are cut at ; { and }, which is near enough.
report "one co_await a statement, none in ?:" "$(
    [ ${#own_code[@]} -eq 0 ] || perl -e '
        for my $file (@ARGV) {
            open my $in, "<", $file or next;
            local $/;
            my $text = <$in>;
            $text =~ s{"(?:\\.|[^"\\\n])*"}{""}g;
            $text =~ s{//[^\n]*}{}g;
            $text =~ s{/\*(.*?)\*/}{ "\n" x ($1 =~ tr/\n//) }gse;
            my $line = 1;
            for my $part (split /([;{}])/, $text) {
                my $awaits = () = $part =~ /\bco_await\b/g;
                my $start = $line + (substr($part, 0, index($part, "co_await")) =~ tr/\n//);
                print "$file:$start: co_await twice in a statement\n" if $awaits > 1;
                print "$file:$start: co_await with ?:\n" if $awaits && $part =~ /\?/;
                $line += $part =~ tr/\n//;
            }
        }' "${own_code[@]}"
)"

# --- SQL

sql_symbols=$(cat /dev/null sql/*.sql 2>/dev/null |
    grep -oE "'MODULE_PATHNAME' *, *'[A-Za-z0-9_]+'" | sed -E "s/.*'([A-Za-z0-9_]+)'$/\1/" | sort -u)
c_symbols=$(cat /dev/null "${server_files[@]}" | grep -v '^ *//' |
    grep -oE 'PG_FUNCTION_INFO_V1\([A-Za-z0-9_]+\)' | sed -E 's/.*\((.*)\)/\1/' |
    grep -v '^boundary_' | sort -u)
report "the install script and the library name the same functions" "$(
    comm -23 <(echo "$sql_symbols") <(echo "$c_symbols") | sed '/^$/d; s/$/: not in the library/'
    comm -13 <(echo "$sql_symbols") <(echo "$c_symbols") | sed '/^$/d; s/$/: not in the install script/'
)"

if [ -f pgclone.so ] && [ -f build/exports.txt ]; then
    report "the library exports what it should" "$(tools/check_exports.sh pgclone.so build/exports.txt 2>&1)"
fi

report "SQL of more than a line lives in .sql files" "$(
    [ ${#own_code[@]} -eq 0 ] || perl -ne '
        print "$ARGV:$.: $_" if /R"\w*\((?!.*\)\w*")/;
        close ARGV if eof;' "${own_code[@]}"
)"

# --- Files

report "no tabs or blanks at line ends" "$(
    list_files | grep -vE '(^|/)(Makefile|.*\.mk|debian/rules)$' | tr '\n' '\0' |
        xargs -0 grep -nIHE $'\t|[ \t]+$' /dev/null | head -n 20
    list_files -name Makefile | tr '\n' '\0' | xargs -0 grep -nIHE '[[:blank:]]+$' /dev/null
)"

report "text files end with a newline" "$(
    list_files -size +0 | while read -r file; do
        grep -qI . "$file" && [ -n "$(tail -c 1 "$file")" ] && echo "$file"
    done
)"

report "no C++ file above 600 lines" "$(
    for file in "${all_cpp[@]}"; do
        lines=$(wc -l <"$file")
        [ "$lines" -le 600 ] || echo "$file: $lines lines"
    done
)"

report "source files have different names in all folders" "$(
    printf '%s\n' "${sources[@]}" worker/catalog_sql.cpp | sed 's|.*/||' | sort | uniq -d
)"

report "headers have #pragma once" "$(
    grep -L '^#pragma once' $(printf '%s\n' "${all_cpp[@]}" | grep '\.hpp$') /dev/null |
        grep -v -e '^/dev/null$' -e '_pg\.hpp$' || true
)"

# A script of functions, to be sourced, says so in its first lines.
is_sourced() {
    head -n 3 "$1" | grep -q 'sourced by bash'
}

report "scripts parse" "$(
    for file in $(list_files | grep -E '(\.sh|^\.ci/run)$'); do
        ! is_sourced "$file" || { bash -n "$file" 2>&1; continue; }
        case $file:$(head -n 1 "$file") in
        *':#!/bin/bash' | *':#!/usr/bin/env bash') bash -n "$file" 2>&1 ;;
        *':#!/bin/sh') sh -n "$file" 2>&1 ;;
        *) echo "$file: no #!/bin/bash or #!/bin/sh" ;;
        esac
        [ -x "$file" ] || echo "$file: not executable"
    done
)"

report "META.json keeps to PGXN's spec, and all places name one version" "$(perl tools/check_meta.pl 2>&1)"

report "debian/control is made from debian/control.in" "$(
    major=$(sed -n 's/^Package: postgresql-\([0-9]*\)-pgclone$/\1/p' debian/control | tail -n 1)
    sed "s/PGVERSION/$major/g" debian/control.in | diff - debian/control
)"

# --- Tests: a file that no runner picks up is a test that never fails.

report "every test is run" "$(
    for file in $(list_files -path './test/*'); do
        name=${file##*/}
        case $file in
        test/unit/*_test.cpp | test/pgtap/*.source.sql) ;;
        test/unit/*.hpp)
            grep -q "$name" test/unit/*.cpp || echo "$file: included by no test" ;;
        test/pgtap/*.sql | test/faults/*.pl) ;;
        test/pgtap/*.psql)
            grep -qx '\\ir '"$name" test/pgtap/*.sql || echo "$file: included by no test" ;;
        test/faults/*.pm | test/faults/*.py | test/faults/*.sql | test/faults/*.sh)
            grep -qr --exclude="$name" -e "${name%.*}" test/faults || echo "$file: used by no test" ;;
        test/bench/*)
            [ -x "$file" ] || grep -qr --exclude="$name" -e "$name" test/bench ||
                echo "$file: neither a program nor used by one" ;;
        test/fidelity/run.sh) ;;
        test/fidelity/*.sh | test/fidelity/*.pl | test/fidelity/*.sql)
            grep -qr --exclude="$name" -e "$(basename "${name%.*}")" test/fidelity ||
                echo "$file: used by nothing in test/fidelity" ;;
        test/boundary/* | test/demo/*) ;;
        test/docs/run.sh) ;;
        test/docs/*) grep -q "$name" test/docs/run.sh || echo "$file: used by nothing in test/docs" ;;
        test/fuzz/*_fuzz.cpp) ;;
        test/fuzz/*.hpp) grep -q "$name" test/fuzz/*.cpp || echo "$file: included by no fuzz target" ;;
        test/fuzz/*.dict) [ -f "${file%.dict}.cpp" ] || echo "$file: there is no such fuzz target" ;;
        test/compose/*) grep -q "$name" test/compose.sh || echo "$file: not used by test/compose.sh" ;;
        test/compose.sh | test/packaging.sh) grep -q "$file" test/all.sh || echo "$file: test/all.sh does not run it" ;;
        test/all.sh | test/demo.sh | test/matrix.sh | test/lib.sh | test/roots.sh | test/tap.sh | test/lint.sh | \
            test/instrumented.sh | */README.md) ;;
        *) echo "$file: no runner knows it" ;;
        esac
    done
    for file in test/pgtap/*.source.sql; do
        [ ! -e "$file" ] || [ -e "${file%.source.sql}.sql" ] || echo "$file: has no test"
    done
)"

# A statement that fails is not a test that failed: only the planned number tells.
report "SQL tests have a plan" "$(
    for file in test/pgtap/*.sql test/boundary/*.sql; do
        [[ -f $file && $file != *.source.sql ]] || continue
        grep -qiE '\bplan\(' "$file" && ! grep -qiE '\bno_plan\(' "$file" || echo "$file"
    done
)"

end_tests
