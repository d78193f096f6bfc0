// Which task of a job comes next: a pure function of what is done, and of the time. Each step costs
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

struct ScheduledTask {
    std::int32_t task_id = 0;
    std::int32_t stage = 0;
    bool in_table_worker = false;
    bool batched = false;      // may share a transaction with others; of the job worker's tasks
    bool reads_source = false; // needs the snapshot
    int statements = 0;
    std::vector<std::int32_t> after; // see CloneTask
    TaskProgress progress = TaskProgress::pending;
};

// How much the job worker does in one transaction, at most. (A first task is always taken.)
struct BatchLimits {
    std::size_t tasks = 1;
    int statements = 0;
};

// A task that will not be carried out, and the one of those it needs that was not done.
struct LeftOutTask {
    std::int32_t task_id = 0;
    std::int32_t cause = 0;

    bool operator==(const LeftOutTask&) const = default;
};

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
    int source_tasks_begun() const noexcept;

    // The task that a table worker is to start now. A task is ready when all tasks of earlier
    // stages are finished and those that it waits for are done.
    std::optional<std::int32_t> next_for_table_worker(std::int64_t now);
    // The tasks that the job worker is to do now, one after the other, in one transaction; each is
    // ready, or will be when those before it are done. More than one only if all are `batched`.
    std::vector<std::int32_t> next_own(std::int64_t now, BatchLimits limits);
    // Whether it can start, now or right after `before`, which are all running.
    bool can_follow(std::int32_t task_id, std::span<const std::int32_t> before) const;

    // What happened to a task. Pending to running:
    void start(std::int32_t task_id);
    // Running to pending, as if it had not been started:
    void put_back(std::int32_t task_id);
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

  private:
    struct Entry {
        ScheduledTask task;
        std::size_t stage = 0;              // index into stages_
        std::size_t waits_for = 0;          // of `after`, those that are not done
        std::vector<std::size_t> followers; // whose `after` has it
        int failures = 0;
        std::int64_t not_before = 0;
    };
    struct Stage {
        std::size_t first = 0; // of its entries
        std::size_t count = 0;
        std::size_t unfinished = 0;
        int table_worker_tasks = 0; // unfinished
    };
    struct DueEntry {
        std::int64_t not_before;
        std::size_t index;
        auto operator<=>(const DueEntry&) const = default;
    };

    void build_stages();
    void build_dependencies();
    void require_no_cycle() const;
    std::size_t index_of(std::int32_t task_id) const;
    const Entry& entry(std::int32_t task_id) const { return entries_[index_of(task_id)]; }
    bool is_finished(std::size_t index) const noexcept;
    std::set<std::size_t>& ready_set(const Entry& entry) noexcept;
    void offer(std::size_t index);
    void withdraw(std::size_t index);
    void enter_stage(std::size_t stage);
    void leave_finished_stage();
    void end(std::size_t index, TaskProgress progress);
    std::vector<LeftOutTask> end_undone(std::size_t index, TaskProgress progress);
    void take_due(std::int64_t now);

    std::vector<Entry> entries_; // in order of stages and ids
    std::vector<Stage> stages_;
    std::unordered_map<std::int32_t, std::size_t> index_by_id_;
    std::vector<LeftOutTask> left_out_by_plan_;
    // Of the current stage, what could start now:
    std::set<std::size_t> ready_own_;
    std::set<std::size_t> ready_for_table_worker_;
    // ... and later:
    std::set<DueEntry> backing_off_;
    std::multiset<int> widths_; // table_worker_tasks of all stages
    std::size_t current_stage_ = 0;
    std::size_t first_unfinished_ = 0;
    std::size_t source_tasks_left_ = 0;
};

} // namespace pgclone
