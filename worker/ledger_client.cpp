#include "worker/ledger_client.hpp"

#include "worker/target_state.hpp"

#include <algorithm>

namespace pgclone {

namespace {

// Of one call to write the plan:
constexpr std::size_t piece_tasks = 1000;
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::size_t pieces_at_once = 4;

// The tasks from `next` on, as many as one call takes, as a JSON array.
std::string take_piece(const TaskRows& tasks, std::size_t& next)
{
    std::string piece = "[";
    const std::size_t end = std::min(tasks.size(), next + piece_tasks);
    for (; next < end && piece.size() < piece_bytes; next++)
        piece += (piece.size() > 1 ? "," : "") + tasks.row(next);
    return piece + "]";
}

// As an SQL array.
template <typename Integer>
std::string array_text(std::span<const Integer> numbers)
{
    std::string text = "{";
    for (const Integer number : numbers)
        text += (text.size() > 1 ? "," : "") + std::to_string(number);
    return text + "}";
}

std::string array_text(const std::vector<std::int32_t>& task_ids)
{
    return array_text(std::span<const std::int32_t>(task_ids));
}

// One number of each, as an SQL array.
template <typename Number>
std::string array_of(std::span<const CopiedTask> copied, Number number)
{
    std::vector<std::int64_t> numbers;
    for (const CopiedTask& task : copied)
        numbers.push_back(number(task));
    return array_text(std::span<const std::int64_t>(numbers));
}

std::int64_t in_ms(microseconds time)
{
    return std::chrono::duration_cast<milliseconds>(time).count();
}

} // namespace

LedgerClient::LedgerClient(PgSession& session, std::string extension_schema, std::int64_t job_id)
    : session_(session), schema_(std::move(extension_schema)), job_id_(std::to_string(job_id))
{
}

std::string LedgerClient::name_of(std::string_view function) const
{
    return quote_identifier(schema_) + "." + std::string(function);
}

// SELECT * FROM schema.function($1::type, ...). The types are spelled out so that only the function
// of the extension matches exactly: an overload that somebody else put into the schema would run
// with the submitter's rights.
std::string LedgerClient::call(std::string_view function,
                               std::initializer_list<const char*> types) const
{
    std::string sql = "SELECT * FROM " + name_of(function);
    int number = 0;
    for (const char* type : types) {
        number++;
        sql += (number > 1 ? ", $" : "($") + std::to_string(number) + "::pg_catalog." + type;
    }
    return sql + ")";
}

// The same with the values in place of parameters.
std::string LedgerClient::call_text(std::string_view function,
                                    const std::vector<Argument>& arguments) const
{
    std::string sql = "SELECT * FROM " + name_of(function);
    const char* separator = "(";
    for (const Argument& argument : arguments) {
        sql += separator + quote_literal(argument.value) + "::pg_catalog." + argument.type;
        separator = ", ";
    }
    return sql + ")";
}

Async<LedgerJob> LedgerClient::start()
{
    ResultSet row;
    std::vector<PipelinedQuery> queries;
    // On disk before anything is done: if that brings the server down at once, it is to count.
    queries.push_back({"SELECT pg_catalog.set_config('synchronous_commit', 'on', true)"});
    queries.push_back({call("pgclone_ledger_start", {"int8"}),
                       {job_id_},
                       [&row](const ResultSet& rows) { row = rows; }});
    co_await session_.query_all(std::move(queries));

    LedgerJob job;
    JobStatus status = JobStatus::pending;
    if (!parse_status(row.text(0, "status"), status) ||
        !parse_scope(row.text(0, "scope"), job.scope))
        throw PgError(sqlstate::data_corrupted, "the ledger row of the job is malformed");
    job.already_final = is_final(status);
    job.object = {row.text(0, "object_schema"), row.text(0, "object_name")};
    job.options = parse_options(row.text(0, "options"), job.scope);
    job.options.dry_run = row.boolean(0, "dry_run");
    job.attempts = static_cast<int>(row.integer(0, "attempts"));
    job.epoch = static_cast<int>(row.integer(0, "epoch"));
    job.is_superuser = row.boolean(0, "is_superuser");
    job.may_submit = row.boolean(0, "may_submit");
    job.has_plan = row.boolean(0, "has_plan");
    job.source_is_needed = row.boolean(0, "source_is_needed");
    job.was_undone = row.boolean(0, "was_undone");
    co_return job;
}

Async<void> LedgerClient::record_source(std::string system_identifier, std::string database_oid,
                                        std::string snapshot_lsn, int epoch)
{
    auto or_null = [](std::string text) {
        return text.empty() ? std::optional<std::string>() : std::optional<std::string>(text);
    };
    const std::string sql = call("pgclone_ledger_source", {"int8", "text", "int8", "text", "int4"});
    PgSession::Parameters parameters{job_id_, or_null(system_identifier), or_null(database_oid),
                                     or_null(snapshot_lsn), std::to_string(epoch)};
    co_await session_.query(sql, parameters);
}

// In pieces, some at a time: a database may have 100,000 tasks, and the functions among them are
// long.
Async<void> LedgerClient::plan(const TaskRows& tasks, std::int64_t bytes_total, int tables_total)
{
    const std::string add = call("pgclone_ledger_plan_more", {"int8", "text"});
    std::size_t next = 0;
    PgSession::Parameters first{job_id_, take_piece(tasks, next), std::to_string(bytes_total),
                                std::to_string(tables_total)};
    std::vector<PipelinedQuery> queries;
    queries.push_back({"BEGIN"});
    queries.push_back({call("pgclone_ledger_plan", {"int8", "text", "int8", "int4"}), first});
    while (next < tasks.size()) {
        PgSession::Parameters more{job_id_, take_piece(tasks, next)};
        queries.push_back({add, std::move(more)});
        if (queries.size() < pieces_at_once)
            continue;
        co_await session_.query_all(std::move(queries));
        queries.clear();
    }
    queries.push_back({"COMMIT"});
    co_await session_.query_all(std::move(queries));
}

Async<StartedTask> LedgerClient::task_start(int task_id, std::string worker)
{
    const std::string sql = call("pgclone_ledger_task_start", {"int8", "int4", "text"});
    PgSession::Parameters parameters{job_id_, std::to_string(task_id), worker};
    const ResultSet row = co_await session_.query(sql, parameters);
    StartedTask started;
    started.task = task_from_json(row.text(0, "spec"));
    started.attempts = static_cast<int>(row.integer(0, "attempts"));
    co_return started;
}

Async<std::vector<StartedTask>> LedgerClient::tasks_take(std::vector<std::int32_t> task_ids,
                                                         std::string worker)
{
    const std::string sql = call("pgclone_ledger_tasks_take", {"int8", "int4[]", "text"});
    PgSession::Parameters parameters{job_id_, array_text(task_ids), worker};
    const ResultSet rows = co_await session_.query(sql, parameters);
    std::vector<StartedTask> tasks;
    for (std::size_t row = 0; row < rows.size(); row++) {
        StartedTask& started = tasks.emplace_back();
        started.task = task_from_json(rows.text(row, "spec"));
        started.attempts = static_cast<int>(rows.integer(row, "attempts"));
    }
    std::sort(tasks.begin(), tasks.end(), [](const StartedTask& a, const StartedTask& b) {
        return a.task.task_id < b.task.task_id;
    });
    co_return tasks;
}

std::string LedgerClient::lock_call(std::span<const std::int32_t> task_ids,
                                    std::string_view worker) const
{
    return call_text(
        "pgclone_ledger_tasks_lock",
        {{"int8", job_id_}, {"int4[]", array_text(task_ids)}, {"text", std::string(worker)}});
}

std::string LedgerClient::check_table_call(const std::string& table) const
{
    return call_text("pgclone_ledger_check_table", {{"int8", job_id_}, {"text", table}});
}

std::string LedgerClient::check_aside_call(const std::string& schema) const
{
    return call_text("pgclone_ledger_check_aside", {{"int8", job_id_}, {"text", schema}});
}

std::string LedgerClient::done_call(std::span<const std::int32_t> task_ids, std::string_view worker,
                                    std::span<const CopiedTask> copied) const
{
    // What belongs to the first ids is in parallel arrays.
    std::vector<std::int32_t> ids;
    for (const CopiedTask& task : copied)
        ids.push_back(task.task_id);
    for (const std::int32_t id : task_ids)
        if (std::none_of(copied.begin(), copied.end(),
                         [id](const CopiedTask& task) { return task.task_id == id; }))
            ids.push_back(id);
    const auto numbers = [copied](auto number) {
        return Argument{"int8[]", array_of(copied, number)};
    };
    return call_text(
        "pgclone_ledger_tasks_done",
        {{"int8", job_id_},
         {"int4[]", array_text(ids)},
         {"text", std::string(worker)},
         numbers([](const CopiedTask& task) { return task.result.rows_source; }),
         numbers([](const CopiedTask& task) { return task.result.rows_target; }),
         numbers([](const CopiedTask& task) { return task.result.bytes; }),
         numbers([](const CopiedTask& task) { return in_ms(task.result.wait_source); }),
         numbers([](const CopiedTask& task) { return in_ms(task.result.wait_target); }),
         numbers([](const CopiedTask& task) { return task.started_at; }),
         numbers([](const CopiedTask& task) { return task.finished_at; })});
}

Async<void> LedgerClient::tasks_skip(std::vector<std::int32_t> task_ids, std::string reason)
{
    const std::string sql = call("pgclone_ledger_tasks_skip", {"int8", "int4[]", "text"});
    PgSession::Parameters parameters{job_id_, array_text(task_ids), reason};
    co_await session_.query(sql, parameters);
}

Async<std::vector<std::int32_t>> LedgerClient::tasks_failed(std::vector<std::int32_t> task_ids,
                                                            std::string worker,
                                                            std::int32_t culprit, PgError error,
                                                            std::optional<milliseconds> retry_delay)
{
    const std::string sql = call("pgclone_ledger_tasks_failed",
                                 {"int8", "int4[]", "text", "int4", "text", "text", "bool", "int8"});
    const milliseconds delay = retry_delay.value_or(milliseconds{0});
    PgSession::Parameters parameters{job_id_,
                                     array_text(task_ids),
                                     worker,
                                     std::to_string(culprit),
                                     error.sqlstate(),
                                     error.message(),
                                     retry_delay ? "true" : "false",
                                     std::to_string(delay.count())};
    const ResultSet rows = co_await session_.query(sql, parameters);
    std::vector<std::int32_t> done;
    for (std::size_t row = 0; row < rows.size(); row++)
        if (rows.text(row, "status") == "done")
            done.push_back(static_cast<std::int32_t>(rows.integer(row, "task_id")));
    co_return done;
}

Async<std::vector<std::string>> LedgerClient::cleanup(std::optional<JobOutcome> outcome)
{
    const std::string sql = call("pgclone_ledger_cleanup", {"int8", "text", "text", "text"});
    PgSession::Parameters parameters{job_id_, std::nullopt, std::nullopt, std::nullopt};
    if (outcome) {
        parameters[1] = std::string(to_text(outcome->status));
        parameters[2] = outcome->error.sqlstate;
        parameters[3] = outcome->error.message;
    }
    const ResultSet rows = co_await session_.query(sql, parameters);
    std::vector<std::string> statements;
    for (std::size_t row = 0; row < rows.size(); row++)
        statements.push_back(rows.text(row, "statement"));
    co_return statements;
}

Async<void> LedgerClient::forget_plan()
{
    const std::string sql = call("pgclone_ledger_forget_plan", {"int8"});
    PgSession::Parameters parameters{job_id_};
    co_await session_.query(sql, parameters);
}

Async<std::vector<LoadedTask>> LedgerClient::load()
{
    const std::string sql = call("pgclone_ledger_load", {"int8"});
    PgSession::Parameters parameters{job_id_};
    const ResultSet rows = co_await session_.query(sql, parameters);
    std::vector<LoadedTask> tasks;
    for (std::size_t row = 0; row < rows.size(); row++) {
        LoadedTask& loaded = tasks.emplace_back();
        loaded.task = task_from_json(rows.text(row, "spec"));
        const std::string status = rows.text(row, "status");
        const bool was_done = !rows.text(row, "rows_target").empty();
        if (status == "done")
            loaded.progress = TaskProgress::done;
        else if (status == "skipped")
            loaded.progress = TaskProgress::skipped;
        else if (status == "failed")
            loaded.progress = TaskProgress::failed;
        loaded.was_done = status == "pending" && was_done;
        if (status != "done" || !was_done)
            continue;
        loaded.rows = rows.integer(row, "rows_target");
        loaded.bytes = rows.integer(row, "bytes");
    }
    co_return tasks;
}

Async<void> LedgerClient::new_epoch(int epoch, bool mixed, std::vector<CloneTask> changed)
{
    std::vector<std::int32_t> task_ids;
    std::vector<std::string> specs;
    for (const CloneTask& task : changed) {
        task_ids.push_back(task.task_id);
        specs.push_back(task_to_json(task));
    }
    const std::string sql =
        call("pgclone_ledger_new_epoch", {"int8", "int4", "bool", "int4[]", "text[]"});
    PgSession::Parameters parameters{job_id_, std::to_string(epoch), mixed ? "true" : "false",
                                     array_text(task_ids), array_literal(specs)};
    co_await session_.query(sql, parameters);
}

Async<bool> LedgerClient::finish(JobOutcome outcome, JobPhase phase, JobTotals totals)
{
    auto or_null = [](const char* text) {
        return *text ? std::optional<std::string>(text) : std::optional<std::string>();
    };
    const ErrorRecord& error = outcome.error;
    const std::string sql =
        call("pgclone_ledger_finish", {"int8", "text", "text", "text", "text", "text", "text",
                                       "int8", "int8", "int4", "bool"});
    PgSession::Parameters parameters{job_id_,
                                     std::string(to_text(outcome.status)),
                                     std::string(to_text(phase)),
                                     or_null(error.sqlstate),
                                     or_null(error.message),
                                     or_null(error.detail),
                                     or_null(error.hint),
                                     std::to_string(totals.rows),
                                     std::to_string(totals.bytes),
                                     std::to_string(totals.tables_completed),
                                     totals.consistent ? "true" : "false"};
    const ResultSet row = co_await session_.query(sql, parameters);
    const bool finished = row.boolean(0, "pgclone_ledger_finish");
    co_return finished;
}

} // namespace pgclone
