// Which task of a job comes next: a pure function of what is done, and of the time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "shared/cpp_only.hpp"

namespace pgclone {

enum class TaskProgress { pending, running, done };

struct ScheduledTask {
    std::int32_t task_id = 0;
    std::int32_t stage = 0;
    bool in_table_worker = false;
    TaskProgress progress = TaskProgress::pending;
    int failures = 0;
    std::int64_t not_before = 0; // microseconds; back-off after a failure
};

class TaskSchedule {
  public:
    // Skipped tasks are given as done.
    explicit TaskSchedule(std::vector<ScheduledTask> tasks);

    bool all_done() const noexcept;
    bool is_done(std::int32_t task_id) const noexcept;

    // A task of the stage that the job is in; none if all is done.
    std::optional<std::int32_t> current_task() const noexcept;

    // The task to start now, by table workers or by the job worker; null if there is none. All
    // tasks of a stage may run at once, when every stage before is done.
    ScheduledTask* next(bool for_table_worker, std::int64_t now) noexcept;

    ScheduledTask* find(std::int32_t task_id) noexcept;

    // The earliest time after `now` at which a task that backs off can start; INT64_MAX if there
    // is none. One that could start by now waits for a free worker, not for the clock.
    std::int64_t next_retry(std::int64_t now) const noexcept;

    // How many table workers the rest of the job can use, at most `parallel`.
    int useful_table_workers(int parallel) const noexcept;

  private:
    std::int32_t current_stage() const noexcept;

    std::vector<ScheduledTask> tasks_; // in order of stages
};

} // namespace pgclone
