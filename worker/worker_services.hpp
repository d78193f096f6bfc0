// What a job or table worker's C++ code may ask of the server: its place in shared memory,
// signals, settings, the log. The implementation is on the server side (worker_services_pg.cpp);
// nothing here raises or throws unless it says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "shared/cpp_only.hpp"
#include "shared/job_state.hpp"

namespace pgclone::server {

struct WorkerIdentity {
    WorkerKind kind;
    int index; // of the worker slot
    std::uint32_t generation;
    int number; // of a table worker
    int job_index;
    std::uint32_t job_generation;
    std::int64_t job_id;
};

const WorkerIdentity& identity() noexcept;

// --- Signals, as the handlers left them.

bool shutdown_requested() noexcept;       // SIGTERM has come
// The server is being stopped: nothing new begins, and what is left undone is left to the next
// start. `look`: also look at what the postmaster says, after a SIGTERM; else what was seen.
bool is_stopping(bool look) noexcept;
// Thrown when this process is to go because of that. No error, and nobody is to catch it but main.
struct ServerStops {};
int wake_descriptor() noexcept;           // eventfd that every handler writes
int duplicate_postmaster_pipe() noexcept; // end of file when the postmaster dies; caller closes
[[noreturn]] void exit_after_postmaster_death() noexcept;
void reload_settings_if_asked() noexcept; // after SIGHUP

// --- Shared memory. Each of these holds the lock for the time of `change`, which must only
// store or copy: no allocation, no logging, nothing that waits. False, with nothing called, if
// the job (the worker) is gone.

bool with_job_slot(void (*change)(JobSlot&, void*), void* argument) noexcept;
bool with_own_slot(void (*change)(WorkerSlot&, void*), void* argument) noexcept;
// For each table worker of the job, in any state but free.
void with_table_workers(void (*change)(WorkerSlot&, int index, void*), void* argument) noexcept;

template <typename Change>
bool update_job(Change change) noexcept
{
    static_assert(std::is_nothrow_invocable_v<Change&, JobSlot&>, "runs under the lock");
    return with_job_slot([](JobSlot& job, void* c) { (*static_cast<Change*>(c))(job); }, &change);
}

template <typename Change>
bool update_self(Change change) noexcept
{
    static_assert(std::is_nothrow_invocable_v<Change&, WorkerSlot&>, "runs under the lock");
    return with_own_slot([](WorkerSlot& worker, void* c) { (*static_cast<Change*>(c))(worker); },
                         &change);
}

template <typename Change>
void for_each_table_worker(Change change) noexcept
{
    static_assert(std::is_nothrow_invocable_v<Change&, WorkerSlot&, int>, "runs under the lock");
    with_table_workers([](WorkerSlot& worker, int index,
                          void* c) { (*static_cast<Change*>(c))(worker, index); },
                       &change);
}

// The own slot's counters: lock-free, for every chunk.
WorkerCounters& own_counters() noexcept;

int worker_slot_count() noexcept;

// Takes note of a table worker's task in state `done`: its rows move from the worker's counters to
// the job's totals in one step, and the worker is idle.
void accept_task_result(int worker_index, std::uint32_t generation) noexcept;

// --- Wake-ups.

void wake_job_worker() noexcept;             // of the own job
void wake_worker(int worker_index) noexcept; // a table worker of the own job
void wake_table_workers() noexcept;          // all of the own job
void wake_supervisor() noexcept;
// Wakes the WAL writer if there is some WAL to write: else whoever fills the buffers has to wait for
// the disk himself.
void wake_wal_writer() noexcept;

// Frees the job's slot after its final state was committed to the ledger, and wakes who waits.
void release_job() noexcept;

// --- The rest.

struct ServerAddress {
    std::string socket_directory; // first entry of unix_socket_directories; may be empty
    int port;
    std::string data_directory;
};
// Throws std::bad_alloc at most.
ServerAddress server_address();

// Where this server keeps its temporary files, and removes them when it starts. Throws std::bad_alloc
// at most.
std::string scratch_directory();

std::int64_t current_timestamp() noexcept; // microseconds since 2000-01-01

// Writes a line of severity LOG to the server's log. Never give it a secret.
void log_message(std::string_view text) noexcept;

} // namespace pgclone::server
