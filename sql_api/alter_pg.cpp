// pgclone_alter: the ledger has the new values at once, as part of the caller's transaction; the
// job's slot gets them, and its workers notice, when that commits.
#include "sql_api/alter_request.hpp"

#include "shared/boundary_pg.hpp"
#include "shared/shared_memory_pg.hpp"
#include "sql_api/control_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"
#include "sql_api/submit_pg.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(pgclone_alter);
}

namespace pgclone {

namespace {

// In TopMemoryContext: the abort callbacks of a transaction run after its memory may be gone.
struct PendingAlter {
    PendingAlter* next;
    SubTransactionId subtransaction;
    int64 job_id;
    JobAlteration alteration;
};

// In the order of the calls.
PendingAlter* first_alter = nullptr;
PendingAlter** last_link = &first_alter;
bool callbacks_installed = false;

void free_all_alters()
{
    while (first_alter) {
        PendingAlter* const next = first_alter->next;
        pfree(first_alter);
        first_alter = next;
    }
    last_link = &first_alter;
}

// At commit: must not fail.
void apply_alters()
{
    lock_exclusive();
    for (const PendingAlter* alter = first_alter; alter; alter = alter->next) {
        const int index = find_job(MyDatabaseId, alter->job_id);
        if (index < 0)
            continue;
        JobSlot& job = job_slot(index);
        if (alter->alteration.parallel != 0)
            job.parallel = alter->alteration.parallel;
        if (alter->alteration.rate_limit != 0)
            job.rate_limit = alter->alteration.rate_limit;
        signal_workers_of_job(index);
    }
    unlock();
}

void on_transaction_event(XactEvent event, void*)
{
    if (!first_alter)
        return;
    switch (event) {
    case XACT_EVENT_COMMIT:
        apply_alters();
        free_all_alters();
        break;
    case XACT_EVENT_ABORT:
        free_all_alters();
        break;
    case XACT_EVENT_PRE_PREPARE:
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot PREPARE a transaction that has altered a pgclone job")));
        break;
    default:
        break;
    }
}

void on_subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
                             void*)
{
    if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
        return;
    PendingAlter** link = &first_alter;
    while (*link) {
        PendingAlter* const alter = *link;
        if (alter->subtransaction == mine && event == SUBXACT_EVENT_ABORT_SUB) {
            *link = alter->next;
            pfree(alter);
            continue;
        }
        if (alter->subtransaction == mine)
            alter->subtransaction = parent;
        link = &alter->next;
    }
    last_link = link;
}

void alter_at_commit(int64 job_id, const JobAlteration& alteration)
{
    if (!callbacks_installed) {
        RegisterXactCallback(on_transaction_event, nullptr);
        RegisterSubXactCallback(on_subtransaction_event, nullptr);
        callbacks_installed = true;
    }
    auto* alter =
        static_cast<PendingAlter*>(MemoryContextAlloc(TopMemoryContext, sizeof(PendingAlter)));
    *alter = {nullptr, GetCurrentSubTransactionId(), job_id, alteration};
    *last_link = alter;
    last_link = &alter->next;
}

void alter_in_ledger(int64 job_id, const JobAlteration& alteration)
{
    static const Oid types[] = {INT8OID, INT4OID, INT8OID};
    const Datum values[] = {Int64GetDatum(job_id), Int32GetDatum(alteration.parallel),
                            Int64GetDatum(alteration.rate_limit)};
    const bool nulls[] = {false, alteration.parallel == 0, alteration.rate_limit == 0};
    SPI_connect();
    call_ledger("pgclone_ledger_alter", {lengthof(types), types, values, nulls}, false);
    SPI_finish();
}

} // namespace

} // namespace pgclone

using namespace pgclone;

Datum pgclone_alter(PG_FUNCTION_ARGS)
{
    require_shared_state();
    PreventCommandIfReadOnly("pgclone_alter()");
    if (PG_ARGISNULL(0))
        raise_null_argument("job_id");
    const int64 job_id = PG_GETARG_INT64(0);
    const bool has_parallel = !PG_ARGISNULL(1);
    const int32 parallel = has_parallel ? PG_GETARG_INT32(1) : 0;
    const char* rate_limit = text_argument(fcinfo, 2);
    JobAlteration alteration;
    call_cpp([&] { read_alteration(has_parallel ? &parallel : nullptr, rate_limit, alteration); });
    reject_own_pending(job_id, "alter");
    if (!is_job_alterable(job_id))
        PG_RETURN_BOOL(false);
    alter_in_ledger(job_id, alteration);
    alter_at_commit(job_id, alteration);
    PG_RETURN_BOOL(true);
}
