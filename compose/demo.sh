#!/bin/bash
# Submits a clone of the source's database, shows it until it ends, and what it has done.
set -eu

sql() {
    psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# A second run finds the first one's tables, and replaces nothing.
if [ "$(sql -At -c "SELECT to_regclass('public.pgbench_accounts') IS NOT NULL")" = t ]; then
    echo "the database is cloned already; docker compose --profile demo down -v begins anew"
    exit 0
fi

echo "SELECT pgclone_submit('source', 'database');"
job=$(sql -At -c "SELECT pgclone_submit('source', 'database')")
sql -v job="$job" -v every=0.5 -f "${WATCH_PSQL:-/usr/local/share/pgclone/watch.psql}"
sql -P pager=off -c "SELECT phase, kind, count(*) AS tasks, sum(rows_target) AS rows, pg_size_pretty(sum(bytes)) AS size
    FROM pgclone_tasks_view WHERE job_id = $job GROUP BY phase, kind ORDER BY min(task_id)"
[ "$(sql -At -c "SELECT status FROM pgclone_jobs_view WHERE job_id = $job")" = completed ]
