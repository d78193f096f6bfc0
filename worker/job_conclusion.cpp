#include "worker/job_life.hpp"

#include "shared/boundary.hpp"
#include "worker/job_cleanup.hpp"
#include "worker/retry_policy.hpp"
#include "worker/retry_wait.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

// Clean-up after a failure or cancel may wait for locks that long, no longer.
constexpr milliseconds cleanup_limit{60000};
// If its session cannot be had or is lost, it is tried again as often: some four minutes.
constexpr int cleanup_retries = 12;

// A definition that the target does not understand may only be a newer one: bodies and expressions
// are the server's to read, so planning cannot tell.
void explain_newer_source(JobOutcome& outcome, int source_version, int target_version)
{
    const std::string_view code = outcome.error.sqlstate;
    const int source_major = source_version / 10000;
    const int target_major = target_version / 10000;
    // What is there already, or not allowed, has nothing to do with versions.
    const bool is_about_definition =
        (code.starts_with("42") || code == sqlstate::feature_not_supported) &&
        code != sqlstate::insufficient_privilege && code != sqlstate::duplicate_table &&
        code != sqlstate::duplicate_object;
    if (outcome.status != JobStatus::failed || outcome.error.hint[0] != '\0' || target_major == 0 ||
        source_major <= target_major || !is_about_definition)
        return;
    copy_text(outcome.error.hint, "The source has version " + std::to_string(source_major) +
                                      " of PostgreSQL, this server " +
                                      std::to_string(target_major) +
                                      ": the definition may use what came in between.");
}

} // namespace

// Whatever happened: no table worker stays, nothing half-made stays, the ledger knows.
Async<void> JobWorker::conclude(JobOutcome outcome)
{
    // Its sessions are going, too: whatever the error was, the next start of the server goes on.
    if (outcome.status == JobStatus::failed && server::is_stopping(true))
        throw server::ServerStops();
    EventLoop::HoldInterrupts hold(loop_, Clock::now() + cleanup_limit);
    // Why the job ended is what was asked for, whatever error it first showed as.
    bool cancelled = false;
    server::update_job([&cancelled](JobSlot& job) noexcept { cancelled = job.cancel_requested; });
    if (outcome.status == JobStatus::failed && cancelled && !is_incomplete_ && !is_past_return()) {
        outcome.status = JobStatus::cancelled;
        fill_record(outcome.error, sqlstate::query_canceled, "job was cancelled");
    }
    if (runner_) // before, all questions are the source's, or about what it has
        explain_newer_source(outcome, source_version_, target_.server_version());
    snapshot_.close();
    bool written = false;
    bool next_cleans_up = false;
    bool is_clean = outcome.status == JobStatus::completed || is_incomplete_;
    try {
        co_await dismiss_table_workers(loop_, Clock::now() + dismissal_limit);
        if (!is_clean)
            co_await clean_up_patiently(outcome, hold);
        is_clean = true;
        if (!leftovers_.empty())
            copy_text(outcome.error.hint, "Not all that the job made could be undone: " +
                                              leftovers_.front() + ".");
        else if (copy_stays_)
            copy_text(outcome.error.hint, past_return_hint());
        co_await write_outcome(outcome);
        written = true;
    } catch (const PgError& error) {
        ErrorRecord no_memory; // for words
        run_catching([&] { report_unwritten(error, is_clean, outcome); }, no_memory);
    } catch (const std::exception&) {
        // Out of memory, most likely: the next worker starts afresh.
        next_cleans_up = !is_clean;
    }
    if (written)
        server::release_job();
    else
        hand_over(outcome, next_cleans_up);
}

void JobWorker::report_unwritten(const PgError& error, bool is_clean, JobOutcome& outcome) const
{
    server::log_message("pgclone job " + std::to_string(job_.job_id) +
                        " leaves its final state to a ledger worker: " + error.message());
    if (!is_clean && may_have_made_something())
        copy_text(outcome.error.hint,
                  "What the job made could not be undone: " + error.message() + ".");
}

std::string JobWorker::past_return_hint() const
{
    std::string schemas;
    for (const std::string& schema : tasks_.back().dropped_schemas)
        schemas += (schemas.empty() ? "" : ", ") + quote_identifier(schema);
    return "The copy is complete and stays. What is left of what it replaces is in: " + schemas + ".";
}

