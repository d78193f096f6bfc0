#include "worker/task_schedule.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "shared/error_types.hpp"

namespace pgclone {

namespace {

bool ends_task(TaskProgress progress) noexcept
{
    return progress != TaskProgress::pending && progress != TaskProgress::running;
}

[[noreturn]] void raise_bad_plan(std::int32_t task_id, const char* what)
{
    throw PgError(sqlstate::internal_error, "task " + std::to_string(task_id) + " " + what);
}

} // namespace

TaskSchedule::TaskSchedule(std::vector<ScheduledTask> tasks)
{
    std::sort(tasks.begin(), tasks.end(), [](const ScheduledTask& a, const ScheduledTask& b) {
        return std::pair(a.stage, a.task_id) < std::pair(b.stage, b.task_id);
    });
    entries_.reserve(tasks.size());
    for (ScheduledTask& task : tasks) {
        if (!index_by_id_.emplace(task.task_id, entries_.size()).second)
            raise_bad_plan(task.task_id, "is in the plan twice");
        entries_.emplace_back().task = std::move(task);
    }
    build_stages();
    build_dependencies();
    require_no_cycle();

    for (std::size_t index = 0; index < entries_.size(); index++) {
        if (entries_[index].task.progress != TaskProgress::skipped)
            continue;
        const std::vector<LeftOutTask> left_out = end_undone(index, TaskProgress::skipped);
        left_out_by_plan_.insert(left_out_by_plan_.end(), left_out.begin(), left_out.end());
    }
    enter_stage(0);
}

void TaskSchedule::build_stages()
{
    for (std::size_t index = 0; index < entries_.size(); index++) {
        Entry& entry = entries_[index];
        const bool is_new = index == 0 || entries_[index - 1].task.stage != entry.task.stage;
        if (is_new)
            stages_.emplace_back().first = index;
        entry.stage = stages_.size() - 1;
        Stage& stage = stages_.back();
        stage.count++;
        if (ends_task(entry.task.progress))
            continue;
        stage.unfinished++;
        stage.table_worker_tasks += entry.task.in_table_worker ? 1 : 0;
        source_tasks_left_ += entry.task.reads_source ? 1 : 0;
    }
    for (const Stage& stage : stages_)
        widths_.insert(stage.table_worker_tasks);
    while (first_unfinished_ < entries_.size() && is_finished(first_unfinished_))
        first_unfinished_++;
}

void TaskSchedule::build_dependencies()
{
    for (std::size_t index = 0; index < entries_.size(); index++) {
        Entry& entry = entries_[index];
        for (const std::int32_t id : entry.task.after) {
            const auto found = index_by_id_.find(id);
            if (found == index_by_id_.end())
                raise_bad_plan(entry.task.task_id, "waits for one that is not in the plan");
            Entry& needed = entries_[found->second];
            if (needed.stage > entry.stage)
                raise_bad_plan(entry.task.task_id, "waits for one of a later stage");
            if (needed.task.progress == TaskProgress::done)
                continue;
            entry.waits_for++;
            needed.followers.push_back(index);
        }
    }
}

// Takes away, one after the other, tasks that wait for none; a cycle remains.
void TaskSchedule::require_no_cycle() const
{
    std::vector<std::size_t> waits_for;
    std::vector<std::size_t> free;
    for (std::size_t index = 0; index < entries_.size(); index++) {
        waits_for.push_back(entries_[index].waits_for);
        if (waits_for.back() == 0)
            free.push_back(index);
    }
    for (std::size_t taken = 0; taken < free.size(); taken++) {
        for (const std::size_t follower : entries_[free[taken]].followers) {
            if (--waits_for[follower] == 0)
                free.push_back(follower);
        }
    }
    if (free.size() == entries_.size())
        return;
    const auto rest = std::find_if(waits_for.begin(), waits_for.end(),
                                   [](std::size_t count) { return count > 0; });
    raise_bad_plan(entries_[static_cast<std::size_t>(rest - waits_for.begin())].task.task_id,
                   "waits for itself");
}

std::size_t TaskSchedule::index_of(std::int32_t task_id) const
{
    const auto found = index_by_id_.find(task_id);
    if (found == index_by_id_.end())
        raise_bad_plan(task_id, "is not in the plan");
    return found->second;
}

bool TaskSchedule::is_finished(std::size_t index) const noexcept
{
    return ends_task(entries_[index].task.progress);
}

std::optional<std::int32_t> TaskSchedule::current_task() const noexcept
{
    if (all_finished())
        return std::nullopt;
    return entries_[first_unfinished_].task.task_id;
}

std::set<std::size_t>& TaskSchedule::ready_set(const Entry& entry) noexcept
{
    return entry.task.in_table_worker ? ready_for_table_worker_ : ready_own_;
}

// Puts a task among those that can start, if it can.
void TaskSchedule::offer(std::size_t index)
{
    const Entry& entry = entries_[index];
    if (entry.stage != current_stage_ || entry.waits_for > 0 ||
        entry.task.progress != TaskProgress::pending)
        return;
    if (entry.not_before > 0)
        backing_off_.insert({entry.not_before, index});
    else
        ready_set(entry).insert(index);
}

void TaskSchedule::withdraw(std::size_t index)
{
    ready_set(entries_[index]).erase(index);
    backing_off_.erase({entries_[index].not_before, index});
}

// Goes to the first stage from `stage` on that is not finished, and offers its tasks.
void TaskSchedule::enter_stage(std::size_t stage)
{
    while (stage < stages_.size() && stages_[stage].unfinished == 0)
        stage++;
    current_stage_ = stage;
    if (stage == stages_.size())
        return;
    const std::size_t end = stages_[stage].first + stages_[stage].count;
    for (std::size_t index = stages_[stage].first; index < end; index++)
        offer(index);
}

void TaskSchedule::leave_finished_stage()
{
    if (current_stage_ < stages_.size() && stages_[current_stage_].unfinished == 0)
        enter_stage(current_stage_ + 1);
}

void TaskSchedule::take_due(std::int64_t now)
{
    while (!backing_off_.empty() && backing_off_.begin()->not_before <= now) {
        const std::size_t index = backing_off_.begin()->index;
        backing_off_.erase(backing_off_.begin());
        entries_[index].not_before = 0;
        ready_set(entries_[index]).insert(index);
    }
}

std::optional<std::int32_t> TaskSchedule::next_for_table_worker(std::int64_t now)
{
    take_due(now);
    if (ready_for_table_worker_.empty())
        return std::nullopt;
    return entries_[*ready_for_table_worker_.begin()].task.task_id;
}

std::vector<std::int32_t> TaskSchedule::next_own(std::int64_t now, BatchLimits limits)
{
    take_due(now);
    std::vector<std::int32_t> batch;
    if (ready_own_.empty())
        return batch;
    std::set<std::size_t> ready = {*ready_own_.begin()};
    auto next_ready = ready_own_.begin();
    std::unordered_map<std::size_t, std::size_t> waits_for; // once the batch so far is done
    int statements = 0;
    while (!ready.empty()) {
        const std::size_t index = *ready.begin();
        const Entry& entry = entries_[index];
        const bool fits = batch.size() < limits.tasks && entry.task.batched &&
                          statements + entry.task.statements <= limits.statements;
        if (!batch.empty() && !fits)
            break;
        ready.erase(ready.begin());
        batch.push_back(entry.task.task_id);
        statements += entry.task.statements;
        if (!entry.task.batched)
            break;
        for (const std::size_t follower : entry.followers) {
            const Entry& other = entries_[follower];
            if (other.stage != entry.stage || other.task.in_table_worker ||
                other.task.progress != TaskProgress::pending || other.not_before > 0)
                continue;
            const auto count = waits_for.emplace(follower, other.waits_for).first;
            if (--count->second == 0)
                ready.insert(follower);
        }
        if (next_ready != ready_own_.end() && *next_ready == index)
            ++next_ready;
        if (next_ready != ready_own_.end())
            ready.insert(*next_ready);
    }
    return batch;
}

bool TaskSchedule::can_follow(std::int32_t task_id, std::span<const std::int32_t> before) const
{
    const Entry& entry = this->entry(task_id);
    return entry.stage == current_stage_ &&
           std::all_of(entry.task.after.begin(), entry.task.after.end(), [&](std::int32_t id) {
               return progress(id) == TaskProgress::done ||
                      std::find(before.begin(), before.end(), id) != before.end();
           });
}

void TaskSchedule::start(std::int32_t task_id)
{
    const std::size_t index = index_of(task_id);
    withdraw(index);
    entries_[index].not_before = 0;
    entries_[index].task.progress = TaskProgress::running;
}

void TaskSchedule::put_back(std::int32_t task_id)
{
    const std::size_t index = index_of(task_id);
    entries_[index].task.progress = TaskProgress::pending;
    offer(index);
}

void TaskSchedule::try_again(std::int32_t task_id, std::int64_t not_before)
{
    Entry& entry = entries_[index_of(task_id)];
    entry.failures++;
    entry.not_before = std::max<std::int64_t>(not_before, 1);
    put_back(task_id);
}

void TaskSchedule::finish(std::int32_t task_id)
{
    const std::size_t index = index_of(task_id);
    end(index, TaskProgress::done);
    for (const std::size_t follower : entries_[index].followers) {
        if (--entries_[follower].waits_for == 0)
            offer(follower);
    }
    leave_finished_stage();
}

std::vector<LeftOutTask> TaskSchedule::fail(std::int32_t task_id)
{
    std::vector<LeftOutTask> left_out = end_undone(index_of(task_id), TaskProgress::failed);
    leave_finished_stage();
    return left_out;
}

std::vector<LeftOutTask> TaskSchedule::skip(std::int32_t task_id)
{
    std::vector<LeftOutTask> left_out = end_undone(index_of(task_id), TaskProgress::skipped);
    leave_finished_stage();
    return left_out;
}

// The task is finished, whatever follows from it.
void TaskSchedule::end(std::size_t index, TaskProgress progress)
{
    Entry& entry = entries_[index];
    withdraw(index);
    if (!ends_task(entry.task.progress)) {
        Stage& stage = stages_[entry.stage];
        stage.unfinished--;
        source_tasks_left_ -= entry.task.reads_source ? 1 : 0;
        if (entry.task.in_table_worker) {
            widths_.erase(widths_.find(stage.table_worker_tasks));
            widths_.insert(--stage.table_worker_tasks);
        }
    }
    entry.task.progress = progress;
    while (first_unfinished_ < entries_.size() && is_finished(first_unfinished_))
        first_unfinished_++;
}

// All that need the task are skipped with it.
std::vector<LeftOutTask> TaskSchedule::end_undone(std::size_t index, TaskProgress progress)
{
    end(index, progress);
    std::vector<LeftOutTask> left_out;
    std::vector<std::size_t> ended = {index};
    while (!ended.empty()) {
        const std::size_t next = ended.back();
        ended.pop_back();
        for (const std::size_t follower : entries_[next].followers) {
            if (is_finished(follower))
                continue;
            end(follower, TaskProgress::skipped);
            left_out.push_back({entries_[follower].task.task_id, entries_[index].task.task_id});
            ended.push_back(follower);
        }
    }
    std::sort(left_out.begin(), left_out.end(),
              [](const LeftOutTask& a, const LeftOutTask& b) { return a.task_id < b.task_id; });
    return left_out;
}

int TaskSchedule::source_tasks_begun() const noexcept
{
    return static_cast<int>(
        std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
            return entry.task.reads_source && (entry.task.progress == TaskProgress::done ||
                                               entry.task.progress == TaskProgress::running);
        }));
}

std::int64_t TaskSchedule::next_retry(std::int64_t now) const noexcept
{
    const auto later = backing_off_.upper_bound({now, std::numeric_limits<std::size_t>::max()});
    return later == backing_off_.end() ? std::numeric_limits<std::int64_t>::max()
                                       : later->not_before;
}

int TaskSchedule::useful_table_workers(int parallel) const noexcept
{
    return widths_.empty() ? 0 : std::min(*widths_.rbegin(), parallel);
}

} // namespace pgclone
