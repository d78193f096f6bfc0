\echo Use "ALTER EXTENSION pgclone UPDATE" to load this file. \quit

-- The house rules are those of pgclone--1.0.sql.

-- Who did what when, in order of worker and time. What a worker has not begun yet has no line.
CREATE FUNCTION @extschema@.pgclone_ledger_timeline(viewer oid, job_id bigint)
RETURNS TABLE (worker text, task_id integer, phase text, kind text, schema_name text,
               object_name text, status text, attempts integer, started_at timestamptz,
               finished_at timestamptz, starts_after interval, duration interval, rows bigint,
               bytes bigint, wait_source interval, wait_target interval)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $2;
    job @extschema@.pgclone_job%ROWTYPE;
    first_start timestamptz;
BEGIN
    SELECT * INTO job FROM @extschema@.pgclone_job AS j
        WHERE j.job_id = this_job AND NOT j.dry_run;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('job %s does not exist', this_job);
    END IF;
    IF NOT @extschema@.pgclone_may_see(viewer, job.submitter) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('permission denied to see job %s', this_job),
            DETAIL = 'Only roles that are members of the submitting role or of '
                     '"pg_read_all_stats" may see what a job does.';
    END IF;
    first_start := (SELECT min(t.started_at) FROM @extschema@.pgclone_task AS t
                    WHERE t.job_id = this_job);
    RETURN QUERY
        WITH work AS (
            -- until the first task begins, the job worker connects and plans
            SELECT 'job worker'::text AS worker, NULL::integer AS task_id,
                   'planning'::text AS phase, 'planning'::text AS kind, NULL::text AS schema_name,
                   NULL::text AS object_name,
                   CASE WHEN first_start IS NOT NULL THEN 'done'
                        WHEN job.finished_at IS NULL THEN 'running'
                        ELSE job.status END AS status,
                   job.attempts, job.started_at,
                   coalesce(first_start, job.finished_at) AS finished_at, NULL::bigint AS rows,
                   NULL::bigint AS bytes, NULL::interval AS wait_source,
                   NULL::interval AS wait_target
            WHERE job.started_at IS NOT NULL
            UNION ALL
            SELECT coalesce(t.worker, 'job worker'), t.task_id, t.phase, t.kind, t.schema_name,
                   t.object_name, t.status, t.attempts, t.started_at, t.finished_at,
                   t.rows_target, t.bytes, t.wait_source, t.wait_target
            FROM @extschema@.pgclone_task AS t
            WHERE t.job_id = this_job AND t.started_at IS NOT NULL
        )
        SELECT w.worker, w.task_id, w.phase, w.kind, w.schema_name, w.object_name, w.status,
               w.attempts, w.started_at, w.finished_at, w.started_at - job.started_at,
               -- a task that waits for another attempt has an end only when that has
               CASE WHEN w.finished_at IS NOT NULL THEN w.finished_at - w.started_at
                    WHEN w.status = 'running' THEN clock_timestamp() - w.started_at END,
               w.rows, w.bytes, w.wait_source, w.wait_target
        FROM work AS w
        -- table workers are called 7.1, 7.2, ..., 7.10
        ORDER BY w.worker <> 'job worker', length(w.worker), w.worker, w.started_at,
                 coalesce(w.finished_at, 'infinity') DESC, w.task_id;
END
$$;

-- What stands above the chart; times in microseconds.
CREATE FUNCTION @extschema@.pgclone_ledger_timeline_job(job_id bigint)
RETURNS TABLE (scope text, status text, duration bigint, queued bigint)
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT j.scope, j.status,
           coalesce(1000000 * extract(epoch FROM
               coalesce(j.finished_at, clock_timestamp()) - j.started_at), 0)::bigint,
           (1000000 * extract(epoch FROM
               coalesce(j.started_at, j.finished_at, clock_timestamp()) - j.submitted_at))::bigint
    FROM @extschema@.pgclone_job AS j WHERE j.job_id = $1;
$$;

-- What pgclone_tasks_view shows. A job may have 100,000 tasks, and whoever looks does so again and
-- again: whether they may be seen is asked once a job, and the primary key has them in order.
CREATE OR REPLACE FUNCTION @extschema@.pgclone_ledger_tasks(viewer oid)
RETURNS SETOF @extschema@.pgclone_task_progress
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET enable_sort = off SET enable_bitmapscan = off SET jit = off SET work_mem = '32MB'
AS $$
DECLARE
    item record;
    hidden @extschema@.pgclone_task_progress;
