#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "shared/settings.hpp"

#include "shared/pg_compat_pg.hpp"
#include "shared/shared_memory_pg.hpp"

extern "C" {
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "postmaster/bgworker_internals.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/pidfile.h"
}

namespace pgclone {

SharedState* shared_state = nullptr;

namespace {

constexpr const char* tranche_name = "pgclone";
constexpr int32 fewest_workers = 3;

Size jobs_offset() { return MAXALIGN(sizeof(SharedState)); }

// Worker slots hold counters that want a cache line of their own.
Size workers_offset()
{
    return TYPEALIGN(alignof(WorkerSlot),
                     add_size(jobs_offset(), mul_size(settings::max_jobs, sizeof(JobSlot))));
}

Size shared_bytes()
{
    return add_size(workers_offset(), mul_size(settings::max_workers, sizeof(WorkerSlot)));
}

// Slack for aligning the whole: old majors promise no more than MAXALIGN.
Size requested_bytes() { return add_size(shared_bytes(), alignof(WorkerSlot)); }

char* align_base(void* base)
{
    return reinterpret_cast<char*>(TYPEALIGN(alignof(WorkerSlot), base));
}

// What max_worker_processes leaves beside the static workers of all libraries. Taken as no fewer
// than a job needs: then it is the registration that fails, and the view says why. By the time
// that shared memory is set up, the postmaster has registered all static workers and no other.
int32 count_usable_workers()
{
    int32 count = max_worker_processes;
    // The lists' own loop macros are not C++.
#if PG_VERSION_NUM >= 180000
    const dlist_node* const head = &BackgroundWorkerList.head;
    for (const dlist_node* node = head->next; node && node != head; node = node->next)
        count--;
#else
    for (const slist_node* node = BackgroundWorkerList.head.next; node; node = node->next)
        count--;
#endif
    if (count < fewest_workers)
        ereport(WARNING,
                (errmsg("\"max_worker_processes\" leaves %d worker processes for pgclone", count),
                 errdetail("A job needs two, and its end may need a third."),
                 errhint("Increase \"max_worker_processes\".")));
    return Max(count, fewest_workers);
}

// Whether the server did not come down in good order. Asked before recovery begins.
bool was_crash()
{
    bool is_valid = false;
    ControlFileData* control = get_controlfile(DataDir, &is_valid);
    const bool in_good_order = is_valid && (control->state == DB_SHUTDOWNED ||
                                            control->state == DB_SHUTDOWNED_IN_RECOVERY);
    pfree(control);
    return !in_good_order;
}

// Fills memory that has just been allocated. All zero is the right start for every slot: state
// `free`, counters 0.
void initialize_shared_state(LWLock* lock)
{
    memset(static_cast<void*>(shared_state), 0, shared_bytes());
    shared_state->lock = lock;
    shared_state->max_jobs = settings::max_jobs;
    shared_state->max_workers = settings::max_workers;
    shared_state->usable_workers = count_usable_workers();
    shared_state->next_queue_position = 1;
    shared_state->scan_pending = true;
    shared_state->crashed_at = was_crash() ? GetCurrentTimestamp() : 0;
    ConditionVariableInit(&shared_state->job_ended);
    // Generations begin at a value that differs from one life of shared memory to the next, so
    // that a worker registered before a crash fits no slot after it.
    const uint32 first_generation = static_cast<uint32>(GetCurrentTimestamp() / 1000);
    for (int i = 0; i < settings::max_jobs; i++)
        job_slot(i).generation = first_generation;
    for (int i = 0; i < settings::max_workers; i++)
        worker_slot(i).generation = first_generation;
}

#if PGCLONE_HAS_SHMEM_CALLBACKS

void* allocated_base = nullptr;
void* allocated_lock = nullptr;

void request_struct(const char* name, Size bytes, void** place)
{
    ShmemStructOpts options = {};
    options.name = name;
    options.size = static_cast<ssize_t>(bytes);
    options.ptr = place;
    ShmemRequestStructWithOpts(&options);
}

void on_shmem_request(void*)
{
    request_struct("pgclone", requested_bytes(), &allocated_base);
    request_struct("pgclone lock", sizeof(LWLockPadded), &allocated_lock);
}

void on_shmem_init(void*)
{
    // (A named tranche could only be requested in shmem_request_hook.)
    LWLock* const lock = &static_cast<LWLockPadded*>(allocated_lock)->lock;
    LWLockInitialize(lock, LWLockNewTrancheId(tranche_name));
    shared_state = reinterpret_cast<SharedState*>(align_base(allocated_base));
    initialize_shared_state(lock);
}

void on_shmem_attach(void*)
{
    shared_state = reinterpret_cast<SharedState*>(align_base(allocated_base));
}

#else

shmem_startup_hook_type previous_shmem_startup_hook = nullptr;

void request_shared_memory()
{
    RequestAddinShmemSpace(requested_bytes());
    RequestNamedLWLockTranche(tranche_name, 1);
}

#if PGCLONE_HAS_SHMEM_REQUEST_HOOK
shmem_request_hook_type previous_shmem_request_hook = nullptr;

void on_shmem_request()
{
    if (previous_shmem_request_hook)
        previous_shmem_request_hook();
    request_shared_memory();
}
#endif

void on_shmem_startup()
{
    if (previous_shmem_startup_hook)
        previous_shmem_startup_hook();

    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found = false;
    shared_state = reinterpret_cast<SharedState*>(
        align_base(ShmemInitStruct("pgclone", requested_bytes(), &found)));
    if (!found)
        initialize_shared_state(&GetNamedLWLockTranche(tranche_name)->lock);
    LWLockRelease(AddinShmemInitLock);
}

#endif

} // namespace

void install_shared_memory_hooks()
{
#if PGCLONE_HAS_SHMEM_CALLBACKS
    static const ShmemCallbacks callbacks = {
        .request_fn = on_shmem_request, .init_fn = on_shmem_init, .attach_fn = on_shmem_attach};
    RegisterShmemCallbacks(&callbacks);
#else
#if PGCLONE_HAS_SHMEM_REQUEST_HOOK
    previous_shmem_request_hook = shmem_request_hook;
    shmem_request_hook = on_shmem_request;
#else
    request_shared_memory();
#endif
    previous_shmem_startup_hook = shmem_startup_hook;
    shmem_startup_hook = on_shmem_startup;
#endif
}

void require_shared_state()
{
    if (shared_state)
        return;
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("pgclone must be loaded via \"shared_preload_libraries\""),
                    errhint("Add shared_preload_libraries = 'pgclone' to postgresql.conf and "
                            "restart the server.")));
}

