#include "worker/task_batch.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "shared/settings.hpp"
#include "worker/copy_format.hpp"
#include "worker/ddl_batch.hpp"
#include "worker/large_objects.hpp"
#include "worker/source_table.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

constexpr std::int64_t small_table_bytes = 1024 * 1024;

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

bool reads_source(const CloneTask& task)
{
    return task.kind == TaskKind::data || task.kind == TaskKind::large_objects;
}

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

void show_current(const ObjectStatements& task)
{
    const std::string object =
        (task.schema_name.empty() ? "" : task.schema_name + ".") + task.object_name;
    server::update_self(
        [&object](WorkerSlot& worker) noexcept { copy_text(worker.current_table, object); });
}

} // namespace

Async<CopyResult> TaskBatch::run(std::vector<StartedTask> tasks, std::vector<std::string> opening)
{
    opening_ = std::move(opening);
    // DDL before the rows, rows, DDL after them: the order of the tasks is kept within each, and
    // none waits for one of a later group.
    std::vector<const StartedTask*> rows;
    std::vector<const ObjectStatements*> before;
    std::vector<const ObjectStatements*> after;
    std::vector<std::int32_t> task_ids;
    for (const StartedTask& started : tasks) {
        const CloneTask& task = started.task;
        task_ids.push_back(task.task_id);
        if (reads_source(task))
            rows.push_back(&started);
        else
            (task.phase < JobPhase::data ? before : after).push_back(&task);
        for (const ObjectStatements& part : task.parts_of_table)
            (part.phase < JobPhase::data ? before : after).push_back(&part);
    }
    show_current(tasks.front().task);
    if (!before.empty())
        co_await run_ddl(before, {});
    made_before_ = std::move(before);
    if (!rows.empty())
        co_await copy_tables(rows);
    if (!after.empty())
        show_current(*after.front());
    std::vector<std::string> end{ledger_.done_call(task_ids, worker_, copied_), "COMMIT"};
    co_await run_ddl(std::move(after), std::move(end));
    CopyResult total;
    for (const CopiedTask& copied : copied_) {
        total.rows_target += copied.result.rows_target;
        total.bytes += copied.result.bytes;
    }
    co_return total;
}

Async<void> TaskBatch::run_ddl(std::vector<const ObjectStatements*> tasks,
                               std::vector<std::string> end)
{
    const DdlBatch batch(std::exchange(opening_, {}), tasks, std::move(end));
    try {
        co_await target_.pipeline(batch.statements());
    } catch (const PipelineError& error) {
        const auto culprit = batch.culprit(error.statement());
        if (!culprit)
            throw;
        culprit_ = tasks[culprit->task]->task_id;
        throw explain_failure(*tasks[culprit->task], error, culprit->statement);
    }
}

Async<void> TaskBatch::copy_tables(std::vector<const StartedTask*> tasks)
{
    // Tables whose rows are asked for at once, and large objects one batch after the other.
    std::vector<const StartedTask*> tables;
    std::copy_if(tasks.begin(), tasks.end(), std::back_inserter(tables),
                 [](const StartedTask* started) { return started->task.kind == TaskKind::data; });
    std::vector<std::string> statements;
    statements.reserve(tables.size());
    for (const StartedTask* started : tables)
        statements.push_back(started->task.source_copy);
    if (!tables.empty())
        co_await lock_sources(tables);
    SourceCopies copies(source_, std::move(statements));
    for (const StartedTask* started : tasks) {
        culprit_ = started->task.task_id;
        try {
            if (started->task.kind == TaskKind::data)
                co_await copy_table(*started, copies);
            else
                co_await copy_objects(started->task);
        } catch (const PgError& error) {
            throw explain_failure(started->task, error, "");
        }
    }
    culprit_ = 0;
}

// Locked now, not at planning, and not after the copy: a database has more tables than a server
// has locks.
Async<void> TaskBatch::lock_sources(std::vector<const StartedTask*> tasks)
{
    std::vector<SourceTable> tables;
    for (const StartedTask* started : tasks) {
        const CloneTask& task = started->task;
        tables.push_back(
            {{task.source_schema, task.source_table}, task.source_oid});
    }
    const std::string savepoint(before_tables);
    try {
        co_await lock_source_tables(source_, tables, savepoint);
    } catch (const PipelineError& error) {
        const CloneTask& task = tasks.at(error.statement())->task;
        culprit_ = task.task_id;
        throw explain_failure(task, error, "");
    }
}

// A whole table, or a piece of one: copy and compare.
Async<void> TaskBatch::copy_table(const StartedTask& started, SourceCopies& copies)
{
    const CloneTask& task = started.task;
    show_current(task);
    const std::int64_t started_at = server::current_timestamp();
    // The transaction's beginning goes along with the COPY, in one round trip.
    std::vector<std::string> beginning = take_opening(task);
    const bool is_made_here = this->is_made_here(task);
    if (!task.filled_table.empty() && !is_made_here) {
        beginning.push_back("LOCK TABLE ONLY " + task.filled_table + " IN ROW EXCLUSIVE MODE");
        beginning.push_back(ledger_.check_table_call(task.filled_table));
    }
    const bool truncates = !is_made_here && needs_truncate(started);
    if (truncates)
        beginning.push_back(task.truncate);
    beginning.push_back(truncates || is_made_here ? task.target_copy
                                                  : without_freeze(task.target_copy));
    const bool is_binary = task.format == "binary";
    ProgressStage progress(is_binary);
    LoopbackSink sink(target_, joined(beginning));
    std::vector<CopyStage*> stages{&progress};
    const milliseconds stall_timeout(settings::stall_timeout);
    const CopyResult result =
        co_await run_copy(loop_, copies, sink, std::move(stages), stall_timeout, &pace_);
    if (result.rows_source != result.rows_target)
        throw PgError(sqlstate::data_corrupted,
                      "the source sent " + std::to_string(result.rows_source) + " rows, but " +
                          std::to_string(result.rows_target) + " arrived");
    add_copied(task, result, started_at);
}

Async<void> TaskBatch::copy_objects(const CloneTask& task)
{
    show_current(task);
    const std::int64_t started_at = server::current_timestamp();
    co_await target_.pipeline(take_opening(task));
    const CopyResult result = co_await copy_large_objects(source_, target_, task.large_objects,
                                                          server::own_counters(), &pace_);
    add_copied(task, result, started_at);
}

std::vector<std::string> TaskBatch::take_opening(const CloneTask& task)
{
    std::vector<std::string> statements = std::exchange(opening_, {});
    if (!task.search_path.empty())
        statements.push_back(set_search_path(task.search_path));
    return statements;
}

// Nobody else has seen the table: it needs no lock, no look at whose it is, and no TRUNCATE.
bool TaskBatch::is_made_here(const CloneTask& task) const
{
    return std::any_of(made_before_.begin(), made_before_.end(), [&](const ObjectStatements* made) {
        return made->kind == TaskKind::object && made->object_kind == "table" &&
               made->schema_name == task.schema_name && made->object_name == task.object_name;
    });
}

void TaskBatch::add_copied(const CloneTask& task, const CopyResult& result, std::int64_t started_at)
{
    copied_.push_back({task.task_id, result, started_at, server::current_timestamp()});
}

} // namespace pgclone
