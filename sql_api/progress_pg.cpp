// What the views show: slots in shared memory and, through the ledger's functions, its rows.
#include "shared/shared_memory_pg.hpp"
#include "sql_api/result_rows_pg.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(pgclone_advice);
PG_FUNCTION_INFO_V1(pgclone_live_jobs);
PG_FUNCTION_INFO_V1(pgclone_progress_detail);
PG_FUNCTION_INFO_V1(pgclone_tasks_detail);
PG_FUNCTION_INFO_V1(pgclone_version);
}

namespace pgclone {

namespace {

// Shorter waits for a lock are part of the work: of those that extend a relation, for example.
constexpr int64 lasting_lock_wait = 100'000; // microseconds

// A slot as the view needs it: without its connection string.
struct LiveJob {
    int slot_index;
    JobSlotState state;
    JobStatus status;
    JobPhase phase;
    JobScope scope;
    bool consistent;
    bool cancel_requested;
    Oid role;
    int32 attempts;
    int32 epoch;
    int32 workers;
    int32 wanted_workers;
    int32 tables_total;
    int32 tables_completed;
    int64 job_id;
    int64 rows;
    int64 bytes;
    int64 rows_total;
    int64 bytes_total;
    TimestampTz submitted_at;
    TimestampTz queued_at;
    TimestampTz started_at;
    TimestampTz data_started_at;
    char schema_name[name_bytes];
    char table_name[name_bytes];
    char wait_reason[wait_reason_bytes];
    TransferHistory transfer;
};

struct LiveWorker {
    int job_slot;
    bool is_busy; // has a task, or waits all the same
    WaitKind wait;
    TimestampTz alive_at;
    int32 pid;
    int32 target_pid;
    int32 work_pid;
    char current_table[2 * name_bytes + 8];
};

struct LiveState {
    LiveJob* jobs;
    int job_count;
    LiveWorker* workers;
    int worker_count;
    int32 supervisor_pid;
    TimestampTz supervisor_alive_at;
};

void copy_job(const JobSlot& slot, int index, LiveJob& job)
{
    job.slot_index = index;
    job.state = slot.state;
    job.status = slot.status;
    job.phase = slot.phase;
    job.scope = slot.scope;
    job.consistent = slot.consistent;
    job.cancel_requested = slot.cancel_requested;
    job.role = slot.role;
    job.attempts = slot.attempts;
    job.epoch = slot.epoch;
    job.workers = 0;
    job.wanted_workers = slot.wanted_table_workers;
    job.tables_total = slot.tables_total;
    job.tables_completed = slot.tables_completed;
    job.job_id = slot.job_id;
    job.rows = slot.rows_done;
    job.bytes = slot.bytes_done;
    job.rows_total = slot.rows_total;
    job.bytes_total = slot.bytes_total;
    job.submitted_at = slot.submitted_at;
    job.queued_at = slot.queued_at;
    job.started_at = slot.started_at;
    job.data_started_at = slot.data_started_at;
    memcpy(job.schema_name, slot.schema_name, sizeof(job.schema_name));
    memcpy(job.table_name, slot.table_name, sizeof(job.table_name));
    memcpy(job.wait_reason, slot.wait_reason, sizeof(job.wait_reason));
    job.transfer = slot.transfer;
}

// Copies what is known about this database's jobs. All memory is there before the lock is taken.
void copy_live_state(LiveState& live)
{
    live.jobs = static_cast<LiveJob*>(MemoryContextAllocHuge(
        CurrentMemoryContext, mul_size(shared_state->max_jobs, sizeof(LiveJob))));
    live.workers = static_cast<LiveWorker*>(palloc(shared_state->max_workers * sizeof(LiveWorker)));
    live.job_count = 0;
    live.worker_count = 0;
    const TimestampTz now = GetCurrentTimestamp();

    lock_shared();
    live.supervisor_pid = shared_state->supervisor_pid;
    live.supervisor_alive_at = shared_state->supervisor_alive_at;
    for (int i = 0; i < shared_state->max_jobs; i++) {
        const JobSlot& slot = job_slot(i);
        if (slot.state != JobSlotState::free && slot.database == MyDatabaseId)
            copy_job(slot, i, live.jobs[live.job_count++]);
    }
    for (int i = 0; i < shared_state->max_workers; i++) {
        const WorkerSlot& slot = worker_slot(i);
        if (slot.state != WorkerState::attached || slot.job_slot < 0 ||
            slot.job_generation != job_slot(slot.job_slot).generation ||
            job_slot(slot.job_slot).database != MyDatabaseId)
            continue;
        LiveWorker& worker = live.workers[live.worker_count++];
        worker.job_slot = slot.job_slot;
        worker.target_pid = slot.target_pid;
        worker.work_pid = slot.work_pid;
        worker.pid = slot.pid;
        worker.alive_at = slot.counters.alive_at.load(std::memory_order_relaxed);
        worker.wait = lasting_wait(slot.counters, now);
        worker.is_busy = worker.wait != WaitKind::none || slot.task_state == TaskState::working;
        memcpy(worker.current_table, slot.current_table, sizeof(worker.current_table));
        if (slot.kind != WorkerKind::table)
            continue;
        for (int j = 0; j < live.job_count; j++) {
            LiveJob& job = live.jobs[j];
            if (job.slot_index != slot.job_slot)
                continue;
            job.workers++;
            job.rows += slot.counters.rows.load(std::memory_order_relaxed);
            job.bytes += slot.counters.bytes.load(std::memory_order_relaxed);
        }
    }
    unlock();
}

// One column after the other, so that no column has a number.
struct RowBuilder {
    int count;
    Datum values[32];
    bool nulls[32];

