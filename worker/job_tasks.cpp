#include "worker/job_tasks.hpp"

#include <algorithm>
#include <optional>

#include "worker/randomness.hpp"
#include "worker/retry_policy.hpp"

namespace pgclone {

namespace {

constexpr const char* own_name = "job worker";
// Every change is signalled; this is for the signal that nobody thought of.
constexpr milliseconds safety_tick{10000};

std::vector<ScheduledTask> to_schedule(const std::vector<CloneTask>& tasks)
{
    std::vector<ScheduledTask> scheduled;
    for (const CloneTask& task : tasks) {
        ScheduledTask entry;
        entry.task_id = task.task_id;
        entry.stage = task.stage;
        entry.in_table_worker = task.in_table_worker;
        entry.progress =
            task.skip_reason.empty() ? TaskProgress::pending : TaskProgress::done;
        scheduled.push_back(entry);
    }
    return scheduled;
}

// Changes the slot of a table worker if it is still the same process's.
template <typename Change>
bool update_table_worker(int index, std::uint32_t generation, Change change)
{
    bool found = false;
    server::for_each_table_worker([&](WorkerSlot& worker, int at) noexcept {
        if (at == index && worker.generation == generation) {
            change(worker);
            found = true;
        }
    });
    return found;
}

} // namespace

JobTasks::JobTasks(EventLoop& loop, PgSession& target, SourceSnapshot& snapshot, JobIdentity job,
                   std::vector<CloneTask>& tasks, int parallel, int retries)
    : loop_(loop), target_(target), snapshot_(snapshot), job_(job),
      ledger_(target, job.extension_schema, job.job_id), tasks_(tasks),
      schedule_(to_schedule(tasks)), parallel_(parallel), retries_(retries)
{
    reports_.reserve(server::worker_slot_count());
}

const CloneTask& JobTasks::task(int task_id) const
{
    for (const CloneTask& task : tasks_) {
        if (task.task_id == task_id)
            return task;
    }
    throw PgError(sqlstate::internal_error, "unknown task " + std::to_string(task_id));
}

bool JobTasks::data_remains() const
{
    return std::any_of(tasks_.begin(), tasks_.end(), [this](const CloneTask& task) {
        return task.kind == TaskKind::data && !schedule_.is_done(task.task_id);
    });
}

Async<void> JobTasks::run()
{
    while (!schedule_.all_done()) {
        const std::uint64_t seen = loop_.wakes();
        co_await run_own_tasks();
        show_progress();
        co_await collect_results();
        // Taken before tasks are assigned: a retry that becomes due in between is seen below.
        const std::int64_t now = server::current_timestamp();
        assign_tasks();
        if (schedule_.all_done() || schedule_.next(false, now))
            continue;
        const auto until_retry = microseconds(schedule_.next_retry(now) - now);
        const auto pause = std::min<microseconds>(until_retry, safety_tick);
        co_await loop_.wait_for_wake(seen, Clock::now() + pause);
    }
}

// Phase, number of useful table workers, and the snapshot's end follow from what is done.
void JobTasks::show_progress()
{
    if (!data_remains())
        snapshot_.close(); // what it held back on the source is free again
    const int wanted = schedule_.useful_table_workers(parallel_);
    const std::optional<int> current = schedule_.current_task();
    const JobPhase phase = current ? task(*current).phase : JobPhase::finishing;
    const std::int64_t now = server::current_timestamp();
    bool fewer = false;
    bool more = false;
    server::update_job([&](JobSlot& job) noexcept {
        more = wanted > job.wanted_table_workers;
        fewer = (wanted == 0 && !job.drain) || job.phase != phase;
        job.wanted_table_workers = wanted;
        job.drain = wanted == 0;
        job.phase = phase;
        if (phase == JobPhase::data && job.data_started_at == 0)
            job.data_started_at = now;
    });
    if (more)
        server::wake_supervisor();
    if (fewer)
        server::wake_table_workers();
}

void JobTasks::read_reports()
{
    reports_.clear(); // its capacity is that of the slot array: no allocation under the lock
    server::for_each_table_worker([this](WorkerSlot& worker, int index) noexcept {
        if (reports_.size() == reports_.capacity())
            return;
        WorkerReport& report = reports_.emplace_back();
        report.index = index;
        report.generation = worker.generation;
        report.number = worker.number;
        report.attached = worker.state == WorkerState::attached;
        report.state = worker.task_state;
        report.task_id = worker.task_id;
        if (worker.task_state == TaskState::failed)
            report.error = worker.error;
    });
}

Async<void> JobTasks::collect_results()
{
    read_reports();
    for (std::size_t i = 0; i < reports_.size(); i++) {
        const WorkerReport report = reports_[i];
        if (report.state == TaskState::failed && report.task_id == 0)
            handle_lost_worker(report);
        const auto held = holders_.find(report.task_id);
        if (held == holders_.end() || held->second.index != report.index ||
            held->second.generation != report.generation)
            continue;
        if (report.state == TaskState::done) {
            server::accept_task_result(report.index, report.generation);
            schedule_.find(report.task_id)->progress = TaskProgress::done;
            note_done(task(report.task_id));
            holders_.erase(held);
        } else if (report.state == TaskState::failed) {
            const std::string name = held->second.name;
            const PgError error(report.error);
            holders_.erase(held);
            update_table_worker(report.index, report.generation, [](WorkerSlot& worker) noexcept {
                worker.task_state = TaskState::idle;
                worker.task_id = 0;
            });
            co_await handle_failure(report.task_id, name, error);
        }
    }

    // A worker that is gone has no slot to report in.
    std::vector<int> orphans;
    for (const auto& [task_id, holder] : holders_) {
        const bool alive = std::any_of(reports_.begin(), reports_.end(), [&](const WorkerReport& r) {
            return r.index == holder.index && r.generation == holder.generation;
        });
        if (!alive)
            orphans.push_back(task_id);
    }
    for (const int task_id : orphans) {
        const std::string name = holders_.at(task_id).name;
        holders_.erase(task_id);
        const PgError error(sqlstate::admin_shutdown, "table worker " + name + " exited");
        co_await handle_failure(task_id, name, error);
    }
}

// A table worker that could not even connect. The job goes on with those that could.
void JobTasks::handle_lost_worker(const WorkerReport& report)
{
    const PgError error(report.error);
    update_table_worker(report.index, report.generation, [](WorkerSlot& worker) noexcept {
        worker.task_state = TaskState::not_ready;
    });
    server::wake_worker(report.index);
    parallel_--;
    if (parallel_ <= 0)
        throw error;
}

void JobTasks::assign_tasks()
{
    const std::int64_t now = server::current_timestamp();
    read_reports();
    for (const WorkerReport& report : reports_) {
        if (!report.attached || report.state != TaskState::idle)
            continue;
        ScheduledTask* next = schedule_.next(true, now);
        if (!next)
            return;
        const int task_id = next->task_id;
        const bool given = update_table_worker(
            report.index, report.generation, [task_id](WorkerSlot& worker) noexcept {
                worker.task_id = task_id;
                worker.task_state = TaskState::assigned;
            });
        if (!given)
            continue;
        next->progress = TaskProgress::running;
        const std::string name = std::to_string(job_.job_id) + "." + std::to_string(report.number);
        holders_[task_id] = {report.index, report.generation, name};
        server::wake_worker(report.index);
    }
}

Async<void> JobTasks::run_own_tasks()
{
    for (;;) {
        ScheduledTask* next = schedule_.next(false, server::current_timestamp());
        if (!next)
            co_return;
        const int task_id = next->task_id;
        show_progress();
        std::optional<PgError> failure;
        try {
            co_await run_own_task(task(task_id));
        } catch (const PgError& error) {
            loop_.check_interrupts(); // a cancel shows as an error of whatever ran
            if (!target_.is_open())
                throw;
            failure = error;
        }
        if (!failure) {
            schedule_.find(task_id)->progress = TaskProgress::done;
            note_done(task(task_id));
            continue;
        }
        co_await target_.execute("ROLLBACK");
        const std::string worker(own_name);
        co_await handle_failure(task_id, worker, *failure);
    }
}

Async<void> JobTasks::run_own_task(CloneTask task)
{
    const std::string worker(own_name);
    const std::string object = task.schema_name + "." + task.object_name;
    server::update_self(
        [&object](WorkerSlot& slot) noexcept { copy_text(slot.current_table, object); });
    co_await ledger_.task_start(task.task_id, worker);
    co_await target_.execute("BEGIN");
    co_await ledger_.task_lock(task.task_id, worker);
    for (const std::string& statement : task.statements)
        co_await target_.query(statement);
    const CopyResult nothing;
    co_await ledger_.task_done(task.task_id, worker, nothing);
    if (task.kind == TaskKind::publish && on_publish_)
        co_await on_publish_();
    co_await target_.execute("COMMIT");
}

void JobTasks::note_done(const CloneTask& task)
{
    if (task.kind == TaskKind::publish)
        server::update_job([](JobSlot& job) noexcept { job.tables_completed++; });
}

// Tries again later what may pass, gives the job up otherwise.
Async<void> JobTasks::handle_failure(int task_id, std::string worker, PgError error)
{
    ScheduledTask& scheduled = *schedule_.find(task_id);
    const bool retry = is_transient(error.sqlstate()) && scheduled.failures < retries_;
    const std::string status = co_await ledger_.task_failed(task_id, worker, error, retry);
    if (status == "done") {
        // Its commit went through, only the news of it was lost.
        scheduled.progress = TaskProgress::done;
        note_done(task(task_id));
        co_return;
    }
    if (!retry)
        throw error;
    scheduled.failures++;
    scheduled.progress = TaskProgress::pending;
    const milliseconds delay = backoff(scheduled.failures, random_fraction());
    scheduled.not_before =
        server::current_timestamp() + std::chrono::duration_cast<microseconds>(delay).count();
    if (data_remains() && snapshot_.is_lost())
        co_await renew_snapshot();
}

Async<void> JobTasks::renew_snapshot()
{
    co_await snapshot_.open(snapshot_.epoch() + 1);
    const SourceIdentity source = snapshot_.identity();
    co_await ledger_.record_source(source.system_identifier, source.database_oid, source.lsn,
                                   snapshot_.epoch());
    const int epoch = snapshot_.epoch();
    server::update_job([epoch](JobSlot& job) noexcept { job.epoch = epoch; });
    if (on_new_snapshot_)
        co_await on_new_snapshot_();
}

Async<void> dismiss_table_workers(EventLoop& loop, Clock::time_point deadline)
{
    server::update_job([](JobSlot& job) noexcept {
        job.drain = true;
        job.wanted_table_workers = 0;
    });
    for (bool in_time = true; in_time;) {
        const std::uint64_t seen = loop.wakes();
        int present = 0;
        server::for_each_table_worker([&present](WorkerSlot& worker, int) noexcept {
            present += worker.state == WorkerState::attached ? 1 : 0;
        });
        if (present == 0)
            co_return;
        server::wake_table_workers();
        in_time = co_await loop.wait_for_wake(seen, deadline);
    }
}

} // namespace pgclone
