// Tasks with only what a schedule looks at, and short ways to move them: for its tests.
#pragma once

#include <doctest/doctest.h>

#include <limits>

#include "worker/task_schedule.hpp"

namespace pgclone::test {

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
inline constexpr BatchLimits one_task{1, 1000};
inline constexpr BatchLimits many_tasks{100, 1000};
inline constexpr auto job_worker = Executor::job_worker;
inline constexpr auto table_worker = Executor::table_worker;

using Ids = std::vector<std::int32_t>;

inline ScheduledTask task(std::int32_t id, std::int32_t stage, bool in_table_worker,
                          TaskProgress progress = TaskProgress::pending)
{
    ScheduledTask result;
    result.task_id = id;
    result.stage = stage;
    result.in_table_worker = in_table_worker;
    result.progress = progress;
    return result;
}

inline ScheduledTask after(ScheduledTask task, Ids needed)
{
    task.after = std::move(needed);
    return task;
}

// DDL of the job worker that may share a transaction.
inline ScheduledTask ddl(std::int32_t id, Ids needed = {}, std::int32_t stage = 0)
{
    ScheduledTask result = after(task(id, stage, false), std::move(needed));
    result.batched = true;
    result.statements = 1;
    return result;
}

// A short one of table workers.
inline ScheduledTask rows(std::int32_t id, Ids needed = {}, std::int32_t stage = 0)
{
    ScheduledTask result = ddl(id, std::move(needed), stage);
    result.in_table_worker = true;
    return result;
}

inline ScheduledTask locking(ScheduledTask task, std::vector<TableLock> locks)
{
    task.locks = std::move(locks);
    return task;
}

inline ScheduledTask due(ScheduledTask task, std::int32_t stage)
{
    task.due_stage = stage;
    return task;
}

// The id of the next task, 0 if there is none.
inline std::int32_t next_id(TaskSchedule& schedule, bool for_table_worker, std::int64_t now = 0)
{
    const Ids ids =
        schedule.next_batch(for_table_worker ? table_worker : job_worker, now, one_task);
    return ids.empty() ? 0 : ids.front();
}

inline void do_task(TaskSchedule& schedule, std::int32_t id)
{
    schedule.start(id);
    schedule.finish(id);
}

inline void fail_for_now(TaskSchedule& schedule, std::int32_t id, std::int64_t not_before)
{
    schedule.start(id);
    schedule.try_again(id, not_before);
}

} // namespace pgclone::test