    void add(Datum value, bool is_null = false)
    {
        Assert(count < static_cast<int>(lengthof(values)));
        values[count] = value;
        nulls[count] = is_null;
        count++;
    }
    void add_text(const char* text) { add(CStringGetTextDatum(text)); }
    void add_time(TimestampTz time) { add(TimestampTzGetDatum(time), time == 0); }
};

// Whether a session in this server waits for a lock. Asked before pg_blocking_pids(), which looks
// at all locks of the server.
bool waits_for_lock(int32 pid, TimestampTz now)
{
    PGPROC* process = pid != 0 ? BackendPidGetProc(pid) : nullptr;
    if (!process || (process->wait_event_info & 0xFF000000) != PG_WAIT_LOCK)
        return false;
    const auto since = static_cast<TimestampTz>(pg_atomic_read_u64(&process->waitStart));
    return since != 0 && now - since >= lasting_lock_wait;
}

// Tables that the job's workers are at, what most of them wait for, and the backends in this
// server that wait for a lock on its behalf.
void describe_workers(const LiveState& live, const LiveJob& job, StringInfo tables,
                      WaitKind* wait, Datum* lock_waiters, int* lock_waiter_count)
{
    const TimestampTz now = GetCurrentTimestamp();
    constexpr WaitKind kinds[] = {WaitKind::throttle, WaitKind::source, WaitKind::target};
    int waiters[lengthof(kinds)] = {};
    int busy = 0;
    *lock_waiter_count = 0;
    for (int i = 0; i < live.worker_count; i++) {
        const LiveWorker& worker = live.workers[i];
        if (worker.job_slot != job.slot_index)
            continue;
        for (const int32 pid : {worker.target_pid, worker.work_pid}) {
            if (waits_for_lock(pid, now))
                lock_waiters[(*lock_waiter_count)++] = Int32GetDatum(pid);
        }
        busy += worker.is_busy;
        for (size_t kind = 0; kind < lengthof(kinds); kind++)
            waiters[kind] += worker.wait == kinds[kind];
        if (worker.current_table[0] && !strstr(tables->data, worker.current_table))
            appendStringInfo(tables, "%s%s", tables->len > 0 ? ", " : "", worker.current_table);
    }
    size_t most = 0;
    for (size_t kind = 1; kind < lengthof(kinds); kind++)
        most = waiters[kind] > waiters[most] ? kind : most;
    *wait = waiters[most] > 0 && 2 * waiters[most] >= busy ? kinds[most] : WaitKind::none;
}

void append_silence(StringInfo text, TimestampTz since, TimestampTz now)
{
    appendStringInfo(text, " has not responded for " INT64_FORMAT " s", (now - since) / USECS_PER_SEC);
}

// Which process the job depends on has stopped, or hangs in a call; empty if all is well.
void describe_stall(const LiveState& live, const LiveJob& job, StringInfo text)
{
    const TimestampTz now = GetCurrentTimestamp();
    for (int i = 0; i < live.worker_count; i++) {
        const LiveWorker& worker = live.workers[i];
        if (worker.job_slot != job.slot_index || !is_stalled(worker.alive_at, now))
            continue;
        appendStringInfo(text, "stalled: process %d", worker.pid);
        append_silence(text, worker.alive_at, now);
        return;
    }
    // A supervisor without jobs sleeps for long.
    const bool needs_supervisor =
        job.state != JobSlotState::running || job.wanted_workers > job.workers;
    const TimestampTz seen = Max(live.supervisor_alive_at, job.queued_at);
    if (!needs_supervisor || !is_stalled(seen, now))
        return;
    if (live.supervisor_pid == 0)
        appendStringInfoString(text, "stalled: the supervisor is not running");
    else {
        appendStringInfo(text, "stalled: the supervisor, process %d,", live.supervisor_pid);
        append_silence(text, seen, now);
    }
}

// While data is copied. Negative: not known.
double rate_of(const LiveJob& job)
{
    if (job.phase != JobPhase::data || job.state != JobSlotState::running)
        return -1;
    return recent_rate(job.transfer, GetCurrentTimestamp(), job.bytes);
}

void put_live_job(const LiveState& live, const LiveJob& job, Tuplestorestate* store,
                  TupleDesc descriptor)
{
    StringInfoData tables;
    initStringInfo(&tables);
    auto* pids = static_cast<Datum*>(palloc((2 * live.worker_count + 1) * sizeof(Datum)));
    int pid_count;
    WaitKind wait;
    describe_workers(live, job, &tables, &wait, pids, &pid_count);
    const double rate = rate_of(job);
    StringInfoData stall;
    initStringInfo(&stall);
    describe_stall(live, job, &stall);

    const char* state = job.state == JobSlotState::reserved ? "reserved"
                        : job.state == JobSlotState::queued ? "queued"
                        : job.state == JobSlotState::ending ? "ending"
                                                            : "running";
    // A job that is over, but whose ledger row does not say so yet, is still running.
    const JobStatus status =
        is_final(job.status) ? JobStatus::running
        : job.state == JobSlotState::running || job.state == JobSlotState::ending
            ? JobStatus::running
            : JobStatus::pending;

    RowBuilder row = {};
    row.add(Int64GetDatum(job.job_id));
    row.add_text(state);
    row.add_text(to_text(status).data());
    row.add_text(to_text(job.phase).data());
    row.add_text(stall.data);
    row.add_text(job.wait_reason);
    row.add_text(to_text(wait).data());
    row.add_text(to_text(job.scope).data());
    row.add(ObjectIdGetDatum(job.role));
    row.add_text(job.schema_name);
    row.add_text(job.table_name);
    row.add_text(tables.data);
    row.add(Int32GetDatum(job.attempts));
    row.add(Int32GetDatum(job.epoch));
    row.add(Int32GetDatum(job.workers));
    row.add(Int32GetDatum(job.tables_total));
    row.add(Int32GetDatum(job.tables_completed));
    row.add(Int64GetDatum(job.rows));
    row.add(Int64GetDatum(job.bytes));
    row.add(Int64GetDatum(job.rows_total));
    row.add(Int64GetDatum(job.bytes_total));
    row.add(Float8GetDatum(rate), rate < 0);
    row.add_time(job.submitted_at);
    row.add_time(job.started_at);
    row.add_time(job.data_started_at);
    row.add(BoolGetDatum(job.consistent));
    row.add(BoolGetDatum(job.cancel_requested));
    row.add(PointerGetDatum(
        construct_array(pids, pid_count, INT4OID, sizeof(int32), true, TYPALIGN_INT)));
    if (row.count != descriptor->natts)
        elog(ERROR, "pgclone_live_jobs has %d columns, declared are %d", row.count,
             descriptor->natts);
    tuplestore_putvalues(store, descriptor, row.values, row.nulls);
    pfree(tables.data);
    pfree(stall.data);
    pfree(pids);
}

// Of a ledger function whose argument is who looks.
Datum return_rows_for_caller(FunctionCallInfo fcinfo, const char* function)
{
    static const Oid types[] = {OIDOID};
    const Datum values[] = {ObjectIdGetDatum(GetUserId())};
    return return_ledger_rows(fcinfo, function, {1, types, values, nullptr});
}

} // namespace

} // namespace pgclone

using namespace pgclone;

Datum pgclone_live_jobs(PG_FUNCTION_ARGS)
{
    TupleDesc descriptor;
    Tuplestorestate* store = begin_result(fcinfo, &descriptor);
    // Without shared memory there are no live jobs; the ledger can be read all the same.
    if (!shared_state)
        return Datum(0);
    LiveState live;
    copy_live_state(live);
    for (int i = 0; i < live.job_count; i++)
        put_live_job(live, live.jobs[i], store, descriptor);
    return Datum(0);
}

Datum pgclone_progress_detail(PG_FUNCTION_ARGS)
{
    return return_rows_for_caller(fcinfo, "pgclone_ledger_jobs");
}

Datum pgclone_advice(PG_FUNCTION_ARGS)
{
    return return_rows_for_caller(fcinfo, "pgclone_ledger_advice");
}

Datum pgclone_tasks_detail(PG_FUNCTION_ARGS)
{
    return return_rows_for_caller(fcinfo, "pgclone_ledger_tasks");
}

Datum pgclone_version(PG_FUNCTION_ARGS)
{
    PG_RETURN_TEXT_P(cstring_to_text(library_version));
}
