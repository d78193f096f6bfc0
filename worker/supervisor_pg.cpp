// The supervisor's latch loop. What to do is decided by plan_supervision(); here it is carried
// out. All that it knows is in shared memory, so another one can take over at any time.
#include "worker/supervision_plan.hpp"
#include "worker/supervisor_pg.hpp"

#include "shared/shared_memory_pg.hpp"

extern "C" {
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

PGDLLEXPORT void pgclone_supervisor_main(Datum argument);
}

namespace pgclone {

namespace {

constexpr int max_actions = 64;
constexpr int64 registration_retry = 1'000'000;  // us until a full server is asked again
constexpr long stop_watch_interval = 1000;        // ms between looks whether the server stops
constexpr int64 unattached_job_retry = 1'000'000; // us until a job is started again

// Copies of the slots' relevant parts, allocated once, and what the plan made of them.
struct SupervisorMemory {
    JobBrief* jobs;
    int job_count;
    WorkerBrief* workers;
    SupervisorAction actions[max_actions];
    TimestampTz workers_not_before;
};

void on_supervisor_exit(int, Datum)
{
    lock_exclusive();
    if (shared_state->supervisor_pid == MyProcPid) {
        shared_state->supervisor_latch = nullptr;
        shared_state->supervisor_pid = 0;
    }
    unlock();
}

void attach_supervisor()
{
    before_shmem_exit(on_supervisor_exit, 0);
    lock_exclusive();
    shared_state->supervisor_latch = &MyProc->procLatch;
    shared_state->supervisor_pid = MyProcPid;
    unlock();
}

void copy_briefs(SupervisorMemory& memory, SupervisionInput& input)
{
    const TimestampTz now = GetCurrentTimestamp();
    lock_exclusive();
    shared_state->supervisor_alive_at = now;
    memory.job_count = 0;
    for (int i = 0; i < shared_state->max_jobs; i++) {
        const JobSlot& job = job_slot(i);
        if (job.state == JobSlotState::free || job.state == JobSlotState::reserved)
            continue;
        JobBrief& brief = memory.jobs[memory.job_count++];
        brief = {};
        brief.index = i;
        brief.generation = job.generation;
        brief.state = job.state;
        brief.source_resolved = job.source_resolved;
        brief.interrupted = job.interrupted;
        brief.cancel_requested = job.cancel_requested;
        brief.drain = job.drain;
        brief.wait_reported = job.wait_reason[0] != '\0';
        brief.job_worker_alive = job.job_worker >= 0;
        brief.wanted_table_workers = job.wanted_table_workers;
        brief.database = job.database;
        brief.queue_position = job.queue_position;
        brief.not_before = job.not_before;
    }
    for (int i = 0; i < shared_state->max_workers; i++) {
        const WorkerSlot& worker = worker_slot(i);
        memory.workers[i] = {i, worker.generation, worker.state, worker.kind,
                             worker.registered_at};
        if (worker.state == WorkerState::free || worker.kind != WorkerKind::table)
            continue;
        for (int j = 0; j < memory.job_count; j++) {
            if (memory.jobs[j].index == worker.job_slot &&
                memory.jobs[j].generation == worker.job_generation)
                memory.jobs[j].table_workers++;
        }
    }
    input.scan_pending = shared_state->scan_pending;
    input.scan_next = shared_state->scan_next;
    input.check_databases = shared_state->check_databases;
    input.ledger_not_before = shared_state->ledger_not_before;
    unlock();

    input.jobs = memory.jobs;
    input.job_count = memory.job_count;
    input.workers = memory.workers;
    input.worker_count = shared_state->max_workers;
    input.usable_workers = shared_state->usable_workers;
    input.workers_not_before = memory.workers_not_before;
    input.now = GetCurrentTimestamp();
}

// Fills a claimed worker slot for a job, under the lock.
void assign_slot_to_job(int worker_index, int job_index)
{
    WorkerSlot& worker = worker_slot(worker_index);
    JobSlot& job = job_slot(job_index);
    worker.job_slot = job_index;
    worker.job_generation = job.generation;
    worker.job_id = job.job_id;
    worker.database = job.database;
    if (worker.kind == WorkerKind::table)
        worker.number = ++job.next_worker_number;
}

// Asks the postmaster for a process for the claimed slot. False if the server has no background
// worker slot left; that is no error, and it may be so for long, so it is not logged either.
bool register_worker(int worker_index, BackgroundWorkerHandle** handle)
{
    BackgroundWorker request;
    memset(&request, 0, sizeof(request));

    lock_shared();
    const WorkerSlot& worker = worker_slot(worker_index);
    const WorkerKind kind = worker.kind;
    const uint32 generation = worker.generation;
    const int64 job_id = worker.job_id;
    const int number = worker.number;
    unlock();

    const char* function = nullptr;
    request.bgw_flags = BGWORKER_SHMEM_ACCESS;
    if (kind == WorkerKind::job) {
        function = "pgclone_job_worker_main";
        snprintf(request.bgw_name, BGW_MAXLEN, "pgclone job " INT64_FORMAT, job_id);
    } else if (kind == WorkerKind::table) {
        function = "pgclone_table_worker_main";
        snprintf(request.bgw_name, BGW_MAXLEN, "pgclone table worker " INT64_FORMAT ".%d", job_id,
                 number);
    } else {
        function = "pgclone_ledger_worker_main";
        request.bgw_flags |= BGWORKER_BACKEND_DATABASE_CONNECTION;
        snprintf(request.bgw_name, BGW_MAXLEN, "pgclone ledger worker");
    }
    strlcpy(request.bgw_type, request.bgw_name, BGW_MAXLEN);
    strlcpy(request.bgw_library_name, "pgclone", sizeof(request.bgw_library_name));
    strlcpy(request.bgw_function_name, function, sizeof(request.bgw_function_name));
    request.bgw_start_time = BgWorkerStart_RecoveryFinished;
    request.bgw_restart_time = BGW_NEVER_RESTART;
    request.bgw_main_arg = Int32GetDatum(worker_index);
    memcpy(request.bgw_extra, &generation, sizeof(generation));
    return RegisterDynamicBackgroundWorker(&request, handle);
}

// Gives back a slot whose worker could not be registered.
void unclaim(int worker_index)
{
    lock_exclusive();
    if (worker_slot(worker_index).state == WorkerState::registered)
        release_worker_slot(worker_index);
    unlock();
}

void set_wait_reason(const SupervisorAction& action, const char* reason)
{
    lock_exclusive();
    JobSlot& job = job_slot(action.index);
    if (job.generation == action.generation && job.state == JobSlotState::queued)
        strlcpy(job.wait_reason, reason, sizeof(job.wait_reason));
    unlock();
}

void note_full_server(SupervisorMemory& memory)
{
    memory.workers_not_before = GetCurrentTimestamp() + registration_retry;
}

void describe_full_server(char* text, size_t bytes)
{
    snprintf(text, bytes, "worker slot: all of max_worker_processes = %d are taken",
             max_worker_processes);
}

// Job worker and first table worker are registered together or not at all: a job worker that
// waits for its first table worker would keep a slot for nothing.
void start_job(const SupervisorAction& action, SupervisorMemory& memory)
{
    int job_worker = -1;
    int table_worker = -1;

    lock_exclusive();
    JobSlot& job = job_slot(action.index);
    if (job.generation == action.generation && job.state == JobSlotState::queued &&
        (!job.cancel_requested || job.interrupted)) {
        job_worker = claim_worker_slot(WorkerKind::job);
        table_worker = claim_worker_slot(WorkerKind::table);
        if (job_worker >= 0 && table_worker >= 0) {
            assign_slot_to_job(job_worker, action.index);
            assign_slot_to_job(table_worker, action.index);
            job.state = JobSlotState::running;
            job.status = JobStatus::running;
            job.phase = JobPhase::connecting;
            job.job_worker = job_worker;
            job.wait_reason[0] = '\0';
        } else {
            if (job_worker >= 0)
                release_worker_slot(job_worker);
            if (table_worker >= 0)
                release_worker_slot(table_worker);
            job_worker = -1;
        }
    }
    unlock();
    if (job_worker < 0)
        return;

    // The table worker first: alone it does no harm, it waits for a job worker and goes.
    BackgroundWorkerHandle* handle = nullptr;
    const bool table_registered = register_worker(table_worker, &handle);
    BackgroundWorkerHandle* job_handle = nullptr;
    if (table_registered && register_worker(job_worker, &job_handle))
        return;

    note_full_server(memory);
    char reason[wait_reason_bytes];
    describe_full_server(reason, sizeof(reason));
    lock_exclusive();
    // Nobody has attached to the job worker's slot, so the job is as it was.
    release_worker_slot(job_worker);
    job.state = JobSlotState::queued;
    job.status = JobStatus::pending;
    job.phase = JobPhase::queued;
    job.job_worker = -1;
    strlcpy(job.wait_reason, reason, sizeof(job.wait_reason));
    if (worker_slot(table_worker).state == WorkerState::registered)
        release_worker_slot(table_worker);
    unlock();
    if (table_registered)
        TerminateBackgroundWorker(handle);
}

void start_table_worker(const SupervisorAction& action, SupervisorMemory& memory)
{
    int index = -1;
    lock_exclusive();
    const JobSlot& job = job_slot(action.index);
    if (job.generation == action.generation && job.state == JobSlotState::running && !job.drain) {
        index = claim_worker_slot(WorkerKind::table);
        if (index >= 0)
            assign_slot_to_job(index, action.index);
    }
    unlock();
    BackgroundWorkerHandle* handle = nullptr;
    if (index >= 0 && !register_worker(index, &handle)) {
        unclaim(index);
        note_full_server(memory);
    }
}

void start_ledger_worker(const SupervisorAction& action, SupervisorMemory& memory)
{
    lock_exclusive();
    const int index = claim_worker_slot(WorkerKind::ledger);
    if (index >= 0)
        worker_slot(index).database = action.database;
    unlock();
    BackgroundWorkerHandle* handle = nullptr;
    if (index >= 0 && !register_worker(index, &handle)) {
        unclaim(index);
        note_full_server(memory);
    }
}

// The worker was registered and never came. If it still comes, the generation tells it to go.
void reap_worker(const SupervisorAction& action)
{
    bool reaped = false;
    lock_exclusive();
    WorkerSlot& worker = worker_slot(action.index);
    if (worker.generation == action.generation && worker.state == WorkerState::registered) {
        reaped = true;
        if (worker.kind == WorkerKind::job) {
            JobSlot& job = job_slot(worker.job_slot);
            if (job.generation == worker.job_generation && job.job_worker == action.index &&
                job.state == JobSlotState::running) {
                job.job_worker = -1;
                job.state = JobSlotState::queued;
                job.status = JobStatus::pending;
                job.phase = JobPhase::queued;
                job.not_before = GetCurrentTimestamp() + unattached_job_retry;
            }
        }
        release_worker_slot(action.index);
    }
    unlock();
    if (reaped)
        ereport(LOG, (errmsg("pgclone worker in slot %d did not start in time", action.index)));
}

// Puts a job into state `ending`: a ledger worker writes its outcome. If its worker has gone without
// a word, there may be something to undo first.
void end_job(const SupervisorAction& action, JobStatus status, const char* sqlstate,
             const char* message)
{
    lock_exclusive();
    JobSlot& job = job_slot(action.index);
    const bool current = job.generation == action.generation &&
                         (status == JobStatus::cancelled ? job.state == JobSlotState::queued
                                                         : job.state == JobSlotState::running &&
                                                               job.job_worker < 0);
    if (current) {
        // A job that was being cancelled when its worker went is cancelled, not failed.
        if (job.cancel_requested) {
            status = JobStatus::cancelled;
            sqlstate = "57014";
            message = "job was cancelled";
        }
        // One that was only to clean up knew why.
        if (!job.interrupted || job.cancel_requested) {
            job.outcome.status = status;
            fill_record(job.outcome.error, sqlstate, message);
        }
        if (job.state == JobSlotState::running) {
            leave_cleanup_to_next_worker(job);
        } else {
            job.not_before = 0;
            job.state = JobSlotState::ending;
        }
        signal_workers_of_job(action.index);
    }
    unlock();
}

void carry_out(const SupervisorAction& action, SupervisorMemory& memory)
{
    switch (action.kind) {
    case SupervisorActionKind::reap_worker:
        reap_worker(action);
        break;
    case SupervisorActionKind::end_cancelled_job:
        end_job(action, JobStatus::cancelled, "57014", "job was cancelled");
        break;
    case SupervisorActionKind::end_abandoned_job:
        end_job(action, JobStatus::failed, "57P01", "job worker exited unexpectedly");
        break;
    case SupervisorActionKind::start_job:
        start_job(action, memory);
        break;
    case SupervisorActionKind::start_table_worker:
        start_table_worker(action, memory);
        break;
    case SupervisorActionKind::start_ledger_worker:
        start_ledger_worker(action, memory);
        break;
    case SupervisorActionKind::report_no_slot: {
        char reason[wait_reason_bytes];
        if (memory.workers_not_before > GetCurrentTimestamp() ||
            shared_state->usable_workers < shared_state->max_workers)
            describe_full_server(reason, sizeof(reason));
        else
            snprintf(reason, sizeof(reason), "worker slot: all of pgclone.max_workers = %d are taken",
                     shared_state->max_workers);
        set_wait_reason(action, reason);
        break;
    }
    }
}

// The server is being stopped: running jobs end after what is at hand, and go on after the next
// start. In a smart shutdown nobody else would tell them.
void announce_stop(const SupervisorMemory& memory)
{
    lock_shared();
    for (int i = 0; i < memory.job_count; i++) {
        if (job_slot(memory.jobs[i].index).state == JobSlotState::running)
            signal_workers_of_job(memory.jobs[i].index);
    }
    unlock();
}

// One round: look, decide, act. Returns how long to sleep, in milliseconds.
long supervise(SupervisorMemory& memory)
{
    SupervisionInput input = {};
    copy_briefs(memory, input);
    if (memory.job_count > 0 && is_server_stopping()) {
        announce_stop(memory);
        return stop_watch_interval;
    }
    int64 next_wake = 0;
    const int count = plan_supervision(input, SupervisionLimits{}, memory.actions, max_actions,
                                       next_wake);
    bool look_again = false;
    for (int i = 0; i < count; i++) {
        carry_out(memory.actions[i], memory);
        look_again = look_again || memory.actions[i].kind != SupervisorActionKind::report_no_slot;
    }
    // What was done changes what is to be done: a job that has ended wants a ledger worker.
    if (look_again)
        return 0;
    const long pause = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_wake) + 1;
    return memory.job_count > 0 ? Min(pause, stop_watch_interval) : pause;
}

} // namespace