JobSlot& job_slot(int index)
{
    Assert(index >= 0 && index < shared_state->max_jobs);
    return reinterpret_cast<JobSlot*>(reinterpret_cast<char*>(shared_state) + jobs_offset())[index];
}

WorkerSlot& worker_slot(int index)
{
    Assert(index >= 0 && index < shared_state->max_workers);
    return reinterpret_cast<WorkerSlot*>(reinterpret_cast<char*>(shared_state) +
                                         workers_offset())[index];
}

void lock_shared() { LWLockAcquire(shared_state->lock, LW_SHARED); }
void lock_exclusive() { LWLockAcquire(shared_state->lock, LW_EXCLUSIVE); }
void unlock() { LWLockRelease(shared_state->lock); }

int find_job(Oid database, int64 job_id)
{
    Assert(LWLockHeldByMe(shared_state->lock));
    for (int i = 0; i < shared_state->max_jobs; i++) {
        const JobSlot& job = job_slot(i);
        if (job.state != JobSlotState::free && job.state != JobSlotState::reserved &&
            job.database == database && job.job_id == job_id)
            return i;
    }
    return -1;
}

int reserve_job_slot()
{
    Assert(LWLockHeldByMeInMode(shared_state->lock, LW_EXCLUSIVE));
    for (int i = 0; i < shared_state->max_jobs; i++) {
        JobSlot& job = job_slot(i);
        if (job.state != JobSlotState::free)
            continue;
        job.state = JobSlotState::reserved;
        job.job_worker = -1;
        return i;
    }
    return -1;
}

void publish_job_slot(int index)
{
    Assert(LWLockHeldByMeInMode(shared_state->lock, LW_EXCLUSIVE));
    JobSlot& job = job_slot(index);
    Assert(job.state == JobSlotState::reserved);
    job.queue_position = shared_state->next_queue_position++;
    job.queued_at = GetCurrentTimestamp();
    job.state = JobSlotState::queued;
}

