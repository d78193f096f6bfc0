#!/bin/bash
# Usage: make_dist.sh [COMMIT]
#
# Writes pgclone-VERSION.zip, the archive for PGXN, with the files of COMMIT (HEAD), and prints its
# name. What is not committed is not in it, and nothing that was built. It is refused if the versions
# in it disagree.
set -eu
cd "$(dirname "$0")/.."

commit=${1:-HEAD}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

git rev-parse -q --verify "$commit^{commit}" >/dev/null ||
    { echo "make dist: there is no git checkout with a commit $commit" >&2; exit 1; }
# (.gitattributes says what is left out.)
git archive "$commit" | tar -x -C "$folder"
if ! tools/check_meta.pl "$folder" >&2; then
    echo "make dist: refused, since META.json and the files of $commit do not fit" >&2
    exit 1
fi
version=$(perl -MJSON::PP -0777 -ne 'print decode_json($_)->{version}' "$folder/META.json")
[ "$commit" != HEAD ] || git diff --quiet HEAD ||
    echo "make dist: what is not committed is not in the archive" >&2
git archive --format=zip --prefix="pgclone-$version/" -o "pgclone-$version.zip" "$commit"
echo "pgclone-$version.zip"
