// Carries out the tasks of a job: hands some to its table workers, does the others itself, and
// tries again what failed for a passing reason. What comes next is decided by TaskSchedule.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "worker/clone_task.hpp"
#include "worker/ledger_client.hpp"
#include "worker/sessions.hpp"
#include "worker/source_snapshot.hpp"
#include "worker/task_schedule.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

class JobTasks {
  public:
    // `target` is the job worker's loopback session. `parallel`: most table workers at a time;
    // `retries`: further attempts of a task after a transient error.
    JobTasks(EventLoop& loop, PgSession& target, SourceSnapshot& snapshot, JobIdentity job,
             std::vector<CloneTask>& tasks, int parallel, int retries);

    // Called after the snapshot was lost and a new one taken, before any task goes on. Raises if
    // the job cannot go on with it.
    using SnapshotHandler = std::function<Async<void>()>;
    void set_snapshot_handler(SnapshotHandler handler) { on_new_snapshot_ = std::move(handler); }

    // Called inside the transaction of the last task, `publish`, after its done-mark.
    using PublishHandler = std::function<Async<void>()>;
    void set_publish_handler(PublishHandler handler) { on_publish_ = std::move(handler); }

    // Runs until every task is done. Raises the error of the first task that cannot be.
    Async<void> run();

  private:
    // What a table worker's slot said under the lock.
    struct WorkerReport {
        int index;
        std::uint32_t generation;
        int number;
        bool attached;
        TaskState state;
        int task_id;
        ErrorRecord error;
    };
    // Which worker has a task.
    struct Holder {
        int index;
        std::uint32_t generation;
        std::string name;
    };

    void read_reports();
    Async<void> collect_results();
    void assign_tasks();
    Async<void> run_own_tasks();
    Async<void> run_own_task(CloneTask task);
    Async<void> handle_failure(int task_id, std::string worker, PgError error);
    Async<void> renew_snapshot();
    void handle_lost_worker(const WorkerReport& report);
    void note_done(const CloneTask& task);
    void show_progress();
    const CloneTask& task(int task_id) const;
    bool data_remains() const;

    EventLoop& loop_;
    PgSession& target_;
    SourceSnapshot& snapshot_;
    JobIdentity job_;
    LedgerClient ledger_;
    std::vector<CloneTask>& tasks_;
    TaskSchedule schedule_;
    SnapshotHandler on_new_snapshot_;
    PublishHandler on_publish_;
    int parallel_;
    int retries_;
    std::map<int, Holder> holders_; // by task id
    std::vector<WorkerReport> reports_;
};

// Tells the job's table workers to go and waits until they have, at most until `deadline`.
Async<void> dismiss_table_workers(EventLoop& loop, Clock::time_point deadline);

} // namespace pgclone
