#include "worker/job_worker.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "shared/settings.hpp"
#include "worker/job_tasks.hpp"
#include "worker/ledger_client.hpp"
#include "worker/randomness.hpp"
#include "worker/sessions.hpp"
#include "worker/source_snapshot.hpp"
#include "worker/table_definition.hpp"
#include "worker/table_tasks.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

// Clean-up after a failure or cancel may wait for locks and table workers that long, no longer.
constexpr milliseconds dismissal_limit{5000};
constexpr milliseconds cleanup_limit{60000};
// The same when the server wants this process to end.
constexpr milliseconds hurried_cleanup_limit{2000};
constexpr const char* cleanup_lock_timeout = "SET lock_timeout = '2s'";

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

// What the tasks view shows of a table that conflict = skip leaves alone.
CloneTask skipped_table(const QualifiedName& name)
{
    CloneTask task;
    task.task_id = 1;
    task.schema_name = name.schema;
    task.object_name = name.name;
    task.skip_reason = "it exists on the target";
    return task;
}

class JobWorker {
  public:
    explicit JobWorker(EventLoop& loop)
        : loop_(loop), target_(loop, SessionSide::target), snapshot_(loop)
    {
    }

    Async<void> run();
    void check_job();

  private:
    Async<void> clone();
    Async<void> start_in_ledger();
    Async<void> plan();
    Async<void> carry_out();
    Async<void> check_new_snapshot();
    Async<void> complete_in_ledger();
    Async<void> conclude(JobOutcome outcome);
    Async<void> clean_up();
    Async<void> write_outcome(JobOutcome outcome);
    Async<void> open_target();
    void hand_over(const JobOutcome& outcome);
    void set_phase(JobPhase phase);

    EventLoop& loop_;
    PgSession target_;
    SourceSnapshot snapshot_;
    JobIdentity job_;
    LedgerJob ledger_job_;
    TargetNaming naming_;
    TargetState target_state_;
    std::vector<CloneTask> tasks_;
    std::vector<std::string> cleanup_; // what drops all that the job made
    std::optional<JobTasks> runner_;
    bool interrupted_ = false;         // by a restart: there is only to clean up
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
    co_await plan();
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
    const std::int64_t now = server::current_timestamp();
    server::update_job([&](JobSlot& job) noexcept {
        job.privileged = privileged;
        job.attempts = attempts;
        job.consistent = true;
        if (job.started_at == 0)
            job.started_at = now;
    });
}

Async<void> JobWorker::plan()
{
    const CloneOptions& options = ledger_job_.options;
    const int retries = options.retries.value_or(settings::retry_limit);
    snapshot_.describe(job_.job_id, !ledger_job_.is_superuser, retries);
    co_await snapshot_.open(ledger_job_.epoch + 1);
    // At once: who waits for this job can tell by it that the source is this very server, and that
    // the job is waiting for a lock of theirs.
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    const SourceIdentity source = snapshot_.identity();
    co_await ledger.record_source(source.system_identifier, source.database_oid, source.lsn,
                                  snapshot_.epoch());

    set_phase(JobPhase::planning);
    const TableDefinition definition =
        co_await read_table_definition(snapshot_.session(), ledger_job_.object, options);
    naming_.final_name = {options.target_schema.value_or(ledger_job_.object.schema),
                          options.target_name.value_or(ledger_job_.object.name)};
    naming_.tag = std::to_string(job_.job_id) + "_" + random_tag();
    target_state_ = co_await read_target_state(target_, definition, naming_, options);
    tasks_ = plan_table_tasks(definition, target_state_, naming_, options);
    if (target_state_.skip) {
        tasks_.push_back(skipped_table(naming_.final_name));
    } else if (!tasks_.empty()) {
        cleanup_ = cleanup_statements(tasks_, naming_);
        tasks_.back().cleanup = cleanup_;
    }

    const std::int64_t bytes = options.data ? definition.size_bytes : 0;
    co_await ledger.plan(tasks_, bytes, 1);

    const std::int64_t rows = options.data ? definition.estimated_rows : 0;
    server::update_job([&](JobSlot& job) noexcept {
        job.tables_total = 1;
        job.bytes_total = bytes;
        job.rows_total = rows;
    });
}

