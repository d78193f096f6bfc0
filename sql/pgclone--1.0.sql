\echo Use "CREATE EXTENSION pgclone" to load this file. \quit

-- House rules of this script:
-- * ASCII only: the database may be in any encoding.
-- * Every function fixes its search_path, every object of ours is named with its schema.
-- * Arguments of our own functions have exactly their types, so that no overload that somebody
--   adds to the schema is a better match.
-- * Nobody but the owner has rights on tables and sequence. Functions that workers call act as
--   the owner after pgclone_ledger_authorize() has let them in; functions whose name begins with
--   pgclone_ledger_ and that take a viewer are called by the library alone, as the owner.

-- ---------------------------------------------------------------------------------------------
-- The ledger
-- ---------------------------------------------------------------------------------------------

CREATE SEQUENCE @extschema@.pgclone_job_id_seq AS bigint;

CREATE TABLE @extschema@.pgclone_job (
    job_id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('@extschema@.pgclone_job_id_seq'),
    -- who, and whence: never changed
    submitter oid NOT NULL,
    submitter_name name NOT NULL,
    source text NOT NULL, -- name of a foreign server, or connection string without secrets
    source_kind text NOT NULL CHECK (source_kind IN ('conninfo', 'server')),
    -- which server that turned out to be: set once
    source_system_identifier text,
    source_database oid,
    -- what
    scope text NOT NULL CHECK (scope IN ('table', 'schema', 'database', 'functions')),
    object_schema text,
    object_name text,
    target_schema text,
    target_name text,
    options jsonb NOT NULL,
    unique_key text,
    dry_run boolean NOT NULL DEFAULT false, -- of pgclone_plan: its tasks are never carried out
    -- Stands, in a database that the job creates, for the job's row in the database where it was
    -- submitted: the ledger of its tasks is here until they are done.
    is_shadow boolean NOT NULL DEFAULT false,
    priority integer NOT NULL DEFAULT 0,
    run_at timestamptz,
    depends_on bigint[],
    -- how it goes
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'held')),
    phase text NOT NULL DEFAULT 'queued',
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    epoch integer NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    snapshot_lsn pg_lsn,
    incarnation text, -- of the server at submit, or when the job was resumed
    needs_source boolean NOT NULL DEFAULT false, -- part of it stands only in the queue: a secret
    crashes integer NOT NULL DEFAULT 0, -- of the server in a row, without progress
    crashed_at timestamptz, -- the last of them
    most_done integer NOT NULL DEFAULT 0, -- tasks that were done at most when the server crashed
    ending text CHECK (ending IN ('failed', 'cancelled')), -- what it will be when all is undone
    work_database name, -- that the job creates, as it is called until it is complete
    consistent boolean NOT NULL DEFAULT true,
    tables_total integer,
    tables_completed integer NOT NULL DEFAULT 0,
    rows_copied bigint NOT NULL DEFAULT 0,
    bytes_copied bigint NOT NULL DEFAULT 0,
    bytes_total bigint,
    data_time interval, -- from the first row to the last
    submitted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    sqlstate text CHECK (sqlstate OPERATOR(pg_catalog.~) '^[0-9A-Z]{5}$'),
    error_message text,
    error_detail text,
    error_hint text,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);

ALTER SEQUENCE @extschema@.pgclone_job_id_seq OWNED BY @extschema@.pgclone_job.job_id;

-- (of each submitter: nobody else's job is taken for one's own)
CREATE UNIQUE INDEX pgclone_job_unique_key ON @extschema@.pgclone_job (submitter, unique_key)
    WHERE status IN ('pending', 'running', 'held');
CREATE INDEX pgclone_job_unfinished ON @extschema@.pgclone_job (job_id)
    WHERE status IN ('pending', 'running', 'held');

CREATE TABLE @extschema@.pgclone_task (
    job_id bigint NOT NULL, -- of pgclone_job; pgclone_forget_tasks takes a foreign key's place
    task_id integer NOT NULL CHECK (task_id > 0),
    kind text NOT NULL,
    stage integer NOT NULL,
    phase text NOT NULL,
    schema_name text,
    object_name text,
    spec text NOT NULL, -- JSON, which only workers read
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('planned', 'pending', 'running', 'done', 'failed', 'skipped')),
    epoch integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    worker text,
    format text,
    column_list text[],
    predicate text,
    rows_source bigint,
    rows_target bigint,
    bytes bigint,
    wait_source interval,
    wait_target interval,
    started_at timestamptz,
    finished_at timestamptz,
    sqlstate text CHECK (sqlstate OPERATOR(pg_catalog.~) '^[0-9A-Z]{5}$'),
    error_message text,
    skip_reason text,
    next_attempt_at timestamptz, -- while it waits for that after an error
    PRIMARY KEY (job_id, task_id),
    CHECK (status <> 'done' OR rows_source IS NOT DISTINCT FROM rows_target)
) WITH (fillfactor = 50); -- each row is updated once or twice: room for that on its page

