#include "worker/job_life.hpp"

#include <algorithm>

#include "worker/ddl_batch.hpp"
#include "worker/job_cleanup.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

// Rows of two snapshots would not fit together. (A database that the job creates has the ledger of
// its tasks in it, and is gone with it.)
bool JobWorker::must_begin_anew() const
{
    const bool is_relaxed = ledger_job_.options.consistency == Consistency::relaxed;
    return ledger_job_.was_undone || (has_work_database() && ledger_job_.attempts > 1) ||
           (ledger_job_.has_plan && ledger_job_.source_is_needed && !is_relaxed);
}

// What an earlier life of the server has left behind stays.
Async<void> JobWorker::go_on()
{
    if (ledger_job_.source_is_needed)
        co_await open_source_snapshot();
    call_table_workers();
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    std::vector<LoadedTask> loaded = co_await ledger.load();
    std::map<std::int32_t, TaskProgress> progress;
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    std::int64_t all_rows = 0; // estimated
    std::int64_t all_bytes = 0;
    int tables = 0;
    tasks_.clear();
    for (const LoadedTask& each : loaded) {
        tasks_.push_back(each.task);
        progress[each.task.task_id] = each.progress;
        rows += each.rows;
        bytes += each.bytes;
        all_rows += std::max<std::int64_t>(each.task.estimated_rows, 0);
        all_bytes += std::max<std::int64_t>(each.task.estimated_bytes, 0);
        tables += each.task.completes_table && each.task.part <= 1 ? 1 : 0;
    }
    server::update_job([&](JobSlot& job) noexcept {
        job.rows_done = rows;
        job.bytes_done = bytes;
        job.rows_total = all_rows;
        job.bytes_total = all_bytes;
        job.tables_total = tables;
    });
    co_await drop_reverted(std::move(loaded));
    if (ledger_job_.source_is_needed) {
        planner_ = make_scope_planner(job_, ledger_job_);
        const bool mixed = std::any_of(progress.begin(), progress.end(), [](const auto& each) {
            return each.second == TaskProgress::done;
        });
        co_await follow_snapshot(mixed);
    }
    co_await carry_out(std::move(progress));
}

// Tables that a crash has emptied, and that are made, filled and indexed by one task.
Async<void> JobWorker::drop_reverted(std::vector<LoadedTask> loaded)
{
    std::vector<std::string> statements{"BEGIN"};
    for (const LoadedTask& each : loaded) {
        if (!each.was_done || each.task.parts_of_table.empty())
            continue;
        statements.push_back(set_search_path(each.task.parts_of_table.front().search_path));
        statements.insert(statements.end(), each.task.cleanup.begin(), each.task.cleanup.end());
    }
    statements.emplace_back("COMMIT");
    if (statements.size() > 2)
        co_await target_.pipeline(std::move(statements));
}

// Undoes all that was done, as after a failure, but the job goes on.
Async<void> JobWorker::begin_anew()
{
    set_phase(JobPhase::cleanup);
    snapshot_.close();
    co_await dismiss_table_workers(loop_, Clock::now() + dismissal_limit);
    runner_.reset();
    planner_.reset();
    // The session may be in the middle of anything.
    target_.close();
    co_await open_target();
    const std::string lock_timeout(cleanup_lock_timeout);
    co_await target_.execute(lock_timeout);
    std::vector<std::string> leftovers;
    if (has_work_database()) {
        co_await work_.abandon(target_, job_);
        work_.forget_ledger();
    } else {
        LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
        const std::vector<std::string> statements = co_await ledger.cleanup(std::nullopt);
        leftovers = co_await run_cleanup(loop_, target_, statements, job_.job_id);
    }
    if (!leftovers.empty())
        throw PgError(sqlstate::object_not_in_prerequisite_state,
                      "the job cannot begin anew with another snapshot",
                      "Not all that it had made could be undone: " + leftovers.front() + ".");
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    co_await ledger.forget_plan();
    target_.close();
    co_await open_target();
    tasks_.clear();
    ledger_job_.has_plan = false;
    ledger_job_.was_undone = false;
    server::update_job([](JobSlot& job) noexcept {
        job.phase = JobPhase::connecting;
        job.drain = false;
        job.rows_done = 0;
        job.bytes_done = 0;
        job.tables_completed = 0;
        job.data_started_at = 0;
    });
}

Async<void> JobWorker::follow_snapshot(bool mixed)
{
    std::vector<CloneTask> changed =
        co_await planner_->follow_snapshot(snapshot_.session(), tasks_);
    LedgerClient ledger(work_target(), work_job().extension_schema, job_.job_id);
    co_await ledger.new_epoch(snapshot_.epoch(), mixed, std::move(changed));
    if (mixed)
        server::update_job([](JobSlot& job) noexcept { job.consistent = false; });
}

} // namespace pgclone
