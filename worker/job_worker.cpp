#include "worker/job_worker.hpp"

#include <memory>
#include <optional>
#include <string>

#include "shared/settings.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/database_creation.hpp"
#include "worker/job_cleanup.hpp"
#include "worker/job_planner.hpp"
#include "worker/job_tasks.hpp"
#include "worker/ledger_client.hpp"
#include "worker/progress_sampler.hpp"
#include "worker/retry_policy.hpp"
#include "worker/sessions.hpp"
#include "worker/source_snapshot.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

// Clean-up after a failure or cancel may wait for locks and table workers that long, no longer.
constexpr milliseconds dismissal_limit{5000};
constexpr milliseconds cleanup_limit{60000};
// The same when the server wants this process to end.
constexpr milliseconds hurried_cleanup_limit{2000};
constexpr const char* cleanup_lock_timeout = "SET lock_timeout = '2s'";
// Somebody may look at a new database just when it is to get its name.
constexpr int publish_attempts = 5;

// Thrown when there is nothing to do and nobody to tell: the job's slot is no longer ours, or
// its ledger row was final already.
struct JobIsOver {};

JobTotals read_totals()
{
    JobTotals totals;
    server::update_job([&totals](JobSlot& job) noexcept {
        totals.rows = job.rows_done;
        totals.bytes = job.bytes_done;
        totals.tables_completed = job.tables_completed;
        totals.consistent = job.consistent;
    });
    return totals;
}

class JobWorker {
  public:
    explicit JobWorker(EventLoop& loop)
        : loop_(loop), target_(loop, SessionSide::target), snapshot_(loop), work_(loop),
          sampler_(loop)
    {
    }

    Async<void> run();
    void check_job();

  private:
    Async<void> clone();
    Async<void> start_in_ledger();
    Async<void> open_source_snapshot();
    Async<void> create_database();
    Async<void> plan();
    void call_table_workers();
    Async<void> carry_out();
    Async<void> check_new_snapshot();
    Async<void> complete_in_ledger();
    Async<void> publish_database(JobOutcome outcome);
    Async<void> publish_database_once(JobOutcome outcome);
    Async<void> conclude(JobOutcome outcome);
    Async<void> clean_up();
    std::vector<std::string> remembered_cleanup() const;
    Async<void> write_outcome(JobOutcome outcome);
    Async<void> open_target();
    void hand_over(const JobOutcome& outcome);
    void set_phase(JobPhase phase);
    // Where the objects go: another database than the job's own if it creates one.
    PgSession& work_target() { return has_work_database() ? work_.session() : target_; }
    const JobIdentity& work_job() { return has_work_database() ? work_.identity() : job_; }
    bool has_work_database() const { return job_.creates_database; }
    int parallel() const
    {
        return ledger_job_.options.parallel.value_or(settings::default_parallel);
    }

    EventLoop& loop_;
    PgSession target_; // where the job was submitted
    SourceSnapshot snapshot_;
    WorkDatabase work_;
    ProgressSampler sampler_;
    JobIdentity job_;
    LedgerJob ledger_job_;
    std::unique_ptr<JobPlanner> planner_;
    std::vector<CloneTask> tasks_;
    std::optional<JobTasks> runner_;
    std::vector<std::string> leftovers_; // why something could not be undone
    bool interrupted_ = false;   // by a restart: there is only to clean up
    bool is_incomplete_ = false; // on_error = continue met errors: what was made stays
    bool is_published_ = false;  // the database that it created
    JobPhase phase_ = JobPhase::connecting;
};

// The interrupt handler: looks at why a signal may have come.
void JobWorker::check_job()
{
    server::reload_settings_if_asked();
    bool cancelled = false;
    const bool found = server::update_job(
        [&cancelled](JobSlot& job) noexcept { cancelled = job.cancel_requested; });
    if (!found)
        throw JobIsOver();
    if (cancelled)
        throw PgError(sqlstate::query_canceled, "job was cancelled");
    if (server::shutdown_requested())
        throw PgError(sqlstate::admin_shutdown,
                      "terminating job worker due to administrator command");
}

