#include "worker/job_worker.hpp"

#include <algorithm>

#include "worker/catalog_sql.hpp"
#include "worker/heartbeat.hpp"
#include "worker/job_life.hpp"
#include "worker/machine.hpp"
#include "worker/retry_policy.hpp"
#include "worker/retry_wait.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

// Somebody may look at a new database just when it is to get its name.
constexpr int publish_attempts = 5;

} // namespace

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

// The interrupt handler: looks at why a signal may have come.
void JobWorker::check_job()
{
    server::reload_settings_if_asked();
    bool cancelled = false;
    const bool found = server::update_job(
        [&cancelled](JobSlot& job) noexcept { cancelled = job.cancel_requested; });
    if (!found)
        throw JobIsOver();
    if (cancelled && !is_past_return())
        throw PgError(sqlstate::query_canceled, "job was cancelled");
    if (!server::shutdown_requested())
        return;
    if (server::is_stopping(true))
        throw server::ServerStops();
    throw PgError(sqlstate::admin_shutdown, "terminating job worker due to administrator command");
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
    co_await open_target_patiently();
    co_await start_in_ledger();
    for (int failures = 0;; failures++) {
        std::optional<PgError> failure;
        bool is_snapshot = false;
        try {
            co_await clone_once();
        } catch (const SnapshotLost& error) {
            failure = error;
            is_snapshot = true;
        } catch (const PgError& error) {
            loop_.check_interrupts();
            // Tasks and the opening of the snapshot have had attempts of their own.
            if (runner_ || source_given_up_ || !is_transient(error.sqlstate()))
                throw;
            failure = error;
        }
        if (!failure)
            co_return;
        if (failures >= retries())
            throw *failure;
        if (is_snapshot) {
            ledger_job_.was_undone = true;
            continue;
        }
        snapshot_.close();
        const std::string what("planning");
        const std::string code = failure->sqlstate();
        co_await wait_for_retry(loop_, what, failures + 1, retries(), code);
        co_await prepare_another_plan();
    }
}

// What was planned so far is thrown away by the next plan; a database that was made goes now.
Async<void> JobWorker::prepare_another_plan()
{
    target_.close();
    co_await open_target_patiently();
    ledger_job_.was_undone = ledger_job_.was_undone || has_work_database();
}

// One snapshot, or what is left to do without one.
Async<void> JobWorker::clone_once()
{
    if (must_begin_anew())
        co_await begin_anew();
    if (ledger_job_.has_plan)
        co_await go_on();
    else
        co_await start_anew();
}

Async<void> JobWorker::start_anew()
{
    co_await open_source_snapshot();
    if (has_work_database())
        co_await create_database();
    co_await plan();
    if (!ledger_job_.options.dry_run)
        co_await carry_out({});
}

Async<void> JobWorker::open_target()
{
    const std::string application_name = "pgclone job " + std::to_string(job_.job_id);
    co_await open_loopback(target_, job_, application_name);
    const int pid = target_.backend_pid();
    server::update_self([pid](WorkerSlot& worker) noexcept { worker.target_pid = pid; });
}

// Raises what the last attempt raised.
Async<void> JobWorker::open_target_patiently()
{
    for (int failures = 0;; failures++) {
        std::optional<PgError> failure;
        try {
            co_await open_target();
        } catch (const PgError& error) {
            loop_.check_interrupts();
            if (failures >= retries() || !is_transient(error.sqlstate()))
                throw;
            failure = error;
        }
        if (!failure)
            co_return;
        target_.close();
        const std::string what("target");
        const std::string code = failure->sqlstate();
        co_await wait_for_retry(loop_, what, failures + 1, retries(), code);
    }
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
                      "The right to execute it, or to use the foreign server that is the source, was "
                      "revoked after the job was submitted.");
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
    snapshot_.describe(job_.job_id, !ledger_job_.is_superuser, retries());
    ledger_job_.epoch = std::max(ledger_job_.epoch, snapshot_.epoch()) + 1;
    source_given_up_ = true;
    co_await snapshot_.open(ledger_job_.epoch);
    source_given_up_ = false;
    source_version_ = snapshot_.session().server_version();
    const int epoch = snapshot_.epoch();
    server::update_job([epoch](JobSlot& job) noexcept { job.epoch = epoch; });
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
    has_begun_database_ = true;
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
    co_await ledger.plan(plan.rows_of_ledger, plan.bytes, plan.tables);
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
        job.drain = false;
    });
    server::wake_supervisor();
}

Async<void> JobWorker::carry_out(std::map<std::int32_t, TaskProgress> progress)
{
    runner_.emplace(loop_, work_target(), snapshot_, work_job(), tasks_, parallel(), retries(),
                    progress);
    if (ledger_job_.options.on_error == OnError::continue_)
        runner_->continue_on_error();
    if (ledger_job_.options.consistency == Consistency::relaxed)
        runner_->set_snapshot_handler([this](bool mixed) { return follow_snapshot(mixed); });
    forget_what_the_ledger_has();
    JobOutcome outcome = {};
    outcome.status = JobStatus::completed;
    std::optional<IncompleteJob> incomplete;
    try {
        if (!has_work_database()) {
            runner_->set_publish_handler([this] { return complete_in_ledger(); });
            runner_->set_target_handler([this] { return open_target_patiently(); });
        }
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

// The plan stays to the end, and most of it is for the table workers.
void JobWorker::forget_what_the_ledger_has()
{
    if (ledger_job_.options.consistency != Consistency::relaxed) // else a new snapshot may change it
        for (CloneTask& task : tasks_)
            if (task.in_table_worker)
                forget_statements(task);
    return_free_memory();
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

namespace {

Async<void> run_quietly(JobWorker& worker)
{
    try {
        co_await worker.run();
    } catch (const JobIsOver&) {
        // Somebody else has ended it.
    } catch (const server::ServerStops&) {
        // The ledger says where to go on.
    }
}

} // namespace

void run_job_worker()
{
    EventLoop loop(server::wake_descriptor(), server::duplicate_postmaster_pipe());
    loop.set_postmaster_death_handler([] { server::exit_after_postmaster_death(); });
    const Heartbeat heartbeat(loop);
    JobWorker worker(loop);
    loop.set_interrupt_handler([&worker] { worker.check_job(); });
    loop.set_hold_handler([&loop] {
        if (server::shutdown_requested())
            loop.limit_hold(Clock::now() + hurried_cleanup_limit);
    });
    loop.run(run_quietly(worker));
}

} // namespace pgclone
