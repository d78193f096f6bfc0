#include "worker/worker_services.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/boundary.hpp"
#include "shared/settings.hpp"
#include "worker/wait_report.hpp"
#include "worker/worker_services_pg.hpp"

extern "C" {
#include "access/xlog.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/varlena.h"

extern char** environ;
}

namespace pgclone {

namespace {

constexpr TimestampTz ledger_backoff_step = 1'000'000; // us, doubled with each failure
constexpr int ledger_backoff_doublings = 5;
constexpr XLogRecPtr worth_writing = 128 * 1024; // bytes of WAL

server::WorkerIdentity own_identity;
int wake_fd = -1;
bool ledger_succeeded = false;

// --- Signal handlers: they only set flags and write the eventfd.

void write_wake_fd()
{
    const int saved_errno = errno;
    const uint64 one = 1;
    if (write(wake_fd, &one, sizeof(one)) < 0) {
        // Full: then the loop is to wake up anyway.
    }
    errno = saved_errno;
}

void on_sigterm(SIGNAL_ARGS)
{
    ShutdownRequestPending = true;
    write_wake_fd();
}

void on_sighup(SIGNAL_ARGS)
{
    ConfigReloadPending = true;
    write_wake_fd();
}

void on_wake_signal(SIGNAL_ARGS) { write_wake_fd(); }

// --- Exit.

} // namespace

TimestampTz ledger_retry_at(int failures)
{
    const int doublings = Min(failures, ledger_backoff_doublings);
    return GetCurrentTimestamp() + (ledger_backoff_step << doublings);
}

namespace {

// The jobs that the worker came for wait, so that those of other databases get their turn.
void note_ledger_failure(const WorkerSlot& worker)
{
    if (worker.database == InvalidOid) {
        shared_state->ledger_not_before = ledger_retry_at(0);
        return;
    }
    // The worker that looks at the list of databases finds out whether this one is gone.
    shared_state->check_databases = true;
    if (shared_state->scan_next == worker.database) {
        shared_state->scan_failed = true;
        shared_state->scan_after = worker.database;
        shared_state->scan_next = InvalidOid;
    }
    for (int i = 0; i < shared_state->max_jobs; i++) {
        JobSlot& job = job_slot(i);
        const bool unresolved = job.state == JobSlotState::queued && !job.source_resolved;
        if (job.database != worker.database || !(unresolved || job.state == JobSlotState::ending))
            continue;
        job.not_before = ledger_retry_at(job.ledger_attempts++);
    }
}

// Runs in whatever way the process ends short of a crash, so that a busy slot always has a live
// process. C style: no allocation, nothing that can raise.
void detach_worker(int, Datum)
{
    lock_exclusive();
    WorkerSlot& worker = worker_slot(own_identity.index);
    if (worker.generation == own_identity.generation) {
        if (worker.kind == WorkerKind::ledger) {
            if (!ledger_succeeded)
                note_ledger_failure(worker);
        } else {
            JobSlot& job = job_slot(own_identity.job_index);
            if (job.generation == own_identity.job_generation) {
                if (job.job_worker == own_identity.index)
                    job.job_worker = -1;
                else if (job.job_worker >= 0)
                    signal_worker(job.job_worker);
            }
        }
        release_worker_slot(own_identity.index);
    }
    unlock();
    wake_supervisor();
}

} // namespace

void attach_worker(Datum main_argument, WorkerKind kind)
{
    const int index = DatumGetInt32(main_argument);
    uint32 generation = 0;
    memcpy(&generation, MyBgworkerEntry->bgw_extra, sizeof(generation));

    bool attached = false;
    lock_exclusive();
    if (index >= 0 && index < shared_state->max_workers) {
        WorkerSlot& worker = worker_slot(index);
        if (worker.generation == generation && worker.state == WorkerState::registered &&
            worker.kind == kind) {
            worker.state = WorkerState::attached;
            worker.pid = MyProcPid;
            worker.counters.alive_at.store(GetCurrentTimestamp(), std::memory_order_relaxed);
            own_identity = {kind,
                            index,
                            generation,
                            worker.number,
                            worker.job_slot,
                            worker.job_generation,
                            worker.job_id};
            attached = true;
        }
    }
    unlock();
    if (!attached)
        proc_exit(0);
    before_shmem_exit(detach_worker, 0);
    report_waits_to(&worker_slot(index).counters);
}

void install_worker_signals()
{
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd < 0)
        ereport(ERROR, (errcode_for_socket_access(), errmsg("could not create an eventfd: %m")));
    pqsignal(SIGTERM, on_sigterm);
    pqsignal(SIGHUP, on_sighup);
    pqsignal(SIGUSR1, on_wake_signal);
    pqsignal(SIGINT, on_wake_signal);
    BackgroundWorkerUnblockSignals();
}