// What the ledger's function says, as far as this process knows it.
std::vector<std::string> JobWorker::remembered_cleanup() const
{
    std::vector<std::string> statements;
    if (is_past_return())
        return statements;
    const CloneOptions& options = ledger_job_.options;
    if (ledger_job_.scope != JobScope::table && options.target_schema)
        // What goes into another schema is named without it.
        statements.push_back("SELECT pg_catalog.set_config('search_path', " +
                             quote_literal(quote_identifier(*options.target_schema)) + ", false)");
    for (auto task = tasks_.rbegin(); task != tasks_.rend(); ++task)
        if (task->kind == TaskKind::publish || (runner_ && runner_->is_done(task->task_id)))
            statements.insert(statements.end(), task->cleanup.begin(), task->cleanup.end());
    return statements;
}

// The target may be full, or out of reach for a moment.
Async<void> JobWorker::clean_up_patiently(JobOutcome outcome, EventLoop::HoldInterrupts& hold)
{
    for (int failures = 1;; failures++) {
        std::optional<PgError> failure;
        try {
            co_await clean_up(outcome);
        } catch (const PgError& error) {
            if (failures > cleanup_retries || !may_have_made_something() || hold.is_over() ||
                server::shutdown_requested() || server::is_stopping(true) ||
                !is_transient(error.sqlstate()))
                throw;
            failure = error;
        }
        if (!failure)
            co_return;
        hold.renew(Clock::now() + cleanup_limit);
        const std::string what("clean-up");
        const std::string code = failure->sqlstate();
        co_await wait_for_retry(loop_, what, failures, cleanup_retries, code);
    }
}

// Undoes what the job made. In a new session, since the old one may be in the middle of anything.
Async<void> JobWorker::clean_up(JobOutcome outcome)
{
    target_.close();
    co_await open_target();
    const std::string lock_timeout(cleanup_lock_timeout);
    co_await target_.execute(lock_timeout);
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    std::optional<std::vector<std::string>> statements;
    try {
        statements = co_await ledger.cleanup(outcome);
    } catch (const PgError& error) {
        loop_.check_interrupts();
        const bool is_gone = error.sqlstate() == sqlstate::undefined_function ||
                             error.sqlstate() == sqlstate::undefined_schema ||
                             error.sqlstate() == sqlstate::undefined_table;
        if (!target_.is_open() || !is_gone)
            throw;
    }
    if (has_work_database()) {
        set_phase(JobPhase::cleanup);
        co_await work_.abandon(target_, job_);
        co_return;
    }
    if (!statements) // the ledger is gone: the extension was dropped
        statements = remembered_cleanup();
    copy_stays_ = statements->empty() && is_past_return();
    if (statements->empty())
        co_return;
    set_phase(JobPhase::cleanup);
    leftovers_ = co_await run_cleanup(loop_, target_, *statements, job_.job_id);
}

Async<void> JobWorker::write_outcome(JobOutcome outcome)
{
    JobTotals totals = read_totals();
    // What failed took its tables with it.
    if (outcome.status != JobStatus::completed && !is_incomplete_)
        totals.tables_completed = 0;
    // The one commit that waits for the disk, and so makes all before it durable.
    const std::string synchronous("SET synchronous_commit = on");
    co_await target_.execute(synchronous);
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    if (!has_work_database() || is_published_ || ledger_job_.options.dry_run) {
        co_await ledger.finish(outcome, phase_, totals);
        co_return;
    }
    co_await target_.execute("BEGIN");
    co_await work_.import_ledger(target_);
    co_await ledger.finish(outcome, phase_, totals);
    co_await target_.execute("COMMIT");
}

// This process can't: a ledger worker writes the outcome, after another job worker has cleaned up.
void JobWorker::hand_over(const JobOutcome& outcome, bool next_cleans_up)
{
    server::update_job([&outcome, next_cleans_up](JobSlot& job) noexcept {
        job.outcome = outcome;
        if (next_cleans_up) {
            leave_cleanup_to_next_worker(job);
        } else {
            job.not_before = 0;
            job.state = JobSlotState::ending;
        }
    });
    server::wake_supervisor();
}

} // namespace pgclone
