#include "sql_api/requeue_pg.hpp"

extern "C" {
#include "commands/dbcommands.h"
#include "utils/lsyscache.h" // get_database_name, from 19 on
#include "utils/acl.h"
}

namespace pgclone {

namespace {

// Columns of the row, from 1.
enum Column {
    column_submitter = 2,
    column_schema_name,
    column_table_name,
    column_scope,
    column_parallel,
    column_rate_limit,
    column_source,
    column_source_kind,
    column_creates_database,
    column_ending,
};

const char* text_or_empty(uint64 row, int column)
{
    const char* text = ledger_text(row, column);
    return text ? text : "";
}

} // namespace

void read_requeued_job(uint64 row, int64 job_id, RequeuedJob& job)
{
    memset(&job, 0, sizeof(job));
    job.job_id = job_id;
    job.submitter = DatumGetObjectId(ledger_value(row, column_submitter, nullptr));
    parse_scope(text_or_empty(row, column_scope), job.scope);
    bool is_null;
    const Datum parallel = ledger_value(row, column_parallel, &is_null);
    job.parallel = is_null ? 0 : DatumGetInt32(parallel);
    const Datum rate_limit = ledger_value(row, column_rate_limit, &is_null);
    job.rate_limit = is_null ? 0 : DatumGetInt64(rate_limit);
    job.schema_name = text_or_empty(row, column_schema_name);
    job.table_name = text_or_empty(row, column_table_name);
    job.source = text_or_empty(row, column_source);
    job.source_is_server = strcmp(text_or_empty(row, column_source_kind), "server") == 0;
    job.creates_database = DatumGetBool(ledger_value(row, column_creates_database, nullptr));
    job.ending = ledger_text(row, column_ending);
    job.role_name = GetUserNameFromId(job.submitter, true);
    job.database_name = get_database_name(MyDatabaseId);
    find_extension(job.extension);
}

void fill_job_slot(const RequeuedJob& job, JobSlot& slot)
{
    slot.job_id = job.job_id;
    slot.status = JobStatus::pending;
    slot.phase = JobPhase::queued;
    slot.scope = job.scope;
    slot.source_is_server = job.source_is_server;
    slot.source_resolved = !job.source_is_server || job.ending;
    slot.consistent = true;
    slot.creates_database = job.creates_database;
    slot.database = MyDatabaseId;
    slot.role = job.submitter;
    slot.wanted_table_workers = 1;
    slot.parallel = job.parallel;
    slot.rate_limit = job.rate_limit;
    slot.submitted_at = GetCurrentTimestamp();
    slot.rows_total = -1;
    slot.bytes_total = -1;
    strlcpy(slot.role_name, job.role_name, sizeof(slot.role_name));
    strlcpy(slot.database_name, job.database_name, sizeof(slot.database_name));
    strlcpy(slot.extension_schema, job.extension.schema, sizeof(slot.extension_schema));
    strlcpy(slot.schema_name, job.schema_name, sizeof(slot.schema_name));
    strlcpy(slot.table_name, job.table_name, sizeof(slot.table_name));
    if (job.source_is_server)
        strlcpy(slot.server_name, job.source, sizeof(slot.server_name));
    else
        strlcpy(slot.conninfo, job.source, sizeof(slot.conninfo));
    if (!job.ending)
        return;
    slot.interrupted = true;
    if (strcmp(job.ending, "cancelled") == 0) {
        slot.outcome.status = JobStatus::cancelled;
        fill_record(slot.outcome.error, "57014", "job was cancelled");
    } else {
        slot.outcome.status = JobStatus::failed;
        fill_record(slot.outcome.error, "57P02", "job was interrupted by a restart of the server",
                    "", "Submit the job again.");
    }
}

} // namespace pgclone