Async<void> JobWorker::carry_out()
{
    const int parallel = ledger_job_.options.parallel.value_or(settings::default_parallel);
    const int retries = ledger_job_.options.retries.value_or(settings::retry_limit);
    runner_.emplace(loop_, target_, snapshot_, job_, tasks_, parallel, retries);
    runner_->set_snapshot_handler([this] { return check_new_snapshot(); });
    runner_->set_publish_handler([this] { return complete_in_ledger(); });
    co_await runner_->run();
    phase_ = JobPhase::finishing;
}

// The tasks were planned for the table as the lost snapshot saw it. Sequences have moved on, which
// their tasks follow; any other change of the table would make a mixture of two states.
Async<void> JobWorker::check_new_snapshot()
{
    const TableDefinition definition = co_await read_table_definition(
        snapshot_.session(), ledger_job_.object, ledger_job_.options);
    std::vector<CloneTask> again =
        plan_table_tasks(definition, target_state_, naming_, ledger_job_.options);
    const auto is_same = [](const CloneTask& now, const CloneTask& before) {
        return now.kind == before.kind && (now.kind == TaskKind::sequence_value ||
                                           to_json({now}) == to_json({before}));
    };
    again.back().cleanup = cleanup_;
    if (!std::equal(again.begin(), again.end(), tasks_.begin(), tasks_.end(), is_same))
        throw PgError(sqlstate::object_not_in_prerequisite_state,
                      "table \"" + ledger_job_.object.schema + "." + ledger_job_.object.name +
                          "\" changed on the source while it was being cloned",
                      "The job's snapshot was lost, and the new one sees another table.",
                      "Submit the job again.");
    tasks_ = std::move(again);
}

// The clone takes its name and the job becomes `completed` in one transaction: no cancel or crash
// comes in between, and what conclude() has to say after it is too late.
Async<void> JobWorker::complete_in_ledger()
{
    phase_ = JobPhase::finishing;
    JobOutcome outcome = {};
    outcome.status = JobStatus::completed;
    JobTotals totals = read_totals();
    totals.tables_completed = 1;
    const std::string synchronous("SET LOCAL synchronous_commit = on");
    co_await target_.execute(synchronous);
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    co_await ledger.finish(outcome, phase_, totals);
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
    if (outcome.status == JobStatus::failed && cancelled) {
        outcome.status = JobStatus::cancelled;
        fill_record(outcome.error, sqlstate::query_canceled, "job was cancelled");
    }
    snapshot_.close();
    bool written = false;
    try {
        co_await dismiss_table_workers(loop_, Clock::now() + dismissal_limit);
        if (outcome.status != JobStatus::completed)
            co_await clean_up();
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

// Drops what the job made under its working names. In a new session, since the old one may be in
// the middle of anything.
Async<void> JobWorker::clean_up()
{
    target_.close();
    co_await open_target();
    const std::string lock_timeout(cleanup_lock_timeout);
    co_await target_.execute(lock_timeout);
    if (interrupted_) {
        LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
        cleanup_ = co_await ledger.cleanup();
    }
    if (cleanup_.empty())
        co_return;
    set_phase(JobPhase::cleanup);
    for (const std::string& statement : cleanup_) {
        try {
            co_await target_.query(statement);
        } catch (const PgError& error) {
            loop_.check_interrupts(); // at the deadline the statement is still under way
            if (!target_.is_open())
                throw;
            server::log_message("pgclone job " + std::to_string(job_.job_id) +
                                " could not clean up: " + error.message());
        }
    }
}

Async<void> JobWorker::write_outcome(JobOutcome outcome)
{
    JobTotals totals = read_totals();
    // What failed took the working table with it.
    if (outcome.status != JobStatus::completed)
        totals.tables_completed = 0;
    // The one commit that waits for the disk, and so makes all before it durable.
    const std::string synchronous("SET synchronous_commit = on");
    co_await target_.execute(synchronous);
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    co_await ledger.finish(outcome, phase_, totals);
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
