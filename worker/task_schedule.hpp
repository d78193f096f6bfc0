// Which tasks of a job come next: a pure function of what is done, and of the time. Each step costs
// O(log n): a database may have 100,000 tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shared/cpp_only.hpp"

namespace pgclone {

enum class TaskProgress {
    pending,
    running,
    done,
    failed,  // for good
    skipped, // by the plan, or because something that it needs was not done
};

// What a task keeps others from while it runs.
struct TableLock {
    std::uint32_t table = 0;
    bool exclusive = false; // shared ones go together
};

struct ScheduledTask {
    std::int32_t task_id = 0;
    std::int32_t stage = 0;     // it can start when all that is due before has ended
    std::int32_t due_stage = 0; // stages after this one wait for it; 0 = its own
    bool in_table_worker = false;
    bool batched = false;      // may share a transaction with others
    bool reads_source = false; // needs the snapshot
    int statements = 0;
    std::int64_t bytes = 0; // that it copies
    std::vector<std::int32_t> after; // see CloneTask
    std::vector<TableLock> locks;
    TaskProgress progress = TaskProgress::pending;
};

// How much is done in one transaction, at most. (A first task is always taken.)
struct BatchLimits {
    std::size_t tasks = 1;
    int statements = 0;
    std::int64_t bytes = 0;
};

// A task that will not be carried out, and the one of those it needs that was not done.
struct LeftOutTask {
    std::int32_t task_id = 0;
    std::int32_t cause = 0;

    bool operator==(const LeftOutTask&) const = default;
};

enum class Executor { job_worker, table_worker };

class TaskSchedule {
  public:
    // Raises XX000 if tasks wait for each other, for one of a later stage, or for none that exists.
    explicit TaskSchedule(std::vector<ScheduledTask> tasks);

    // Those whose plan skips what they need; they are skipped now, too.
    const std::vector<LeftOutTask>& left_out_by_plan() const noexcept { return left_out_by_plan_; }

    // Finished: done, failed or skipped.
    bool all_finished() const noexcept { return first_unfinished_ == entries_.size(); }
    TaskProgress progress(std::int32_t task_id) const { return entry(task_id).task.progress; }
    int failures(std::int32_t task_id) const { return entry(task_id).failures; }

    // The first unfinished task in order of stages and ids; none if all are finished.
    std::optional<std::int32_t> current_task() const noexcept;
    // Whether an unfinished task needs the snapshot.
    bool source_is_needed() const noexcept { return source_tasks_left_ > 0; }
    // Of those that need it, how many are done or running.
    int source_tasks_begun() const noexcept { return source_tasks_begun_; }

    // The tasks that somebody who is free is to do now, one after the other, in one transaction.
    // Each is ready, or will be when those before it are done: all that is due before its stage is
    // finished, those that it waits for are done, and no task that runs locks its tables. More than
    // one only if all are `batched`. Table workers get those that are not batched, which take long,
    // before the others; apart from that the order is that of stages and ids, in which a task's
    // followers come right after it.
    std::vector<std::int32_t> next_batch(Executor executor, std::int64_t now, BatchLimits limits);

    // What happened to a task. Pending to running:
    void start(std::int32_t task_id);
    // Running to pending, as if it had not been started:
    void put_back(std::int32_t task_id);
    // The same, and from now on it does not share a transaction:
    void put_back_alone(std::int32_t task_id);
    // The same after a failure; it is tried again from `not_before` (microseconds) on:
    void try_again(std::int32_t task_id, std::int64_t not_before);
    void finish(std::int32_t task_id);
    // Returns those that need it, directly or not; they are skipped now.
    std::vector<LeftOutTask> fail(std::int32_t task_id);
    std::vector<LeftOutTask> skip(std::int32_t task_id);

    // The earliest time after `now` at which a task that backs off can start; INT64_MAX if there
    // is none. One that could start by now waits for a free worker, not for the clock.
    std::int64_t next_retry(std::int64_t now) const noexcept;

    // How many table workers the rest of the job can use, at most `parallel`.
    int useful_table_workers(int parallel) const noexcept;
    // Unfinished tasks of table workers in the stages that have begun.
    int open_table_worker_tasks() const noexcept;

  private:
    struct Entry {
        ScheduledTask task;
        std::size_t stage = 0;              // index into stages_
        std::size_t due = 0;                // the same of the last stage that does not wait for it
        std::size_t waits_for = 0;          // of `after`, those that are not done
        std::vector<std::size_t> followers; // whose `after` has it
        int failures = 0;
        std::int64_t not_before = 0;
    };
    struct Stage {
        std::int32_t number = 0;
        std::size_t first = 0; // of its entries
        std::size_t count = 0;
        std::size_t due = 0;        // unfinished tasks that the next stage waits for
        int table_worker_tasks = 0; // unfinished
    };
    struct DueEntry {
        std::int64_t not_before;
        std::size_t index;
        auto operator<=>(const DueEntry&) const = default;
    };
    // A place in the order in which tasks are taken.
    struct Place {
        int rank;
        std::size_t index;
        auto operator<=>(const Place&) const = default;
    };
    struct Holders {
        int shared = 0;
        int exclusive = 0;
    };
    class Batch;

    void build_stages();
    void build_dependencies();
    void require_no_cycle() const;
    std::size_t index_of(std::int32_t task_id) const;
    const Entry& entry(std::int32_t task_id) const { return entries_[index_of(task_id)]; }
    bool is_finished(std::size_t index) const noexcept;
    std::set<Place>& ready_set(const Entry& entry) noexcept;
    Place place_of(std::size_t index) const noexcept;
    bool is_locked(const Entry& entry) const;
    void set_progress(Entry& entry, TaskProgress progress);
    void offer(std::size_t index);
    void withdraw(std::size_t index);
    void open_stages();
    void leave_finished_stages();
    void end(std::size_t index, TaskProgress progress);
    std::vector<LeftOutTask> end_undone(std::size_t index, TaskProgress progress);
    void take_due(std::int64_t now);

    std::vector<Entry> entries_; // in order of stages and ids
    std::vector<Stage> stages_;
    std::unordered_map<std::int32_t, std::size_t> index_by_id_;
    std::unordered_map<std::uint32_t, Holders> locked_tables_; // by what runs
    std::vector<LeftOutTask> left_out_by_plan_;
    // Of the stages that have begun, what could start now:
    std::set<Place> ready_own_;
    std::set<Place> ready_for_table_worker_;
    // ... and later:
    std::set<DueEntry> backing_off_;
    std::multiset<int> widths_;     // table_worker_tasks of all stages
    std::size_t current_stage_ = 0; // the last that has begun
    std::size_t first_unfinished_ = 0;
    std::size_t source_tasks_left_ = 0;
    int source_tasks_begun_ = 0;
};

} // namespace pgclone
