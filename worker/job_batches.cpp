// The tasks that the job worker does itself: DDL, as much as possible in one transaction and one
// round trip. A part of JobTasks.
#include "worker/job_tasks.hpp"

#include <algorithm>

#include "worker/catalog_sql.hpp"
#include "worker/ddl_batch.hpp"
#include "worker/job_cleanup.hpp"
#include "worker/retry_policy.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace {

// A transaction keeps its locks, and a server has room for 64 a connection by default.
constexpr int most_own_statements = 300;

} // namespace

// Does what is ready, as far as it goes into one transaction; false if nothing is.
Async<bool> JobTasks::run_own_tasks()
{
    const BatchLimits limits{own_batch_, most_own_statements, 0};
    own_batch_ = most_own_tasks;
    TaskIds task_ids =
        schedule_.next_batch(Executor::job_worker, server::current_timestamp(), limits);
    if (task_ids.empty())
        co_return false;
    show_retry(false);
    show_progress();
    const CloneTask& first = task(task_ids.front());
    show_current(first);
    if (first.kind == TaskKind::publish || !first.dropped_schemas.empty())
        co_await run_last(first.task_id);
    else
        co_await run_batch(std::move(task_ids));
    co_return true;
}

void JobTasks::show_current(const CloneTask& task)
{
    const std::string schema = task.schema_name.empty() ? "" : task.schema_name + ".";
    const std::string object = schema + task.object_name;
    server::update_self(
        [&object](WorkerSlot& slot) noexcept { copy_text(slot.current_table, object); });
}

// When one task fails, those before it are done again without it, then those after it: a failure
// costs a rollback, and no task is done more than twice for it.
Async<void> JobTasks::run_batch(TaskIds task_ids)
{
    for (const std::int32_t task_id : task_ids)
        schedule_.start(task_id);
    std::optional<BatchFailure> failure = co_await try_batch(task_ids);
    if (!failure) {
        for (const std::int32_t task_id : task_ids)
            finish_task(task_id);
        co_return;
    }
    const auto culprit = std::find(task_ids.begin(), task_ids.end(), failure->culprit);
    if (culprit != task_ids.begin() && culprit != task_ids.end())
        own_batch_ = static_cast<std::size_t>(culprit - task_ids.begin());
    co_await handle_failure(task_ids, own_name_, *failure);
}

// All or nothing. After a failure the transaction is rolled back.
Async<std::optional<JobTasks::BatchFailure>> JobTasks::try_batch(TaskIds task_ids)
{
    std::vector<const ObjectStatements*> tasks;
    for (const std::int32_t task_id : task_ids)
        tasks.push_back(&task(task_id));
    const DdlBatch batch({"BEGIN", ledger_.lock_call(task_ids, own_name_)}, tasks,
                         {ledger_.done_call(task_ids, own_name_), "COMMIT"});
    std::optional<BatchFailure> failure;
    try {
        co_await target_.pipeline(batch.statements());
    } catch (const PipelineError& error) {
        loop_.check_interrupts();
        const auto culprit = batch.culprit(error.statement());
        if (culprit)
            failure =
                BatchFailure{explain_failure(*tasks[culprit->task], error, culprit->statement),
                             task_ids[culprit->task]};
        else if (batch.is_last(error.statement()) || is_transient(error.sqlstate()))
            failure = BatchFailure{error};
        else
            throw; // the ledger refuses: the job is not ours any more
    } catch (const PgError& error) {
        loop_.check_interrupts();
        if (target_.is_open() || !on_lost_target_ || !is_transient(error.sqlstate()))
            throw;
        failure = BatchFailure{error}; // the connection is lost
    }
    if (failure)
        co_await reset_target();
    co_return failure;
}

// After an error: out of the transaction, in another session if this one is gone.
Async<void> JobTasks::reset_target()
{
    if (target_.is_open() || !on_lost_target_)
        co_await target_.execute("ROLLBACK");
    else
        co_await on_lost_target_();
}

// The last tasks. They make the job complete, so they are not for a job that is not.
Async<void> JobTasks::run_last(int task_id)
{
    if (failed_ > 0) {
        const TaskIds task_ids{task_id};
        schedule_.skip(task_id);
        const std::string reason("the job is not complete");
        co_await ledger_.tasks_skip(task_ids, reason);
        co_return;
    }
    schedule_.start(task_id);
    std::optional<PgError> failure;
    try {
        if (task(task_id).kind == TaskKind::drop_replaced)
            co_await drop_replaced(task(task_id));
        else
            co_await publish(task(task_id));
    } catch (const PgError& error) {
        loop_.check_interrupts();
        if (!target_.is_open() && (!on_lost_target_ || !is_transient(error.sqlstate())))
            throw;
        failure = error;
    }
    if (!failure) {
        finish_task(task_id);
        co_return;
    }
    co_await reset_target();
    const TaskIds task_ids{task_id};
    const BatchFailure rolled_back{*failure, task_id};
    co_await handle_failure(task_ids, own_name_, rolled_back);
}

// Of check_replaced only what comes before the drops.
Async<void> JobTasks::publish(CloneTask task)
{
    const TaskIds task_ids{task.task_id};
    const DdlBatch batch({"BEGIN", ledger_.lock_call(task_ids, own_name_)}, {&task},
                         {ledger_.done_call(task_ids, own_name_)});
    try {
        co_await target_.pipeline(batch.statements());
    } catch (const PipelineError& error) {
        const auto culprit = batch.culprit(error.statement());
        if (!culprit)
            throw;
        throw explain_failure(task, error, culprit->statement);
    }
    for (const std::string& schema : task.dropped_schemas) {
        const std::string check = ledger_.check_aside_call(schema);
        co_await target_.query(check);
        if (task.kind != TaskKind::publish)
            continue;
        const std::string drop = "DROP SCHEMA " + quote_identifier(schema) + " CASCADE";
        co_await target_.query(drop);
    }
    if (task.kind == TaskKind::publish && on_publish_)
        co_await on_publish_();
    co_await target_.execute("COMMIT");
}

// Piece by piece, since a server has no room for the locks of thousands of tables. What can't be
// dropped, as others depend on it by now, `publish` finds.
Async<void> JobTasks::drop_replaced(CloneTask task)
{
    co_await ledger_.task_start(task.task_id, own_name_);
    const std::string query(catalog_sql::replaced_objects);
    PgSession::Parameters parameters{array_literal(task.dropped_schemas)};
    const ResultSet rows = co_await target_.query(query, parameters);
    std::vector<std::string> statements;
    for (std::size_t row = 0; row < rows.size(); row++)
        statements.push_back(rows.text(row, "statement"));
    co_await run_cleanup(loop_, target_, std::move(statements), job_.job_id);
    const TaskIds task_ids{task.task_id};
    const std::vector<std::string> marks{"BEGIN", ledger_.lock_call(task_ids, own_name_),
                                         ledger_.done_call(task_ids, own_name_), "COMMIT"};
    co_await target_.pipeline(marks);
}

} // namespace pgclone
