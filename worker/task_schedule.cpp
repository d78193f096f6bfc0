#include "worker/task_schedule.hpp"

#include <algorithm>
#include <limits>

namespace pgclone {

TaskSchedule::TaskSchedule(std::vector<ScheduledTask> tasks) : tasks_(std::move(tasks))
{
    std::stable_sort(tasks_.begin(), tasks_.end(),
                     [](const ScheduledTask& a, const ScheduledTask& b) { return a.stage < b.stage; });
}

bool TaskSchedule::all_done() const noexcept
{
    return std::all_of(tasks_.begin(), tasks_.end(),
                       [](const ScheduledTask& task) { return task.progress == TaskProgress::done; });
}

bool TaskSchedule::is_done(std::int32_t task_id) const noexcept
{
    return std::any_of(tasks_.begin(), tasks_.end(), [task_id](const ScheduledTask& task) {
        return task.task_id == task_id && task.progress == TaskProgress::done;
    });
}

std::optional<std::int32_t> TaskSchedule::current_task() const noexcept
{
    for (const ScheduledTask& task : tasks_) {
        if (task.progress != TaskProgress::done)
            return task.task_id;
    }
    return std::nullopt;
}

std::int32_t TaskSchedule::current_stage() const noexcept
{
    for (const ScheduledTask& task : tasks_) {
        if (task.progress != TaskProgress::done)
            return task.stage;
    }
    return std::numeric_limits<std::int32_t>::max();
}

ScheduledTask* TaskSchedule::next(bool for_table_worker, std::int64_t now) noexcept
{
    const std::int32_t stage = current_stage();
    for (ScheduledTask& task : tasks_) {
        if (task.stage == stage && task.in_table_worker == for_table_worker &&
            task.progress == TaskProgress::pending && task.not_before <= now)
            return &task;
    }
    return nullptr;
}

ScheduledTask* TaskSchedule::find(std::int32_t task_id) noexcept
{
    for (ScheduledTask& task : tasks_) {
        if (task.task_id == task_id)
            return &task;
    }
    return nullptr;
}

std::int64_t TaskSchedule::next_retry(std::int64_t now) const noexcept
{
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    for (const ScheduledTask& task : tasks_) {
        if (task.progress == TaskProgress::pending && task.not_before > now)
            earliest = std::min(earliest, task.not_before);
    }
    return earliest;
}

int TaskSchedule::useful_table_workers(int parallel) const noexcept
{
    int widest = 0;
    int width = 0;
    std::int32_t stage = std::numeric_limits<std::int32_t>::min();
    for (const ScheduledTask& task : tasks_) {
        if (task.stage != stage) {
            stage = task.stage;
            width = 0;
        }
        if (task.in_table_worker && task.progress != TaskProgress::done)
            widest = std::max(widest, ++width);
    }
    return std::min(widest, parallel);
}

} // namespace pgclone