void register_supervisor()
{
    BackgroundWorker request;
    memset(&request, 0, sizeof(request));
    request.bgw_flags = BGWORKER_SHMEM_ACCESS;
    request.bgw_start_time = BgWorkerStart_RecoveryFinished;
    request.bgw_restart_time = 1;
    strlcpy(request.bgw_name, "pgclone supervisor", BGW_MAXLEN);
    strlcpy(request.bgw_type, "pgclone supervisor", BGW_MAXLEN);
    strlcpy(request.bgw_library_name, "pgclone", sizeof(request.bgw_library_name));
    strlcpy(request.bgw_function_name, "pgclone_supervisor_main",
            sizeof(request.bgw_function_name));
    RegisterBackgroundWorker(&request);
}

} // namespace pgclone

using namespace pgclone;

void pgclone_supervisor_main(Datum)
{
    // The default SIGTERM handler of background workers raises inside the signal handler.
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    attach_supervisor();

    auto* memory = static_cast<SupervisorMemory*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(SupervisorMemory)));
    memory->jobs = static_cast<JobBrief*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(JobBrief) * shared_state->max_jobs));
    memory->workers = static_cast<WorkerBrief*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(WorkerBrief) * shared_state->max_workers));
    MemoryContext round_context =
        AllocSetContextCreate(TopMemoryContext, "pgclone supervisor round", ALLOCSET_SMALL_SIZES);

    for (;;) {
        ResetLatch(MyLatch);
        // Exit code 1: the postmaster starts us again unless it is shutting down.
        if (ShutdownRequestPending)
            proc_exit(1);
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
        MemoryContext caller_context = MemoryContextSwitchTo(round_context);
        const long timeout = supervise(*memory);
        MemoryContextSwitchTo(caller_context);
        MemoryContextReset(round_context);
        if (timeout > 0)
            WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout,
                      PG_WAIT_EXTENSION);
    }
}
