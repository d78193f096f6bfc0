#include "worker/table_worker.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/build_settings.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/ddl_batch.hpp"
#include "worker/heartbeat.hpp"
#include "worker/job_pace.hpp"
#include "worker/ledger_client.hpp"
#include "worker/machine.hpp"
#include "worker/sessions.hpp"
#include "worker/statistics_transfer.hpp"
#include "worker/task_batch.hpp"
#include "worker/wal_push.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

constexpr auto never = Clock::time_point::max();
// How long to wait for the job worker to take note of a failure before this process goes.
constexpr milliseconds farewell{5000};
// libpq asks the kernel for no more bytes at once than its input buffer has room for: 16 kB, until
// a message was larger. After this one it is 512 kB, which takes a quarter of the pump's CPU time
// away.
constexpr const char* widen_input = "SELECT pg_catalog.repeat(' ', 262144)";
// For how long a session on the source that only has statistics to tell is kept without work, and how
// long it may be silent.
constexpr milliseconds idle_source{1000};
constexpr milliseconds statistics_patience{15000};
constexpr const char* before_statistics = "before_statistics"; // a savepoint of the target

// Thrown when there is nothing more to do here: the job has ended or wants fewer workers. No error.
struct WorkIsOver {};

class TableWorker {
  public:
    explicit TableWorker(EventLoop& loop)
        : loop_(loop), target_(loop, SessionSide::target), source_(loop, SessionSide::source),
          pace_(loop), wal_push_(loop, server::wake_wal_writer)
    {
    }

    Async<void> run();
    void check_job();

  private:
    using TaskIds = std::vector<std::int32_t>;

    Async<void> connect_target();
    Async<void> serve();
    Async<TaskIds> next_assignment();
    Async<void> carry_out(TaskIds task_ids);
    Async<void> run_tasks(std::vector<StartedTask> tasks, std::vector<std::string> opening);
    Async<void> add_build_settings(const CloneTask& task, std::vector<std::string>& statements);
    Async<bool> take_over_statistics(CloneTask task);
    Async<void> open_snapshot();
    Async<void> connect_source();
    void post_idle();
    void post_done(const CopyResult& result);
    void post_failure(const ErrorRecord& error, std::int32_t culprit = 0);
    Async<void> wait_until_failure_was_read();
    void forget_progress();
    void close_sessions();
    void close_source();

    EventLoop& loop_;
    PgSession target_;
    PgSession source_;
    JobPace pace_;
    WalPush wal_push_;
    JobIdentity job_;
    std::string name_;          // "7.2", as in the process title
    std::string snapshot_;      // that the source session has imported; empty = none
    bool has_statistics_source_ = true; // as far as is known
    std::optional<BuildLimits> build_limits_;
    bool data_is_over_ = false; // as the last wake-up saw it
    std::int32_t culprit_ = 0;  // of the tasks at hand, the one that failed; 0 = not known
};

// The interrupt handler: looks at why a signal may have come.
void TableWorker::check_job()
{
    server::reload_settings_if_asked();
    if (server::shutdown_requested())
        throw PgError(sqlstate::admin_shutdown,
                      "terminating table worker due to administrator command");
    bool go_on = false;
    server::update_job([this, &go_on](JobSlot& job) noexcept {
        data_is_over_ = job.phase > JobPhase::data;
        go_on = job.state == JobSlotState::running && job.job_worker >= 0 &&
                !job.cancel_requested && !job.drain;
    });
    bool dismissed = false;
    server::update_self([&dismissed](WorkerSlot& worker) noexcept { dismissed = worker.dismissed; });
    if (!go_on || dismissed)
        throw WorkIsOver();
}

Async<void> TableWorker::run()
{
    job_ = co_await await_work_database(loop_);
    name_ = std::to_string(job_.job_id) + "." + std::to_string(server::identity().number);
    ErrorRecord error;
    bool failed = false;
    try {
        co_await connect_target();
    } catch (const std::exception&) {
        record_current_exception(error);
        failed = true;
    }
    if (failed) {
        // The job worker goes on with fewer table workers, or gives up.
        post_failure(error);
        co_await wait_until_failure_was_read();
        co_return;
    }
    post_idle();
    co_await serve();
}

Async<void> TableWorker::connect_target()
{
    const std::string application_name = "pgclone table worker " + name_;
    co_await open_loopback(target_, job_, application_name);
    const int pid = target_.backend_pid();
    server::update_self([pid](WorkerSlot& worker) noexcept { worker.target_pid = pid; });
}

// Takes tasks until the interrupt handler says that there are no more.
Async<void> TableWorker::serve()
{
    for (;;) {
        const TaskIds task_ids = co_await next_assignment();
        culprit_ = 0;
        ErrorRecord error;
        bool failed = false;
        try {
            co_await carry_out(task_ids);
        } catch (const std::exception&) {
            record_current_exception(error);
            failed = true;
        }
        if (!failed)
            continue;
        // In the middle of whatever it was; new sessions cost less than to find out. Closing
        // rolls back.
        close_sessions();
        forget_progress();
        post_failure(error, culprit_);
        if (server::shutdown_requested())
            co_return;
    }
}

