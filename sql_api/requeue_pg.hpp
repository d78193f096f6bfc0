// Jobs that the ledger knows and no slot stands for: back to the queue.
#pragma once

#include "shared/shared_memory_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"

namespace pgclone {

// What the slot of such a job needs. Texts are palloc'd.
struct RequeuedJob {
    int64 job_id;
    Oid submitter;
    JobScope scope;
    bool source_is_server;
    bool creates_database;
    int32 parallel; // as pgclone_alter has left them; 0 = it has not
    int64 rate_limit;
    const char* schema_name;
    const char* table_name;
    const char* source;
    const char* ending; // null = it is to run; else what it will be when all is undone
    const char* role_name; // null = the role is gone
    const char* database_name;
    ExtensionIdentity extension;
};

// From a row that pgclone_ledger_interrupted or pgclone_ledger_resume has returned: their columns
// from `submitter` to `ending` are the same. Needs SPI.
void read_requeued_job(uint64 row, int64 job_id, RequeuedJob& job);

// Fills a cleared slot. Raises nothing.
void fill_job_slot(const RequeuedJob& job, JobSlot& slot);

} // namespace pgclone
