#include "worker/table_worker.hpp"

#include <cstring>
#include <string>

#include "shared/settings.hpp"
#include "worker/copy_format.hpp"
#include "worker/copy_pump.hpp"
#include "worker/ddl_batch.hpp"
#include "worker/large_objects.hpp"
#include "worker/ledger_client.hpp"
#include "worker/sessions.hpp"
#include "worker/source_table.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

constexpr auto never = Clock::time_point::max();
// How long to wait for the job worker to take note of a failure before this process goes.
constexpr milliseconds farewell{5000};
constexpr const char* before_table = "before_table"; // a savepoint
constexpr std::int64_t small_table_bytes = 1024 * 1024;

// Thrown when there is nothing more to do here: the job has ended or wants fewer workers. No error.
struct WorkIsOver {};

// Moves the counters that the views add up.
class ProgressStage final : public CopyStage {
  public:
    explicit ProgressStage(bool is_binary)
        : counters_(server::own_counters()), is_binary_(is_binary)
    {
    }

    void on_row(std::span<const char> row) override
    {
        // Binary COPY ends with a message that is no row: a field count of -1.
        const bool is_trailer =
            is_binary_ && row.size() == 2 && row[0] == '\xff' && row[1] == '\xff';
        rows_ += is_trailer ? 0 : 1;
        bytes_ += row.size();
    }

    void on_pause() override
    {
        if (rows_ == 0)
            return;
        counters_.rows.fetch_add(rows_, std::memory_order_relaxed);
        counters_.bytes.fetch_add(bytes_, std::memory_order_relaxed);
        counters_.last_progress_at.store(server::current_timestamp(), std::memory_order_relaxed);
        rows_ = 0;
        bytes_ = 0;
    }

  private:
    WorkerCounters& counters_;
    bool is_binary_;
    std::uint64_t rows_ = 0;
    std::uint64_t bytes_ = 0;
};

// A TRUNCATE makes new files, and its commit waits for the disk. A small table that nobody has
// filled yet is as well without it, and without FREEZE, which needs it.
bool needs_truncate(const StartedTask& started)
{
    const std::int64_t bytes = started.task.estimated_bytes;
    const bool is_small = bytes >= 0 && bytes <= small_table_bytes;
    return !started.task.truncate.empty() && (started.attempts > 1 || !is_small);
}

// As one text for the simple protocol.
std::string joined(const std::vector<std::string>& statements)
{
    std::string text;
    for (const std::string& statement : statements)
        text += statement + ";\n";
    return text;
}

class TableWorker {
  public:
    explicit TableWorker(EventLoop& loop)
        : loop_(loop), target_(loop, SessionSide::target), source_(loop, SessionSide::source)
    {
    }

    Async<void> run();
    void check_job();

  private:
    Async<void> connect_target();
    Async<void> serve();
    Async<int> next_assignment();
    Async<void> carry_out(int task_id);
    Async<void> run_task(StartedTask started);
    Async<void> build(CloneTask task);
    Async<void> copy(StartedTask started);
    Async<void> copy_objects(CloneTask task);
    std::vector<std::string> begin_statements(const LedgerClient& ledger,
                                              const CloneTask& task) const;
    Async<void> open_snapshot();
    void post_idle();
    void post_done(const CopyResult& result);
    void post_failure(const ErrorRecord& error);
    Async<void> wait_until_failure_was_read();
    void forget_progress();
    void close_sessions();
    void close_source();

    EventLoop& loop_;
    PgSession target_;
    PgSession source_;
    JobIdentity job_;
    std::string name_;          // "7.2", as in the process title
    std::string snapshot_;      // that the source session has imported
    bool data_is_over_ = false; // as the last wake-up saw it
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
    if (!go_on)
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
        const int task_id = co_await next_assignment();
        ErrorRecord error;
        bool failed = false;
        try {
            co_await carry_out(task_id);
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
        post_failure(error);
        if (server::shutdown_requested())
            co_return;
    }
}

Async<int> TableWorker::next_assignment()
{
    for (;;) {
        const std::uint64_t seen = loop_.wakes();
        int task_id = 0;
        server::update_self([&task_id](WorkerSlot& worker) noexcept {
            if (worker.task_state == TaskState::assigned) {
                worker.task_state = TaskState::working;
                task_id = worker.task_id;
            }
        });
        if (task_id != 0)
            co_return task_id;
        if (data_is_over_)
            close_source();
        co_await loop_.wait_for_wake(seen, never);
    }
}

Async<void> TableWorker::carry_out(int task_id)
{
    if (!target_.is_open())
        co_await connect_target();
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    const StartedTask started = co_await ledger.task_start(task_id, name_);
    const CloneTask& task = started.task;
    const std::string object =
        (task.schema_name.empty() ? "" : task.schema_name + ".") + task.object_name;
    server::update_self(
        [&object](WorkerSlot& worker) noexcept { copy_text(worker.current_table, object); });
    co_await run_task(started);
}

