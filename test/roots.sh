# Folders with other Debian releases, for the majors of PostgreSQL that this machine's own has not. To
# be sourced by bash, as root, after lib.sh.
#
#   PGCLONE_MATRIX_DIR=/path   where they are kept, by default /var/cache/pgclone-matrix

matrix_dir=${PGCLONE_MATRIX_DIR:-/var/cache/pgclone-matrix}
host_major=15

# release_of MAJOR: the Debian release that has it. 19 is in experimental, which is a layer over sid.
release_of() {
    case $1 in
    17) echo trixie ;;
    18) echo forky ;;
    19) echo sid ;;
    *) die "no Debian release is known for PostgreSQL $1 (there are: 15, 17, 18, 19)" ;;
    esac
}

# The archive that this machine's own packages come from.
archive_uri() {
    apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1
}

# make_root MAJOR: a minimal system in `root`.
make_root() {
    local release=$1 major=$2 uri script
    uri=$(archive_uri)
    [ -n "$uri" ] || die "apt knows no Debian archive (apt-get update makes it known)"
    script=/usr/share/debootstrap/scripts/$release
    # Releases that are younger than this debootstrap are made as sid is.
    [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
    rm -rf "$root.new"
    debootstrap --variant=minbase "$release" "$root.new" "$uri" "$script" || return
    rm -f "$root.new/etc/apt/sources.list.d"/*
    echo "deb $uri $release main" >"$root.new/etc/apt/sources.list"
    # Snapshots of an archive may be older than their date of expiry.
    echo 'Acquire::Check-Valid-Until "false";' >"$root.new/etc/apt/apt.conf.d/matrix"
    if [ "$major" = 19 ]; then
        echo "deb $uri experimental main" >>"$root.new/etc/apt/sources.list"
        printf 'Package: *postgresql*-19* libpq* libecpg* libpgtypes*\nPin: release a=experimental\n%s\n' \
            'Pin-Priority: 990' >"$root.new/etc/apt/preferences.d/matrix"
    fi
    mv "$root.new" "$root"
}

# in_root COMMAND: a shell command in `root`, in which /srv/pgclone is a copy of this checkout.
# `isolation` may add --net, for tests: then all ports are theirs.
in_root() {
    # (--kill-child: whatever happens here, no server outlives it.)
    unshare --mount --pid --fork --kill-child ${isolation:-} bash -c '
        root=$1 command=$2
        mount -t proc proc "$root/proc" && mount -t sysfs sys "$root/sys" &&
            mount --bind /dev "$root/dev" && mount -t tmpfs shm "$root/dev/shm" &&
            mkdir -p "$root/dev/pts" && mount -t devpts devpts "$root/dev/pts" || exit
        if [ -n "$3" ]; then ip link set lo up || exit; fi
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PG_MAJOR="$4" \
            ${CI:+CI="$CI"} bash -c "cd /srv/pgclone && $command"
    ' in_root "$root" "$1" "${isolation:-}" "$major"
}

# The files of this checkout, those that are not committed included; what was built there last time
# stays, so that only what has changed is built again. (What has changed gets the time of the copy: with
# its own it could be older than what was built from the version before it.)
copy_checkout() {
    mkdir -p "$root/srv/pgclone"
    git ls-files -z --cached --others --exclude-standard |
        rsync -rlpc --files-from=- --from0 --ignore-missing-args ./ "$root/srv/pgclone/" || return
    # What is no file of the checkout any more, and nothing that was built.
    (cd "$root/srv/pgclone" && find . -name build -prune -o -type f \
        -regex '.*\.\(cpp\|hpp\|sql\|pl\|pm\|sh\|md\|source\|psql\)' -print) | sed 's|^\./||' |
        grep -v '^worker/catalog_sql\.' |
        while read -r file; do
            [ -e "$file" ] || rm "$root/srv/pgclone/$file"
        done
}

# pgTAP is SQL alone; where it is not packaged for a major yet, another one's serves.
prepare='
    . test/lib.sh
    apt-get update -q || exit
    if ! apt-cache show postgresql-$PG_MAJOR-pgtap >/dev/null 2>&1; then
        export PGTAP_PACKAGE=
        other=$(apt-cache search --names-only "^postgresql-[0-9]+-pgtap$" | sort -V | tail -n 1 | cut -d " " -f 1)
    fi
    install_packages tests || exit
    apt_install ca-certificates rsync git || exit
    if [ -n "${other:-}" ]; then
        (cd /tmp && apt-get download "$other" && dpkg -x "$other"_*.deb pgtap &&
            cp pgtap/usr/share/postgresql/*/extension/pgtap* /usr/share/postgresql/$PG_MAJOR/extension/) || exit
    fi
    build_and_install WERROR=1 || exit
    echo "# $($PG_CONFIG --version), $(g++ --version | head -n 1), Boost $(sed -n \
        "s/^#define BOOST_LIB_VERSION \"\(.*\)\"/\1/p" /usr/include/boost/version.hpp)"
    # What has to be fetched, while there is a network.
    test/fidelity/regression_database.sh || true
'

# prepare_root MAJOR: sets `root` and `major`; makes it if there is none, and builds and installs this
# checkout there.
prepare_root() {
    major=$1
    root=$matrix_dir/$(release_of "$major") || return
    [ -d "$root" ] || make_root "$(release_of "$major")" "$major" || return
    copy_checkout || return
    cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null
    isolation= in_root "$prepare"
}

# What this needs of the machine.
install_root_tools() {
    local program missing=
    [ "$(id -u)" -eq 0 ] || die "only root can make the folders that other majors run in"
    for program in debootstrap rsync unshare ip; do
        command -v $program >/dev/null || missing=1
    done
    [ -z "$missing" ] || { apt-get update -q && apt_install debootstrap rsync util-linux iproute2; } ||
        die "debootstrap, rsync, util-linux and iproute2 are needed"
    mkdir -p "$matrix_dir"
}
