#include "worker/source_snapshot.hpp"

#include <optional>

#include "worker/catalog_sql.hpp"
#include "worker/retry_policy.hpp"
#include "worker/retry_wait.hpp"
#include "worker/sessions.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

void SourceSnapshot::describe(std::int64_t job_id, bool unprivileged, int retries)
{
    job_id_ = job_id;
    unprivileged_ = unprivileged;
    retries_ = retries;
}

Async<void> SourceSnapshot::open(int epoch)
{
    for (int failures = 0;; failures++) {
        std::optional<PgError> failure;
        try {
            co_await open_once();
        } catch (const PgError& error) {
            loop_.check_interrupts(); // a cancel is no failure of the source
            if (failures >= retries_ || !is_transient(error.sqlstate()))
                throw;
            failure = error;
        }
        if (!failure)
            break;
        session_.close();
        const std::string what("source");
        const std::string code = failure->sqlstate();
        co_await wait_for_retry(loop_, what, failures + 1, retries_, code);
    }
    epoch_ = epoch;
}

Async<void> SourceSnapshot::open_once()
{
    const std::string application_name = "pgclone job " + std::to_string(job_id_);
    co_await open_source(session_, unprivileged_, application_name);
    const int pid = session_.backend_pid();
    server::update_self([pid](WorkerSlot& worker) noexcept { worker.source_pid = pid; });
    co_await read_identity();
    co_await session_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const std::string export_query("SELECT pg_catalog.pg_export_snapshot() AS id");
    const ResultSet row = co_await session_.query(export_query);
    const std::string id = row.text(0, "id");
    server::update_job([&id](JobSlot& job) noexcept { copy_text(job.snapshot_id, id); });
}

Async<void> SourceSnapshot::read_identity()
{
    const std::string query(catalog_sql::source_identity);
    const ResultSet row = co_await session_.query(query);
    identity_.database_oid = row.text(0, "database_oid");
    identity_.lsn = row.text(0, "lsn");
    identity_.system_identifier.clear();
    if (!row.boolean(0, "may_read_control"))
        co_return;
    const std::string control("SELECT system_identifier FROM pg_catalog.pg_control_system()");
    const ResultSet control_row = co_await session_.query(control);
    identity_.system_identifier = control_row.text(0, "system_identifier");
}

bool SourceSnapshot::is_lost() noexcept
{
    if (!session_.is_open())
        return true;
    try {
        session_.consume_input();
        return false;
    } catch (const std::exception&) {
        return true;
    }
}

} // namespace pgclone