Async<void> TableWorker::run_task(StartedTask started)
{
    const bool reads_source =
        started.task.kind == TaskKind::data || started.task.kind == TaskKind::large_objects;
    // While other tables are still to be copied, this one's index is no reason to let go.
    if (!reads_source && data_is_over_)
        close_source();
    if (!reads_source) {
        co_await build(started.task);
        co_return;
    }
    try {
        co_await open_snapshot();
        if (started.task.kind == TaskKind::data)
            co_await copy(started);
        else
            co_await copy_objects(started.task);
    } catch (const PgError& error) {
        throw explain_failure(started.task, error, "");
    }
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

// DDL: the statements and their done-mark in one transaction.
Async<void> TableWorker::build(CloneTask task)
{
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    const std::vector<std::int32_t> task_ids{task.task_id};
    const DdlBatch batch({&task}, ledger.lock_call(task_ids, name_),
                         ledger.done_call(task_ids, name_));
    try {
        co_await target_.pipeline(batch.statements());
    } catch (const PipelineError& error) {
        const auto culprit = batch.culprit(error.statement());
        throw explain_failure(task, error, culprit ? culprit->statement : "");
    }
    const CopyResult nothing;
    post_done(nothing);
}

// Joins the job's snapshot, unless the source session is in it already.
Async<void> TableWorker::open_snapshot()
{
    char snapshot[name_bytes] = "";
    bool unprivileged = true;
    server::update_job([&](JobSlot& job) noexcept {
        std::memcpy(snapshot, job.snapshot_id, sizeof(snapshot));
        unprivileged = !job.privileged;
    });
    if (source_.is_open() && snapshot_ == snapshot)
        co_return;
    const std::string application_name =
        "pgclone job " + std::to_string(job_.job_id) + " table worker " + name_;
    co_await open_source(source_, unprivileged, application_name);
    const int pid = source_.backend_pid();
    server::update_self([pid](WorkerSlot& worker) noexcept { worker.source_pid = pid; });
    co_await source_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const std::string import = "SET TRANSACTION SNAPSHOT " + quote_literal(snapshot);
    try {
        co_await source_.query(import);
    } catch (const PgError& error) {
        // 22023 or 42704, by version: the session that exported it is gone. Another attempt may
        // find a new one.
        throw PgError(sqlstate::connection_failure, "the job's snapshot is gone: " + error.message());
    }
    const std::string savepoint = std::string("SAVEPOINT ") + before_table;
    co_await source_.execute(savepoint);
    snapshot_ = snapshot;
}

// A whole table: truncate, copy, compare, mark, all in one transaction of the target.
Async<void> TableWorker::copy(StartedTask started)
{
    const CloneTask& task = started.task;
    // Locked now, not at planning, and not after its copy: a database has more tables than a server
    // has locks.
    const QualifiedName source_name{task.source_schema, task.source_table};
    const std::string savepoint(before_table);
    co_await lock_source_table(source_, source_name, task.source_oid, task.source_filenode,
                               savepoint);

    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    // The transaction's beginning goes along with the COPY, in one round trip.
    std::vector<std::string> beginning = begin_statements(ledger, task);
    if (!task.filled_table.empty()) {
        beginning.push_back("LOCK TABLE ONLY " + task.filled_table + " IN ROW EXCLUSIVE MODE");
        beginning.push_back(ledger.check_table_call(task.filled_table));
    }
    if (needs_truncate(started)) {
        beginning.push_back(task.truncate);
        beginning.push_back(task.target_copy);
    } else {
        beginning.push_back(without_freeze(task.target_copy));
    }
    const bool is_binary = task.format == "binary";
    ProgressStage progress(is_binary);
    LoopbackSink sink(target_, joined(beginning));
    const std::vector<CopyStage*> stages{&progress};
    const milliseconds stall_timeout(settings::stall_timeout);
    const CopyResult copied =
        co_await run_copy(loop_, source_, task.source_copy, sink, stages, stall_timeout);
    if (copied.rows_source != copied.rows_target)
        throw PgError(sqlstate::data_corrupted,
                      "the source sent " + std::to_string(copied.rows_source) + " rows, but " +
                          std::to_string(copied.rows_target) + " arrived");
    std::vector<std::string> end{ledger.copied_call(task.task_id, name_, copied), "COMMIT"};
    co_await target_.pipeline(std::move(end));
    post_done(copied);
}

Async<void> TableWorker::copy_objects(CloneTask task)
{
    LedgerClient ledger(target_, job_.extension_schema, job_.job_id);
    co_await target_.pipeline(begin_statements(ledger, task));
    const CopyResult copied = co_await copy_large_objects(source_, target_, task.large_objects,
                                                          server::own_counters());
    std::vector<std::string> end{ledger.copied_call(task.task_id, name_, copied), "COMMIT"};
    co_await target_.pipeline(std::move(end));
    post_done(copied);
}

std::vector<std::string> TableWorker::begin_statements(const LedgerClient& ledger,
                                                       const CloneTask& task) const
{
    const std::vector<std::int32_t> task_ids{task.task_id};
    std::vector<std::string> statements{"BEGIN", ledger.lock_call(task_ids, name_)};
    if (!task.search_path.empty())
        statements.push_back(set_search_path(task.search_path));
    return statements;
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

void TableWorker::post_failure(const ErrorRecord& error)
{
    server::update_self([&error](WorkerSlot& worker) noexcept {
        worker.task_state = TaskState::failed;
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
    EventLoop loop(server::wake_descriptor(), server::duplicate_postmaster_pipe());
    loop.set_postmaster_death_handler([] { server::exit_after_postmaster_death(); });
    TableWorker worker(loop);
    loop.set_interrupt_handler([&worker] { worker.check_job(); });
    loop.run(run_quietly(worker));
}

} // namespace pgclone
