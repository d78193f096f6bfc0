#include "worker/ledger_client.hpp"

#include <algorithm>

namespace pgclone {

namespace {

// Of one call to write the plan:
constexpr std::size_t piece_tasks = 1000;
constexpr std::size_t piece_bytes = 1024 * 1024;

// The tasks from `next` on, as many as one call takes, as a JSON array.
std::string take_piece(const std::vector<CloneTask>& tasks, std::size_t& next)
{
    std::string piece = "[";
    const std::size_t end = std::min(tasks.size(), next + piece_tasks);
    for (; next < end && piece.size() < piece_bytes; next++)
        piece += (piece.size() > 1 ? "," : "") + task_to_json(tasks[next]);
    return piece + "]";
}

// As an SQL array.
std::string array_text(std::span<const std::int32_t> task_ids)
{
    std::string text = "{";
    for (const std::int32_t id : task_ids)
        text += (text.size() > 1 ? "," : "") + std::to_string(id);
    return text + "}";
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
std::string LedgerClient::call_text(std::string_view function, std::vector<Argument> arguments) const
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
    const std::string sql = call("pgclone_ledger_start", {"int8"});
    PgSession::Parameters parameters{job_id_};
    const ResultSet row = co_await session_.query(sql, parameters);

    LedgerJob job;
    JobStatus status = JobStatus::pending;
    if (!parse_status(row.text(0, "status"), status) || !parse_scope(row.text(0, "scope"), job.scope))
        throw PgError(sqlstate::data_corrupted, "the ledger row of the job is malformed");
    job.already_final = is_final(status);
    job.object = {row.text(0, "object_schema"), row.text(0, "object_name")};
    job.options = parse_options(row.text(0, "options"), job.scope);
    job.options.dry_run = row.boolean(0, "dry_run");
    job.attempts = static_cast<int>(row.integer(0, "attempts"));
    job.epoch = static_cast<int>(row.integer(0, "epoch"));
    job.is_superuser = row.boolean(0, "is_superuser");
    job.may_submit = row.boolean(0, "may_submit");
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

// In pieces: a database may have 100,000 tasks, and the functions among them are long.
Async<void> LedgerClient::plan(const std::vector<CloneTask>& tasks, std::int64_t bytes_total,
                               int tables_total)
{
    const std::string replace = call("pgclone_ledger_plan", {"int8", "text", "int8", "int4"});
    const std::string add = call("pgclone_ledger_plan_more", {"int8", "text"});
    co_await session_.execute("BEGIN");
    bool is_first = true;
    std::size_t next = 0;
    while (is_first || next < tasks.size()) {
        const std::string piece = take_piece(tasks, next);
        PgSession::Parameters parameters{job_id_, piece};
        if (is_first) {
            parameters.push_back(std::to_string(bytes_total));
            parameters.push_back(std::to_string(tables_total));
        }
        const std::string& sql = is_first ? replace : add;
        co_await session_.query(sql, parameters);
        is_first = false;
    }
    co_await session_.execute("COMMIT");
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

Async<void> LedgerClient::tasks_start(std::vector<std::int32_t> task_ids, std::string worker)
{
    const std::string sql = call("pgclone_ledger_tasks_start", {"int8", "int4[]", "text"});
    PgSession::Parameters parameters{job_id_, array_text(task_ids), worker};
    co_await session_.query(sql, parameters);
}

std::string LedgerClient::lock_call(std::span<const std::int32_t> task_ids,
                                    std::string_view worker) const
{
    if (task_ids.size() == 1)
        return call_text("pgclone_ledger_task_lock", {{"int8", job_id_},
                                                      {"int4", std::to_string(task_ids[0])},
                                                      {"text", std::string(worker)}});
    return call_text("pgclone_ledger_tasks_lock", {{"int8", job_id_},
                                                   {"int4[]", array_text(task_ids)},
                                                   {"text", std::string(worker)}});
}

std::string LedgerClient::check_table_call(const std::string& table) const
{
    return call_text("pgclone_ledger_check_table", {{"int8", job_id_}, {"text", table}});
}

std::string LedgerClient::check_aside_call(const std::string& schema) const
{
    return call_text("pgclone_ledger_check_aside", {{"int8", job_id_}, {"text", schema}});
}

std::string LedgerClient::done_call(std::span<const std::int32_t> task_ids,
                                    std::string_view worker) const
{
    return call_text("pgclone_ledger_tasks_done", {{"int8", job_id_},
                                                   {"int4[]", array_text(task_ids)},
                                                   {"text", std::string(worker)}});
}

std::string LedgerClient::copied_call(int task_id, std::string_view worker,
                                      const CopyResult& result) const
{
    const auto in_ms = [](microseconds time) {
        return std::to_string(std::chrono::duration_cast<milliseconds>(time).count());
    };
    return call_text("pgclone_ledger_task_done", {{"int8", job_id_},
                                                  {"int4", std::to_string(task_id)},
                                                  {"text", std::string(worker)},
                                                  {"int8", std::to_string(result.rows_source)},
                                                  {"int8", std::to_string(result.rows_target)},
                                                  {"int8", std::to_string(result.bytes)},
                                                  {"int8", in_ms(result.wait_source)},
                                                  {"int8", in_ms(result.wait_target)}});
}

Async<void> LedgerClient::tasks_release(std::vector<std::int32_t> task_ids, std::string worker)
{
    const std::string sql = call("pgclone_ledger_tasks_release", {"int8", "int4[]", "text"});
    PgSession::Parameters parameters{job_id_, array_text(task_ids), worker};
    co_await session_.query(sql, parameters);
}

Async<void> LedgerClient::tasks_skip(std::vector<std::int32_t> task_ids, std::string reason)
{
    const std::string sql = call("pgclone_ledger_tasks_skip", {"int8", "int4[]", "text"});
    PgSession::Parameters parameters{job_id_, array_text(task_ids), reason};
    co_await session_.query(sql, parameters);
}

Async<std::string> LedgerClient::task_failed(int task_id, std::string worker, PgError error,
                                             bool retry)
{
    const std::string sql = call("pgclone_ledger_task_failed", {"int8", "int4", "text", "text", "text", "bool"});
    PgSession::Parameters parameters{job_id_,          std::to_string(task_id),
                                     worker,           error.sqlstate(),
                                     error.message(),  retry ? "true" : "false"};
    const ResultSet row = co_await session_.query(sql, parameters);
    const std::string status = row.text(0, "pgclone_ledger_task_failed");
    co_return status;
}

Async<std::vector<std::string>> LedgerClient::cleanup()
{
    const std::string sql = call("pgclone_ledger_cleanup", {"int8"});
    PgSession::Parameters parameters{job_id_};
    const ResultSet rows = co_await session_.query(sql, parameters);
    std::vector<std::string> statements;
    for (std::size_t row = 0; row < rows.size(); row++)
        statements.push_back(rows.text(row, "statement"));
    co_return statements;
}

Async<bool> LedgerClient::finish(JobOutcome outcome, JobPhase phase, JobTotals totals)
{
    auto or_null = [](const char* text) {
        return *text ? std::optional<std::string>(text) : std::optional<std::string>();
    };
    const ErrorRecord& error = outcome.error;
    const std::string sql = call("pgclone_ledger_finish", {"int8", "text", "text", "text", "text", "text", "text", "int8", "int8",
                                  "int4", "bool"});
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
