// Carries out the tasks of a job: hands some to its table workers, does the others itself, and
// tries again what failed for a passing reason. What comes next is decided by TaskSchedule.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/clone_task.hpp"
#include "worker/ledger_client.hpp"
#include "worker/sessions.hpp"
#include "worker/source_snapshot.hpp"
#include "worker/task_schedule.hpp"
#include "worker/worker_rests.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

// The end of a job that goes on after errors and met some: all else was done, and stays. Has the
// SQLSTATE of the first error.
class IncompleteJob : public PgError {
  public:
    using PgError::PgError;
};

// The snapshot is lost, and rows of another would not fit to what was done with it.
class SnapshotLost : public PgError {
  public:
    using PgError::PgError;
};

class JobTasks {
  public:
    // `target` is the job worker's loopback session. `parallel`: most table workers at a time;
    // `retries`: further attempts of a task after a transient error. The order and the ids of
    // `tasks` must not change as long as this lives. `progress`: of tasks (by id) that an earlier
    // life of the server has left behind.
    JobTasks(EventLoop& loop, PgSession& target, SourceSnapshot& snapshot, JobIdentity job,
             std::vector<CloneTask>& tasks, int parallel, int retries,
             const std::map<std::int32_t, TaskProgress>& progress = {});

    // on_error = continue: what can be done without a task that failed is done.
    void continue_on_error() noexcept { continues_ = true; }

    // "consistency" = relaxed: when the snapshot is lost, what is not done yet is done with a new
    // one. Called when that is there, before any task goes on; `mixed`: rows of the old one stay.
    using SnapshotHandler = std::function<Async<void>(bool mixed)>;
    void set_snapshot_handler(SnapshotHandler handler) { on_new_snapshot_ = std::move(handler); }

    // Called inside the transaction of the last task, `publish`, after its done-mark.
    using PublishHandler = std::function<Async<void>()>;
    void set_publish_handler(PublishHandler handler) { on_publish_ = std::move(handler); }

    // Called when the session `target` is gone, to open it again. Without this the job ends then.
    using TargetHandler = std::function<Async<void>()>;
    void set_target_handler(TargetHandler handler) { on_lost_target_ = std::move(handler); }

    // Runs until every task is done. Raises the error of the first task that cannot be; with
    // continue_on_error() IncompleteJob at the end, without `publish`; SnapshotLost without
    // a snapshot handler; ServerStops when nobody is at work any more and the server is being
    // stopped.
    Async<void> run();

    bool is_done(std::int32_t task_id) const
    {
        return schedule_.progress(task_id) == TaskProgress::done;
    }

    // What the job replaces is being dropped, or will be at once: it is too late for a cancel. (Not
    // if a crash has emptied tables before that.)
    bool is_past_return() const
    {
        return check_task_ != 0 && is_done(check_task_) && !schedule_.source_is_needed();
    }

  private:
    // Table workers that are done wait for the end of the job worker's own transaction.
    static constexpr std::size_t most_own_tasks = 100;

    // What a table worker's slot said under the lock.
    struct WorkerReport {
        int index;
        std::uint32_t generation = 0;
        int number;
        bool attached;
        bool has_source; // a session there
        TaskState state;
        int task_count;
        int failed_task;
        ErrorRecord error;
    };
    using TaskIds = std::vector<std::int32_t>;
    // What a table worker has to do.
    struct Assignment {
        std::uint32_t generation = 0; // of the worker
        std::string name;
        TaskIds task_ids;
    };
    // Why a transaction was rolled back.
    struct BatchFailure {
        PgError error;
        std::int32_t culprit = 0; // the task whose fault it was; 0 = not known
        bool is_blameless = false; // no task's fault: all of them are as they were
    };

    void read_reports();
    Async<void> collect_results();
    Async<void> collect_orphans();
    bool is_refused_among_others(const WorkerReport& refused) const;
    void assign_tasks();
    void give_tasks(std::int64_t now);
    BatchLimits worker_limits() const;
    Async<void> handle_failure(TaskIds task_ids, std::string worker, BatchFailure failure);
    void put_back(const TaskIds& task_ids, const BatchFailure& failure);
    Async<void> give_up(std::int32_t task_id, PgError error);
    Async<void> leave_out(std::vector<LeftOutTask> tasks);
    Async<void> renew_snapshot();
    void handle_lost_worker(const WorkerReport& report);
    bool may_retry(int task_id, const PgError& error) const;
    milliseconds retry_delay(int task_id) const;
    void try_again(int task_id, milliseconds delay);
    void show_retry(bool waits_for_it);
    Async<void> reset_target();
    void finish_task(int task_id);
    bool completes_table(const CloneTask& task);
    void read_parallel();
    void show_progress();
    const CloneTask& task(int task_id) const;
    [[noreturn]] void raise_incomplete() const;

    // The job worker's own tasks; job_batches.cpp.
    Async<bool> run_own_tasks();
    Async<void> run_batch(TaskIds task_ids);
    Async<std::optional<BatchFailure>> try_batch(TaskIds task_ids);
    Async<void> run_last(int task_id);
    Async<void> publish(CloneTask task);
    Async<void> drop_replaced(CloneTask task);
    void show_current(const CloneTask& task);

    EventLoop& loop_;
    PgSession& target_;
    SourceSnapshot& snapshot_;
    JobIdentity job_;
    LedgerClient ledger_;
    const std::string own_name_{"job worker"}; // in the ledger
    std::vector<CloneTask>& tasks_;
    std::unordered_map<std::int32_t, std::size_t> positions_; // in tasks_, by id
    TaskSchedule schedule_;
    SnapshotHandler on_new_snapshot_;
    PublishHandler on_publish_;
    TargetHandler on_lost_target_;
    std::int32_t check_task_ = 0; // of kind check_replaced; 0 = there is none
    int parallel_; // as of the last look: pgclone_alter may change it
    int lost_workers_ = 0;
    WorkerRests rests_; // of workers that a server has no connection for
    int lost_snapshots_ = 0;
    int retries_;
    bool continues_ = false;
    int failed_ = 0;
    int left_out_ = 0;
    std::optional<PgError> first_error_; // of those that failed
    std::string retried_sqlstate_; // of the last error after which a task is tried again
    bool shows_retry_ = false;     // the view says that the job waits for that
    std::map<int, Assignment> assignments_; // by index of the worker's slot
    std::vector<WorkerReport> reports_;
    std::unordered_map<std::uint32_t, int> pieces_left_; // of tables that were cut, by OID
    // Tasks of one transaction at most, of a table worker and of this process: few after a failure.
    std::size_t worker_batch_ = max_batch_tasks;
    std::size_t own_batch_ = most_own_tasks;
};

// Tells the job's table workers to go and waits until they have, at most until `deadline`.
Async<void> dismiss_table_workers(EventLoop& loop, Clock::time_point deadline);

} // namespace pgclone
