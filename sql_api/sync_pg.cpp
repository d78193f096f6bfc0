// The forms that wait: pgclone_table, pgclone_schema, ...
#include "shared/boundary_pg.hpp"
#include "sql_api/clone_forms_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"
#include "sql_api/loopback_session_pg.hpp"
#include "sql_api/sync_pg.hpp"

extern "C" {
#include "storage/ipc.h"

PG_FUNCTION_INFO_V1(pgclone_table);
PG_FUNCTION_INFO_V1(pgclone_schema);
PG_FUNCTION_INFO_V1(pgclone_functions);
PG_FUNCTION_INFO_V1(pgclone_database);
PG_FUNCTION_INFO_V1(pgclone_database_create);
}

namespace pgclone {

namespace {

constexpr int64 cancelled_job_patience = 5'000'000; // us until a cancelled job is left to itself
constexpr int commit_patience = 100;                // x 10 ms, see cancel_on_exit()

// What is to be undone when the call is interrupted. Read by clean-up code, so in memory that
// outlives the jump: a struct of the caller, passed by address.
struct SyncCall {
    LoopbackSession session;
    int64 job_id;     // 0 = not submitted
    bool commit_sent; // the job is, or is about to be, on the queue
    bool job_is_ours; // else it is an older one with the same unique_key, and stays
};

// Runs on an ERROR, and on the way out when the backend is terminated. Must not raise.
void cancel_on_exit(int, Datum argument)
{
    auto* call = reinterpret_cast<SyncCall*>(DatumGetPointer(argument));
    if (!call->commit_sent || !call->job_is_ours) {
        close_loopback_session(call->session);
        return;
    }
    // While the commit is under way, the job's slot may appear any moment.
    const bool commit_pending = call->session.connection && !call->session.answered;
    for (int i = 0; !request_cancel(call->job_id) && commit_pending && i < commit_patience; i++)
        pg_usleep(10000);
    close_loopback_session(call->session);
}

// Submits in a transaction of the other session. It is committed in a step of its own, so that
// the job's id is known before there is a job.
void submit_through_loopback(SyncCall& call, const SubmitArguments& arguments)
{
    ExtensionIdentity extension;
    find_extension(extension);
    open_loopback_session(call.session);

    const char* submit = psprintf("SELECT %s.%s($1::pg_catalog.text, $2::pg_catalog.text, "
                                  "$3::pg_catalog.text, $4::pg_catalog.jsonb)",
                                  quote_identifier(extension.schema),
                                  arguments.dry_run ? "pgclone_submit_plan" : "pgclone_submit");
    const char* const values[] = {arguments.source, arguments.scope, arguments.object,
                                  arguments.options};
    run_on_loopback(call.session, "BEGIN", 0, nullptr);
    const char* job_id = run_on_loopback(call.session, submit, lengthof(values), values);
    if (!job_id)
        elog(ERROR, "the submit returned no job id");
    call.job_id = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(job_id)));
    // What the other session has not committed cannot be seen; an older job with the same
    // unique_key can.
    LedgerOutcome outcome;
    call.job_is_ours = !read_outcome(call.job_id, outcome);
    call.commit_sent = true;
    run_on_loopback(call.session, "COMMIT", 0, nullptr);
    close_loopback_session(call.session);
}

void wait_for_own_job(SyncCall& call)
{
    SelfWait self_wait;
    char status[name_bytes];
    if (wait_for_job(call.job_id, 0, self_wait, status) != WaitResult::self_wait)
        return;
    const bool cancelled = call.job_is_ours && request_cancel(call.job_id);
    if (cancelled) {
        SelfWait ignored;
        wait_for_job(call.job_id, GetCurrentTimestamp() + cancelled_job_patience, ignored, status);
    }
    raise_self_wait(call.job_id, self_wait, cancelled);
}

void name_job_in_context(void* argument)
{
    errcontext("pgclone job " INT64_FORMAT, *static_cast<int64*>(argument));
}

} // namespace

int64 submit_and_wait(const SubmitArguments& arguments)
{
    SyncCall call = {};
    PG_ENSURE_ERROR_CLEANUP(cancel_on_exit, PointerGetDatum(&call));
    {
        submit_through_loopback(call, arguments);
        if (arguments.source) // NULL has been refused by now
            explicit_bzero(arguments.source, strlen(arguments.source));
        wait_for_own_job(call);
    }
    PG_END_ENSURE_ERROR_CLEANUP(cancel_on_exit, PointerGetDatum(&call));
    return call.job_id;
}

void raise_unless_completed(int64 job_id, LedgerOutcome& outcome)
{
    if (strcmp(outcome.status, "completed") == 0)
        return;
    // unique_key may have led to somebody else's job, whose error is theirs to see.
    if (!may_see(GetUserId(), outcome.submitter))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("job " INT64_FORMAT " of another role ended as %s", job_id,
                               outcome.status)));
    ErrorContextCallback callback = {error_context_stack, name_job_in_context, &job_id};
    error_context_stack = &callback;
    if (strcmp(outcome.status, "cancelled") == 0)
        ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
                        errmsg("job " INT64_FORMAT " was cancelled", job_id)));
    if (!outcome.error.message[0])
        fill_record(outcome.error, outcome.error.sqlstate, "the clone failed");
    raise_error(outcome.error);
}

namespace {

Datum clone_and_wait(FunctionCallInfo fcinfo, CloneForm form, const char* function)
{
    ContextFreeSection section;
    section.begin();
    check_can_submit(function);
    const int64 job_id = submit_and_wait(read_form_arguments(fcinfo, form));
    LedgerOutcome outcome;
    if (!read_outcome(job_id, outcome))
        raise_no_such_job(job_id);
    raise_unless_completed(job_id, outcome);
    section.end();
    PG_RETURN_TEXT_P(cstring_to_text("completed"));
}

} // namespace

} // namespace pgclone

using namespace pgclone;

Datum pgclone_table(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_table(<redacted>)");
    return clone_and_wait(fcinfo, CloneForm::table, "pgclone_table()");
}

Datum pgclone_schema(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_schema(<redacted>)");
    return clone_and_wait(fcinfo, CloneForm::schema, "pgclone_schema()");
}

Datum pgclone_functions(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_functions(<redacted>)");
    return clone_and_wait(fcinfo, CloneForm::functions, "pgclone_functions()");
}

Datum pgclone_database(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_database(<redacted>)");
    return clone_and_wait(fcinfo, CloneForm::database, "pgclone_database()");
}

Datum pgclone_database_create(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_database_create(<redacted>)");
    return clone_and_wait(fcinfo, CloneForm::database_create, "pgclone_database_create()");
}