BEGIN
    FOR item IN
        SELECT j.job_id, @extschema@.pgclone_may_see(viewer, j.submitter) AS visible
        FROM @extschema@.pgclone_job AS j ORDER BY j.job_id
    LOOP
        IF item.visible THEN
            RETURN QUERY
            SELECT t.job_id, t.task_id, t.status, t.kind, t.stage, t.phase, t.schema_name,
                   t.object_name, t.attempts, t.epoch, t.worker, t.format, t.column_list,
                   t.predicate, t.rows_source, t.rows_target, t.bytes, t.wait_source,
                   t.wait_target, t.started_at, t.finished_at,
                   coalesce(t.finished_at, clock_timestamp()) - t.started_at, t.sqlstate,
                   t.error_message, t.skip_reason,
                   CASE WHEN t.status = 'pending' THEN t.next_attempt_at END
            FROM @extschema@.pgclone_task AS t
            WHERE t.job_id = item.job_id ORDER BY t.task_id;
        ELSE
            FOR hidden.job_id, hidden.task_id, hidden.status IN
                SELECT t.job_id, t.task_id, t.status FROM @extschema@.pgclone_task AS t
                WHERE t.job_id = item.job_id ORDER BY t.task_id
            LOOP
                RETURN NEXT hidden;
            END LOOP;
        END IF;
    END LOOP;
END
$$;

-- The statements that undo what the job has done, last task first. The task `publish` has those
-- that drop what stands under working names, whether it was reached or not. None once the task
-- `drop replaced` has begun: then the copy is all there is.
-- What the job is to be after that is noted, lest it goes on when the server crashes meanwhile;
-- NULL: it begins anew.
CREATE OR REPLACE FUNCTION @extschema@.pgclone_ledger_cleanup(job_id bigint, ending text,
    sqlstate text, error_message text) RETURNS TABLE (statement text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    -- A cancel may have come while the last commit was under way: what is completed stays. The lock
    -- waits for that commit, and lets no other task commit its mark from here on.
    PERFORM FROM @extschema@.pgclone_job AS j
        WHERE j.job_id = this_job AND j.status IN ('pending', 'running') FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE @extschema@.pgclone_job AS j
        SET phase = 'cleanup', ending = $2, sqlstate = nullif($3, ''),
            error_message = nullif($4, '')
        WHERE j.job_id = this_job AND (j.status = 'running' OR $2 IS NOT NULL);
    IF EXISTS (SELECT FROM @extschema@.pgclone_task AS t
               WHERE t.job_id = this_job AND t.kind = 'drop replaced' AND t.attempts > 0) THEN
        RETURN;
    END IF;
    -- What goes into another schema is named without it.
    RETURN QUERY
        SELECT format('SELECT pg_catalog.set_config(''search_path'', %L, false)',
                      quote_ident(j.options ->> 'target_schema'))
        FROM @extschema@.pgclone_job AS j
        WHERE j.job_id = this_job AND j.scope IN ('schema', 'functions')
          AND j.options ? 'target_schema';
    RETURN QUERY
        SELECT c.statement
        FROM @extschema@.pgclone_task AS t,
             LATERAL jsonb_array_elements_text(t.spec::jsonb -> 'cleanup')
                 WITH ORDINALITY AS c(statement, position)
        WHERE t.job_id = this_job
          AND (t.rows_target IS NOT NULL -- it is, or was, done
               OR t.kind = 'publish')
        ORDER BY t.task_id DESC, c.position;
END
$$;

-- After a crash tables that are not logged are empty: they are to be filled again, and the number of
-- tasks that are done is returned. But once what was replaced is being dropped the copy was complete:
-- the crash does to it what it would have done after the job's end, and to begin anew would mean to
-- forget where the old objects are.
CREATE OR REPLACE FUNCTION @extschema@.pgclone_note_crash(job_id bigint) RETURNS integer
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE @extschema@.pgclone_task AS t SET status = 'pending'
        WHERE t.job_id = $1 AND t.status = 'done' AND t.kind = 'data'
          AND t.spec::jsonb @> '{"unlogged": true}'
          AND NOT EXISTS (SELECT FROM @extschema@.pgclone_task AS d
                          WHERE d.job_id = $1 AND d.kind = 'drop replaced' AND d.attempts > 0);
    SELECT count(*)::integer FROM @extschema@.pgclone_task AS t
        WHERE t.job_id = $1 AND t.status = 'done';
$$;

-- What errors of jobs say beside their messages, of jobs that the viewer may see.
CREATE FUNCTION @extschema@.pgclone_ledger_advice(viewer oid)
RETURNS TABLE (job_id bigint, error_detail text, error_hint text)
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT j.job_id, j.error_detail, j.error_hint FROM @extschema@.pgclone_job AS j
    WHERE (j.error_detail IS NOT NULL OR j.error_hint IS NOT NULL)
      AND @extschema@.pgclone_may_see($1, j.submitter);
$$;

CREATE FUNCTION @extschema@.pgclone_advice()
RETURNS TABLE (job_id bigint, error_detail text, error_hint text)
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_advice';
COMMENT ON FUNCTION @extschema@.pgclone_advice() IS
    'detail and hint of the errors of jobs, as pgclone_progress and pgclone_jobs show them';

CREATE OR REPLACE FUNCTION @extschema@.pgclone_progress(job_id bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result jsonb;
BEGIN
    IF $1 IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'argument "job_id" must not be null';
    END IF;
    SELECT to_jsonb(p) || jsonb_build_object('error_detail', a.error_detail, 'error_hint', a.error_hint)
        INTO result
        FROM @extschema@.pgclone_progress_detail() AS p
        LEFT JOIN @extschema@.pgclone_advice() AS a ON a.job_id = p.job_id
        WHERE p.job_id = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('job %s does not exist', $1);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION @extschema@.pgclone_progress(bigint) IS
    'a job''s line of pgclone_jobs_view, with detail and hint of its error';

CREATE OR REPLACE FUNCTION @extschema@.pgclone_jobs() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('error_detail', a.error_detail,
                                                                'error_hint', a.error_hint)
                              ORDER BY p.job_id), '[]')
    FROM @extschema@.pgclone_progress_detail() AS p
    LEFT JOIN @extschema@.pgclone_advice() AS a ON a.job_id = p.job_id;