Async<void> JobWorker::run()
{
    job_ = read_job_identity();
    JobOutcome outcome = {};
    outcome.status = JobStatus::completed;
    server::update_job([&](JobSlot& job) noexcept {
        interrupted_ = job.interrupted;
        if (interrupted_)
            outcome = job.outcome;
    });
    try {
        if (!interrupted_)
            co_await clone();
    } catch (const IncompleteJob&) {
        is_incomplete_ = true;
        outcome.status = JobStatus::failed;
        record_current_exception(outcome.error);
    } catch (const std::exception&) {
        outcome.status = JobStatus::failed;
        record_current_exception(outcome.error);
    }
    co_await conclude(outcome);
}

Async<void> JobWorker::clone()
{
    co_await open_target();
    co_await start_in_ledger();
    co_await open_source_snapshot();
    if (has_work_database())
        co_await create_database();
    co_await plan();
    if (!ledger_job_.options.dry_run)
        co_await carry_out();
}

Async<void> JobWorker::open_target()
{
    const std::string application_name = "pgclone job " + std::to_string(job_.job_id);
    co_await open_loopback(target_, job_, application_name);
    const int pid = target_.backend_pid();
    server::update_self([pid](WorkerSlot& worker) noexcept { worker.target_pid = pid; });
}

Async<void> JobWorker::start_in_ledger()
{
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    ledger_job_ = co_await ledger.start();
    if (ledger_job_.already_final) {
        server::release_job();
        throw JobIsOver();
    }
    if (!ledger_job_.may_submit)
        throw PgError(sqlstate::insufficient_privilege,
                      "permission denied for function pgclone_submit",
                      "The right to execute it was revoked after the job was submitted.");
    const bool privileged = ledger_job_.is_superuser;
    const int attempts = ledger_job_.attempts;
    const int most_workers = parallel();
    const std::int64_t rate_limit = ledger_job_.options.rate_limit;
    const std::int64_t now = server::current_timestamp();
    server::update_job([&](JobSlot& job) noexcept {
        job.privileged = privileged;
        job.attempts = attempts;
        job.consistent = true;
        // pgclone_alter may have been faster.
        if (job.parallel == 0)
            job.parallel = most_workers;
        if (job.rate_limit == 0)
            job.rate_limit = rate_limit;
        if (job.started_at == 0)
            job.started_at = now;
    });
    sampler_.start();
}

Async<void> JobWorker::open_source_snapshot()
{
    const int retries = ledger_job_.options.retries.value_or(settings::retry_limit);
    snapshot_.describe(job_.job_id, !ledger_job_.is_superuser, retries);
    co_await snapshot_.open(ledger_job_.epoch + 1);
    // At once: who waits for this job can tell by it that the source is this very server, and that
    // the job is waiting for a lock of theirs.
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    const SourceIdentity source = snapshot_.identity();
    co_await ledger.record_source(source.system_identifier, source.database_oid, source.lsn,
                                  snapshot_.epoch());
}

Async<void> JobWorker::create_database()
{
    const std::string query(catalog_sql::database_properties);
    const ResultSet properties = co_await snapshot_.session().query(query);
    co_await work_.create(target_, job_, properties, ledger_job_.options);
}

Async<void> JobWorker::plan()
{
    set_phase(JobPhase::planning);
    if (!ledger_job_.options.dry_run)
        call_table_workers();
    planner_ = ledger_job_.scope == JobScope::table ? make_table_planner(job_, ledger_job_)
                                                    : make_scope_planner(job_, ledger_job_);
    JobPlan plan = co_await planner_->plan(snapshot_.session(), work_target());
    tasks_ = std::move(plan.tasks);
    LedgerClient ledger(work_target(), work_job().extension_schema, job_.job_id);
    co_await ledger.plan(tasks_, plan.bytes, plan.tables);
    server::update_job([&plan](JobSlot& job) noexcept {
        job.tables_total = plan.tables;
        job.bytes_total = plan.bytes;
        job.rows_total = plan.rows;
    });
}

