#!/bin/bash
# Draws the diagrams of this folder: docs/diagrams/draw.sh [NAME...]. Each NAME.dot becomes NAME.svg, which is committed with it.
# Needs dot, which is in Debian's package graphviz.
set -eu
cd "$(dirname "$0")"

command -v dot >/dev/null || {
    echo "draw.sh: there is no dot (Debian: apt-get install graphviz)" >&2
    exit 1
}
[ $# -gt 0 ] || set -- *.dot
for name in "$@"; do
    name=${name%.dot}
    # Without the comments: the program's version would make a difference where there is none.
    dot -Tsvg "$name.dot" | perl -0pe 's/<!--.*?-->\n//gs; s/[ \t]+$//mg; s/\t/ /g' >"$name.svg"
    echo "$name.svg"
done