Async<TableWorker::TaskIds> TableWorker::next_assignment()
{
    TaskIds task_ids;
    task_ids.reserve(max_batch_tasks); // no allocation under the lock
    for (;;) {
        const std::uint64_t seen = loop_.wakes();
        server::update_self([&task_ids](WorkerSlot& worker) noexcept {
            if (worker.task_state == TaskState::assigned) {
                worker.task_state = TaskState::working;
                task_ids.assign(worker.task_ids, worker.task_ids + worker.task_count);
            }
        });
        if (!task_ids.empty())
            co_return task_ids;
        if (data_is_over_ && !snapshot_.empty())
            close_source();
        // One without a snapshot holds nothing back, and the next task may want it.
        const bool has_idle_source = data_is_over_ && source_.is_open();
        const auto deadline = has_idle_source ? Clock::now() + idle_source : never;
        const bool woken = co_await loop_.wait_for_wake(seen, deadline);
        if (!woken)
            close_source();
    }
}

// A single task may take long: its attempt is committed before. Of many small ones, one that was
// begun and one that was not are the same.
Async<void> TableWorker::carry_out(TaskIds task_ids)
{
    if (!target_.is_open())
        co_await connect_target();
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    std::vector<StartedTask> tasks;
    std::vector<std::string> opening;
    if (task_ids.size() == 1) {
        StartedTask started = co_await ledger.task_start(task_ids.front(), name_);
        tasks.push_back(std::move(started));
        opening = {"BEGIN", ledger.lock_call(task_ids, name_)};
    } else {
        co_await target_.execute("BEGIN");
        tasks = co_await ledger.tasks_take(task_ids, name_);
    }
    co_await run_tasks(std::move(tasks), std::move(opening));
}

Async<void> TableWorker::run_tasks(std::vector<StartedTask> tasks, std::vector<std::string> opening)
{
    const auto reader = std::find_if(tasks.begin(), tasks.end(), [](const StartedTask& started) {
        return started.task.kind == TaskKind::data || started.task.kind == TaskKind::large_objects;
    });
    const bool takes_statistics = may_take_statistics(tasks.front().task); // and then it is alone
    // While other tables are still to be copied, this one's index is no reason to let go.
    if (reader == tasks.end() && (takes_statistics ? !snapshot_.empty() : data_is_over_))
        close_source();
    if (reader != tasks.end()) {
        culprit_ = reader->task.task_id;
        try {
            co_await open_snapshot();
        } catch (const PgError& error) {
            throw explain_failure(reader->task, error, "");
        }
        culprit_ = 0;
    }
    if (takes_statistics) {
        CloneTask& task = tasks.front().task;
        const std::vector<std::string> begun = std::exchange(opening, {});
        co_await target_.pipeline(begun);
        const bool is_done = co_await take_over_statistics(task);
        if (is_done)
            task.statements.clear();
    } else if (reader == tasks.end() && tasks.size() == 1) {
        co_await add_build_settings(tasks.front().task, opening);
    }
    const LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    TaskBatch batch(loop_, target_, source_, ledger, pace_, name_);
    const WalPush::During pushing(wal_push_);
    CopyResult result;
    try {
        result = co_await batch.run(std::move(tasks), std::move(opening));
    } catch (const PgError&) {
        culprit_ = batch.culprit();
        throw;
    }
    post_done(result);
}

// For what takes long, the machine is shared out among those that work.
Async<void> TableWorker::add_build_settings(const CloneTask& task, std::vector<std::string>& statements)
{
    if (!build_limits_) {
        const std::string query(catalog_sql::build_limits);
        const ResultSet row = co_await target_.query(query);
        build_limits_ = read_build_limits(row, machine_cores(), machine_memory());
    }
    int at_once = 0;
    server::for_each_table_worker([&at_once](WorkerSlot& worker, int) noexcept {
        at_once += worker.task_state == TaskState::working ? 1 : 0;
    });
    const std::vector<std::string> settings =
        build_settings(task.kind, at_once, *build_limits_, task.btree_bytes);
    statements.insert(statements.end(), settings.begin(), settings.end());
}

// False if there is still ANALYZE to be done: nothing depends on this, and what goes wrong here ANALYZE
// makes good, or fails with the better error. One failure is enough for this worker.
Async<bool> TableWorker::take_over_statistics(CloneTask task)
{
    std::int64_t started_at = 0;
    bool is_first_attempt = false;
    server::update_job([&](JobSlot& job) noexcept {
        started_at = job.started_at;
        is_first_attempt = job.attempts <= 1;
    });
    // Rows that an earlier life of the job has copied are older than this one knows.
    if (!has_statistics_source_ || !is_first_attempt)
        co_return false;
    const std::chrono::microseconds age(server::current_timestamp() - started_at);
    const std::string save = std::string("SAVEPOINT ") + before_statistics;
    co_await target_.execute(save);
    bool is_done = false;
    try {
        has_statistics_source_ = false;
        if (!source_.is_open()) {
            co_await connect_source();
            source_.set_stall_timeout(statistics_patience);
        }
        is_done = co_await take_statistics(source_, target_, task,
                                           std::chrono::ceil<milliseconds>(age),
                                           job_.extension_schema);
        has_statistics_source_ = true;
    } catch (const PgError&) {
        loop_.check_interrupts(); // to end is no failure of the source
        close_source();           // in the middle of whatever it was
    }
    if (!is_done) {
        const std::string undo = std::string("ROLLBACK TO SAVEPOINT ") + before_statistics;
        co_await target_.execute(undo);
    }
    co_return is_done;
}

