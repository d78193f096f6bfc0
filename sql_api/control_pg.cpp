// pgclone_cancel, pgclone_wait and pgclone_clear_jobs; what others share with them.
#include "shared/shared_memory_pg.hpp"
#include "sql_api/control_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"
#include "sql_api/submit_queue_pg.hpp"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(pgclone_cancel);
PG_FUNCTION_INFO_V1(pgclone_wait);
PG_FUNCTION_INFO_V1(pgclone_clear_jobs);
}

namespace pgclone {

namespace {

// How often a waiting session looks whether the job waits for itself, microseconds. It also
// bounds the wait should a wake-up be missed.
constexpr int64 look_interval = 1'000'000;

struct JobSighting {
    bool found;
    JobSlotState state;
    JobStatus status;
    JobScope scope;
    Oid role;
};

JobSighting look_at_job(int64 job_id)
{
    JobSighting sighting = {};
    lock_shared();
    const int index = find_job(MyDatabaseId, job_id);
    if (index >= 0) {
        const JobSlot& job = job_slot(index);
        sighting = {true, job.state, job.status, job.scope, job.role};
    }
    unlock();
    return sighting;
}

// A session of the job that waits for a lock in this server, as far as its process id tells.
struct LockWaiter {
    int32 pid;
    bool is_source; // the process id means something here only if the source is this server
    char current_table[2 * name_bytes + 8];
};

int copy_worker_sessions(int64 job_id, LockWaiter* sessions)
{
    int count = 0;
    lock_shared();
    const int index = find_job(MyDatabaseId, job_id);
    for (int i = 0; index >= 0 && i < shared_state->max_workers; i++) {
        const WorkerSlot& worker = worker_slot(i);
        if (worker.state != WorkerState::attached || worker.job_slot != index ||
            worker.job_generation != job_slot(index).generation)
            continue;
        for (const int32 pid : {worker.target_pid, worker.work_pid, worker.source_pid}) {
            LockWaiter& session = sessions[count];
            session.pid = pid;
            session.is_source = pid == worker.source_pid;
            memcpy(session.current_table, worker.current_table, sizeof(worker.current_table));
            if (session.pid != 0)
                count++;
        }
    }
    unlock();
    return count;
}

bool waits_for_lock(int32 pid)
{
    const PGPROC* process = BackendPidGetProc(pid);
    return process && (process->wait_event_info & 0xFF000000) == PG_WAIT_LOCK;
}

bool source_is_this_server(int64 job_id)
{
    LedgerOutcome outcome;
    char own_identifier[32];
    snprintf(own_identifier, sizeof(own_identifier), UINT64_FORMAT, GetSystemIdentifier());
    return read_outcome(job_id, outcome) &&
           strcmp(outcome.source_system_identifier, own_identifier) == 0;
}

void find_self_wait(int64 job_id, SelfWait& self_wait)
{
    // One more than can be used: the copying loop writes before it knows.
    auto* sessions =
        static_cast<LockWaiter*>(palloc((3 * shared_state->max_workers + 1) * sizeof(LockWaiter)));
    const int count = copy_worker_sessions(job_id, sessions);
    for (int i = 0; i < count && !self_wait.found; i++) {
        const LockWaiter& session = sessions[i];
        if (!waits_for_lock(session.pid) || (session.is_source && !source_is_this_server(job_id)) ||
            !waits_for_this_session(session.pid, self_wait.blocking_pid))
            continue;
        self_wait.found = true;
        self_wait.waiting_pid = session.pid;
        memcpy(self_wait.current_table, session.current_table, sizeof(self_wait.current_table));
    }
    pfree(sessions);
}

void copy_column(char* target, size_t target_bytes, int column)
{
    const char* text = ledger_text(0, column);
    strlcpy(target, text ? text : "", target_bytes);
}

TimestampTz deadline_after(const Interval* timeout)
{
    const TimestampTz now = GetCurrentTimestamp();
    const TimestampTz deadline = DatumGetTimestampTz(DirectFunctionCall2(
        timestamptz_pl_interval, TimestampTzGetDatum(now), PointerGetDatum(timeout)));
    if (deadline < now)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("argument \"timeout\" must not be negative")));
    return deadline;
}

// `what`: "cancel" or "alter".
void check_may_signal(int64 job_id, Oid submitter, const char* what)
{
    if (!may_signal(GetUserId(), submitter))
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                 errmsg("permission denied to %s job " INT64_FORMAT, what, job_id),
                 errdetail("Only members of the submitting role and of pg_signal_backend may "
                           "%s a job; a superuser's job only superusers.",
                           what)));
}

} // namespace

