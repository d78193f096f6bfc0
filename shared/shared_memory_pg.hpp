// The shared state: job array, worker slots, one lock. Server side.
//
// Rules (README.md of this folder): hold the lock for a handful of stores or a struct copy; never
// wait, allocate, log or raise under it; copy out, release, then format.
#pragma once

#include "shared/job_state.hpp"

#include "shared/server_pg.hpp"

extern "C" {
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
}

namespace pgclone {

struct SharedState {
    LWLock* lock;
    // Of the running supervisor; null while there is none.
    Latch* supervisor_latch;
    int32 supervisor_pid;
    TimestampTz supervisor_alive_at; // it looks once a second while there are jobs
    int32 max_jobs;    // as allocated
    int32 max_workers; // as allocated
    // Worker processes that the static workers of all libraries leave over. Fewer than max_workers
    // with the defaults of both; dynamic workers of others (parallel query) come on top.
    int32 usable_workers;
    uint64 next_queue_position;
    TimestampTz crashed_at; // this life of shared memory began after a crash, then; 0 = it did not
    bool stopping; // the server is being stopped: once seen, it stays
    // Broadcast whenever a job reaches its final state in the ledger and frees its slot.
    ConditionVariable job_ended;
    // Search of all databases' ledgers for jobs that a restart interrupted.
    bool scan_pending;
    Oid scan_after; // databases up to this one have been searched
    Oid scan_next;  // the one to search now; InvalidOid = a ledger worker has to find it
    bool scan_failed; // in one of them: the search begins anew when it is through
    bool check_databases; // a ledger worker failed: see whether its database still exists
    // When to look at the list of databases again after a ledger worker failed to.
    TimestampTz ledger_not_before;
};

// Null unless the library was loaded by shared_preload_libraries.
extern SharedState* shared_state;

// Installs the hooks that size and create the shared state. Call from _PG_init while
// shared_preload_libraries are loaded, after define_settings().
void install_shared_memory_hooks();

// Raises 55000 with the line to add to postgresql.conf if the library was not preloaded.
void require_shared_state();

JobSlot& job_slot(int index);
WorkerSlot& worker_slot(int index);

void lock_shared();
void lock_exclusive();
void unlock();

// --- All of these need the lock held, exclusively where they write. None raises.

// Index of the unfinished job `job_id` of `database` in any state but free and reserved; -1 =
// there is none.
int find_job(Oid database, int64 job_id);

// Takes a free job slot, cleared, in state `reserved`; -1 = the queue is full.
int reserve_job_slot();

// Puts a reserved slot on the queue: assigns its queue position.
void publish_job_slot(int index);

// Wipes and frees the slot; its generation changes. Follow with broadcast_job_ended() after unlock.
void release_job_slot(int index);

// Takes a free worker slot, cleared, in state `registered`; -1 = there is none.
int claim_worker_slot(WorkerKind kind);
void release_worker_slot(int index);

// Sends SIGUSR1 ("look at shared memory") to the attached workers of the job. Under the lock a
// pid in an attached slot is alive and ours, since its exit callback takes the lock first.
void signal_workers_of_job(int job_index);
void signal_worker(int worker_index);

// --- These need no lock.

// Whether the server is being stopped, in whatever mode. Reads a file unless that is known.
bool is_server_stopping();

void wake_supervisor();
void broadcast_job_ended();

} // namespace pgclone