void clean_environment()
{
    // unsetenv() moves the entries that follow, so look at the same place again after it.
    for (char** entry = environ; entry && *entry;) {
        const char* equals = strchr(*entry, '=');
        char name[256];
        const size_t length = equals ? equals - *entry : 0;
        if (strncmp(*entry, "PG", 2) == 0 && length > 0 && length < sizeof(name)) {
            memcpy(name, *entry, length);
            name[length] = '\0';
            unsetenv(name);
        } else {
            entry++;
        }
    }
    // The resolver blocks inside libpq: keep that short.
    setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
}

void limit_memory()
{
#ifndef __SANITIZE_ADDRESS__ // which maps terabytes for its own use
    // A row of nearly 1 GB lies in libpq's buffer, which grows by doubling, and in a copy.
    constexpr rlim_t max_data_bytes = rlim_t{4} * 1024 * 1024 * 1024;
    rlimit limit = {};
    if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur > max_data_bytes) {
        limit.rlim_cur = max_data_bytes;
        setrlimit(RLIMIT_DATA, &limit);
    }
#endif
}

void note_ledger_success() { ledger_succeeded = true; }

namespace server {

const WorkerIdentity& identity() noexcept { return own_identity; }

bool is_stopping(bool look) noexcept { return shared_state->stopping || (look && is_server_stopping()); }

bool shutdown_requested() noexcept { return ShutdownRequestPending; }

int wake_descriptor() noexcept { return wake_fd; }

int duplicate_postmaster_pipe() noexcept
{
    return fcntl(postmaster_alive_fds[POSTMASTER_FD_WATCH], F_DUPFD_CLOEXEC, 0);
}

void exit_after_postmaster_death() noexcept
{
    proc_exit(1);
}

void reload_settings_if_asked() noexcept
{
    if (!ConfigReloadPending)
        return;
    ConfigReloadPending = false;
    ErrorRecord error;
    if (!run_guarded([](void*) { ProcessConfigFile(PGC_SIGHUP); }, nullptr, &error))
        log_message(error.message);
}

bool with_job_slot(void (*change)(JobSlot&, void*), void* argument) noexcept
{
    lock_exclusive();
    JobSlot& job = job_slot(own_identity.job_index);
    const bool current = job.generation == own_identity.job_generation;
    if (current)
        change(job, argument);
    unlock();
    return current;
}

bool with_own_slot(void (*change)(WorkerSlot&, void*), void* argument) noexcept
{
    lock_exclusive();
    WorkerSlot& worker = worker_slot(own_identity.index);
    const bool current = worker.generation == own_identity.generation;
    if (current)
        change(worker, argument);
    unlock();
    return current;
}

void with_table_workers(void (*change)(WorkerSlot&, int, void*), void* argument) noexcept
{
    lock_exclusive();
    for (int i = 0; i < shared_state->max_workers; i++) {
        WorkerSlot& worker = worker_slot(i);
        if (worker.state != WorkerState::free && worker.kind == WorkerKind::table &&
            worker.job_slot == own_identity.job_index &&
            worker.job_generation == own_identity.job_generation)
            change(worker, i, argument);
    }
    unlock();
}

void accept_task_result(int worker_index, std::uint32_t generation) noexcept
{
    lock_exclusive();
    WorkerSlot& worker = worker_slot(worker_index);
    JobSlot& job = job_slot(own_identity.job_index);
    if (worker.generation == generation && worker.task_state == TaskState::done &&
        job.generation == own_identity.job_generation) {
        job.rows_done += worker.task_rows;
        job.bytes_done += worker.task_bytes;
        worker.counters.rows.store(0, std::memory_order_relaxed);
        worker.counters.bytes.store(0, std::memory_order_relaxed);
        worker.task_count = 0;
        worker.task_rows = 0;
        worker.task_bytes = 0;
        worker.task_state = TaskState::idle;
    }
    unlock();
}

WorkerCounters& own_counters() noexcept { return worker_slot(own_identity.index).counters; }

int worker_slot_count() noexcept { return shared_state->max_workers; }

void wake_job_worker() noexcept
{
    lock_shared();
    const JobSlot& job = job_slot(own_identity.job_index);
    if (job.generation == own_identity.job_generation && job.job_worker >= 0)
        signal_worker(job.job_worker);
    unlock();
}

void wake_worker(int worker_index) noexcept
{
    lock_shared();
    const WorkerSlot& worker = worker_slot(worker_index);
    if (worker.job_slot == own_identity.job_index &&
        worker.job_generation == own_identity.job_generation)
        signal_worker(worker_index);
    unlock();
}

void wake_table_workers() noexcept
{
    lock_shared();
    if (job_slot(own_identity.job_index).generation == own_identity.job_generation)
        signal_workers_of_job(own_identity.job_index);
    unlock();
}

void wake_supervisor() noexcept { pgclone::wake_supervisor(); }

// As after an asynchronous commit; not for next to nothing, lest it be kept from its sleep on an idle
// server. Raises nothing: two spinlocks and a latch.
void wake_wal_writer() noexcept
{
    static XLogRecPtr last_woken = 0;
    const XLogRecPtr inserted = GetXLogInsertRecPtr();
    if (inserted - last_woken < worth_writing)
        return;
    last_woken = inserted;
    XLogSetAsyncXactLSN(inserted);
}

void release_job() noexcept
{
    lock_exclusive();
    JobSlot& job = job_slot(own_identity.job_index);
    if (job.generation == own_identity.job_generation) {
        // Table workers that are still there see the new generation and go.
        signal_workers_of_job(own_identity.job_index);
        release_job_slot(own_identity.job_index);
    }
    unlock();
    broadcast_job_ended();
    pgclone::wake_supervisor();
}

ServerAddress server_address()
{
    ServerAddress address;
    address.port = PostPortNumber;
    address.data_directory = DataDir;
    // The entries are separated by commas and may be quoted; SplitDirectoriesString allocates,
    // so it runs behind the door and its result is copied after it.
    char first[MAXPGPATH] = "";
    call_server([&first] {
        char* copy = pstrdup(Unix_socket_directories ? Unix_socket_directories : "");
        List* directories = NIL;
        if (SplitDirectoriesString(copy, ',', &directories) && directories != NIL)
            strlcpy(first, static_cast<char*>(linitial(directories)), sizeof(first));
        list_free_deep(directories);
        pfree(copy);
    });
    address.socket_directory = first;
    return address;
}

std::string scratch_directory()
{
    return std::string(DataDir) + "/base/pgsql_tmp"; // PG_TEMP_FILES_DIR, which moved from header to header
}

std::int64_t current_timestamp() noexcept { return GetCurrentTimestamp(); }

void log_message(std::string_view text) noexcept
{
    char line[1024];
    copy_text(line, text);
    ErrorRecord error;
    run_guarded([](void* argument) { ereport(LOG, (errmsg_internal("%s", static_cast<char*>(argument)))); },
                line, &error);
}

} // namespace server

} // namespace pgclone
