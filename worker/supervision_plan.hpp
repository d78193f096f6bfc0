// What the supervisor does next, as a pure function of what is in shared memory and of the time.
// No lock, no clock, no allocation: the unit tests run it with virtual time.
#pragma once

#include <cstdint>

#include "shared/job_state.hpp"

namespace pgclone {

// The parts of a job slot that the plan looks at.
struct JobBrief {
    std::int32_t index;
    std::uint32_t generation;
    JobSlotState state; // never free
    bool source_resolved;
    bool interrupted;      // it is started even if cancelled, to be cleaned up
    bool cancel_requested;
    bool drain;
    bool wait_reported;    // the view already says that the job waits for a worker slot
    bool job_worker_alive; // registered or attached
    std::int32_t wanted_table_workers;
    std::int32_t table_workers; // registered or attached
    std::uint32_t database;
    std::uint64_t queue_position;
    std::int64_t not_before;
};

// The parts of a worker slot that the plan looks at.
struct WorkerBrief {
    std::int32_t index;
    std::uint32_t generation;
    WorkerState state;
    WorkerKind kind;
    std::int64_t registered_at;
};

struct SupervisionInput {
    const JobBrief* jobs;
    int job_count;
    const WorkerBrief* workers; // all slots, free ones included
    int worker_count;
    int usable_workers;         // processes that the server has for us at most, 0 = no limit
    bool scan_pending;          // ledgers are to be searched after a start
    std::uint32_t scan_next;    // the next database to search, 0 = to be found out
    bool check_databases;       // a ledger worker failed: find jobs whose database is gone
    std::int64_t ledger_not_before;
    std::int64_t workers_not_before; // the server had no worker slot left: ask again then
    std::int64_t now;
};

enum class SupervisorActionKind : std::uint8_t {
    reap_worker,         // it never attached: free its slot
    end_cancelled_job,   // cancelled while queued: to state `ending`
    end_abandoned_job,   // its job worker is gone without a word: back on the queue, to be
                         // cleaned up, or, if that was it, to state `ending`
    start_job,           // job worker and first table worker together
    start_table_worker,
    start_ledger_worker, // in `database`; 0 = looks at the list of databases only
    report_no_slot,      // the job waits for a worker slot: say so in the view
};

struct SupervisorAction {
    SupervisorActionKind kind;
    std::int32_t index; // of the job or worker slot
    std::uint32_t generation;
    std::uint32_t database;
};

struct SupervisionLimits {
    // A worker that was registered and has not attached for so long never will (fork failed).
    std::int64_t attach_timeout = 20'000'000; // microseconds
    // Wake up that often even if nothing was heard of.
    std::int64_t safety_tick = 60'000'000;
};

// Writes at most `max_actions` actions, in the order in which they are to be carried out, and
// returns their number; a plan that does not fit goes on at the next call, which is then due at
// once. `next_wake` is when to call again at the latest, microseconds.
int plan_supervision(const SupervisionInput& input, const SupervisionLimits& limits,
                     SupervisorAction* actions, int max_actions, std::int64_t& next_wake) noexcept;

} // namespace pgclone