// They start and log in while the plan is being made. A single table most often needs but one.
void JobWorker::call_table_workers()
{
    const bool is_table = ledger_job_.scope == JobScope::table;
    server::update_job([is_table](JobSlot& job) noexcept {
        job.wanted_table_workers = is_table ? 1 : job.parallel;
    });
    server::wake_supervisor();
}

Async<void> JobWorker::carry_out()
{
    const int retries = ledger_job_.options.retries.value_or(settings::retry_limit);
    runner_.emplace(loop_, work_target(), snapshot_, work_job(), tasks_, parallel(), retries);
    if (ledger_job_.options.on_error == OnError::continue_)
        runner_->continue_on_error();
    runner_->set_snapshot_handler([this] { return check_new_snapshot(); });
    JobOutcome outcome = {};
    outcome.status = JobStatus::completed;
    std::optional<IncompleteJob> incomplete;
    try {
        if (!has_work_database())
            runner_->set_publish_handler([this] { return complete_in_ledger(); });
        co_await runner_->run();
    } catch (const IncompleteJob& error) {
        incomplete = error;
        outcome.status = JobStatus::failed;
        record_current_exception(outcome.error);
    }
    if (has_work_database())
        co_await publish_database(outcome);
    if (incomplete)
        throw *incomplete;
    phase_ = JobPhase::finishing;
}

Async<void> JobWorker::check_new_snapshot()
{
    co_await planner_->follow_snapshot(snapshot_.session(), tasks_);
}

// The clone takes its name and the job becomes `completed` in one transaction: no cancel or crash
// comes in between, and what conclude() has to say after it is too late.
Async<void> JobWorker::complete_in_ledger()
{
    phase_ = JobPhase::finishing;
    JobOutcome outcome = {};
    outcome.status = JobStatus::completed;
    JobTotals totals = read_totals();
    totals.tables_completed += tasks_.back().completes_table ? 1 : 0;
    const std::string synchronous("SET LOCAL synchronous_commit = on");
    co_await target_.execute(synchronous);
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    co_await ledger.finish(outcome, phase_, totals);
}

// The new database gets its name, and the job its final state, in one transaction.
Async<void> JobWorker::publish_database(JobOutcome outcome)
{
    set_phase(JobPhase::finishing);
    snapshot_.close();
    co_await dismiss_table_workers(loop_, Clock::now() + dismissal_limit);
    co_await work_.detach();
    for (int attempt = 1; !is_published_; attempt++) {
        std::optional<PgError> failure;
        try {
            co_await publish_database_once(outcome);
            is_published_ = true;
        } catch (const PgError& error) {
            loop_.check_interrupts();
            if (!target_.is_open() || !is_transient(error.sqlstate()) ||
                attempt == publish_attempts)
                throw;
            failure = error;
        }
        if (!failure)
            co_return;
        co_await target_.execute("ROLLBACK");
        const std::uint64_t seen = loop_.wakes();
        const auto deadline = Clock::now() + backoff(attempt, 1.0);
        co_await loop_.wait_for_wake(seen, deadline);
    }
}

Async<void> JobWorker::publish_database_once(JobOutcome outcome)
{
    co_await target_.execute("BEGIN");
    const std::string synchronous("SET LOCAL synchronous_commit = on");
    co_await target_.execute(synchronous);
    co_await work_.publish(target_);
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    const JobTotals totals = read_totals();
    co_await ledger.finish(outcome, phase_, totals);
    co_await target_.execute("COMMIT");
}

void JobWorker::set_phase(JobPhase phase)
{
    phase_ = phase;
    server::update_job([phase](JobSlot& job) noexcept { job.phase = phase; });
}

