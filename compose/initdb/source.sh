#!/bin/bash
# Run once, by the image's entry point, when a source's data folder is new: what there is to clone.
set -eu

psql -X -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
    -f "${SHOP_SQL:-/usr/local/share/pgclone/shop.sql}"
pgbench -i -q -s "${DEMO_SCALE:-20}" -U "$POSTGRES_USER" "$POSTGRES_DB"
