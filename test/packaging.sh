#!/bin/bash
# The archive for PGXN and the Debian package, from HEAD: test/packaging.sh
#
# `make dist` makes the archive; what is unpacked from it is built by dpkg-buildpackage in a clean
# Debian, and the package is installed into another clean Debian, clones there (debian/tests/clone),
# and is purged. Both are made by debootstrap, in a temporary folder, from the packages that apt on
# this machine is set up for; nothing is installed here. Prints TAP; it compiles all without a cache,
# which takes ten to thirty minutes, so test/all.sh runs it only when asked for. KEEP=1 keeps the
# folder, TMPDIR says where it is.
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tap.sh"
cd "$repo_root" || exit 1

skip_all() {
    echo "1..0 # SKIP $*"
    exit 0
}

# Commands whose output says nothing new go here; the end of it is shown if one fails.
quietly() {
    "$@" >>"$folder/log" 2>&1
}

# failed_by COMMAND...: what `report` wants: nothing, or the end of what the command has said.
failed_by() {
    local output status
    output=$("$@" 2>&1)
    status=$?
    echo "$output" >>"$folder/log"
    [ $status -eq 0 ] || { echo "exit status $status"; tail -n 40 <<<"$output"; }
}

bail_out() {
    tail -n 40 "$folder/log" >&2
    echo "Bail out! $*"
    exit 1
}

# --- A Debian in a folder

# In name spaces of its own, so that mounts and processes end with the command.
in_root() {
    local root=$1
    shift
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child bash -c '
        root=$1
        shift
        mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/dev/shm" || exit 1
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive DEB_BUILD_OPTIONS="$DEB_BUILD_OPTIONS" "$@"' \
        in_root "$root" "$@" </dev/null
}

