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

// More of them are not looked at when work is sought.
constexpr int most_locked_tasks = 1000;

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
    // Nothing is on offer before those have been taken out that the plan leaves out.
    for (std::size_t index = 0; index < entries_.size(); index++) {
        if (entries_[index].task.progress != TaskProgress::skipped)
            continue;
        const std::vector<LeftOutTask> left_out = end_undone(index, TaskProgress::skipped);
        left_out_by_plan_.insert(left_out_by_plan_.end(), left_out.begin(), left_out.end());
    }
    open_stages();
}

void TaskSchedule::build_stages()
{
    for (std::size_t index = 0; index < entries_.size(); index++) {
        Entry& entry = entries_[index];
        if (stages_.empty() || stages_.back().number != entry.task.stage) {
            stages_.emplace_back().first = index;
            stages_.back().number = entry.task.stage;
        }
        entry.stage = stages_.size() - 1;
        stages_.back().count++;
    }
    for (Entry& entry : entries_) {
        const std::int32_t due = entry.task.due_stage == 0
                                     ? entry.task.stage
                                     : std::max(entry.task.stage, entry.task.due_stage);
        const auto later = std::find_if(stages_.begin(), stages_.end(),
                                        [due](const Stage& stage) { return stage.number > due; });
        entry.due = static_cast<std::size_t>(later - stages_.begin()) - 1;
        if (ends_task(entry.task.progress))
            continue;
        stages_[entry.due].due++;
        stages_[entry.stage].table_worker_tasks += entry.task.in_table_worker ? 1 : 0;
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

std::set<TaskSchedule::Place>& TaskSchedule::ready_set(const Entry& entry) noexcept
{
    return entry.task.in_table_worker ? ready_for_table_worker_ : ready_own_;
}

TaskSchedule::Place TaskSchedule::place_of(std::size_t index) const noexcept
{
    const ScheduledTask& task = entries_[index].task;
    return {task.in_table_worker && task.batched ? 1 : 0, index};
}

bool TaskSchedule::is_locked(const Entry& entry) const
{
    return std::any_of(entry.task.locks.begin(), entry.task.locks.end(), [this](TableLock lock) {
        const auto held = locked_tables_.find(lock.table);
        return held != locked_tables_.end() &&
               (held->second.exclusive > 0 || (lock.exclusive && held->second.shared > 0));
    });
}

// All changes pass here: locks and counts follow.
void TaskSchedule::set_progress(Entry& entry, TaskProgress progress)
{
    const bool was_running = entry.task.progress == TaskProgress::running;
    const bool was_begun = was_running || entry.task.progress == TaskProgress::done;
    const bool is_running = progress == TaskProgress::running;
    const bool is_begun = is_running || progress == TaskProgress::done;
    entry.task.progress = progress;
    if (entry.task.reads_source)
        source_tasks_begun_ += (is_begun ? 1 : 0) - (was_begun ? 1 : 0);
    if (was_running == is_running)
        return;
    for (const TableLock lock : entry.task.locks) {
        Holders& holders = locked_tables_[lock.table];
        (lock.exclusive ? holders.exclusive : holders.shared) += is_running ? 1 : -1;
        if (holders.shared == 0 && holders.exclusive == 0)
            locked_tables_.erase(lock.table);
    }
}

// Puts a task among those that can start, if it can.
void TaskSchedule::offer(std::size_t index)
{
    const Entry& entry = entries_[index];
    if (entry.stage > current_stage_ || entry.waits_for > 0 ||
        entry.task.progress != TaskProgress::pending)
        return;
    if (entry.not_before > 0)
        backing_off_.insert({entry.not_before, index});
    else
        ready_set(entry).insert(place_of(index));
}

void TaskSchedule::withdraw(std::size_t index)
{
    ready_set(entries_[index]).erase(place_of(index));
    backing_off_.erase({entries_[index].not_before, index});
}

// Offers the tasks of the current stage, and goes on to the next as long as that has to wait for
// nothing.
void TaskSchedule::open_stages()
{
    while (current_stage_ < stages_.size()) {
        const Stage& stage = stages_[current_stage_];
        for (std::size_t index = stage.first; index < stage.first + stage.count; index++)
            offer(index);
        if (stage.due > 0)
            return;
        current_stage_++;
    }
}

void TaskSchedule::leave_finished_stages()
{
    if (current_stage_ >= stages_.size() || stages_[current_stage_].due > 0)
        return;
    current_stage_++;
    open_stages();
}

void TaskSchedule::take_due(std::int64_t now)
{
    while (!backing_off_.empty() && backing_off_.begin()->not_before <= now) {
        const std::size_t index = backing_off_.begin()->index;
        backing_off_.erase(backing_off_.begin());
        entries_[index].not_before = 0;
        ready_set(entries_[index]).insert(place_of(index));
    }
}

// One that is being put together.
class TaskSchedule::Batch {
  public:
    Batch(const TaskSchedule& schedule, BatchLimits limits) : schedule_(schedule), limits_(limits) {}

    bool has_room_for(const ScheduledTask& task) const
    {
        return tasks_.empty() ||
               (is_open_ && task.batched && tasks_.size() < limits_.tasks &&
                statements_ + task.statements <= limits_.statements &&
                bytes_ + task.bytes <= limits_.bytes);
    }

    void add(std::size_t index)
    {
        const Entry& entry = schedule_.entries_[index];
        tasks_.push_back(entry.task.task_id);
        statements_ += entry.task.statements;
        bytes_ += entry.task.bytes;
        is_open_ = entry.task.batched;
        for (const std::size_t follower : entry.followers)
            count_down(follower, entry);
    }

    // What can start only because of tasks of this batch.
    std::set<Place>& followers() noexcept { return followers_; }
    std::vector<std::int32_t> take() noexcept { return std::move(tasks_); }

  private:
    void count_down(std::size_t index, const Entry& needed)
    {
        const Entry& entry = schedule_.entries_[index];
        if (entry.stage > schedule_.current_stage_ ||
            entry.task.in_table_worker != needed.task.in_table_worker ||
            entry.task.progress != TaskProgress::pending || entry.not_before > 0)
            return;
        const auto count = waits_for_.emplace(index, entry.waits_for).first;
        if (--count->second == 0 && !schedule_.is_locked(entry))
            followers_.insert(schedule_.place_of(index));
    }

    const TaskSchedule& schedule_;
    BatchLimits limits_;
    std::vector<std::int32_t> tasks_;
    int statements_ = 0;
    std::int64_t bytes_ = 0;
    bool is_open_ = true;
    std::set<Place> followers_;
    std::unordered_map<std::size_t, std::size_t> waits_for_; // once the batch so far is done
};

std::vector<std::int32_t> TaskSchedule::next_batch(Executor executor, std::int64_t now,
                                                   BatchLimits limits)
{
    take_due(now);
    const std::set<Place>& ready =
        executor == Executor::table_worker ? ready_for_table_worker_ : ready_own_;
    Batch batch(*this, limits);
    auto next = ready.begin();
    for (int locked = 0;;) {
        while (next != ready.end() && is_locked(entries_[next->index])) {
            // Tables that all refer to one would make this search long, and in vain.
            next = ++locked < most_locked_tasks ? std::next(next) : ready.end();
        }
        std::set<Place>& followers = batch.followers();
        const bool follower_is_next =
            !followers.empty() && (next == ready.end() || *followers.begin() < *next);
        if (!follower_is_next && next == ready.end())
            break;
        const std::size_t index = follower_is_next ? followers.begin()->index : next->index;
        if (!batch.has_room_for(entries_[index].task))
            break;
        if (follower_is_next)
            followers.erase(followers.begin());
        else
            ++next;
        batch.add(index);
    }
    return batch.take();
}

void TaskSchedule::start(std::int32_t task_id)
{
    const std::size_t index = index_of(task_id);
    withdraw(index);
    entries_[index].not_before = 0;
    set_progress(entries_[index], TaskProgress::running);
}

void TaskSchedule::put_back(std::int32_t task_id)
{
    const std::size_t index = index_of(task_id);
    set_progress(entries_[index], TaskProgress::pending);
    offer(index);
}

void TaskSchedule::put_back_alone(std::int32_t task_id)
{
    entries_[index_of(task_id)].task.batched = false;
    put_back(task_id);
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
    leave_finished_stages();
}

std::vector<LeftOutTask> TaskSchedule::fail(std::int32_t task_id)
{
    std::vector<LeftOutTask> left_out = end_undone(index_of(task_id), TaskProgress::failed);
    leave_finished_stages();
    return left_out;
}

std::vector<LeftOutTask> TaskSchedule::skip(std::int32_t task_id)
{
    std::vector<LeftOutTask> left_out = end_undone(index_of(task_id), TaskProgress::skipped);
    leave_finished_stages();
    return left_out;
}

// The task is finished, whatever follows from it.
void TaskSchedule::end(std::size_t index, TaskProgress progress)
{
    Entry& entry = entries_[index];
    withdraw(index);
    if (!ends_task(entry.task.progress)) {
        stages_[entry.due].due--;
        Stage& stage = stages_[entry.stage];
        source_tasks_left_ -= entry.task.reads_source ? 1 : 0;
        if (entry.task.in_table_worker) {
            widths_.erase(widths_.find(stage.table_worker_tasks));
            widths_.insert(--stage.table_worker_tasks);
        }
    }
    set_progress(entry, progress);
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

std::int64_t TaskSchedule::next_retry(std::int64_t now) const noexcept
{
    const auto later = backing_off_.upper_bound({now, std::numeric_limits<std::size_t>::max()});
    return later == backing_off_.end() ? std::numeric_limits<std::int64_t>::max()
                                       : later->not_before;
}

int TaskSchedule::open_table_worker_tasks() const noexcept
{
    int open = 0;
    for (std::size_t stage = 0; stage < stages_.size() && stage <= current_stage_; stage++)
        open += stages_[stage].table_worker_tasks;
    return open;
}

int TaskSchedule::useful_table_workers(int parallel) const noexcept
{
    return widths_.empty() ? 0 : std::min(*widths_.rbegin(), parallel);
}

} // namespace pgclone
