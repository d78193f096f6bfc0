// The ledger as a worker sees it: the pgclone_ledger_* functions of the extension, called over
// the loopback session. Each call is a transaction of its own unless one is open.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/clone_options.hpp"
#include "shared/job_state.hpp"
#include "worker/clone_task.hpp"
#include "worker/copy_pump.hpp"
#include "worker/pg_session.hpp"
#include "worker/task_rows.hpp"
#include "worker/task_schedule.hpp"

namespace pgclone {

// What pgclone_ledger_start says about the job.
struct LedgerJob {
    bool already_final = false;
    JobScope scope = JobScope::table;
    QualifiedName object;
    CloneOptions options;
    int attempts = 0;
    int epoch = 0;
    bool is_superuser = false; // the submitter, now
    bool may_submit = false;   // the submitter, now
    bool has_plan = false;     // from an earlier life of the server
    bool source_is_needed = false; // by a task of that plan that is not done
    bool was_undone = false;       // the job was beginning anew: tasks may be called done and are not
};

// A task of an earlier life of the server.
struct LoadedTask {
    CloneTask task;
    TaskProgress progress = TaskProgress::pending;
    bool was_done = false; // and is to be done again
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
};

struct JobTotals {
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    int tables_completed = 0;
    bool consistent = true;
};

struct StartedTask {
    CloneTask task;
    int attempts = 0; // with this one
};

// What a task that copies rows has done, and when: microseconds as server::current_timestamp().
struct CopiedTask {
    std::int32_t task_id = 0;
    CopyResult result;
    std::int64_t started_at = 0;
    std::int64_t finished_at = 0;
};

class LedgerClient {
  public:
    LedgerClient(PgSession& session, std::string extension_schema, std::int64_t job_id);

    // Locks the job's row, marks it running and announces it, unless it is final already.
    Async<LedgerJob> start();
    // Which server and snapshot the job reads. Raises 55000 if it is another server than before.
    Async<void> record_source(std::string system_identifier, std::string database_oid,
                              std::string snapshot_lsn, int epoch);
    // In a transaction of its own. `tasks` must outlive the call.
    Async<void> plan(const TaskRows& tasks, std::int64_t bytes_total,
                     int tables_total);

    // Of a task that takes long: its attempt is committed before its work starts.
    Async<StartedTask> task_start(int task_id, std::string worker);
    // First in the transaction that does the work of tasks that take not long: locks them. In
    // ascending order of ids. Raises 55000 if they are done, or somebody else's.
    Async<std::vector<StartedTask>> tasks_take(std::vector<std::int32_t> task_ids,
                                               std::string worker);

    // Calls as text, to be sent with other statements of the transaction that does the work. The
    // first locks the tasks, and raises 55000 if they are done, or somebody else's.
    std::string lock_call(std::span<const std::int32_t> task_ids, std::string_view worker) const;
    // Raises 55000 unless the (locked) table is the one that the job made.
    std::string check_table_call(const std::string& table) const;
    // Raises 2BP01 if others depend on what was moved to that schema.
    std::string check_aside_call(const std::string& schema) const;
    // Marks the tasks. `copied`: what those of them that copied rows have done.
    std::string done_call(std::span<const std::int32_t> task_ids, std::string_view worker,
                          std::span<const CopiedTask> copied = {}) const;

    // Tasks whose transaction was rolled back. They are pending again, but the one whose fault it
    // was (0: not known) has the error and is failed unless it is tried again after `retry_delay`.
    // Returns those that are done: their commit went through, only the news of it was lost.
    Async<std::vector<std::int32_t>> tasks_failed(std::vector<std::int32_t> task_ids,
                                                  std::string worker, std::int32_t culprit,
                                                  PgError error,
                                                  std::optional<milliseconds> retry_delay);
    // Tasks that will not be carried out.
    Async<void> tasks_skip(std::vector<std::int32_t> task_ids, std::string reason);

    // What undoes the tasks that are done, last task first. `outcome`: what the job will be when that
    // is done; none if it begins anew. From here on no task can be marked as done.
    Async<std::vector<std::string>> cleanup(std::optional<JobOutcome> outcome);
    // All is undone, and there is no plan any more.
    Async<void> forget_plan();
    // The plan, in order.
    Async<std::vector<LoadedTask>> load();
    // Tasks that are not done belong to `epoch` now, `changed` (by id) with another spec. `mixed`:
    // others have rows of an older snapshot.
    Async<void> new_epoch(int epoch, bool mixed, std::vector<CloneTask> changed);

    // False if the job was final already.
    Async<bool> finish(JobOutcome outcome, JobPhase phase, JobTotals totals);

  private:
    struct Argument {
        const char* type;
        std::string value;
    };

    std::string call(std::string_view function, std::initializer_list<const char*> types) const;
    std::string call_text(std::string_view function, const std::vector<Argument>& arguments) const;
    std::string name_of(std::string_view function) const;

    PgSession& session_;
    std::string schema_;
    std::string job_id_;
};

} // namespace pgclone