// Whatever happened: no table worker stays, nothing half-made stays, the ledger knows.
Async<void> JobWorker::conclude(JobOutcome outcome)
{
    const EventLoop::HoldInterrupts hold(loop_, Clock::now() + cleanup_limit);
    // Why the job ended is what was asked for, whatever error it first showed as.
    bool cancelled = false;
    server::update_job([&cancelled](JobSlot& job) noexcept { cancelled = job.cancel_requested; });
    if (outcome.status == JobStatus::failed && cancelled && !is_incomplete_) {
        outcome.status = JobStatus::cancelled;
        fill_record(outcome.error, sqlstate::query_canceled, "job was cancelled");
    }
    snapshot_.close();
    bool written = false;
    try {
        co_await dismiss_table_workers(loop_, Clock::now() + dismissal_limit);
        if (outcome.status != JobStatus::completed && !is_incomplete_)
            co_await clean_up();
        if (!leftovers_.empty())
            copy_text(outcome.error.hint, "Not all that the job made could be undone: " +
                                              leftovers_.front() + ".");
        co_await write_outcome(outcome);
        written = true;
    } catch (const PgError& error) {
        server::log_message("pgclone job " + std::to_string(job_.job_id) +
                            " leaves its final state to a ledger worker: " + error.message());
    } catch (const std::exception&) {
        // Out of memory, most likely: the ledger worker starts afresh.
    }
    if (written)
        server::release_job();
    else
        hand_over(outcome);
}

// What the ledger's function says, as far as this process knows it.
std::vector<std::string> JobWorker::remembered_cleanup() const
{
    std::vector<std::string> statements;
    for (auto task = tasks_.rbegin(); task != tasks_.rend(); ++task)
        if (task->kind == TaskKind::publish || (runner_ && runner_->is_done(task->task_id)))
            statements.insert(statements.end(), task->cleanup.begin(), task->cleanup.end());
    return statements;
}

// Undoes what the job made. In a new session, since the old one may be in the middle of anything.
Async<void> JobWorker::clean_up()
{
    target_.close();
    co_await open_target();
    const std::string lock_timeout(cleanup_lock_timeout);
    co_await target_.execute(lock_timeout);
    if (has_work_database()) {
        set_phase(JobPhase::cleanup);
        co_await work_.abandon(target_, job_);
        co_return;
    }
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    std::optional<std::vector<std::string>> statements;
    try {
        statements = co_await ledger.cleanup();
    } catch (const PgError& error) {
        loop_.check_interrupts();
        const bool is_gone = error.sqlstate() == sqlstate::undefined_function ||
                             error.sqlstate() == sqlstate::undefined_schema ||
                             error.sqlstate() == sqlstate::undefined_table;
        if (!target_.is_open() || !is_gone)
            throw;
    }
    if (!statements) // the ledger is gone: the extension was dropped
        statements = remembered_cleanup();
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

// The loopback can't: a ledger worker will.
void JobWorker::hand_over(const JobOutcome& outcome)
{
    server::update_job([&outcome](JobSlot& job) noexcept {
        job.outcome = outcome;
        job.not_before = 0;
        job.state = JobSlotState::ending;
    });
    server::wake_supervisor();
}

Async<void> run_quietly(JobWorker& worker)
{
    try {
        co_await worker.run();
    } catch (const JobIsOver&) {
        // Somebody else has ended it.
    }
}

} // namespace

void run_job_worker()
{
    EventLoop loop(server::wake_descriptor(), server::duplicate_postmaster_pipe());
    loop.set_postmaster_death_handler([] { server::exit_after_postmaster_death(); });
    JobWorker worker(loop);
    loop.set_interrupt_handler([&worker] { worker.check_job(); });
    loop.set_hold_handler([&loop] {
        if (server::shutdown_requested())
            loop.limit_hold(Clock::now() + hurried_cleanup_limit);
    });
    loop.run(run_quietly(worker));
}

} // namespace pgclone
