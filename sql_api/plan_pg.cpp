// pgclone_plan: a dry-run job that is waited for, whose planned tasks are returned and forgotten.
// All of it through sessions of its own: the rows are there whatever the caller's snapshot sees.
#include "shared/boundary_pg.hpp"
#include "sql_api/loopback_session_pg.hpp"
#include "sql_api/result_rows_pg.hpp"
#include "sql_api/sync_pg.hpp"

extern "C" {
#include "catalog/pg_type.h"

PG_FUNCTION_INFO_V1(pgclone_plan);
}

namespace pgclone {

namespace {

// The tasks as a JSON array; the job's row is gone after that. Null if there was none.
char* take_plan(int64 job_id)
{
    ExtensionIdentity extension;
    find_extension(extension);
    const char* query = psprintf("SELECT %s.pgclone_take_plan($1::pg_catalog.int8)",
                                 quote_identifier(extension.schema));
    const char* const values[] = {psprintf(INT64_FORMAT, job_id)};

    LoopbackSession session = {};
    char* volatile plan = nullptr;
    PG_TRY();
    {
        open_loopback_session(session);
        plan = run_on_loopback(session, query, lengthof(values), values);
    }
    PG_FINALLY();
    {
        close_loopback_session(session);
    }
    PG_END_TRY();
    return plan;
}

} // namespace

} // namespace pgclone

using namespace pgclone;

Datum pgclone_plan(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_plan(<redacted>)");
    ContextFreeSection section;
    section.begin();
    check_can_submit("pgclone_plan()");
    const SubmitArguments arguments = {text_argument(fcinfo, 0), text_argument(fcinfo, 1),
                                       text_argument(fcinfo, 2), json_argument(fcinfo, 3), true};
    const int64 job_id = submit_and_wait(arguments);
    LedgerOutcome outcome;
    if (!read_outcome(job_id, outcome))
        raise_no_such_job(job_id);
    char* plan = take_plan(job_id);
    raise_unless_completed(job_id, outcome);
    section.end();

    static const Oid types[] = {TEXTOID};
    const Datum values[] = {CStringGetTextDatum(plan ? plan : "[]")};
    return return_ledger_rows(fcinfo, "pgclone_plan_rows", {1, types, values, nullptr});
}
