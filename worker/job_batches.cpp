// The tasks that the job worker does itself: DDL, as much as possible in one transaction and one
// round trip. A part of JobTasks.
#include "worker/job_tasks.hpp"

#include <algorithm>
#include <iterator>

#include "worker/ddl_batch.hpp"
#include "worker/retry_policy.hpp"

namespace pgclone {

namespace {

// A transaction keeps its locks, and a server has room for 64 a connection by default.
constexpr BatchLimits batch_limits{200, 500};

} // namespace

// Does what is ready, as far as it goes into one transaction; false if nothing is.
Async<bool> JobTasks::run_own_tasks()
{
    TaskIds task_ids = schedule_.next_own(server::current_timestamp(), batch_limits);
    if (task_ids.empty())
        co_return false;
    show_progress();
    const CloneTask& first = task(task_ids.front());
    show_current(first);
    if (first.kind == TaskKind::publish)
        co_await publish(first.task_id);
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
    const bool started = co_await start_batch(task_ids);
    if (!started)
        co_return;
    std::deque<TaskIds> parts{std::move(task_ids)};
    while (!parts.empty()) {
        TaskIds candidates = std::move(parts.front());
        parts.pop_front();
        const TaskIds part = co_await drop_unready(std::move(candidates));
        if (part.empty())
            continue;
        std::optional<BatchFailure> failure = co_await try_batch(part);
        if (failure) {
            co_await handle_batch_failure(part, std::move(*failure), parts);
            continue;
        }
        for (const std::int32_t task_id : part)
            finish_task(task_id);
    }
}

// Counts the attempts, in a transaction of its own. False if that is to be tried again later.
Async<bool> JobTasks::start_batch(TaskIds task_ids)
{
    for (const std::int32_t task_id : task_ids)
        schedule_.start(task_id);
    std::optional<PgError> failure;
    try {
        co_await ledger_.tasks_start(task_ids, own_name_);
    } catch (const PgError& error) {
        loop_.check_interrupts(); // a cancel shows as an error of whatever ran
        if (!target_.is_open() || !may_retry(task_ids.front(), error))
            throw;
        failure = error;
    }
    if (!failure)
        co_return true;
    try_again(task_ids.front());
    for (std::size_t i = 1; i < task_ids.size(); i++)
        schedule_.put_back(task_ids[i]);
    co_return false;
}

// Of tasks that are running, those that can be done now: something that they need may have failed
// in the meantime.
Async<JobTasks::TaskIds> JobTasks::drop_unready(TaskIds task_ids)
{
    TaskIds kept;
    TaskIds unready;
    for (const std::int32_t task_id : task_ids) {
        if (schedule_.progress(task_id) != TaskProgress::running)
            continue;
        const bool ready = schedule_.can_follow(task_id, kept);
        (ready ? kept : unready).push_back(task_id);
    }
    co_await release(std::move(unready));
    co_return kept;
}

Async<void> JobTasks::release(TaskIds task_ids)
{
    if (task_ids.empty())
        co_return;
    co_await ledger_.tasks_release(task_ids, own_name_);
    for (const std::int32_t task_id : task_ids)
        schedule_.put_back(task_id);
}

// All or nothing. After a failure the transaction is rolled back.
Async<std::optional<JobTasks::BatchFailure>> JobTasks::try_batch(TaskIds task_ids)
{
    std::vector<const CloneTask*> tasks;
    for (const std::int32_t task_id : task_ids)
        tasks.push_back(&task(task_id));
    const DdlBatch batch(tasks, ledger_.lock_call(task_ids, own_name_),
                         ledger_.done_call(task_ids, own_name_));
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
        else if (batch.is_commit(error.statement()) || is_transient(error.sqlstate()))
            failure = BatchFailure{error, std::nullopt};
        else
            throw; // the ledger refuses: the job is not ours any more
    }
    if (failure)
        co_await target_.execute("ROLLBACK");
    co_return failure;
}

// `parts`: what of the batch is still to be done.
Async<void> JobTasks::handle_batch_failure(TaskIds task_ids, BatchFailure failure,
                                           std::deque<TaskIds>& parts)
{
    if (!failure.task_id && task_ids.size() > 1) {
        for (auto id = task_ids.rbegin(); id != task_ids.rend(); ++id)
            parts.push_front({*id});
        co_return;
    }
    const std::int32_t culprit = failure.task_id.value_or(task_ids.front());
    const auto at = std::find(task_ids.begin(), task_ids.end(), culprit);
    parts.emplace_front(std::next(at), task_ids.end());
    parts.emplace_front(task_ids.begin(), at);
    const std::optional<PgError> fatal = co_await settle_failure(culprit, own_name_, failure.error);
    if (!fatal)
        co_return;
    TaskIds rest;
    for (const TaskIds& part : parts)
        rest.insert(rest.end(), part.begin(), part.end());
    co_await release(std::move(rest));
    throw *fatal;
}

// The last task. It makes the job complete, so it is not for a job that is not.
Async<void> JobTasks::publish(int task_id)
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
        co_await run_publish(task(task_id));
    } catch (const PgError& error) {
        loop_.check_interrupts();
        if (!target_.is_open())
            throw;
        failure = error;
    }
    if (!failure) {
        finish_task(task_id);
        co_return;
    }
    co_await target_.execute("ROLLBACK");
    co_await handle_failure(task_id, own_name_, *failure);
}

Async<void> JobTasks::run_publish(CloneTask task)
{
    const TaskIds task_ids{task.task_id};
    co_await ledger_.tasks_start(task_ids, own_name_);
    const DdlBatch batch({&task}, ledger_.lock_call(task_ids, own_name_),
                         ledger_.done_call(task_ids, own_name_));
    std::vector<std::string> statements = batch.statements();
    const std::string commit = statements.back();
    statements.pop_back();
    try {
        co_await target_.pipeline(std::move(statements));
    } catch (const PipelineError& error) {
        const auto culprit = batch.culprit(error.statement());
        if (!culprit)
            throw;
        throw explain_failure(task, error, culprit->statement);
    }
    for (const std::string& schema : task.dropped_schemas) {
        const std::string check = ledger_.check_aside_call(schema);
        co_await target_.query(check);
        const std::string drop = "DROP SCHEMA " + quote_identifier(schema) + " CASCADE";
        co_await target_.query(drop);
    }
    if (on_publish_)
        co_await on_publish_();
    co_await target_.execute(commit);
}

} // namespace pgclone
