#include "worker/job_tasks.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "worker/ddl_batch.hpp"
#include "worker/randomness.hpp"
#include "worker/retry_policy.hpp"

namespace pgclone {

namespace {

// Every change is signalled; this is for the signal that nobody thought of.
constexpr milliseconds safety_tick{10000};

std::vector<ScheduledTask> to_schedule(const std::vector<CloneTask>& tasks)
{
    std::vector<ScheduledTask> scheduled;
    scheduled.reserve(tasks.size());
    for (const CloneTask& task : tasks) {
        ScheduledTask& entry = scheduled.emplace_back();
        entry.task_id = task.task_id;
        entry.stage = task.stage;
        entry.in_table_worker = task.in_table_worker;
        entry.batched = may_be_batched(task);
        entry.reads_source = task.kind == TaskKind::data || task.kind == TaskKind::large_objects;
        entry.statements = static_cast<int>(task.statements.size());
        entry.after = task.after;
        entry.progress = task.skip_reason.empty() ? TaskProgress::pending : TaskProgress::skipped;
    }
    return scheduled;
}

std::unordered_map<std::int32_t, std::size_t> positions_of(const std::vector<CloneTask>& tasks)
{
    std::unordered_map<std::int32_t, std::size_t> positions;
    for (std::size_t i = 0; i < tasks.size(); i++)
        positions.emplace(tasks[i].task_id, i);
    return positions;
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
      positions_(positions_of(tasks)), schedule_(to_schedule(tasks)), parallel_(parallel),
      retries_(retries)
{
    reports_.reserve(server::worker_slot_count());
}

const CloneTask& JobTasks::task(int task_id) const
{
    const auto found = positions_.find(task_id);
    if (found == positions_.end() || found->second >= tasks_.size())
        throw PgError(sqlstate::internal_error, "unknown task " + std::to_string(task_id));
    return tasks_[found->second];
}

Async<void> JobTasks::run()
{
    co_await leave_out(schedule_.left_out_by_plan());
    while (!schedule_.all_finished()) {
        const std::uint64_t seen = loop_.wakes();
        show_progress();
        co_await collect_results();
        // Taken before tasks are assigned: a retry that becomes due in between is seen below.
        const std::int64_t now = server::current_timestamp();
        assign_tasks();
        const bool was_busy = co_await run_own_tasks();
        if (was_busy || schedule_.all_finished())
            continue;
        const auto until_retry = microseconds(schedule_.next_retry(now) - now);
        const auto pause = std::min<microseconds>(until_retry, safety_tick);
        co_await loop_.wait_for_wake(seen, Clock::now() + pause);
    }
    if (failed_ > 0)
        raise_incomplete();
}

void JobTasks::raise_incomplete() const
{
    const auto planned = std::count_if(tasks_.begin(), tasks_.end(), [](const CloneTask& task) {
        return task.skip_reason.empty() && task.kind != TaskKind::publish;
    });
    std::string message = std::to_string(failed_) + " of " + std::to_string(planned) +
                          (planned == 1 ? " task" : " tasks") + " failed";
    if (left_out_ > 0)
        message +=
            ", " + std::to_string(left_out_) + (left_out_ == 1 ? " was" : " were") + " left out";
    std::string detail = "The first error: " + first_error_->message();
    if (!first_error_->detail().empty())
        detail += "\n" + first_error_->detail();
    throw IncompleteJob(first_error_->sqlstate(), message, detail,
                        "pgclone_tasks_view shows them. All else was done, and stays.");
}

// Phase, number of useful table workers, and the snapshot's end follow from what is done.
void JobTasks::show_progress()
{
    if (!schedule_.source_is_needed())
        snapshot_.close(); // what it held back on the source is free again
    const int wanted = schedule_.useful_table_workers(parallel_);
    const std::optional<int> current = schedule_.current_task();
    JobPhase phase = current ? task(*current).phase : JobPhase::finishing;
    // Indexes of the first tables come while others are still copied; table workers that see a
    // later phase give their source sessions up.
    if (schedule_.source_is_needed())
        phase = std::min(phase, JobPhase::data);
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
            holders_.erase(held);
            finish_task(report.task_id);
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
        const bool alive =
            std::any_of(reports_.begin(), reports_.end(), [&](const WorkerReport& r) {
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
        const std::optional<std::int32_t> next = schedule_.next_for_table_worker(now);
        if (!next)
            return;
        const int task_id = *next;
        const bool given = update_table_worker(report.index, report.generation,
                                               [task_id](WorkerSlot& worker) noexcept {
                                                   worker.task_id = task_id;
                                                   worker.task_state = TaskState::assigned;
                                               });
        if (!given)
            continue;
        schedule_.start(task_id);
        const std::string name = std::to_string(job_.job_id) + "." + std::to_string(report.number);
        holders_[task_id] = {report.index, report.generation, name};
        server::wake_worker(report.index);
    }
}

void JobTasks::finish_task(int task_id)
{
    schedule_.finish(task_id);
    if (task(task_id).completes_table)
        server::update_job([](JobSlot& job) noexcept { job.tables_completed++; });
}

bool JobTasks::may_retry(int task_id, const PgError& error) const
{
    return is_transient(error.sqlstate()) && schedule_.failures(task_id) < retries_;
}

void JobTasks::try_again(int task_id)
{
    const milliseconds delay = backoff(schedule_.failures(task_id) + 1, random_fraction());
    schedule_.try_again(task_id, server::current_timestamp() +
                                     std::chrono::duration_cast<microseconds>(delay).count());
}

Async<void> JobTasks::handle_failure(int task_id, std::string worker, PgError error)
{
    const std::optional<PgError> fatal =
        co_await settle_failure(task_id, std::move(worker), std::move(error));
    if (fatal)
        throw *fatal;
}

// Tries again later what may pass. Else returns the error that ends the job, or goes on without
// the task.
Async<std::optional<PgError>> JobTasks::settle_failure(int task_id, std::string worker,
                                                       PgError error)
{
    const bool retry = may_retry(task_id, error);
    const std::string status = co_await ledger_.task_failed(task_id, worker, error, retry);
    std::optional<PgError> fatal;
    if (status == "done") {
        // Its commit went through, only the news of it was lost.
        finish_task(task_id);
        co_return fatal;
    }
    if (!retry && (!continues_ || concerns_whole_job(error))) {
        fatal = std::move(error);
        co_return fatal;
    }
    if (!retry) {
        failed_++;
        if (!first_error_)
            first_error_ = error;
        std::vector<LeftOutTask> left_out = schedule_.fail(task_id);
        left_out_ += static_cast<int>(left_out.size());
        co_await leave_out(std::move(left_out));
        co_return fatal;
    }
    try_again(task_id);
    if (schedule_.source_is_needed() && snapshot_.is_lost())
        co_await renew_snapshot();
    co_return fatal;
}

// The ledger says why they are not carried out.
Async<void> JobTasks::leave_out(std::vector<LeftOutTask> tasks)
{
    std::map<std::int32_t, TaskIds> by_cause;
    for (const LeftOutTask& left_out : tasks)
        by_cause[left_out.cause].push_back(left_out.task_id);
    for (const auto& [cause, task_ids] : by_cause) {
        const bool failed = schedule_.progress(cause) == TaskProgress::failed;
        const std::string reason =
            describe(task(cause)) + ", which it needs, " + (failed ? "failed" : "is left out");
        co_await ledger_.tasks_skip(task_ids, reason);
    }
}

Async<void> JobTasks::renew_snapshot()
{
    // Rows of two snapshots would not fit together.
    if (const int read = schedule_.source_tasks_begun(); read > 0)
        throw PgError(sqlstate::object_not_in_prerequisite_state,
                      "the job's snapshot was lost after " + std::to_string(read) +
                          " tables had been copied or begun",
                      "The session on the source that held it is gone.", "Submit the job again.");
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
