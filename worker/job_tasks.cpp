#include "worker/job_tasks.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "worker/ddl_batch.hpp"
#include "worker/randomness.hpp"
#include "worker/retry_policy.hpp"
#include "worker/retry_wait.hpp"

namespace pgclone {

namespace {

// Every change is signalled; this is for the signal that nobody thought of.
constexpr milliseconds safety_tick{10000};
// Of a table worker's transaction that does several tasks. (It keeps its locks, as the job worker's.)
constexpr int most_batch_statements = 300;
constexpr std::int64_t most_batch_bytes = 8 * 1024 * 1024;

std::vector<ScheduledTask> to_schedule(const std::vector<CloneTask>& tasks,
                                       const std::map<std::int32_t, TaskProgress>& progress)
{
    std::vector<ScheduledTask> scheduled;
    scheduled.reserve(tasks.size());
    for (const CloneTask& task : tasks) {
        ScheduledTask& entry = scheduled.emplace_back();
        entry.task_id = task.task_id;
        entry.stage = task.stage;
        entry.due_stage = task.due_stage;
        entry.in_table_worker = task.in_table_worker;
        entry.batched = may_be_batched(task);
        entry.reads_source = task.kind == TaskKind::data || task.kind == TaskKind::large_objects;
        entry.statements = static_cast<int>(count_statements(task));
        entry.bytes = std::max<std::int64_t>(task.estimated_bytes, 0);
        entry.after = task.after;
        for (const std::uint32_t table : task.locked_tables)
            entry.locks.push_back({table, true});
        for (const std::uint32_t table : task.shared_tables)
            entry.locks.push_back({table, false});
        entry.progress = task.skip_reason.empty() ? TaskProgress::pending : TaskProgress::skipped;
        if (const auto known = progress.find(task.task_id); known != progress.end())
            // What waited for one that failed is skipped by now.
            entry.progress = known->second == TaskProgress::failed ? TaskProgress::skipped
                                                                   : known->second;
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
                   std::vector<CloneTask>& tasks, int parallel, int retries,
                   const std::map<std::int32_t, TaskProgress>& progress)
    : loop_(loop), target_(target), snapshot_(snapshot), job_(std::move(job)),
      ledger_(target, job_.extension_schema, job_.job_id), tasks_(tasks),
      positions_(positions_of(tasks)), schedule_(to_schedule(tasks, progress)), parallel_(parallel),
      retries_(retries)
{
    reports_.reserve(server::worker_slot_count());
    int tables = 0;
    for (const CloneTask& task : tasks) {
        if (task.kind == TaskKind::check_replaced)
            check_task_ = task.task_id;
        if (const auto known = progress.find(task.task_id); known != progress.end()) {
            tables += known->second == TaskProgress::done && completes_table(task) ? 1 : 0;
            failed_ += known->second == TaskProgress::failed ? 1 : 0;
        }
    }
    if (failed_ > 0)
        first_error_ = PgError(sqlstate::object_not_in_prerequisite_state,
                               "it was met before the server was restarted");
    server::update_job([tables](JobSlot& job) noexcept { job.tables_completed = tables; });
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
        read_parallel();
        show_progress();
        co_await collect_results();
        if (server::is_stopping(false)) {
            if (assignments_.empty())
                throw server::ServerStops();
            co_await loop_.wait_for_wake(seen, Clock::now() + safety_tick);
            continue;
        }
        // Taken before tasks are assigned: a retry that becomes due in between is seen below.
        const std::int64_t now = server::current_timestamp();
        assign_tasks();
        const bool was_busy = co_await run_own_tasks();
        if (was_busy || schedule_.all_finished())
            continue;
        const std::int64_t next_retry = schedule_.next_retry(now);
        show_retry(assignments_.empty() && next_retry != INT64_MAX);
        const auto until_next = microseconds(std::min(next_retry, rests_.next_end(now)) - now);
        const auto pause = std::min<microseconds>(until_next, safety_tick);
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

void JobTasks::read_parallel()
{
    server::update_job([this](JobSlot& job) noexcept { parallel_ = std::max(1, job.parallel); });
}

// Phase, number of useful table workers, and the snapshot's end follow from what is done.
void JobTasks::show_progress()
{
    if (!schedule_.source_is_needed())
        snapshot_.close(); // what it held back on the source is free again
    const int wanted = schedule_.useful_table_workers(std::max(1, parallel_ - lost_workers_));
    const std::optional<int> current = schedule_.current_task();
    JobPhase phase = current ? task(*current).phase : JobPhase::finishing;
    // Indexes of the first tables come while others are still copied; table workers that see a
    // later phase give their source sessions up.
    if (schedule_.source_is_needed())
        phase =
            schedule_.source_tasks_begun() > 0 ? JobPhase::data : std::min(phase, JobPhase::data);
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
        report.has_source = worker.source_pid != 0;
        report.state = worker.task_state;
        report.task_count = worker.task_count;
        report.failed_task = worker.failed_task;
        if (worker.task_state == TaskState::failed)
            report.error = worker.error;
    });
}

Async<void> JobTasks::collect_results()
{
    read_reports();
    for (std::size_t i = 0; i < reports_.size(); i++) {
        const WorkerReport report = reports_[i];
        if (report.state == TaskState::failed && report.task_count == 0)
            handle_lost_worker(report);
        const auto found = assignments_.find(report.index);
        if (found == assignments_.end() || found->second.generation != report.generation ||
            (report.state != TaskState::done && report.state != TaskState::failed))
            continue;
        const Assignment assignment = std::move(found->second);
        assignments_.erase(found);
        if (report.state == TaskState::done) {
            server::accept_task_result(report.index, report.generation);
            rests_.forget(report.index);
            worker_batch_ = std::min<std::size_t>(2 * worker_batch_, max_batch_tasks);
            for (const std::int32_t task_id : assignment.task_ids)
                finish_task(task_id);
            continue;
        }
        update_table_worker(report.index, report.generation, [](WorkerSlot& worker) noexcept {
            worker.task_state = TaskState::idle;
            worker.task_count = 0;
        });
        BatchFailure failure{PgError(report.error), report.failed_task};
        failure.is_blameless = is_refused_among_others(report);
        if (failure.is_blameless)
            rests_.begin(report.index, report.generation, server::current_timestamp(),
                         random_fraction());
        else
            worker_batch_ = std::max<std::size_t>(worker_batch_ / 4, 1);
        co_await handle_failure(assignment.task_ids, assignment.name, failure);
    }
    co_await collect_orphans();
}

// A worker that is gone has no slot to report in.
Async<void> JobTasks::collect_orphans()
{
    std::vector<Assignment> orphans;
    for (auto each = assignments_.begin(); each != assignments_.end();) {
        const int index = each->first;
        const Assignment& assignment = each->second;
        const bool alive =
            std::any_of(reports_.begin(), reports_.end(), [&](const WorkerReport& report) {
                return report.index == index && report.generation == assignment.generation;
            });
        if (!alive)
            orphans.push_back(assignment);
        each = alive ? std::next(each) : assignments_.erase(each);
    }
    for (const Assignment& orphan : orphans) {
        const BatchFailure failure{
            PgError(sqlstate::admin_shutdown, "table worker " + orphan.name + " exited")};
        co_await handle_failure(orphan.task_ids, orphan.name, failure);
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
    lost_workers_++;
    if (parallel_ <= lost_workers_)
        throw error;
}

// Too many connections is a matter of fewer workers, as long as others are at work or have a session
// on the source; of one alone it is a task's failure, which is tried again `retries` times.
bool JobTasks::is_refused_among_others(const WorkerReport& refused) const
{
    if (refused.error.sqlstate != sqlstate::too_many_connections)
        return false;
    return !assignments_.empty() ||
           std::any_of(reports_.begin(), reports_.end(), [&refused](const WorkerReport& report) {
               return report.index != refused.index && report.attached && report.has_source;
           });
}

void JobTasks::assign_tasks()
{
    const std::int64_t now = server::current_timestamp();
    read_reports();
    give_tasks(now);
    const bool has_source = std::any_of(reports_.begin(), reports_.end(),
                                        [](const WorkerReport& each) { return each.has_source; });
    if (assignments_.empty() && !has_source && rests_.end_all(now))
        give_tasks(now);
}

void JobTasks::give_tasks(std::int64_t now)
{
    for (const WorkerReport& report : reports_) {
        if (!report.attached || report.state != TaskState::idle)
            continue;
        if (assignments_.size() >= static_cast<std::size_t>(parallel_)) {
            // One too many since pgclone_alter: its process is for others.
            update_table_worker(report.index, report.generation, [](WorkerSlot& worker) noexcept {
                worker.dismissed = worker.task_state == TaskState::idle;
            });
            server::wake_worker(report.index);
            continue;
        }
        if (rests_.is_resting(report.index, report.generation, now))
            continue;
        TaskIds task_ids = schedule_.next_batch(Executor::table_worker, now, worker_limits());
        if (task_ids.empty())
            return;
        const bool given = update_table_worker(
            report.index, report.generation, [&task_ids](WorkerSlot& worker) noexcept {
                std::copy(task_ids.begin(), task_ids.end(), worker.task_ids);
                worker.task_count = static_cast<std::int32_t>(task_ids.size());
                worker.failed_task = 0;
                worker.task_state = TaskState::assigned;
            });
        if (!given)
            continue;
        for (const std::int32_t task_id : task_ids)
            schedule_.start(task_id);
        const std::string name = std::to_string(job_.job_id) + "." + std::to_string(report.number);
        assignments_[report.index] = {report.generation, name, std::move(task_ids)};
        show_retry(false);
        server::wake_worker(report.index);
    }
}

// Large transactions save commits and messages; but all workers are to end at about the same time.
BatchLimits JobTasks::worker_limits() const
{
    constexpr std::size_t fewest = 8;
    const auto open = static_cast<std::size_t>(schedule_.open_table_worker_tasks());
    const std::size_t share = open / (2 * static_cast<std::size_t>(parallel_));
    BatchLimits limits;
    limits.tasks = std::min(worker_batch_, std::max(share, fewest));
    limits.statements = most_batch_statements;
    limits.bytes = most_batch_bytes;
    return limits;
}

void JobTasks::finish_task(int task_id)
{
    schedule_.finish(task_id);
    if (completes_table(task(task_id)))
        server::update_job([](JobSlot& job) noexcept { job.tables_completed++; });
}

// A table that was cut is complete with its last piece.
bool JobTasks::completes_table(const CloneTask& task)
{
    if (!task.completes_table || task.parts <= 1)
        return task.completes_table;
    const auto [left, is_first] = pieces_left_.try_emplace(task.source_oid, task.parts);
    return --left->second == 0;
}

bool JobTasks::may_retry(int task_id, const PgError& error) const
{
    return is_transient(error.sqlstate()) && schedule_.failures(task_id) < retries_;
}

milliseconds JobTasks::retry_delay(int task_id) const
{
    return backoff(schedule_.failures(task_id) + 1, random_fraction());
}

void JobTasks::try_again(int task_id, milliseconds delay)
{
    schedule_.try_again(task_id, server::current_timestamp() +
                                     std::chrono::duration_cast<microseconds>(delay).count());
}

// When there is nothing else to do, the view says what the job waits for.
void JobTasks::show_retry(bool waits_for_it)
{
    if (waits_for_it == shows_retry_)
        return;
    shows_retry_ = waits_for_it;
    show_wait_reason(waits_for_it ? "retry after " + retried_sqlstate_ : "");
}

// Of a transaction that was rolled back. The culprit is tried again later if that may help; else
// its error ends the job, or the job goes on without it. The others are as they were.
Async<void> JobTasks::handle_failure(TaskIds task_ids, std::string worker, BatchFailure failure)
{
    if (failure.is_blameless)
        failure.culprit = 0;
    else if (task_ids.size() == 1)
        failure.culprit = task_ids.front();
    std::int32_t& culprit = failure.culprit;
    std::optional<milliseconds> delay;
    if (culprit == 0)
        delay = milliseconds{0};
    else if (may_retry(culprit, failure.error))
        delay = retry_delay(culprit);
    const TaskIds done =
        co_await ledger_.tasks_failed(task_ids, worker, culprit, failure.error, delay);
    // Their commit went through, only the news of it was lost.
    for (const std::int32_t task_id : done) {
        finish_task(task_id);
        std::erase(task_ids, task_id);
        culprit = culprit == task_id ? 0 : culprit;
    }
    put_back(task_ids, failure);
    retried_sqlstate_ = failure.error.sqlstate();
    if (culprit != 0 && delay)
        try_again(culprit, *delay);
    else if (culprit != 0)
        co_await give_up(culprit, failure.error);
    if (schedule_.source_is_needed() && snapshot_.is_lost())
        co_await renew_snapshot();
}

// All but the culprit. If nobody knows which one it was, each goes alone next time.
void JobTasks::put_back(const TaskIds& task_ids, const BatchFailure& failure)
{
    for (const std::int32_t task_id : task_ids) {
        if (failure.culprit == 0 && !failure.is_blameless)
            schedule_.put_back_alone(task_id);
        else if (task_id != failure.culprit)
            schedule_.put_back(task_id);
    }
}

Async<void> JobTasks::give_up(std::int32_t task_id, PgError error)
{
    if (!continues_ || concerns_whole_job(error))
        throw error;
    failed_++;
    if (!first_error_)
        first_error_ = error;
    std::vector<LeftOutTask> left_out = schedule_.fail(task_id);
    left_out_ += static_cast<int>(left_out.size());
    co_await leave_out(std::move(left_out));
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
    if (!on_new_snapshot_ || lost_snapshots_ >= retries_)
        throw SnapshotLost(sqlstate::connection_failure, "the job's snapshot was lost",
                           "The session on the source that held it is gone.");
    lost_snapshots_++;
    const bool mixed = schedule_.source_tasks_begun() > 0;
    co_await snapshot_.open(snapshot_.epoch() + 1);
    const SourceIdentity source = snapshot_.identity();
    co_await ledger_.record_source(source.system_identifier, source.database_oid, source.lsn,
                                   snapshot_.epoch());
    const int epoch = snapshot_.epoch();
    server::update_job([epoch](JobSlot& job) noexcept { job.epoch = epoch; });
    co_await on_new_snapshot_(mixed);
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