bool is_final_status(const char* status)
{
    JobStatus value;
    return parse_status(status, value) && is_final(value);
}

void reject_own_pending(int64 job_id, const char* what)
{
    if (is_own_pending_submit(job_id))
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot %s job " INT64_FORMAT " in the transaction that submitted it", what,
                        job_id),
                 errdetail("The job is put on the queue when the transaction commits.")));
}

bool is_job_alterable(int64 job_id)
{
    const JobSighting sighting = look_at_job(job_id);
    if (sighting.found) {
        check_may_signal(job_id, sighting.role, "alter");
        if (sighting.scope == JobScope::functions)
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("cannot alter job " INT64_FORMAT " of scope \"functions\"", job_id),
                            errdetail("It copies no rows, and has one worker.")));
        return sighting.state == JobSlotState::queued || sighting.state == JobSlotState::running;
    }
    LedgerOutcome outcome;
    if (!read_outcome(job_id, outcome))
        raise_no_such_job(job_id);
    check_may_signal(job_id, outcome.submitter, "alter");
    return !is_final_status(outcome.status);
}

bool read_outcome(int64 job_id, LedgerOutcome& outcome)
{
    static const Oid types[] = {INT8OID};
    const Datum values[] = {Int64GetDatum(job_id)};
    memset(&outcome, 0, sizeof(outcome));
    SPI_connect();
    const bool found = read_ledger_now("pgclone_ledger_outcome", {1, types, values, nullptr}) > 0;
    if (found) {
        copy_column(outcome.status, sizeof(outcome.status), 1);
        outcome.submitter = DatumGetObjectId(ledger_value(0, 2, nullptr));
        copy_column(outcome.source_system_identifier, sizeof(outcome.source_system_identifier), 3);
        copy_column(outcome.error.sqlstate, sizeof(outcome.error.sqlstate), 4);
        copy_column(outcome.error.message, sizeof(outcome.error.message), 5);
        copy_column(outcome.error.detail, sizeof(outcome.error.detail), 6);
        copy_column(outcome.error.hint, sizeof(outcome.error.hint), 7);
    }
    SPI_finish();
    return found;
}

bool request_cancel(int64 job_id)
{
    bool requested = false;
    lock_exclusive();
    const int index = find_job(MyDatabaseId, job_id);
    if (index >= 0) {
        JobSlot& job = job_slot(index);
        if (job.state == JobSlotState::queued || job.state == JobSlotState::running) {
            job.cancel_requested = true;
            requested = true;
            signal_workers_of_job(index);
        }
    }
    unlock();
    if (requested)
        wake_supervisor();
    return requested;
}

// Breadth first over who waits for whom. Each process is looked at once, and only so many: a
// longer queue than that is no reason to look at locks all the time.
bool waits_for_this_session(int32 pid, int32& blocking_pid)
{
    constexpr int max_processes = 64;
    int32 processes[max_processes] = {pid};
    int32 first_blocker[max_processes] = {0};
    int count = 1;
    for (int next = 0; next < count; next++) {
        ArrayType* blockers = DatumGetArrayTypeP(
            DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(processes[next])));
        const int blocker_count = ArrayGetNItems(ARR_NDIM(blockers), ARR_DIMS(blockers));
        const int32* blocker_pids = reinterpret_cast<int32*>(ARR_DATA_PTR(blockers));
        for (int i = 0; i < blocker_count; i++) {
            const int32 blocker = blocker_pids[i];
            const int32 direct = next == 0 ? blocker : first_blocker[next];
            if (blocker == MyProcPid) {
                blocking_pid = direct;
                return true;
            }
            bool known = blocker == 0; // a prepared transaction waits for nobody
            for (int j = 0; j < count && !known; j++)
                known = processes[j] == blocker;
            if (!known && count < max_processes) {
                processes[count] = blocker;
                first_blocker[count] = direct;
                count++;
            }
        }
        pfree(blockers);
    }
    return false;
}

void append_blockers(StringInfo text, int32 blocking_pid)
{
    if (blocking_pid != MyProcPid)
        appendStringInfo(text, " waits for process %d, which", blocking_pid);
    appendStringInfo(text, " waits for process %d, which is this session.", MyProcPid);
}

