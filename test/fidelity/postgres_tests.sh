#!/bin/bash
# PostgreSQL's own tests, from Debian's source package: test/fidelity/postgres_tests.sh
#
# Prints the folder that holds src/test/regress and src/bin/pg_dump/t of a version as near as can
# be had to the installed server's. It is fetched once, and kept in a cache:
#
#   PGCLONE_TEST_CACHE=/path   by default /var/cache/pgclone-test, or $XDG_CACHE_HOME/pgclone-test
#                              (~/.cache/pgclone-test) for a user who is not root
#
# Exit status 77 if they can't be had; the reason is on standard error. Nothing of them becomes a
# part of this repository, and apt's own configuration stays as it is.
set -u
. "$(dirname "$0")/../lib.sh"

cannot() {
    echo "$*" >&2
    exit 77
}

# Sets `cache`: the folder for this version of the server.
find_cache() {
    local root=${PGCLONE_TEST_CACHE:-} version
    if [ -z "$root" ] && [ "$(id -u)" -eq 0 ]; then
        root=/var/cache/pgclone-test
    elif [ -z "$root" ]; then
        root=${XDG_CACHE_HOME:-$HOME/.cache}/pgclone-test
    fi
    version=$("$PG_CONFIG" --version) || cannot "no pg_config: $PG_CONFIG"
    cache=$root/$(tr -cs 'A-Za-z0-9.+~' - <<<"$version" | sed 's/-*$//')
    mkdir -p "$cache" || cannot "no cache folder $cache"
    chmod 755 "$root" "$cache" 2>/dev/null
}

# apt-get with lists and configuration of its own, in which each source has its source packages.
prepare_apt() {
    local file
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/apt/sources"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -s "$file" ] && sed -n 's/^deb /deb-src /p' "$file" >"$cache/apt/sources/$(basename "$file" .list).list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -s "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$cache/apt/sources/$(basename "$file")"
    done
    apt=(-q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$cache/apt/sources"
        -o "Dir::State::lists=$cache/apt/lists" -o "Dir::Cache=$cache/apt"
        -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2
        -o Acquire::http::Timeout=20)
}

# The versions that the archive has: first the installed one, then the others, newest first.
list_versions() {
    local installed
    installed=$(dpkg-query -W -f '${Version}' "postgresql-$PG_MAJOR" 2>/dev/null)
    apt-cache "${apt[@]}" showsrc "postgresql-$PG_MAJOR" 2>/dev/null | sed -n 's/^Version: //p' |
        sort -rVu | awk -v first="$installed" '$0 == first { print; next } { rest = rest $0 "\n" }
            END { printf "%s", rest }'
}

fetch() {
    local version versions archive
    command -v apt-get >/dev/null || cannot "there is no apt-get to fetch source packages with"
    prepare_apt
    timeout 180 apt-get "${apt[@]}" update >"$cache/apt/log" 2>&1 ||
        cannot "apt-get update failed: $(grep -m 1 '^[EW]:' "$cache/apt/log")"
    versions=$(list_versions)
    # Without a network the update fails with a warning alone.
    [ -n "$versions" ] || cannot "there is no source package postgresql-$PG_MAJOR to be had" \
        "($(grep -m 1 '^[EW]:' "$cache/apt/log" || echo 'apt has no sources'))"
    mkdir -p "$cache/apt/download"
    cd "$cache/apt/download" || exit
    for version in $versions; do
        # A mirror may list a version, and not have it.
        timeout 300 apt-get "${apt[@]}" source --download-only "postgresql-$PG_MAJOR=$version" \
            >>"$cache/apt/log" 2>&1 || continue
        archive=$(ls -t postgresql-"$PG_MAJOR"_*.orig.tar.* 2>/dev/null | head -n 1)
        [ -n "$archive" ] || continue
        rm -rf "$cache/sources.new"
        mkdir "$cache/sources.new"
        tar -xf "$archive" -C "$cache/sources.new" --strip-components=1 --no-same-owner \
            --wildcards '*/src/test/regress' '*/src/bin/pg_dump/t' >>"$cache/apt/log" 2>&1 ||
            cannot "the archive $archive could not be unpacked: $(tail -n 1 "$cache/apt/log")"
        echo "$version" >"$cache/sources.new/version"
        chmod -R a+rX "$cache/sources.new"
        mv "$cache/sources.new" "$cache/sources"
        rm -rf "$cache/apt"
        return
    done
    cannot "no source package of postgresql-$PG_MAJOR could be fetched:" \
        "$(grep '^E:' "$cache/apt/log" | tail -n 1)"
}

find_cache
exec 9>"$cache/lock"
flock 9
[ -d "$cache/sources" ] || (fetch) || exit
echo "$cache/sources"
