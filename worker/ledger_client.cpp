#include "worker/ledger_client.hpp"

namespace pgclone {

LedgerClient::LedgerClient(PgSession& session, std::string extension_schema, std::int64_t job_id)
    : session_(session), schema_(std::move(extension_schema)), job_id_(std::to_string(job_id))
{
}

// SELECT * FROM schema.function($1::type, ...). The types are spelled out so that only the function
// of the extension matches exactly: an overload that somebody else put into the schema would run
// with the submitter's rights.
std::string LedgerClient::call(std::string_view function,
                               std::initializer_list<const char*> types) const
{
    std::string sql = "SELECT * FROM " + quote_identifier(schema_) + "." + std::string(function);
    int number = 0;
    for (const char* type : types) {
        number++;
        sql += (number > 1 ? ", $" : "($") + std::to_string(number) + "::pg_catalog." + type;
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

Async<void> LedgerClient::plan(std::vector<CloneTask> tasks, std::int64_t bytes_total,
                               int tables_total)
{
    const std::string sql = call("pgclone_ledger_plan", {"int8", "text", "int8", "int4"});
    PgSession::Parameters parameters{job_id_, to_json(tasks), std::to_string(bytes_total),
                                     std::to_string(tables_total)};
    co_await session_.query(sql, parameters);
}

Async<CloneTask> LedgerClient::task_start(int task_id, std::string worker)
{
    const std::string sql = call("pgclone_ledger_task_start", {"int8", "int4", "text"});
    PgSession::Parameters parameters{job_id_, std::to_string(task_id), worker};
    const ResultSet row = co_await session_.query(sql, parameters);
    CloneTask task = task_from_json(row.text(0, "spec"));
    co_return task;
}

Async<void> LedgerClient::task_lock(int task_id, std::string worker)
{
    const std::string sql = call("pgclone_ledger_task_lock", {"int8", "int4", "text"});
    PgSession::Parameters parameters{job_id_, std::to_string(task_id), worker};
    co_await session_.query(sql, parameters);
}

Async<void> LedgerClient::task_done(int task_id, std::string worker, CopyResult result)
{
    auto in_ms = [](microseconds time) {
        return std::to_string(std::chrono::duration_cast<milliseconds>(time).count());
    };
    const std::string sql = call("pgclone_ledger_task_done", {"int8", "int4", "text", "int8", "int8", "int8", "int8", "int8"});
    PgSession::Parameters parameters{job_id_,
                                     std::to_string(task_id),
                                     worker,
                                     std::to_string(result.rows_source),
                                     std::to_string(result.rows_target),
                                     std::to_string(result.bytes),
                                     in_ms(result.wait_source),
                                     in_ms(result.wait_target)};
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