void raise_self_wait(int64 job_id, const SelfWait& self_wait, bool cancelled)
{
    StringInfoData detail;
    initStringInfo(&detail);
    appendStringInfo(&detail, "Process %d of the job", self_wait.waiting_pid);
    if (self_wait.current_table[0])
        appendStringInfo(&detail, ", at %s,", self_wait.current_table);
    append_blockers(&detail, self_wait.blocking_pid);
    ereport(ERROR,
            (errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
             errmsg("job " INT64_FORMAT " waits for a lock that this session holds", job_id),
             self_wait.is_visible ? errdetail_internal("%s", detail.data) : 0,
             cancelled
                 ? errhint("The job was cancelled. Commit the transaction that holds the lock, "
                           "then start again.")
                 : errhint("The job goes on when the transaction that holds the lock ends; wait "
                           "for it after that.")));
    pg_unreachable();
}

WaitResult wait_for_job(int64 job_id, TimestampTz deadline, SelfWait& self_wait,
                        char (&status)[name_bytes])
{
    memset(&self_wait, 0, sizeof(self_wait));
    TimestampTz next_look = GetCurrentTimestamp() + look_interval;
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "pgclone wait", ALLOCSET_SMALL_SIZES);
    const MemoryContext caller_context = MemoryContextSwitchTo(context);
    WaitResult result = WaitResult::timed_out;

    for (;;) {
        // Before looking, so that an end between look and sleep is not missed.
        ConditionVariablePrepareToSleep(&shared_state->job_ended);
        const JobSighting sighting = look_at_job(job_id);
        if (sighting.found) {
            strlcpy(status, to_text(sighting.status).data(), sizeof(status));
        } else {
            LedgerOutcome outcome;
            if (!read_outcome(job_id, outcome))
                raise_no_such_job(job_id);
            strlcpy(status, outcome.status, sizeof(status));
            if (is_final_status(status) || strcmp(status, "held") == 0) {
                result = WaitResult::ended;
                break;
            }
        }

        const TimestampTz now = GetCurrentTimestamp();
        if (deadline != 0 && now >= deadline)
            break;
        if (now >= next_look) {
            find_self_wait(job_id, self_wait);
            if (self_wait.found) {
                self_wait.is_visible = may_see(GetUserId(), sighting.role);
                result = WaitResult::self_wait;
                break;
            }
            next_look = now + look_interval;
        }
        MemoryContextReset(context);
        const TimestampTz until = deadline != 0 ? Min(deadline, next_look) : next_look;
        ConditionVariableTimedSleep(&shared_state->job_ended,
                                    TimestampDifferenceMilliseconds(now, until) + 1,
                                    PG_WAIT_EXTENSION);
        CHECK_FOR_INTERRUPTS();
    }
    ConditionVariableCancelSleep();
    MemoryContextSwitchTo(caller_context);
    MemoryContextDelete(context);
    return result;
}

} // namespace pgclone

using namespace pgclone;

Datum pgclone_cancel(PG_FUNCTION_ARGS)
{
    require_shared_state();
    if (PG_ARGISNULL(0))
        raise_null_argument("job_id");
    const int64 job_id = PG_GETARG_INT64(0);
    reject_own_pending(job_id, "cancel");

    const JobSighting sighting = look_at_job(job_id);
    if (sighting.found) {
        check_may_signal(job_id, sighting.role, "cancel");
        PG_RETURN_BOOL(request_cancel(job_id));
    }
    LedgerOutcome outcome;
    if (!read_outcome(job_id, outcome))
        raise_no_such_job(job_id);
    check_may_signal(job_id, outcome.submitter, "cancel");
    if (is_final_status(outcome.status))
        PG_RETURN_BOOL(false);
    PG_RETURN_BOOL(cancel_unqueued(job_id));
}

Datum pgclone_wait(PG_FUNCTION_ARGS)
{
    require_shared_state();
    if (PG_ARGISNULL(0))
        raise_null_argument("job_id");
    const int64 job_id = PG_GETARG_INT64(0);
    const TimestampTz deadline = PG_ARGISNULL(1) ? 0 : deadline_after(PG_GETARG_INTERVAL_P(1));
    reject_own_pending(job_id, "wait for");

    SelfWait self_wait;
    char status[name_bytes];
    if (wait_for_job(job_id, deadline, self_wait, status) == WaitResult::self_wait)
        raise_self_wait(job_id, self_wait, false);
    PG_RETURN_TEXT_P(cstring_to_text(status));
}

Datum pgclone_clear_jobs(PG_FUNCTION_ARGS)
{
    PreventCommandIfReadOnly("pgclone_clear_jobs()");
    static const Oid types[] = {OIDOID};
    const Datum values[] = {ObjectIdGetDatum(GetUserId())};
    SPI_connect();
    call_ledger("pgclone_ledger_clear", {1, types, values, nullptr}, false);
    const int32 cleared = DatumGetInt32(ledger_value(0, 1, nullptr));
    SPI_finish();
    PG_RETURN_INT32(cleared);
}