$$;
COMMENT ON FUNCTION @extschema@.pgclone_jobs() IS
    'pgclone_jobs_view as a JSON array, with details and hints of errors';

CREATE FUNCTION @extschema@.pgclone_timeline(job_id bigint)
RETURNS TABLE (worker text, task_id integer, phase text, kind text, schema_name text,
               object_name text, status text, attempts integer, started_at timestamptz,
               finished_at timestamptz, starts_after interval, duration interval, rows bigint,
               bytes bigint, wait_source interval, wait_target interval)
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_timeline';
COMMENT ON FUNCTION @extschema@.pgclone_timeline(bigint) IS
    'who did what when: a line for each unit of work that has begun';

CREATE FUNCTION @extschema@.pgclone_timeline_svg(job_id bigint) RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_timeline_svg';
COMMENT ON FUNCTION @extschema@.pgclone_timeline_svg(bigint) IS
    'pgclone_timeline() as a chart: an SVG document';

-- What ANALYZE would find out about a table. For its owner, and so for anybody. False, and nothing
-- is set, if values are not in this server's order, the type's statistics are not all in pg_stats, or
-- avg_width is that of no column. Either column_name or column_number is null.
CREATE FUNCTION @extschema@.pgclone_restore_statistics(relation regclass, column_name name,
    column_number smallint, inherited boolean, null_frac real, avg_width integer, n_distinct real,
    most_common_vals text, most_common_freqs real[], histogram_bounds text, correlation real, most_common_elems text,
    most_common_elem_freqs real[], elem_count_histogram real[])
RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_restore_statistics';
COMMENT ON FUNCTION @extschema@.pgclone_restore_statistics(regclass, name, smallint, boolean, real,
    integer, real, text, real[], text, real, text, real[], real[]) IS
    'sets the planner''s statistics of a column (or of an index''s expression) of one''s own table, with the columns of pg_stats';

CREATE FUNCTION @extschema@.pgclone_restore_row_count(relation regclass, row_count real)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_restore_row_count';
COMMENT ON FUNCTION @extschema@.pgclone_restore_row_count(regclass, real) IS
    'sets how many rows the planner takes one''s own table to have, unless that was counted here';

-- Rights: nobody but the owner calls the ledger's functions, whatever ALTER DEFAULT PRIVILEGES has
-- given.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT p.oid::pg_catalog.regprocedure AS identity,
               CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END
                   AS grantee
        FROM pg_catalog.pg_proc AS p,
             LATERAL pg_catalog.aclexplode(coalesce(p.proacl,
                 pg_catalog.acldefault('f', p.proowner))) AS a
        WHERE p.oid OPERATOR(pg_catalog.=) ANY (ARRAY[
                  '@extschema@.pgclone_ledger_advice(pg_catalog.oid)'
                      ::pg_catalog.regprocedure::pg_catalog.oid,
                  '@extschema@.pgclone_ledger_timeline(pg_catalog.oid, pg_catalog.int8)'
                      ::pg_catalog.regprocedure::pg_catalog.oid,
                  '@extschema@.pgclone_ledger_timeline_job(pg_catalog.int8)'
                      ::pg_catalog.regprocedure::pg_catalog.oid])
          AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %s', item.identity, item.grantee);
    END LOOP;
END
$$;