-- What pgclone_alter has changed of unfinished jobs; NULL: as the options say. A table of its own,
-- since whoever alters a job must not keep its row locked until they commit: its workers need it.
CREATE TABLE @extschema@.pgclone_alteration (
    job_id bigint PRIMARY KEY,
    parallel integer,
    rate_limit bigint, -- bytes a second; -1: none
    altered_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- What a row may become, whoever writes it: a role that could forge a row could have a later run
-- log in as someone else.
CREATE FUNCTION @extschema@.pgclone_guard_job() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF ROW(NEW.job_id, NEW.submitter, NEW.submitter_name, NEW.source, NEW.source_kind, NEW.scope,
           NEW.object_schema, NEW.object_name, NEW.target_schema, NEW.target_name, NEW.options,
           NEW.unique_key, NEW.dry_run, NEW.is_shadow, NEW.submitted_at)
       IS DISTINCT FROM
       ROW(OLD.job_id, OLD.submitter, OLD.submitter_name, OLD.source, OLD.source_kind, OLD.scope,
           OLD.object_schema, OLD.object_name, OLD.target_schema, OLD.target_name, OLD.options,
           OLD.unique_key, OLD.dry_run, OLD.is_shadow, OLD.submitted_at)
       OR (OLD.source_system_identifier IS NOT NULL
           AND OLD.source_system_identifier IS DISTINCT FROM NEW.source_system_identifier)
       OR (OLD.source_database IS NOT NULL
           AND OLD.source_database IS DISTINCT FROM NEW.source_database) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('who and whence of job %s cannot be changed', OLD.job_id);
    END IF;
    -- The same table as may_become() in shared/job_state.cpp.
    IF NOT (CASE OLD.status
            WHEN 'pending' THEN NEW.status IN ('pending', 'running', 'cancelled', 'failed', 'held')
            WHEN 'running' THEN true
            WHEN 'held' THEN NEW.status IN ('held', 'pending', 'cancelled', 'failed')
            -- of a final row, a leftover that was dropped later is noted
            ELSE NEW IS NOT DISTINCT FROM OLD
                 OR (NEW.work_database IS NULL
                     AND to_jsonb(NEW) - 'work_database' = to_jsonb(OLD) - 'work_database')
            END) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s cannot go from %s to %s', OLD.job_id, OLD.status, NEW.status);
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER pgclone_guard_job BEFORE UPDATE ON @extschema@.pgclone_job
    FOR EACH ROW EXECUTE FUNCTION @extschema@.pgclone_guard_job();
ALTER TABLE @extschema@.pgclone_job ENABLE ALWAYS TRIGGER pgclone_guard_job;

-- The conditions stand in the triggers: tasks come in tens of thousands, and this is called only
-- to refuse.
CREATE FUNCTION @extschema@.pgclone_guard_task() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('task %s of job %s cannot be changed like that (%s to %s)',
                         OLD.task_id, OLD.job_id, OLD.status, NEW.status);
END
$$;

-- A job takes its tasks with it. (A foreign key would cost a third of the time that it takes to
-- write a plan of 100,000 tasks.)
CREATE FUNCTION @extschema@.pgclone_forget_tasks() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM @extschema@.pgclone_task AS t WHERE t.job_id = OLD.job_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER pgclone_forget_tasks AFTER DELETE ON @extschema@.pgclone_job
    FOR EACH ROW EXECUTE FUNCTION @extschema@.pgclone_forget_tasks();
ALTER TABLE @extschema@.pgclone_job ENABLE ALWAYS TRIGGER pgclone_forget_tasks;

CREATE TRIGGER pgclone_guard_task BEFORE UPDATE ON @extschema@.pgclone_task
    FOR EACH ROW
    WHEN (CASE OLD.status
          WHEN 'pending' THEN NEW.status NOT IN ('pending', 'running', 'done', 'failed', 'skipped')
          WHEN 'running' THEN NEW.status NOT IN ('running', 'done', 'failed', 'pending', 'skipped')
          WHEN 'failed' THEN NEW.status NOT IN ('failed', 'running', 'pending', 'done')
          -- a new epoch, or an unlogged table after a crash, un-marks a task
          WHEN 'done' THEN NEW.status NOT IN ('done', 'pending')
          ELSE NEW.status <> OLD.status
          END)
    EXECUTE FUNCTION @extschema@.pgclone_guard_task();
ALTER TABLE @extschema@.pgclone_task ENABLE ALWAYS TRIGGER pgclone_guard_task;

CREATE TRIGGER pgclone_guard_task_identity
    BEFORE UPDATE OF job_id, task_id, kind, stage, spec ON @extschema@.pgclone_task
    FOR EACH ROW
    WHEN (ROW(NEW.job_id, NEW.task_id, NEW.kind, NEW.stage)
          IS DISTINCT FROM ROW(OLD.job_id, OLD.task_id, OLD.kind, OLD.stage)
          -- a new snapshot may have other values of sequences
          OR (NEW.spec <> OLD.spec AND (NEW.epoch <= OLD.epoch OR NEW.status = 'done')))
    EXECUTE FUNCTION @extschema@.pgclone_guard_task();
ALTER TABLE @extschema@.pgclone_task ENABLE ALWAYS TRIGGER pgclone_guard_task_identity;

-- ---------------------------------------------------------------------------------------------
-- The ledger's functions for workers. They are open to all roles, since a worker's session is
-- that of the submitter; the first line of each lets only such a session in.
-- ---------------------------------------------------------------------------------------------

-- Passes if this session belongs to a live worker of the job (NULL: to a ledger worker), and its
-- session user is the submitter; else 42501.
CREATE FUNCTION @extschema@.pgclone_ledger_authorize(job_id bigint) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_ledger_authorize';

-- Which server this is: a copy of it, or a standby that was promoted, is another one.
CREATE FUNCTION @extschema@.pgclone_incarnation() RETURNS text
LANGUAGE C STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_incarnation';

CREATE FUNCTION @extschema@.pgclone_ledger_notify(job_id bigint, event text, status text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_notify('pgclone_events',
                     (SELECT row_to_json(e)::text
                      FROM (SELECT $1 AS job_id, $2 AS event, $3 AS status) AS e))
    -- a plan is its caller's affair
    WHERE NOT EXISTS (SELECT FROM @extschema@.pgclone_job AS j WHERE j.job_id = $1 AND j.dry_run);
$$;

-- A job worker's first act: locks the row, counts the attempt. A row that is final is returned as
-- it is, and ends the worker.
CREATE FUNCTION @extschema@.pgclone_ledger_start(job_id bigint)
RETURNS TABLE (status text, source text, source_kind text, scope text, object_schema text,
               object_name text, options text, attempts integer, epoch integer,
               is_superuser boolean, may_submit boolean, dry_run boolean, has_plan boolean,
               source_is_needed boolean, was_undone boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    job @extschema@.pgclone_job%ROWTYPE;
    old_phase text;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    SELECT * INTO job FROM @extschema@.pgclone_job AS j WHERE j.job_id = this_job FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('job %s does not exist', this_job);
    END IF;
    old_phase := job.phase;
    IF job.status = 'held' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s is held', this_job);
    END IF;
    IF job.status IN ('pending', 'running') THEN
        UPDATE @extschema@.pgclone_job AS j
            SET status = 'running', attempts = j.attempts + 1,
                phase = CASE j.phase WHEN 'cleanup' THEN 'cleanup' ELSE 'connecting' END,
                started_at = coalesce(j.started_at, clock_timestamp())
            WHERE j.job_id = this_job
            RETURNING * INTO job;
        -- Nobody else is at work: those of an earlier life of the server are pending again.
        UPDATE @extschema@.pgclone_task AS t SET status = 'pending'
            WHERE t.job_id = this_job AND t.status = 'running';
        PERFORM @extschema@.pgclone_ledger_notify(this_job,
            CASE WHEN job.attempts > 1 THEN 'resumed' ELSE 'started' END, 'running'::text);
    END IF;
    RETURN QUERY
        SELECT job.status, job.source, job.source_kind, job.scope, job.object_schema,
               job.object_name, job.options::text, job.attempts, job.epoch,
               coalesce((SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = session_user),
                        false),
               has_function_privilege(session_user,
                   '@extschema@.pgclone_submit(text, text, text, jsonb)', 'EXECUTE')
               AND (job.source_kind <> 'server'
                    OR coalesce((SELECT has_server_privilege(session_user, s.oid, 'USAGE')
                                 FROM pg_foreign_server AS s WHERE s.srvname = job.source), false)),
               job.dry_run,
               EXISTS (SELECT FROM @extschema@.pgclone_task AS t WHERE t.job_id = this_job),
               EXISTS (SELECT FROM @extschema@.pgclone_task AS t
                       WHERE t.job_id = this_job AND t.kind IN ('data', 'large objects')
                         AND t.status IN ('pending', 'running')),
               old_phase = 'cleanup';
END
$$;

-- The plan of a job that goes on where it stood, in order.
CREATE FUNCTION @extschema@.pgclone_ledger_load(job_id bigint)
RETURNS TABLE (task_id integer, status text, spec text, rows_target bigint, bytes bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    RETURN QUERY
        SELECT t.task_id, t.status, t.spec, t.rows_target, t.bytes
        FROM @extschema@.pgclone_task AS t WHERE t.job_id = this_job ORDER BY t.task_id;
END
$$;

-- When all that the job had made is undone, so that it begins anew with another snapshot.
CREATE FUNCTION @extschema@.pgclone_ledger_forget_plan(job_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    UPDATE @extschema@.pgclone_job AS j SET phase = 'connecting', consistent = true
        WHERE j.job_id = this_job AND j.status = 'running' AND j.ending IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s is not running', this_job);
    END IF;
    DELETE FROM @extschema@.pgclone_task AS t WHERE t.job_id = this_job;
END
$$;

-- With "consistency": "relaxed" and a new snapshot: what is not done yet belongs to its epoch, and
-- of some tasks the spec is another (parallel arrays). `mixed`: rows of an older snapshot stay.
CREATE FUNCTION @extschema@.pgclone_ledger_new_epoch(job_id bigint, epoch integer, mixed boolean,
    task_ids integer[], specs text[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    new_epoch ALIAS FOR $2;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    UPDATE @extschema@.pgclone_job AS j SET consistent = j.consistent AND NOT mixed
        WHERE j.job_id = this_job AND j.status = 'running';
    UPDATE @extschema@.pgclone_task AS t
        SET epoch = new_epoch, spec = coalesce(c.spec, t.spec)
        FROM @extschema@.pgclone_task AS own
        LEFT JOIN unnest(task_ids, specs) AS c(task_id, spec) ON c.task_id = own.task_id
        WHERE own.job_id = this_job AND t.job_id = this_job AND t.task_id = own.task_id
          AND t.status = 'pending';
END
$$;

-- Notes which server and database the source is, and the snapshot; NULL keeps what is there.
CREATE FUNCTION @extschema@.pgclone_ledger_source(job_id bigint, system_identifier text,
    source_database bigint, snapshot_lsn text, epoch integer) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    new_identifier ALIAS FOR $2;
    new_database ALIAS FOR $3;
    new_lsn ALIAS FOR $4;
    new_epoch ALIAS FOR $5;
    job @extschema@.pgclone_job%ROWTYPE;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    SELECT * INTO job FROM @extschema@.pgclone_job AS j WHERE j.job_id = this_job FOR UPDATE;
    IF NOT FOUND OR job.status <> 'running' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s is not running', this_job);
    END IF;
    IF job.source_system_identifier <> new_identifier
       OR job.source_database <> new_database::oid THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('the source of job %s is not the one that it began with', this_job),
            DETAIL = format('The job began with system identifier %s, database %s; '
                            'the source is now %s, database %s.', job.source_system_identifier,
                            job.source_database, new_identifier, new_database);
    END IF;
    UPDATE @extschema@.pgclone_job AS j
        SET source_system_identifier = coalesce(j.source_system_identifier, new_identifier),
            source_database = coalesce(j.source_database, new_database::oid),
            snapshot_lsn = coalesce(new_lsn::pg_lsn, j.snapshot_lsn),
            epoch = coalesce(new_epoch, j.epoch)
        WHERE j.job_id = this_job;
END
$$;

-- `tasks` is a JSON array, each element one task: the values of columns, and the whole as a string.
-- Those of a dry run are never carried out.
CREATE FUNCTION @extschema@.pgclone_ledger_add_tasks(job_id bigint, tasks text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    new_tasks ALIAS FOR $2;
    job_epoch integer;
    first_status text;
BEGIN
    SELECT j.epoch, CASE WHEN j.dry_run THEN 'planned' ELSE 'pending' END
        INTO job_epoch, first_status
        FROM @extschema@.pgclone_job AS j WHERE j.job_id = this_job AND j.status = 'running';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s is not running', this_job);
    END IF;
    INSERT INTO @extschema@.pgclone_task (job_id, task_id, kind, stage, phase, schema_name,
            object_name, spec, status, epoch, format, column_list, predicate, skip_reason)
        SELECT this_job, (t.task ->> 'task_id')::integer, t.task ->> 'kind',
               (t.task ->> 'stage')::integer, t.task ->> 'phase', t.task ->> 'schema_name',
               t.task ->> 'object_name', t.task ->> 'spec',
               CASE WHEN t.task ->> 'skip_reason' <> '' THEN 'skipped' ELSE first_status END,
               job_epoch, t.task ->> 'format',
               CASE WHEN jsonb_typeof(t.task -> 'column_list') = 'array'
                    THEN ARRAY(SELECT c.name
                               FROM jsonb_array_elements_text(t.task -> 'column_list')
                                   WITH ORDINALITY AS c(name, position)
                               ORDER BY c.position) END,
               t.task ->> 'predicate', t.task ->> 'skip_reason'
        FROM jsonb_array_elements(new_tasks::jsonb) AS t(task);
END
$$;

-- Writes the plan, or its first piece, in place of an older one.
CREATE FUNCTION @extschema@.pgclone_ledger_plan(job_id bigint, tasks text, bytes_total bigint,
    tables_total integer) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    new_tasks ALIAS FOR $2;
    new_bytes_total ALIAS FOR $3;
    new_tables_total ALIAS FOR $4;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    UPDATE @extschema@.pgclone_job AS j
        SET bytes_total = new_bytes_total, tables_total = new_tables_total, phase = 'planning'
        WHERE j.job_id = this_job AND j.status = 'running';
    IF EXISTS (SELECT FROM @extschema@.pgclone_task AS t
               WHERE t.job_id = this_job AND t.status = 'done') THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s has finished tasks, its plan cannot be replaced', this_job);
    END IF;
    DELETE FROM @extschema@.pgclone_task AS t WHERE t.job_id = this_job;
    PERFORM @extschema@.pgclone_ledger_add_tasks(this_job, new_tasks);
END
$$;

-- Adds a further piece, in the transaction of the first.
CREATE FUNCTION @extschema@.pgclone_ledger_plan_more(job_id bigint, tasks text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize($1);
    PERFORM @extschema@.pgclone_ledger_add_tasks($1, $2);
END
$$;

-- Of a task that takes long: counts the attempt and shows it as running. To be committed before the
-- work starts. Short tasks go from pending to done in the transaction of their work.
CREATE FUNCTION @extschema@.pgclone_ledger_task_start(job_id bigint, task_id integer, worker text)
RETURNS TABLE (spec text, attempts integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    this_task ALIAS FOR $2;
    this_worker ALIAS FOR $3;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    RETURN QUERY
        UPDATE @extschema@.pgclone_task AS t
            SET status = 'running', worker = this_worker, attempts = t.attempts + 1,
                started_at = clock_timestamp(), finished_at = NULL, sqlstate = NULL,
                error_message = NULL, next_attempt_at = NULL
            WHERE t.job_id = this_job AND t.task_id = this_task
              AND t.status IN ('pending', 'failed')
              AND EXISTS (SELECT FROM @extschema@.pgclone_job AS j
                          WHERE j.job_id = this_job AND j.status = 'running')
            RETURNING t.spec, t.attempts;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('task %s of job %s cannot be started', this_task, this_job);
    END IF;
END
$$;

-- First statement of the transaction that does the work of some tasks: nobody else can do it until
-- it has ended.
CREATE FUNCTION @extschema@.pgclone_ledger_tasks_lock(job_id bigint, task_ids integer[],
    worker text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    these_tasks ALIAS FOR $2;
    this_worker ALIAS FOR $3;
    locked integer;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    PERFORM FROM @extschema@.pgclone_task AS t
        WHERE t.job_id = this_job AND t.task_id = ANY (these_tasks)
          AND (t.status IN ('pending', 'failed')
               OR (t.status = 'running' AND t.worker = this_worker))
        FOR UPDATE;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked IS DISTINCT FROM cardinality(these_tasks) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('tasks of job %s are not for worker %s to do', this_job, this_worker);
    END IF;
END
$$;

-- The same for a worker that does not know them yet. `attempts` counts this one.
CREATE FUNCTION @extschema@.pgclone_ledger_tasks_take(job_id bigint, task_ids integer[],
    worker text) RETURNS TABLE (task_id integer, spec text, attempts integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    these_tasks ALIAS FOR $2;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    PERFORM @extschema@.pgclone_ledger_tasks_lock(this_job, these_tasks, $3);
    RETURN QUERY
        SELECT t.task_id, t.spec, t.attempts + CASE t.status WHEN 'running' THEN 0 ELSE 1 END
        FROM @extschema@.pgclone_task AS t
        WHERE t.job_id = this_job AND t.task_id = ANY (these_tasks);
END
$$;

-- Last statement of that transaction: the marks commit with the work. The arrays after `worker`
-- are parallel to the first ones of `task_ids`, those that copied rows; their times are
-- microseconds since 2000-01-01 UTC. The others took as long as the transaction.
CREATE FUNCTION @extschema@.pgclone_ledger_tasks_done(job_id bigint, task_ids integer[],
    worker text, rows_source bigint[], rows_target bigint[], bytes bigint[],
    wait_source_ms bigint[], wait_target_ms bigint[], started_us bigint[], finished_us bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    these_tasks ALIAS FOR $2;
    this_worker ALIAS FOR $3;
    sent ALIAS FOR $4;
    stored ALIAS FOR $5;
    origin constant timestamptz := '2000-01-01 00:00:00+00';
    wrong record;
    marked integer;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    IF sent IS DISTINCT FROM stored THEN
        SELECT * INTO wrong
            FROM unnest(these_tasks, sent, stored) AS c(task, sent, stored)
            WHERE c.sent IS DISTINCT FROM c.stored LIMIT 1;
        RAISE EXCEPTION USING ERRCODE = 'data_corrupted',
            MESSAGE = format('task %s of job %s stored %s rows, but the source sent %s',
                             wrong.task, this_job, wrong.stored, wrong.sent);
    END IF;
    -- The share lock holds the job's end back until this transaction is over: a job that has
    -- failed gets no data any more.
    PERFORM FROM @extschema@.pgclone_job AS j
        WHERE j.job_id = this_job AND j.status = 'running' AND j.phase <> 'cleanup' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s is not running', this_job);
    END IF;
    UPDATE @extschema@.pgclone_task AS t
        SET status = 'done', worker = this_worker,
            attempts = t.attempts + CASE t.status WHEN 'running' THEN 0 ELSE 1 END,
            rows_source = coalesce(c.rows, 0), rows_target = coalesce(c.rows, 0),
            bytes = coalesce(c.bytes, 0),
            wait_source = coalesce(c.wait_source, 0) * interval '1 millisecond',
            wait_target = coalesce(c.wait_target, 0) * interval '1 millisecond',
            started_at = coalesce(origin + c.started * interval '1 microsecond',
                                  CASE t.status WHEN 'running' THEN t.started_at END,
                                  transaction_timestamp()),
            finished_at = coalesce(origin + c.finished * interval '1 microsecond',
                                   clock_timestamp()),
            sqlstate = NULL, error_message = NULL, next_attempt_at = NULL
        FROM unnest(these_tasks, sent, $6, $7, $8, $9, $10)
            AS c(task_id, rows, bytes, wait_source, wait_target, started, finished)
        WHERE t.job_id = this_job AND t.task_id = ANY (these_tasks) -- for the index
          AND t.task_id = c.task_id
          AND (t.status IN ('pending', 'failed')
               OR (t.status = 'running' AND t.worker = this_worker));
    GET DIAGNOSTICS marked = ROW_COUNT;
    IF marked IS DISTINCT FROM cardinality(these_tasks) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('tasks of job %s are not for worker %s to do', this_job, this_worker);
    END IF;
END
$$;

-- After a rollback, or a connection that was lost in a commit: the tasks are pending again, but
-- `culprit` (0: it is not known) has the error and is failed unless it is to be tried again, after
-- `retry_delay_ms`. Waits until nobody works on them. Returns what they are then: 'done' if the
-- commit went through and only the news of it was lost. A worker that was given up does not touch
-- its successor's work.
CREATE FUNCTION @extschema@.pgclone_ledger_tasks_failed(job_id bigint, task_ids integer[],
    worker text, culprit integer, error_sqlstate text, error_message text, retry boolean,
    retry_delay_ms bigint)
RETURNS TABLE (task_id integer, status text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    these_tasks ALIAS FOR $2;
    this_worker ALIAS FOR $3;
    new_message ALIAS FOR $6;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    UPDATE @extschema@.pgclone_task AS t
        SET status = CASE WHEN t.task_id = culprit AND NOT retry THEN 'failed' ELSE 'pending' END,
            worker = this_worker,
            -- to be rolled back through no fault of theirs is no attempt of the others
            attempts = t.attempts + CASE WHEN t.status <> 'running' AND culprit IN (0, t.task_id)
                                         THEN 1 ELSE 0 END,
            started_at = CASE WHEN t.task_id = culprit
                              THEN coalesce(t.started_at, clock_timestamp()) END,
            finished_at = CASE WHEN t.task_id = culprit THEN clock_timestamp() END,
            sqlstate = CASE WHEN t.task_id = culprit THEN nullif(error_sqlstate, '') END,
            error_message = CASE WHEN t.task_id = culprit THEN nullif(new_message, '') END,
            next_attempt_at = CASE WHEN t.task_id = culprit AND retry
                                   THEN clock_timestamp() + $8 * interval '1 millisecond' END
        WHERE t.job_id = this_job AND t.task_id = ANY (these_tasks)
          AND (t.status = 'pending' OR (t.status = 'running' AND t.worker = this_worker));
    RETURN QUERY
        SELECT t.task_id, t.status FROM @extschema@.pgclone_task AS t
        WHERE t.job_id = this_job AND t.task_id = ANY (these_tasks);
END
$$;

-- In a transaction that has locked a table and is to fill it: whether it is the one that the job
-- made. The owner of the schema could have put another in its place, with triggers that would act
-- for the submitter. `relation` is qualified.
CREATE FUNCTION @extschema@.pgclone_ledger_check_table(job_id bigint, relation text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    this_relation ALIAS FOR $2;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    IF NOT EXISTS (SELECT FROM pg_class AS c
                   WHERE c.oid = to_regclass(this_relation)
                     AND pg_get_userbyid(c.relowner) = session_user
                     AND NOT EXISTS (SELECT FROM pg_trigger AS t
                                     WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('table %s on the target is not the one that job %s made',
                             this_relation, this_job),
            HINT = 'Somebody has replaced or changed it.';
    END IF;
END
$$;

-- Before what was set aside is dropped: raises if something that others made meanwhile depends on
-- it. `schema_name` is the schema that it was moved to.
CREATE FUNCTION @extschema@.pgclone_ledger_check_aside(job_id bigint, schema_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    aside oid;
    dependent text;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    aside := (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = $2);
    WITH RECURSIVE own (classid, objid) AS (
        SELECT d.classid, d.objid FROM pg_depend AS d
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = aside
        UNION
        SELECT d.classid, d.objid FROM own AS o
        JOIN pg_depend AS d ON d.refclassid = o.classid AND d.refobjid = o.objid
        WHERE d.deptype IN ('a', 'i', 'P', 'S')
    )
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on '
           || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) INTO dependent
    FROM own AS o
    JOIN pg_depend AS d ON d.refclassid = o.classid AND d.refobjid = o.objid
    WHERE (d.classid, d.objid) NOT IN (SELECT x.classid, x.objid FROM own AS x)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist',
            MESSAGE = 'cannot replace objects on the target because others depend on them',
            DETAIL = format('Made while the job ran: %s.', dependent);
    END IF;
END
$$;

-- Tasks that make no sense since something that they need was not done.
CREATE FUNCTION @extschema@.pgclone_ledger_tasks_skip(job_id bigint, task_ids integer[],
    reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    these_tasks ALIAS FOR $2;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    UPDATE @extschema@.pgclone_task AS t SET status = 'skipped', skip_reason = $3
        WHERE t.job_id = this_job AND t.task_id = ANY (these_tasks)
          AND t.status IN ('pending', 'running');
END
$$;

-- Writes the final state and sends the notification. False if the row is final or gone.
-- Also called, as the owner, by the ledger worker and by pgclone_cancel.
CREATE FUNCTION @extschema@.pgclone_ledger_finish_unchecked(job_id bigint, status text, phase text,
    error_sqlstate text, error_message text, error_detail text, error_hint text,
    rows_copied bigint, bytes_copied bigint, tables_completed integer, consistent boolean)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    new_status ALIAS FOR $2;
    new_sqlstate text := nullif($4, '');
    new_message text := nullif($5, '');
    new_rows bigint := $8;
    new_bytes bigint := $9;
    old_status text;
    open_task integer;
BEGIN
    SELECT j.status INTO old_status FROM @extschema@.pgclone_job AS j
        WHERE j.job_id = this_job FOR UPDATE;
    IF NOT FOUND OR old_status IN ('completed', 'failed', 'cancelled') THEN
        RETURN false;
    END IF;
    IF new_status IS NULL OR new_status NOT IN ('completed', 'failed', 'cancelled') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('job %s cannot end as %s', this_job, new_status);
    END IF;
    IF new_status = 'completed' THEN
        SELECT t.task_id INTO open_task FROM @extschema@.pgclone_task AS t
            WHERE t.job_id = this_job AND t.status NOT IN ('done', 'skipped', 'planned')
            ORDER BY t.task_id LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'internal_error',
                MESSAGE = format('job %s cannot be completed: task %s is not done', this_job,
                                 open_task);
        END IF;
        -- The marks know better than the worker, which may have missed the news of a commit.
        SELECT coalesce(sum(t.rows_target), 0), coalesce(sum(t.bytes), 0)
            INTO new_rows, new_bytes
            FROM @extschema@.pgclone_task AS t WHERE t.job_id = this_job;
    ELSE
        -- What is locked is being rolled back, or about to fail in tasks_done: no need to wait.
        UPDATE @extschema@.pgclone_task AS t
            SET status = 'failed', finished_at = clock_timestamp(),
                sqlstate = coalesce(new_sqlstate, '57014'),
                error_message = coalesce(new_message, format('job %s was %s', this_job, new_status))
            WHERE (t.job_id, t.task_id) IN
                  (SELECT r.job_id, r.task_id FROM @extschema@.pgclone_task AS r
                   WHERE r.job_id = this_job AND r.status = 'running'
                   FOR UPDATE SKIP LOCKED);
    END IF;
    UPDATE @extschema@.pgclone_job AS j
        SET status = new_status, phase = coalesce($3, j.phase), ending = NULL,
            sqlstate = new_sqlstate, error_message = new_message, error_detail = nullif($6, ''), error_hint = nullif($7, ''),
            rows_copied = coalesce(new_rows, j.rows_copied),
            bytes_copied = coalesce(new_bytes, j.bytes_copied),
            tables_completed = coalesce($10, j.tables_completed),
            consistent = coalesce($11, j.consistent), finished_at = clock_timestamp(),
            data_time = (SELECT max(t.finished_at) - min(t.started_at)
                         FROM @extschema@.pgclone_task AS t
                         WHERE t.job_id = this_job AND t.kind = 'data')
        WHERE j.job_id = this_job;
    PERFORM @extschema@.pgclone_ledger_notify(this_job, new_status, new_status);
    RETURN true;
END
$$;

CREATE FUNCTION @extschema@.pgclone_ledger_finish(job_id bigint, status text, phase text,
    error_sqlstate text, error_message text, error_detail text, error_hint text,
    rows_copied bigint, bytes_copied bigint, tables_completed integer, consistent boolean)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize($1);
    RETURN @extschema@.pgclone_ledger_finish_unchecked($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
                                                       $11);
END
$$;

-- Notes, before it is created, what the job's database is called until it is complete, so that it
-- can be dropped whatever happens; NULL: it is gone, or has its final name.
CREATE FUNCTION @extschema@.pgclone_ledger_set_work_database(job_id bigint, work_database text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    new_name ALIAS FOR $2;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    -- It will be dropped by this name, so it must not be anybody else's.
    IF NOT starts_with(new_name, format('pgclone_%s_', this_job)) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a database of job %s cannot be called "%s"', this_job, new_name);
    END IF;
    UPDATE @extschema@.pgclone_job AS j SET work_database = new_name
        WHERE j.job_id = this_job
          AND (new_name IS NULL OR (j.status = 'running' AND j.work_database IS NULL));
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s cannot create a database', this_job);
    END IF;
END
$$;

CREATE FUNCTION @extschema@.pgclone_ledger_work_database(job_id bigint) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize($1);
    RETURN (SELECT j.work_database FROM @extschema@.pgclone_job AS j WHERE j.job_id = $1);
END
$$;

-- In the work database: makes the row that the tasks hang on.
CREATE FUNCTION @extschema@.pgclone_ledger_shadow(job_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize($1);
    INSERT INTO @extschema@.pgclone_job (job_id, submitter, submitter_name, source, source_kind,
            scope, options, is_shadow, status, phase, attempts, started_at)
        SELECT $1, r.oid, r.rolname, '', 'conninfo', 'database', '{}', true, 'running', 'planning',
               1, clock_timestamp()
        FROM pg_roles AS r WHERE r.rolname = session_user;
END
$$;

-- In the work database: what its ledger says, in parts, for pgclone_ledger_import. What only the
-- tasks' execution needed stays behind.
CREATE FUNCTION @extschema@.pgclone_ledger_export(job_id bigint) RETURNS TABLE (part text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    tasks_a_part CONSTANT integer := 1000;
    execution_only CONSTANT text[] := ARRAY['statements', 'cleanup', 'after', 'search_path',
        'source_copy', 'target_copy', 'truncate', 'parts_of_table', 'large_objects'];
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    RETURN QUERY
        SELECT jsonb_build_object('tables_total', min(j.tables_total),
                   'bytes_total', min(j.bytes_total),
                   'tasks', coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object('spec',
                                (t.spec::jsonb - execution_only)::text) ORDER BY t.task_id)
                            FILTER (WHERE t.task_id IS NOT NULL), '[]'))::text
        FROM @extschema@.pgclone_job AS j
        LEFT JOIN @extschema@.pgclone_task AS t ON t.job_id = j.job_id
        WHERE j.job_id = this_job
        GROUP BY t.task_id / tasks_a_part;
END
$$;

-- In the database where the job was submitted: takes over such a part.
CREATE FUNCTION @extschema@.pgclone_ledger_import(job_id bigint, part text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    new_part jsonb;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    new_part := $2::jsonb;
    UPDATE @extschema@.pgclone_job AS j
        SET tables_total = (new_part ->> 'tables_total')::integer,
            bytes_total = (new_part ->> 'bytes_total')::bigint
        WHERE j.job_id = this_job AND j.status = 'running';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('job %s is not running', this_job);
    END IF;
    INSERT INTO @extschema@.pgclone_task
        SELECT t.* FROM jsonb_populate_recordset(NULL::@extschema@.pgclone_task,
                                                 new_part -> 'tasks') AS t
        WHERE t.job_id = this_job;
END
$$;

-- In the work database, when its ledger has been exported and the extension stays.
CREATE FUNCTION @extschema@.pgclone_ledger_unshadow(job_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(this_job);
    DELETE FROM @extschema@.pgclone_job AS j WHERE j.job_id = this_job AND j.is_shadow;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- What the library itself calls as the owner
-- ---------------------------------------------------------------------------------------------

-- The slots of this database's unfinished jobs.
CREATE FUNCTION @extschema@.pgclone_live_jobs(
    OUT job_id bigint, OUT state text, OUT status text, OUT phase text, OUT stall text,
    OUT wait_reason text, OUT waits_for text, OUT scope text, OUT role oid, OUT schema_name text,
    OUT table_name text, OUT current_table text, OUT attempts integer, OUT epoch integer, OUT workers integer,
    OUT tables_total integer, OUT tables_completed integer, OUT rows_copied bigint,
    OUT bytes_copied bigint, OUT rows_total bigint, OUT bytes_total bigint,
    OUT rate double precision, OUT submitted_at timestamptz, OUT started_at timestamptz,
    OUT data_started_at timestamptz, OUT consistent boolean, OUT cancel_requested boolean,
    OUT lock_waiters integer[])
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_live_jobs';

-- Of a ledger worker after a start: unfinished jobs that no slot stands for, and finished ones
-- whose database could not be dropped. Plans among them are of no use to anybody any more. Some are
-- held; the others are returned, to be put on the queue: with `ending` only to be undone.
-- `crashed`: when the server started after a crash, NULL if it had come down in good order;
-- `resumes`: pgclone.resume_on_start.
CREATE FUNCTION @extschema@.pgclone_ledger_interrupted(crashed timestamptz, resumes boolean)
RETURNS TABLE (job_id bigint, submitter oid, schema_name text, table_name text, scope text,
               parallel integer, rate_limit bigint, source text, source_kind text,
               creates_database boolean, ending text, sqlstate text, error_message text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    job @extschema@.pgclone_job%ROWTYPE;
    done integer;
    reason text;
    advice text;
BEGIN
    PERFORM @extschema@.pgclone_ledger_authorize(NULL::bigint);
    DELETE FROM @extschema@.pgclone_job AS j
        WHERE j.dry_run AND j.status IN ('pending', 'running')
          AND j.job_id NOT IN (SELECT l.job_id FROM @extschema@.pgclone_live_jobs() AS l);
    FOR job IN
        SELECT * FROM @extschema@.pgclone_job AS j
        WHERE (j.status IN ('pending', 'running')
               OR (j.work_database IS NOT NULL AND j.status <> 'held'))
          AND NOT j.is_shadow
          AND j.job_id NOT IN (SELECT l.job_id FROM @extschema@.pgclone_live_jobs() AS l)
        ORDER BY j.job_id
    LOOP
        reason := NULL;
        advice := 'Use pgclone_resume to let it go on, or pgclone_cancel.';
        -- (the same jobs are seen again if there was no room for them)
        IF job.status = 'running' AND crashed IS NOT NULL
           AND job.crashed_at IS DISTINCT FROM crashed THEN
            done := @extschema@.pgclone_note_crash(job.job_id);
            job.crashes := CASE WHEN done > job.most_done THEN 1 ELSE job.crashes + 1 END;
            UPDATE @extschema@.pgclone_job AS j
                SET crashes = job.crashes, crashed_at = crashed, most_done = greatest(j.most_done, done)
                WHERE j.job_id = job.job_id;
        END IF;
        IF job.status IN ('pending', 'running') THEN
            IF job.incarnation <> @extschema@.pgclone_incarnation() THEN
                reason := 'the server was copied or promoted';
                advice := 'If no other server runs this job, use pgclone_resume to let it go on.';
            ELSIF job.ending IS NOT NULL THEN
                NULL;
            ELSIF job.crashes >= 3 THEN
                reason := format('crashed the server %s times', job.crashes);
                advice := 'See the server''s log. pgclone_resume lets the job try again.';
            ELSIF NOT resumes THEN
                reason := 'pgclone.resume_on_start is off';
            ELSIF job.needs_source THEN
                reason := 'needs credentials';
                advice := 'Use pgclone_resume with the source, or pgclone_cancel. A foreign server '
                          'as source needs none.';
            END IF;
        END IF;
        IF reason IS NOT NULL THEN
            UPDATE @extschema@.pgclone_job AS j
                SET status = 'held', sqlstate = '55000', error_message = reason,
                    error_hint = advice
                WHERE j.job_id = job.job_id;
            PERFORM @extschema@.pgclone_ledger_notify(job.job_id, 'held'::text, 'held'::text);
            CONTINUE;
        END IF;
        RETURN QUERY
            SELECT job.job_id, job.submitter, job.object_schema, job.object_name, job.scope,
                   a.parallel, a.rate_limit, job.source, job.source_kind,
                   job.options ? 'target_database',
                   coalesce(job.ending,
                            CASE WHEN job.status NOT IN ('pending', 'running')
                                 THEN 'failed' END),
                   job.sqlstate, job.error_message
            FROM (SELECT) AS one
            LEFT JOIN @extschema@.pgclone_alteration AS a ON a.job_id = job.job_id;
    END LOOP;
END
$$;

-- After a crash: tables that are not logged are empty, so what has filled them is to be done again.
-- Returns how many tasks of the job are done.
CREATE FUNCTION @extschema@.pgclone_note_crash(job_id bigint) RETURNS integer
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE @extschema@.pgclone_task AS t SET status = 'pending'
        WHERE t.job_id = $1 AND t.status = 'done' AND t.kind = 'data'
          AND t.spec::jsonb @> '{"unlogged": true}';
    SELECT count(*)::integer FROM @extschema@.pgclone_task AS t
        WHERE t.job_id = $1 AND t.status = 'done';
$$;

-- A held job is pending again, with a source of which the ledger does not know all if `new_source`;
-- or, if `cancels`, one that no slot stands for is to be undone, unless that is done at once.
-- Returns what it was, and what its slot needs.
CREATE FUNCTION @extschema@.pgclone_ledger_resume(job_id bigint, new_source boolean,
    cancels boolean)
RETURNS TABLE (status text, submitter oid, schema_name text, table_name text, scope text,
               parallel integer, rate_limit bigint, source text, source_kind text,
               creates_database boolean, ending text, needs_source boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    job @extschema@.pgclone_job%ROWTYPE;
BEGIN
    SELECT * INTO job FROM @extschema@.pgclone_job AS j WHERE j.job_id = this_job FOR UPDATE;
    IF cancels AND job.status IN ('pending', 'running', 'held') THEN
        IF (job.work_database IS NULL
            AND NOT EXISTS (SELECT FROM @extschema@.pgclone_task AS t WHERE t.job_id = this_job))
           -- nobody is there to undo it as
           OR NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = job.submitter) THEN
            PERFORM @extschema@.pgclone_ledger_finish_unchecked(this_job, 'cancelled', NULL,
                '57014', 'job was cancelled', NULL, NULL, NULL, NULL, NULL, NULL);
            job.status := 'cancelled';
        ELSE
            UPDATE @extschema@.pgclone_job AS j
                SET status = 'pending', phase = 'cleanup', ending = 'cancelled', sqlstate = '57014',
                    error_message = 'job was cancelled', error_hint = NULL
                WHERE j.job_id = this_job;
            job.ending := 'cancelled';
        END IF;
    ELSIF job.status = 'held' AND (new_source OR NOT job.needs_source) THEN
        UPDATE @extschema@.pgclone_job AS j
            SET status = 'pending', crashes = 0, sqlstate = NULL, error_message = NULL,
                error_hint = NULL, incarnation = @extschema@.pgclone_incarnation(),
                needs_source = j.needs_source OR new_source
            WHERE j.job_id = this_job;
    END IF;
    RETURN QUERY
        SELECT job.status, job.submitter, job.object_schema, job.object_name, job.scope,
               a.parallel, a.rate_limit, job.source, job.source_kind,
               job.options ? 'target_database', job.ending, job.needs_source
        FROM (SELECT) AS one
        LEFT JOIN @extschema@.pgclone_alteration AS a ON a.job_id = this_job
        WHERE job.job_id IS NOT NULL;
END
$$;

-- The statements that undo what the job has done, last task first. The task `publish` has those
-- that drop what stands under working names, whether it was reached or not.
-- What the job is to be after that is noted, lest it goes on when the server crashes meanwhile;
-- NULL: it begins anew.
CREATE FUNCTION @extschema@.pgclone_ledger_cleanup(job_id bigint, ending text, sqlstate text,
    error_message text) RETURNS TABLE (statement text)
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

-- The rules of pg_signal_backend and pg_stat_activity.
CREATE FUNCTION @extschema@.pgclone_may_signal(viewer oid, submitter oid) RETURNS boolean
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pgclone_may_signal';
CREATE FUNCTION @extschema@.pgclone_may_see(viewer oid, submitter oid) RETURNS boolean
LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pgclone_may_see';

-- Writes a job's row. is_new is false if unique_key stands for an unfinished job already.
CREATE FUNCTION @extschema@.pgclone_ledger_enqueue(submitter oid, submitter_name name,
    source text, source_kind text, scope text, object_schema text, object_name text,
    target_schema text, target_name text, options jsonb, unique_key text, dry_run boolean,
    needs_source boolean, OUT job_id bigint, OUT is_new boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    new_key ALIAS FOR $11;
    result ALIAS FOR $14;
BEGIN
    -- All others are short for pgclone_submit, and no way around the right to execute it.
    IF NOT has_function_privilege($1, '@extschema@.pgclone_submit(text, text, text, jsonb)',
                                  'EXECUTE') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'permission denied for function pgclone_submit',
            HINT = 'The right to execute it is needed for all functions that clone or plan.';
    END IF;
    is_new := false;
    LOOP
        INSERT INTO @extschema@.pgclone_job (submitter, submitter_name, source, source_kind, scope,
                object_schema, object_name, target_schema, target_name, options, unique_key,
                dry_run, needs_source, incarnation)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
                    @extschema@.pgclone_incarnation())
            ON CONFLICT (submitter, unique_key) WHERE status IN ('pending', 'running', 'held') DO NOTHING
            RETURNING job_id INTO result;
        IF FOUND THEN
            is_new := true;
            RETURN;
        END IF;
        SELECT j.job_id INTO result FROM @extschema@.pgclone_job AS j
            WHERE j.submitter = $1 AND j.unique_key = new_key AND j.status IN ('pending', 'running', 'held');
        -- Else that job has ended in between: try again.
        EXIT WHEN FOUND;
    END LOOP;
END
$$;

CREATE FUNCTION @extschema@.pgclone_ledger_outcome(job_id bigint)
RETURNS TABLE (status text, submitter oid, source_system_identifier text, sqlstate text,
               error_message text, error_detail text, error_hint text)
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT j.status, j.submitter, j.source_system_identifier, j.sqlstate, j.error_message,
           j.error_detail, j.error_hint
    FROM @extschema@.pgclone_job AS j WHERE j.job_id = $1;
$$;

-- Keeps what pgclone_alter has changed; NULL keeps what is there.
CREATE FUNCTION @extschema@.pgclone_ledger_alter(job_id bigint, parallel integer,
    rate_limit bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO @extschema@.pgclone_alteration AS a (job_id, parallel, rate_limit)
        VALUES ($1, $2, $3)
        ON CONFLICT (job_id) DO UPDATE
            SET parallel = coalesce(excluded.parallel, a.parallel),
                rate_limit = coalesce(excluded.rate_limit, a.rate_limit),
                altered_at = clock_timestamp();
$$;

CREATE FUNCTION @extschema@.pgclone_ledger_clear(viewer oid) RETURNS integer
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    -- of no use any more, whoever may clear those jobs
    DELETE FROM @extschema@.pgclone_alteration AS a
        WHERE NOT EXISTS (SELECT FROM @extschema@.pgclone_job AS j
                          WHERE j.job_id = a.job_id
                            AND j.status IN ('pending', 'running', 'held'));
    WITH cleared AS (
        DELETE FROM @extschema@.pgclone_job AS j
        WHERE j.status IN ('completed', 'failed', 'cancelled')
          AND j.work_database IS NULL -- else it is still to be dropped
          AND @extschema@.pgclone_may_signal($1, j.submitter)
        RETURNING 1)
    SELECT count(*)::integer FROM cleared;
$$;

-- Of pgclone_plan, in its own session: the tasks of a finished dry run of the session's role as a
-- JSON array. The job is forgotten. NULL if there is no such job.
CREATE FUNCTION @extschema@.pgclone_take_plan(job_id bigint) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    this_job ALIAS FOR $1;
    plan text;
BEGIN
    PERFORM FROM @extschema@.pgclone_job AS j
        WHERE j.job_id = this_job AND j.dry_run AND j.finished_at IS NOT NULL
          AND j.submitter = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = session_user)
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(json_agg(json_build_object('step', t.task_id, 'phase', t.phase,
                        'kind', t.kind,
                        'schema_name', t.schema_name, 'object_name', t.object_name,
                        'rows', s.spec -> 'estimated_rows', 'bytes', s.spec -> 'estimated_bytes',
                        'conflict', s.spec ->> 'conflict', 'missing', s.spec ->> 'missing',
                        'skip_reason', t.skip_reason) ORDER BY t.task_id), '[]')::text
        INTO plan
        FROM @extschema@.pgclone_task AS t, LATERAL (SELECT t.spec::jsonb) AS s(spec)
        WHERE t.job_id = this_job;
    DELETE FROM @extschema@.pgclone_job AS j WHERE j.job_id = this_job;
    RETURN plan;
END
$$;

-- That array as the rows of pgclone_plan.
CREATE FUNCTION @extschema@.pgclone_plan_rows(plan text)
RETURNS TABLE (step integer, phase text, kind text, object text, rows bigint, bytes bigint,
               conflict text, missing text, skip_reason text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.step, p.phase, p.kind,
           concat_ws('.', nullif(p.schema_name, ''), p.object_name), nullif(p.rows, -1),
           nullif(p.bytes, -1), nullif(p.conflict, ''), nullif(p.missing, ''),
           nullif(p.skip_reason, '')
    FROM json_to_recordset($1::json) AS p (step integer, phase text, kind text, schema_name text,
        object_name text, rows bigint, bytes bigint, conflict text, missing text, skip_reason text)
    ORDER BY p.step;
$$;

-- The options of pgclone_submit from those and the arguments of the forms that are short for it.
-- NULL: the form has no such argument, or it was not given.
CREATE FUNCTION @extschema@.pgclone_merge_options(options jsonb, include_data boolean,
    target_name text, target_database text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    argument record;
    merged jsonb := options;
BEGIN
    IF jsonb_typeof(options) <> 'object' THEN
        RETURN options; -- refused by pgclone_submit
    END IF;
    FOR argument IN
        SELECT a.name, a.option, a.value
        FROM (VALUES ('include_data', 'data', to_jsonb(include_data)),
                     ('target_name', 'target_name', to_jsonb(target_name)),
                     ('target_database', 'target_database', to_jsonb(target_database)))
             AS a (name, option, value)
        WHERE a.value IS NOT NULL
    LOOP
        IF options ? argument.option AND options -> argument.option <> argument.value THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('argument "%s" contradicts option "%s"', argument.name,
                                 argument.option);
        END IF;
        merged := merged || jsonb_build_object(argument.option, argument.value);
    END LOOP;
    RETURN merged;
END
$$;

-- ---------------------------------------------------------------------------------------------
-- Progress
-- ---------------------------------------------------------------------------------------------

CREATE TYPE @extschema@.pgclone_job_progress AS (
    job_id bigint,
    status text,
    phase text,
    wait_reason text,
    database name,
    submitted_by name,
    scope text,
    schema_name text,
    table_name text,
    current_table text,
    tables_total integer,
    tables_completed integer,
    rows_copied bigint,
    bytes_copied bigint,
    bytes_total bigint,
    workers integer,
    pct_complete numeric,
    progress_bar text,
    rate text,
    eta interval,
    submitted_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    elapsed_time interval,
    attempts integer,
    consistent boolean,
    sqlstate text,
    error_message text
);

CREATE TYPE @extschema@.pgclone_task_progress AS (
    job_id bigint,
    task_id integer,
    status text,
    kind text,
    stage integer,
    phase text,
    schema_name text,
    object_name text,
    attempts integer,
    epoch integer,
    worker text,
    format text,
    column_list text[],
    predicate text,
    rows_source bigint,
    rows_target bigint,
    bytes bigint,
    wait_source interval,
    wait_target interval,
    started_at timestamptz,
    finished_at timestamptz,
    elapsed_time interval,
    sqlstate text,
    error_message text,
    skip_reason text,
    next_attempt_at timestamptz
);

-- Bytes a second as '118 MB/s'.
CREATE FUNCTION @extschema@.pgclone_rate_text(rate double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $1 >= 10 * 1048576.0 THEN round(($1 / 1048576)::numeric)::text || ' MB/s'
                WHEN $1 >= 1048576 THEN round(($1 / 1048576)::numeric, 1)::text || ' MB/s'
                WHEN $1 >= 1024 THEN round(($1 / 1024)::numeric)::text || ' kB/s'
                ELSE round($1::numeric)::text || ' B/s' END;
$$;

-- The bar's parts, those that are known: share done, rows, rate, time left or spent.
CREATE FUNCTION @extschema@.pgclone_bar_text(pct numeric, rows_copied bigint, rate text,
    time_left interval, time_spent interval) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' | ',
        format('[%s%s]', repeat(b.full_cell, b.cells), repeat(b.empty_cell, 12 - b.cells))
            || coalesce(' ' || round($1, 1)::text || '%', ''),
        $2::text || ' rows',
        $3,
        coalesce(to_char(make_interval(secs => floor(extract(epoch FROM $4))::float8),
                         'HH24:MI:SS') || ' left',
                 to_char(make_interval(secs => floor(extract(epoch FROM $5))::float8),
                         'HH24:MI:SS') || ' elapsed'))
    -- Block characters, or '#' and '-' where the encoding has none. chr() of a constant would be
    -- worked out at planning, and fail there.
    FROM (SELECT chr(CASE WHEN u.utf8 THEN 9608 ELSE 35 END) AS full_cell,
                 chr(CASE WHEN u.utf8 THEN 9617 ELSE 45 END) AS empty_cell,
                 -- a bar is full only when the job is done
                 least(CASE WHEN $1 >= 100 THEN 12 ELSE 11 END,
                       ceil(coalesce($1, 0) * 12 / 100))::integer AS cells
          FROM (SELECT getdatabaseencoding() = 'UTF8' AS utf8) AS u) AS b;
$$;

-- Jobs as `viewer` may see them: slots and ledger. While a job has a slot, that tells its state;
-- a final state is told by the ledger alone.
CREATE FUNCTION @extschema@.pgclone_ledger_jobs(viewer oid)
RETURNS SETOF @extschema@.pgclone_job_progress
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    WITH live AS MATERIALIZED (
        SELECT * FROM @extschema@.pgclone_live_jobs() AS l WHERE l.state <> 'reserved'
    ), merged AS (
        SELECT coalesce(j.job_id, l.job_id) AS job_id,
               f.is_final,
               CASE WHEN f.is_final THEN j.status ELSE coalesce(l.status, j.status) END AS status,
               CASE WHEN f.is_final THEN j.phase ELSE coalesce(l.phase, j.phase) END AS phase,
               CASE WHEN NOT f.is_final
                    THEN coalesce(nullif(l.stall, ''), nullif(l.wait_reason, '')) END AS wait_reason,
               CASE WHEN NOT f.is_final THEN nullif(l.waits_for, '') END AS waits_for,
               coalesce(j.submitter, l.role) AS submitter,
               j.submitter_name,
               coalesce(j.scope, l.scope) AS scope,
               coalesce(j.object_schema, nullif(l.schema_name, '')) AS schema_name,
               coalesce(j.object_name, nullif(l.table_name, '')) AS table_name,
               CASE WHEN NOT f.is_final THEN nullif(l.current_table, '') END AS current_table,
               CASE WHEN f.is_final OR l.tables_total = 0 THEN j.tables_total
                    ELSE coalesce(l.tables_total, j.tables_total) END AS tables_total,
               CASE WHEN f.is_final THEN j.tables_completed
                    ELSE coalesce(l.tables_completed, j.tables_completed) END AS tables_completed,
               CASE WHEN f.is_final THEN j.rows_copied
                    ELSE coalesce(l.rows_copied, j.rows_copied) END AS rows_copied,
               CASE WHEN f.is_final THEN j.bytes_copied
                    ELSE coalesce(l.bytes_copied, j.bytes_copied) END AS bytes_copied,
               nullif(l.rows_total, -1) AS rows_total,
               coalesce(nullif(l.bytes_total, -1), j.bytes_total) AS bytes_total,
               CASE WHEN f.is_final THEN 0 ELSE coalesce(l.workers, 0) END AS workers,
               coalesce(j.submitted_at, l.submitted_at) AS submitted_at,
               coalesce(j.started_at, l.started_at) AS started_at,
               j.finished_at,
               j.data_time,
               greatest(j.attempts, l.attempts) AS attempts,
               CASE WHEN f.is_final THEN j.consistent
                    ELSE coalesce(l.consistent, j.consistent) END AS consistent,
               j.sqlstate, j.error_message,
               CASE WHEN NOT f.is_final THEN l.rate END AS recent_rate,
               CASE WHEN NOT f.is_final THEN l.lock_waiters END AS lock_waiters
        FROM (SELECT * FROM @extschema@.pgclone_job AS r WHERE NOT r.is_shadow) AS j
        FULL JOIN live AS l ON l.job_id = j.job_id
        CROSS JOIN LATERAL
            (SELECT coalesce(j.status IN ('completed', 'failed', 'cancelled'), false)) AS f(is_final)
    ), measured AS (
        SELECT m.*,
               coalesce(m.finished_at, clock_timestamp()) - m.started_at AS elapsed,
               extract(epoch FROM m.data_time)::float8 AS data_seconds,
               CASE WHEN m.status = 'completed' THEN 100.0
                    WHEN m.status = 'pending' OR (NOT m.is_final AND m.phase IN
                        ('queued', 'connecting', 'planning', 'schema')) THEN 0.0
                    WHEN m.rows_total > 0
                        THEN least(99.9, round(100.0 * m.rows_copied / m.rows_total, 1))
                    WHEN m.bytes_total > 0
                        THEN least(99.9, round(100.0 * m.bytes_copied / m.bytes_total, 1))
                    END AS pct,
               @extschema@.pgclone_may_see($1, m.submitter) AS visible
        FROM merged AS m
    ), rated AS (
        SELECT m.*,
               -- of the last seconds while data is copied, of all in the end
               CASE WHEN m.recent_rate IS NOT NULL
                    THEN @extschema@.pgclone_rate_text(m.recent_rate::double precision)
                    WHEN m.bytes_copied > 0 AND m.data_seconds > 0
                    THEN @extschema@.pgclone_rate_text(
                             (m.bytes_copied / m.data_seconds)::double precision)
                    END AS rate,
               -- what is left, by the share that is done, at the rate of the last seconds
               CASE WHEN m.recent_rate > 0 AND m.pct < 99.9
                    THEN (SELECT make_interval(secs => floor(l.bytes / m.recent_rate))
                          FROM (SELECT CASE WHEN m.pct > 0
                                            THEN m.bytes_copied * (100 / m.pct::float8 - 1)
                                            ELSE (m.bytes_total - m.bytes_copied)::float8
                                            END AS bytes) AS l
                          WHERE l.bytes >= 0 AND l.bytes / m.recent_rate < 1e9)
                    END AS eta,
               coalesce(m.wait_reason,
                   (SELECT 'lock: blocked by '
                           || string_agg(DISTINCT CASE WHEN b.pid = 0 THEN 'a prepared transaction'
                                                       ELSE 'pid ' || b.pid END, ', ')
                    FROM unnest(m.lock_waiters) AS t(pid),
                         unnest(pg_blocking_pids(t.pid)) AS b(pid)
                    WHERE m.visible),
                   m.waits_for) AS reason
        FROM measured AS m
    )
    SELECT r.job_id, r.status, v.*
    FROM rated AS r
    LEFT JOIN LATERAL (
        SELECT r.phase, r.reason, current_database(),
               coalesce((SELECT a.rolname FROM pg_roles AS a WHERE a.oid = r.submitter),
                        r.submitter_name),
               r.scope, r.schema_name, r.table_name, r.current_table, r.tables_total,
               r.tables_completed, r.rows_copied, r.bytes_copied, r.bytes_total, r.workers, r.pct,
               @extschema@.pgclone_bar_text(r.pct::numeric, r.rows_copied::bigint, r.rate::text,
                   r.eta::interval, CASE WHEN r.is_final THEN r.elapsed END::interval),
               r.rate, r.eta, r.submitted_at, r.started_at, r.finished_at, r.elapsed, r.attempts,
               r.consistent, r.sqlstate, r.error_message
        WHERE r.visible) AS v ON true
    ORDER BY r.job_id;
$$;

CREATE FUNCTION @extschema@.pgclone_ledger_tasks(viewer oid)
RETURNS SETOF @extschema@.pgclone_task_progress
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    -- Whose tasks may be seen is asked once a job: a job may have 100,000 of them.
    WITH job AS MATERIALIZED (
        SELECT j.job_id, @extschema@.pgclone_may_see($1, j.submitter) AS visible
        FROM @extschema@.pgclone_job AS j
    )
    SELECT t.job_id, t.task_id, t.status, t.kind, t.stage, t.phase, t.schema_name, t.object_name,
           t.attempts, t.epoch, t.worker, t.format, t.column_list, t.predicate, t.rows_source,
           t.rows_target, t.bytes, t.wait_source, t.wait_target, t.started_at, t.finished_at,
           coalesce(t.finished_at, clock_timestamp()) - t.started_at, t.sqlstate, t.error_message,
           t.skip_reason, CASE WHEN t.status = 'pending' THEN t.next_attempt_at END
    FROM @extschema@.pgclone_task AS t JOIN job AS j ON j.job_id = t.job_id
    WHERE j.visible
    UNION ALL
    SELECT t.job_id, t.task_id, t.status, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM @extschema@.pgclone_task AS t JOIN job AS j ON j.job_id = t.job_id
    WHERE NOT j.visible
    ORDER BY 1, 2;
$$;

-- ---------------------------------------------------------------------------------------------
-- The public functions
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.pgclone_submit(source text, scope text, object text DEFAULT NULL,
    options jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_submit';
COMMENT ON FUNCTION @extschema@.pgclone_submit(text, text, text, jsonb) IS
    'puts a clone job on the queue when the transaction commits, and returns its id';

CREATE FUNCTION @extschema@.pgclone_plan(source text, scope text, object text DEFAULT NULL,
    options jsonb DEFAULT '{}')
RETURNS TABLE (step integer, phase text, kind text, object text, rows bigint, bytes bigint,
               conflict text, missing text, skip_reason text)
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_plan';
COMMENT ON FUNCTION @extschema@.pgclone_plan(text, text, text, jsonb) IS
    'what pgclone_submit would do with these arguments, step by step; changes nothing';

-- Open to all: what it makes is a job that changes nothing, and it asks for the right to execute
-- pgclone_submit itself.
CREATE FUNCTION @extschema@.pgclone_submit_plan(source text, scope text, object text,
    options jsonb) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_submit_plan';
COMMENT ON FUNCTION @extschema@.pgclone_submit_plan(text, text, text, jsonb) IS
    'what pgclone_plan calls in a session of its own';

CREATE FUNCTION @extschema@.pgclone_cancel(job_id bigint) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_cancel';
COMMENT ON FUNCTION @extschema@.pgclone_cancel(bigint) IS
    'asks a job to stop; false if it has ended already';

CREATE FUNCTION @extschema@.pgclone_alter(job_id bigint, parallel integer DEFAULT NULL,
    rate_limit text DEFAULT NULL) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_alter';
COMMENT ON FUNCTION @extschema@.pgclone_alter(bigint, integer, text) IS
    'changes how many workers a job has and how fast it reads; false if it has ended already';

CREATE FUNCTION @extschema@.pgclone_resume(job_id bigint, source text DEFAULT NULL) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_resume';
COMMENT ON FUNCTION @extschema@.pgclone_resume(bigint, text) IS
    'lets a held job go on; source: the one that it was submitted with, with its password';

CREATE FUNCTION @extschema@.pgclone_wait(job_id bigint, timeout interval DEFAULT NULL) RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_wait';
COMMENT ON FUNCTION @extschema@.pgclone_wait(bigint, interval) IS
    'waits for the end of a job; returns its status, at the timeout the current one';

CREATE FUNCTION @extschema@.pgclone_clear_jobs() RETURNS integer
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_clear_jobs';
COMMENT ON FUNCTION @extschema@.pgclone_clear_jobs() IS
    'deletes finished jobs that the caller may cancel, and returns how many';

CREATE FUNCTION @extschema@.pgclone_version() RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pgclone_version';
COMMENT ON FUNCTION @extschema@.pgclone_version() IS 'version of the loaded library';

CREATE FUNCTION @extschema@.pgclone_progress_detail()
RETURNS SETOF @extschema@.pgclone_job_progress
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_progress_detail';
COMMENT ON FUNCTION @extschema@.pgclone_progress_detail() IS 'what pgclone_jobs_view shows';

CREATE FUNCTION @extschema@.pgclone_tasks_detail()
RETURNS SETOF @extschema@.pgclone_task_progress
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_tasks_detail';
COMMENT ON FUNCTION @extschema@.pgclone_tasks_detail() IS 'what pgclone_tasks_view shows';

CREATE VIEW @extschema@.pgclone_jobs_view AS
    SELECT * FROM @extschema@.pgclone_progress_detail();
COMMENT ON VIEW @extschema@.pgclone_jobs_view IS 'jobs of this database and how far they are';

CREATE VIEW @extschema@.pgclone_tasks_view AS
    SELECT * FROM @extschema@.pgclone_tasks_detail();
COMMENT ON VIEW @extschema@.pgclone_tasks_view IS 'units of work of the jobs of this database';

CREATE FUNCTION @extschema@.pgclone_progress(job_id bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result jsonb;
BEGIN
    IF $1 IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'argument "job_id" must not be null';
    END IF;
    SELECT to_jsonb(p) INTO result FROM @extschema@.pgclone_progress_detail() AS p
        WHERE p.job_id = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('job %s does not exist', $1);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION @extschema@.pgclone_progress(bigint) IS 'a job''s line of pgclone_jobs_view';

CREATE FUNCTION @extschema@.pgclone_jobs() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.job_id), '[]')
    FROM @extschema@.pgclone_progress_detail() AS p;
$$;
COMMENT ON FUNCTION @extschema@.pgclone_jobs() IS 'pgclone_jobs_view as a JSON array';

CREATE FUNCTION @extschema@.pgclone_table(source text, schema_name text, table_name text,
    include_data boolean DEFAULT true, target_name text DEFAULT NULL,
    options jsonb DEFAULT '{}') RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_table';
COMMENT ON FUNCTION @extschema@.pgclone_table(text, text, text, boolean, text, jsonb) IS
    'clones a table and waits; the job does not depend on the transaction of the call';

CREATE FUNCTION @extschema@.pgclone_table_async(source text, schema_name text, table_name text,
    include_data boolean DEFAULT true, target_name text DEFAULT NULL,
    options jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_table_async';
COMMENT ON FUNCTION @extschema@.pgclone_table_async(text, text, text, boolean, text, jsonb) IS
    'puts the clone of a table on the queue, as pgclone_submit does';

CREATE FUNCTION @extschema@.pgclone_schema(source text, schema_name text,
    include_data boolean DEFAULT true, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_schema';
COMMENT ON FUNCTION @extschema@.pgclone_schema(text, text, boolean, jsonb) IS
    'clones a schema and waits; the job does not depend on the transaction of the call';

CREATE FUNCTION @extschema@.pgclone_schema_async(source text, schema_name text,
    include_data boolean DEFAULT true, options jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_schema_async';
COMMENT ON FUNCTION @extschema@.pgclone_schema_async(text, text, boolean, jsonb) IS
    'puts the clone of a schema on the queue, as pgclone_submit does';

CREATE FUNCTION @extschema@.pgclone_functions(source text, schema_name text,
    options jsonb DEFAULT '{}') RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_functions';
COMMENT ON FUNCTION @extschema@.pgclone_functions(text, text, jsonb) IS
    'clones functions, procedures and aggregates of a schema and waits, as pgclone_schema does';

CREATE FUNCTION @extschema@.pgclone_functions_async(source text, schema_name text,
    options jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_functions_async';
COMMENT ON FUNCTION @extschema@.pgclone_functions_async(text, text, jsonb) IS
    'puts the clone of a schema''s functions on the queue, as pgclone_submit does';

CREATE FUNCTION @extschema@.pgclone_database(source text, include_data boolean DEFAULT true,
    options jsonb DEFAULT '{}') RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_database';
COMMENT ON FUNCTION @extschema@.pgclone_database(text, boolean, jsonb) IS
    'clones what is in the source''s database into this one and waits, as pgclone_schema does';

CREATE FUNCTION @extschema@.pgclone_database_async(source text, include_data boolean DEFAULT true,
    options jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_database_async';
COMMENT ON FUNCTION @extschema@.pgclone_database_async(text, boolean, jsonb) IS
    'puts the clone of a database on the queue, as pgclone_submit does';

CREATE FUNCTION @extschema@.pgclone_database_create(source text, target_database text,
    include_data boolean DEFAULT true, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_database_create';
COMMENT ON FUNCTION @extschema@.pgclone_database_create(text, text, boolean, jsonb) IS
    'clones the source''s database as a new one and waits, as pgclone_schema does';

CREATE FUNCTION @extschema@.pgclone_database_create_async(source text, target_database text,
    include_data boolean DEFAULT true, options jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pgclone_database_create_async';
COMMENT ON FUNCTION @extschema@.pgclone_database_create_async(text, text, boolean, jsonb) IS
    'puts the clone of a database as a new one on the queue, as pgclone_submit does';

-- ---------------------------------------------------------------------------------------------
-- Rights. ALTER DEFAULT PRIVILEGES may have given some to any role, so all are looked at.
-- ---------------------------------------------------------------------------------------------

DO $$
DECLARE
    item record;
    -- Open to every role: they filter, or let only sessions of workers in.
    open_functions CONSTANT name[] := ARRAY[
        'pgclone_ledger_start', 'pgclone_ledger_source', 'pgclone_ledger_plan',
        'pgclone_ledger_plan_more', 'pgclone_ledger_load', 'pgclone_ledger_forget_plan',
        'pgclone_ledger_new_epoch', 'pgclone_ledger_task_start', 'pgclone_ledger_tasks_lock',
        'pgclone_ledger_tasks_take', 'pgclone_ledger_tasks_done', 'pgclone_ledger_tasks_failed',
        'pgclone_ledger_tasks_skip', 'pgclone_ledger_check_table', 'pgclone_ledger_check_aside',
        'pgclone_ledger_finish', 'pgclone_ledger_interrupted',
        'pgclone_ledger_cleanup', 'pgclone_ledger_set_work_database',
        'pgclone_ledger_work_database', 'pgclone_ledger_shadow', 'pgclone_ledger_export',
        'pgclone_ledger_import', 'pgclone_ledger_unshadow', 'pgclone_submit_plan',
        'pgclone_take_plan',
        'pgclone_wait', 'pgclone_progress', 'pgclone_jobs', 'pgclone_progress_detail',
        'pgclone_tasks_detail', 'pgclone_version'];
BEGIN
    FOR item IN
        SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
               pg_catalog.format('%I.%I', n.nspname, c.relname) AS identity,
               CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END
                   AS grantee
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace,
             LATERAL pg_catalog.aclexplode(c.relacl) AS a
        WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[
                  '@extschema@.pgclone_job'::pg_catalog.regclass::pg_catalog.oid,
                  '@extschema@.pgclone_task'::pg_catalog.regclass::pg_catalog.oid,
                  '@extschema@.pgclone_alteration'::pg_catalog.regclass::pg_catalog.oid,
                  '@extschema@.pgclone_job_id_seq'::pg_catalog.regclass::pg_catalog.oid,
                  '@extschema@.pgclone_jobs_view'::pg_catalog.regclass::pg_catalog.oid,
                  '@extschema@.pgclone_tasks_view'::pg_catalog.regclass::pg_catalog.oid])
          AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
        UNION
        SELECT 'FUNCTION', p.oid::pg_catalog.regprocedure::pg_catalog.text,
               CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END
        FROM pg_catalog.pg_proc AS p
        JOIN pg_catalog.pg_depend AS d
            ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
           AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
        JOIN pg_catalog.pg_extension AS e
            ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.refobjid OPERATOR(pg_catalog.=) e.oid AND e.extname OPERATOR(pg_catalog.=) 'pgclone',
             LATERAL pg_catalog.aclexplode(coalesce(p.proacl,
                 pg_catalog.acldefault('f', p.proowner))) AS a
        WHERE p.proname OPERATOR(pg_catalog.<>) ALL (open_functions)
          AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', item.kind, item.identity,
                                  item.grantee);
    END LOOP;
END
$$;

GRANT SELECT ON @extschema@.pgclone_jobs_view, @extschema@.pgclone_tasks_view TO PUBLIC;