void release_job_slot(int index)
{
    Assert(LWLockHeldByMeInMode(shared_state->lock, LW_EXCLUSIVE));
    JobSlot& job = job_slot(index);
    const uint32 next_generation = job.generation + 1;
    // The slot held a password: a plain memset of memory that is not read again could be dropped.
    explicit_bzero(&job, sizeof(job));
    job.generation = next_generation;
    job.job_worker = -1;
    job.state = JobSlotState::free;
}

int claim_worker_slot(WorkerKind kind)
{
    Assert(LWLockHeldByMeInMode(shared_state->lock, LW_EXCLUSIVE));
    for (int i = 0; i < shared_state->max_workers; i++) {
        WorkerSlot& worker = worker_slot(i);
        if (worker.state != WorkerState::free)
            continue;
        worker.state = WorkerState::registered;
        worker.kind = kind;
        worker.job_slot = -1;
        worker.registered_at = GetCurrentTimestamp();
        return i;
    }
    return -1;
}

void release_worker_slot(int index)
{
    Assert(LWLockHeldByMeInMode(shared_state->lock, LW_EXCLUSIVE));
    WorkerSlot& worker = worker_slot(index);
    worker.state = WorkerState::free;
    worker.kind = WorkerKind::none;
    worker.task_state = TaskState::not_ready;
    worker.dismissed = false;
    worker.generation++;
    worker.pid = 0;
    worker.job_slot = -1;
    worker.job_generation = 0;
    worker.number = 0;
    worker.database = InvalidOid;
    worker.target_pid = 0;
    worker.work_pid = 0;
    worker.source_pid = 0;
    worker.task_count = 0;
    worker.job_id = 0;
    worker.registered_at = 0;
    worker.task_rows = 0;
    worker.task_bytes = 0;
    worker.current_table[0] = '\0';
    memset(&worker.error, 0, sizeof(worker.error));
    worker.counters.rows.store(0, std::memory_order_relaxed);
    worker.counters.bytes.store(0, std::memory_order_relaxed);
    worker.counters.last_progress_at.store(0, std::memory_order_relaxed);
    worker.counters.alive_at.store(0, std::memory_order_relaxed);
    worker.counters.wait_since.store(0, std::memory_order_relaxed);
    worker.counters.wait_kind.store(WaitKind::none, std::memory_order_relaxed);
    worker.counters.copy_waits.store(WaitKind::none, std::memory_order_relaxed);
    worker.counters.copying.store(false, std::memory_order_relaxed);
}

void signal_worker(int worker_index)
{
    Assert(LWLockHeldByMe(shared_state->lock));
    const WorkerSlot& worker = worker_slot(worker_index);
    if (worker.state == WorkerState::attached && worker.pid > 0 && worker.pid != MyProcPid)
        kill(worker.pid, SIGUSR1);
}

void signal_workers_of_job(int job_index)
{
    Assert(LWLockHeldByMe(shared_state->lock));
    const uint32 generation = job_slot(job_index).generation;
    for (int i = 0; i < shared_state->max_workers; i++) {
        const WorkerSlot& worker = worker_slot(i);
        if (worker.job_slot == job_index && worker.job_generation == generation)
            signal_worker(i);
    }
}

void wake_supervisor()
{
    // Read without the lock: a latch pointer lies in the array of PGPROCs, which lives as long as
    // shared memory, so the worst that a stale one does is to wake another process for nothing.
    Latch* latch = shared_state->supervisor_latch;
    if (latch)
        SetLatch(latch);
}

// The postmaster says so in its lock file before it signals anybody. (A process cannot tell from a
// SIGTERM whether it alone is meant.)
bool is_server_stopping()
{
    if (shared_state->stopping)
        return true;
    char text[1024];
    const int file = open("postmaster.pid", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    const ssize_t bytes = read(file, text, sizeof(text) - 1);
    close(file);
    text[Max(bytes, 0)] = '\0';
    const char* line = text;
    for (int number = 1; line && number < LOCK_FILE_LINE_PM_STATUS; number++) {
        line = strchr(line, '\n');
        line = line ? line + 1 : nullptr;
    }
    if (line && strncmp(line, PM_STATUS_STOPPING, strlen(PM_STATUS_STOPPING)) == 0)
        shared_state->stopping = true;
    return shared_state->stopping;
}

void broadcast_job_ended() { ConditionVariableBroadcast(&shared_state->job_ended); }

} // namespace pgclone
