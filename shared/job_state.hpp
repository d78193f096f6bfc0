// What is in shared memory, and the words for it: the job array and the worker slots.
//
// Free of server types, so that both sides of the boundary and the unit tests share it. Object
// ids are uint32 (Oid), times are int64 microseconds since 2000-01-01 (TimestampTz), 0 = unset.
// Who may write which field under which lock: README.md in this folder.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "shared/error_types.hpp"
#include "shared/transfer_rate.hpp"

namespace pgclone {

inline constexpr int name_bytes = 64; // NAMEDATALEN
inline constexpr int conninfo_bytes = 2048;
inline constexpr int wait_reason_bytes = 128;
inline constexpr int max_parallel = 64; // of option and argument "parallel"
inline constexpr std::int64_t no_rate_limit = -1;
// Tasks that a table worker does in one transaction.
inline constexpr int max_batch_tasks = 128;

// A job's status as users see it (pgclone_jobs_view, the ledger, NOTIFY payloads).
enum class JobStatus : std::uint8_t { pending, running, completed, failed, cancelled, held };

// What a running job is doing.
enum class JobPhase : std::uint8_t {
    queued,
    connecting,  // loopback and source sessions
    planning,    // reading catalogs, checking the target
    schema,      // DDL before the data
    data,        // COPY
    indexes,     // indexes and unique keys
    constraints, // foreign keys, triggers, comments, ownership
    finishing,   // the copy takes its final name; final state
    cleanup,     // dropping what a failed or cancelled job made
};

// The life of a job slot. Drawn in README.md of this folder.
enum class JobSlotState : std::uint8_t {
    free,
    reserved, // by a submit between PRE_COMMIT and COMMIT
    queued,   // waits for workers
    running,  // has a job worker
    ending,   // final state known, but not in the ledger yet: a ledger worker writes it
};

enum class JobScope : std::uint8_t { table, schema, database, functions };

enum class WorkerKind : std::uint8_t { none, job, table, ledger };

// The life of a worker slot.
enum class WorkerState : std::uint8_t {
    free,
    registered, // the postmaster was asked to start it
    attached,   // a live process owns the slot, until its exit callback frees it
};

// The handshake between a job worker (assign) and a table worker (all else).
enum class TaskState : std::uint8_t {
    not_ready, // the table worker is not connected yet
    idle,
    assigned,
    working,
    done,   // committed; the job worker takes note and sets idle
    failed, // rolled back; error in the slot
};

// What a worker waits for, as it says itself. (That a session waits for a lock is seen at the
// backend.)
enum class WaitKind : std::uint8_t {
    none,
    source,   // bytes or an answer of it
    target,   // room for bytes, or an answer
    throttle, // the job's rate limit
};

std::string_view to_text(JobStatus status) noexcept;
std::string_view to_text(JobPhase phase) noexcept;
std::string_view to_text(JobScope scope) noexcept;
std::string_view to_text(WorkerKind kind) noexcept;
std::string_view to_text(WaitKind kind) noexcept; // none: empty

// The reverse of to_text; false if `text` is no status.
bool parse_status(std::string_view text, JobStatus& status) noexcept;
bool parse_scope(std::string_view text, JobScope& scope) noexcept;

constexpr bool is_final(JobStatus status) noexcept
{
    return status == JobStatus::completed || status == JobStatus::failed ||
           status == JobStatus::cancelled;
}

// Which changes of a job's status are legal. A final status stays.
bool may_become(JobStatus from, JobStatus to) noexcept;

// How a job ended: what the ledger gets and the view shows.
struct JobOutcome {
    JobStatus status;
    ErrorRecord error; // empty texts unless the job failed
};

// One unfinished job. Guarded by the lock as a whole; no field is read or written without it.
struct JobSlot {
    JobSlotState state;
    JobStatus status;
    JobPhase phase;
    JobScope scope;
    bool source_is_server;   // source names a foreign server, to be resolved by a ledger worker
    bool source_resolved;    // `conninfo` can be used
    // By a restart, or by the end of its job worker: the next one only cleans up and writes `outcome`.
    bool interrupted;
    bool cancel_requested;
    bool drain;              // table workers are to exit: there is no more work for them
    bool consistent;
    bool privileged;         // the submitter is a superuser, as seen when the job started
    bool creates_database;   // its objects go into a database of its own, see work_database
    std::uint32_t generation; // changes when the slot is freed
    std::uint32_t database;      // where it was submitted
    std::uint32_t work_database; // that the job made and fills; 0 = there is none (yet)
    std::uint32_t role;
    std::int32_t job_worker;  // index of the worker slot, -1 = none
    std::int32_t wanted_table_workers;
    std::int32_t parallel; // most table workers; 0 = as the options say, until the job starts
    std::int32_t next_worker_number; // the 2 of "pgclone table worker 7.2"
    std::int32_t attempts;
    std::int32_t epoch;
    std::int32_t ledger_attempts; // failures to write the final state
    std::int32_t tables_total;
    std::int32_t tables_completed;
    std::int64_t job_id;
    std::uint64_t queue_position;
    std::int64_t submitted_at;
    std::int64_t queued_at; // in this life of the server
    std::int64_t started_at;
    std::int64_t data_started_at;
    std::int64_t not_before;  // earliest start of the next attempt
    std::int64_t rows_total;  // estimate, -1 = unknown
    std::int64_t bytes_total; // size of the relations on the source, -1 = unknown
    std::int64_t rows_done;   // of tasks that are committed
    std::int64_t bytes_done;
    // Bytes a second that its table workers read together, or no_rate_limit; 0 as with `parallel`.
    std::int64_t rate_limit;
    TransferHistory transfer; // of all its bytes, while data is copied
    char role_name[name_bytes];
    char database_name[name_bytes];
    char extension_schema[name_bytes];
    char work_database_name[name_bytes];
    char work_extension_schema[name_bytes];
    char schema_name[name_bytes];
    char table_name[name_bytes];
    char server_name[name_bytes]; // if source_is_server
    char snapshot_id[name_bytes];
    char wait_reason[wait_reason_bytes];
    JobOutcome outcome;           // meaningful in state `ending`, and if interrupted
    char conninfo[conninfo_bytes]; // secret: whole connection string; wiped at the final state
};

// For a job whose worker goes before it could undo what the job made: a fresh one is to do that and
// to write `outcome`. If it was a fresh one already, a ledger worker writes the outcome, and what is
// there stays. Under the lock.
void leave_cleanup_to_next_worker(JobSlot& job) noexcept;

// What a worker moves with every chunk or wait: lock-free, on a cache line of its own.
struct alignas(64) WorkerCounters {
    std::atomic<std::uint64_t> rows;
    std::atomic<std::uint64_t> bytes;
    std::atomic<std::int64_t> last_progress_at;
    std::atomic<std::int64_t> alive_at; // the process last went through its event loop
    // Set before, cleared after a wait. Most are too short to be worth a word: see lasting_wait().
    std::atomic<std::int64_t> wait_since;
    std::atomic<WaitKind> wait_kind;
    // What the short waits of a copy add up to, if they took most of the last second.
    std::atomic<WaitKind> copy_waits;
    std::atomic<bool> copying; // it has a share in the job's rate limit
};
// What the worker waits for by now, if it has done so for a second, in one wait or in many.
WaitKind lasting_wait(const WorkerCounters& counters, std::int64_t now) noexcept;

// How often a process of ours says that it is alive, and after how long a silence it counts as
// stalled: stopped, or in a call that does not return. Microseconds.
inline constexpr std::int64_t heartbeat_interval = 1'000'000;
inline constexpr std::int64_t stalled_after = 4'000'000;
// `alive_at`: when it was last heard of; 0 = it has never been.
constexpr bool is_stalled(std::int64_t alive_at, std::int64_t now) noexcept
{
    return alive_at != 0 && now - alive_at >= stalled_after;
}

static_assert(std::atomic<WaitKind>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

// One worker process. Guarded by the lock but for `counters`. Identify a worker by
// (index, generation), never by its pid.
struct WorkerSlot {
    WorkerState state;
    WorkerKind kind;
    TaskState task_state;
    bool dismissed; // a table worker that its job has no more use for: goes when it is idle
    std::uint32_t generation; // changes when the slot is freed
    std::int32_t pid;
    std::int32_t job_slot;    // index, -1 = none (ledger worker)
    std::uint32_t job_generation;
    std::int32_t number;      // of a table worker within its job, from 1
    std::uint32_t database;   // of a ledger worker; 0 = lists databases
    std::int32_t target_pid;  // backend of the loopback session, 0 = none
    std::int32_t work_pid;    // of a job worker's second one, in the work database
    std::int32_t source_pid;  // backend of the source session, 0 = none
    std::int32_t task_count;  // that it has; they share a transaction
    std::int32_t task_ids[max_batch_tasks];
    std::int32_t failed_task; // of them, in state `failed`; 0 = not known
    std::int64_t job_id;
    std::int64_t registered_at;
    std::int64_t task_rows;   // of the tasks in state `done`
    std::int64_t task_bytes;
    char current_table[2 * name_bytes + 8];
    ErrorRecord error;        // in state `failed`
    WorkerCounters counters;
};

} // namespace pgclone