// Its transaction holds back the clean-up of dead rows on the source: not longer than it must.
void TableWorker::close_source()
{
    if (!source_.is_open())
        return;
    source_.close();
    snapshot_.clear();
    server::update_self([](WorkerSlot& worker) noexcept { worker.source_pid = 0; });
}

// Joins the job's snapshot, unless the source session is in it already.
Async<void> TableWorker::open_snapshot()
{
    char snapshot[name_bytes] = "";
    server::update_job([&snapshot](JobSlot& job) noexcept {
        std::memcpy(snapshot, job.snapshot_id, sizeof(snapshot));
    });
    if (source_.is_open() && snapshot_ == snapshot)
        co_return;
    co_await connect_source();
    co_await source_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const std::string import = "SET TRANSACTION SNAPSHOT " + quote_literal(snapshot);
    try {
        co_await source_.query(import);
    } catch (const PgError& error) {
        // 22023 or 42704, by version: the session that exported it is gone. Another attempt may
        // find a new one.
        throw PgError(sqlstate::connection_failure, "the job's snapshot is gone: " + error.message());
    }
    const std::string last_steps = std::string(widen_input) + "; SAVEPOINT " + before_tables;
    co_await source_.execute(last_steps);
    snapshot_ = snapshot;
}

Async<void> TableWorker::connect_source()
{
    bool unprivileged = true;
    server::update_job(
        [&unprivileged](JobSlot& job) noexcept { unprivileged = !job.privileged; });
    const std::string application_name =
        "pgclone job " + std::to_string(job_.job_id) + " table worker " + name_;
    co_await open_source(source_, unprivileged, application_name);
    const int pid = source_.backend_pid();
    server::update_self([pid](WorkerSlot& worker) noexcept { worker.source_pid = pid; });
}

void TableWorker::post_idle()
{
    server::update_self(
        [](WorkerSlot& worker) noexcept { worker.task_state = TaskState::idle; });
    server::wake_job_worker();
}

// The rows move from this worker's counters to the job's totals when the job worker takes note.
void TableWorker::post_done(const CopyResult& result)
{
    server::update_self([&result](WorkerSlot& worker) noexcept {
        worker.task_state = TaskState::done;
        worker.task_rows = result.rows_target;
        worker.task_bytes = result.bytes;
        worker.current_table[0] = '\0';
    });
    server::wake_job_worker();
}

void TableWorker::post_failure(const ErrorRecord& error, std::int32_t culprit)
{
    server::update_self([&error, culprit](WorkerSlot& worker) noexcept {
        worker.task_state = TaskState::failed;
        worker.failed_task = culprit;
        worker.error = error;
        worker.current_table[0] = '\0';
    });
    server::wake_job_worker();
}

Async<void> TableWorker::wait_until_failure_was_read()
{
    const auto deadline = Clock::now() + farewell;
    bool read = false;
    bool in_time = true;
    while (!read && in_time) {
        const std::uint64_t seen = loop_.wakes();
        server::update_self([&read](WorkerSlot& worker) noexcept {
            read = worker.task_state != TaskState::failed;
        });
        if (!read)
            in_time = co_await loop_.wait_for_wake(seen, deadline);
    }
}

void TableWorker::forget_progress()
{
    server::own_counters().rows.store(0, std::memory_order_relaxed);
    server::own_counters().bytes.store(0, std::memory_order_relaxed);
}

void TableWorker::close_sessions()
{
    source_.close();
    target_.close();
    snapshot_.clear();
    server::update_self([](WorkerSlot& worker) noexcept {
        worker.target_pid = 0;
        worker.source_pid = 0;
    });
}

Async<void> run_quietly(TableWorker& worker)
{
    try {
        co_await worker.run();
    } catch (const WorkIsOver&) {
        // Cancelled, drained or abandoned: the sessions' destructors roll back.
    }
}

} // namespace

void run_table_worker()
{
    // What it moves, the session on the target has to take in, and that is what a clone waits for.
    give_way();
    EventLoop loop(server::wake_descriptor(), server::duplicate_postmaster_pipe());
    loop.set_postmaster_death_handler([] { server::exit_after_postmaster_death(); });
    const Heartbeat heartbeat(loop);
    TableWorker worker(loop);
    loop.set_interrupt_handler([&worker] { worker.check_job(); });
    loop.run(run_quietly(worker));
}

} // namespace pgclone