# Packages come from where this machine has them from; no address stands here.
configure_apt() {
    local root=$1 file
    rm -f "$root/etc/apt/sources.list"
    for file in sources.list sources.list.d auth.conf auth.conf.d trusted.gpg trusted.gpg.d keyrings; do
        [ ! -e "/etc/apt/$file" ] || cp -r "/etc/apt/$file" "$root/etc/apt/" || return
    done
    mkdir -p "$root/usr/share/keyrings" && cp -n /usr/share/keyrings/*.gpg "$root/usr/share/keyrings/"
    apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/90host"
    echo 'APT::Install-Recommends "false";' >>"$root/etc/apt/apt.conf.d/90host"
    for file in resolv.conf hosts; do
        [ ! -e "/etc/$file" ] || cp -L "/etc/$file" "$root/etc/$file" || return
    done
    # Nothing is started by being installed.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
}

make_root() {
    local root=$1 mirror include=
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | head -n 1)
    [ -n "$mirror" ] || { echo "apt knows no packages of $suite" >&2; return 1; }
    [[ $mirror != https:* ]] || include=--include=ca-certificates
    # (It mounts proc there: in a name space of its own, so that none stays if this is interrupted.)
    unshare --mount debootstrap --variant=minbase ${include:+"$include"} "$suite" "$root" "$mirror" &&
        configure_apt "$root" && in_root "$root" apt-get update -q
}

# All files but those that change with every command of apt, dpkg or a server.
list_files() {
    (cd "$1" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./run -o \
        -path ./var/cache -o -path ./var/log -o -path ./var/lib/apt -o -path './var/lib/dpkg/*-old' \) \
        -prune -o -print | sort)
}

# --- The archive

# The files of a commit as an archive has them.
expected_files() {
    git -C "$1" ls-files | grep -vE '^(\.ci/.*|\.gitattributes|\.gitignore)$' | sort
}

# make_archive: from a clone of the checkout, so that nothing is written here and nothing that is
# not committed is in it. Sets `archive` and `version`.
make_archive() {
    checkout=$folder/checkout
    quietly git clone -q "$repo_root" "$checkout" || bail_out "there is no commit to package"
    report "make dist: META.json, the control file and the scripts fit" \
        "$(failed_by make -C "$checkout" dist PG_CONFIG="$PG_CONFIG")"
    archive=$(find "$checkout" -maxdepth 1 -name 'pgclone-*.zip')
    [ -n "$archive" ] || bail_out "there is no archive"
    version=$(basename "$archive" .zip)
    version=${version#pgclone-}
    quietly unzip -q "$archive" -d "$folder/unpacked" || bail_out "the archive cannot be unpacked"
    report "it holds what is committed, in a folder of its name" "$(
        diff <(expected_files "$checkout") \
            <(cd "$folder/unpacked/pgclone-$version" && find . -type f | sed 's|^\./||' | sort)
    )"
    # A copy whose META.json is of another version than the rest.
    quietly git clone -q "$checkout" "$folder/other"
    sed -i 's/"version": "[0-9.]*",/"version": "9.9.0",/' "$folder/other/META.json"
    quietly git -C "$folder/other" -c user.name=test -c user.email=test commit -a -m test
    report "make dist refuses versions that disagree" "$(
        ! quietly make -C "$folder/other" dist PG_CONFIG="$PG_CONFIG" || echo "it made an archive"
        ls "$folder/other"/*.zip 2>/dev/null
    )"
}

# --- The package

build_package() {
    local root=$folder/build source=/srv/pgclone-$version
    cp -r "$folder/unpacked/pgclone-$version" "$root/srv/" || return
    in_root "$root" apt-get install -y -q build-essential fakeroot lintian || return
    in_root "$root" apt-get build-dep -y -q "$source" || return
    in_root "$root" useradd -m builder && in_root "$root" chown -R builder /srv || return
    in_root "$root" runuser -u builder -- sh -c "cd $source && dpkg-buildpackage -us -uc -b"
}

# What the flags of DEB_BUILD_OPTIONS and of hardening lead to.
hardening_findings() {
    local library=$1 flags
    readelf -W -l "$library" | grep -q GNU_RELRO || echo "no RELRO"
    readelf -W -d "$library" | grep -qE 'BIND_NOW|NOW' || echo "symbols are bound late"
    readelf -W --dyn-syms "$library" | grep -q __stack_chk_fail || echo "no stack protector"
    readelf -W --dyn-syms "$library" | grep -qE '__(memcpy|snprintf|vsnprintf|memmove|read)_chk' || echo "not fortified"
    flags=$(DEB_BUILD_OPTIONS=noopt in_root "$folder/build" sh -c "cd /srv/pgclone-$version &&
        make -s -f debian/rules -pn clean 2>/dev/null" | grep -E '^(export )?EXTRA_CXXFLAGS' | head -n 1)
    [[ $flags == *-O0* ]] || echo "noopt is not heeded: $flags"
}

test_package() {
    local root=$folder/install package=postgresql-$PG_MAJOR-pgclone
    quietly in_root "$root" apt-get install -y -q postgresql-common || return
    echo 'create_main_cluster = false' >>"$root/etc/postgresql-common/createcluster.conf"
    quietly in_root "$root" apt-get install -y -q "postgresql-$PG_MAJOR" || return
    list_files "$root" >"$folder/before"
    cp "$deb" "$root/tmp/" && cp -r "$checkout/debian/tests" "$root/tmp/" || return
    report "it can be installed" "$(failed_by in_root "$root" apt-get install -y -q "/tmp/$(basename "$deb")")"
    report "a clone in a new cluster is equal, DROP EXTENSION leaves nothing (debian/tests/clone)" \
        "$(failed_by in_root "$root" /tmp/tests/clone)"
    report "it can be purged" "$(failed_by in_root "$root" apt-get purge -y -q "$package")"
    list_files "$root" >"$folder/after"
    report "nothing stays when it is purged" "$(
        diff "$folder/before" "$folder/after" | grep '^[<>]'
        in_root "$root" dpkg-query -W -f '${Package} ${Status}\n' "$package" 2>/dev/null
    )"
}

# --- Main

[ "$(id -u)" -eq 0 ] || skip_all "a Debian in a folder can only be made by root"
for program in debootstrap unzip git unshare readelf; do
    command -v $program >/dev/null || skip_all "there is no $program"
done
suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "${VERSION_CODENAME:-}")
[ -n "$suite" ] || skip_all "this is not Debian, whose packages it takes"
grep -q "^Package: postgresql-$PG_MAJOR-pgclone$" debian/control ||
    skip_all "debian/control has no package for PostgreSQL $PG_MAJOR"
[ -z "$(git status --porcelain 2>/dev/null)" ] || echo "# what is not committed is not tested"

DEB_BUILD_OPTIONS=parallel=$(nproc)
export DEB_BUILD_OPTIONS
folder=$(mktemp -d "${TMPDIR:-/tmp}/pgclone-packaging.XXXXXX") || exit 1
if [ "${KEEP:-}" = 1 ]; then
    echo "# kept: $folder"
else
    trap 'rm -rf --one-file-system "$folder"' EXIT
fi
chmod 755 "$folder"

make_archive
quietly make_root "$folder/install" || bail_out "debootstrap"
cp -a "$folder/install" "$folder/build" || bail_out "no space"

report "what is unpacked is built by dpkg-buildpackage in a clean Debian" "$(failed_by build_package)"
deb=$(find "$folder/build/srv" -name "postgresql-$PG_MAJOR-pgclone_${version}_*.deb")
[ -n "$deb" ] || bail_out "there is no package"

report "the package has the library, the scripts and the documentation" "$(
    dpkg-deb -c "$deb" | awk '{ print $6 }' >"$folder/contents"
    for file in "./usr/lib/postgresql/$PG_MAJOR/lib/pgclone.so" \
        "./usr/share/doc/postgresql-$PG_MAJOR-pgclone/copyright" \
        "./usr/share/doc/postgresql-$PG_MAJOR-pgclone/README.Debian" \
        "./usr/share/doc/postgresql-$PG_MAJOR-pgclone/examples/watch.psql" \
        $(cd "$checkout" && ls pgclone.control sql/*.sql | sed "s|.*/||; s|^|./usr/share/postgresql/$PG_MAJOR/extension/|"); do
        grep -qxF -e "$file" -e "$file.gz" "$folder/contents" || echo "missing: $file"
    done
    grep -E '\.(o|d|bc|cpp|hpp)$' "$folder/contents"
)"
report "it is hardened, and DEB_BUILD_OPTIONS are heeded" "$(
    dpkg-deb -x "$deb" "$folder/contents.d"
    hardening_findings "$folder/contents.d/usr/lib/postgresql/$PG_MAJOR/lib/pgclone.so"
)"
report "lintian has no errors" "$(
    failed_by in_root "$folder/build" runuser -u builder -- sh -c 'lintian --fail-on error --info /srv/*.changes'
)"
in_root "$folder/build" runuser -u builder -- sh -c 'lintian /srv/*.changes' 2>/dev/null | sed 's/^/# /'

test_package || bail_out "PostgreSQL could not be installed"
end_tests
