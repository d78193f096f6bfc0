// pgclone_resume, and what pgclone_cancel does with a job that no slot stands for: one that is held,
// or that waits in the ledger for room in the queue. Both put it on the queue when they commit.
#include "sql_api/submit_request.hpp"

#include <sys/stat.h>

#include "shared/boundary_pg.hpp"
#include "shared/pg_compat_pg.hpp"
#include "sql_api/control_pg.hpp"
#include "sql_api/requeue_pg.hpp"
#include "sql_api/submit_pg.hpp"
#include "sql_api/submit_queue_pg.hpp"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "tcop/utility.h"
#include "utils/acl.h"

PG_FUNCTION_INFO_V1(pgclone_resume);
PG_FUNCTION_INFO_V1(pgclone_incarnation);
}

namespace pgclone {

namespace {

// Column of pgclone_ledger_resume's row that the other function does not have.
constexpr int column_needs_source = 12;

uint64 resume_in_ledger(int64 job_id, bool new_source, bool cancels)
{
    static const Oid types[] = {INT8OID, BOOLOID, BOOLOID};
    const Datum values[] = {Int64GetDatum(job_id), BoolGetDatum(new_source),
                            BoolGetDatum(cancels)};
    return call_ledger("pgclone_ledger_resume", {lengthof(types), types, values, nullptr}, false);
}

void check_role_exists(const RequeuedJob& job)
{
    if (!job.role_name)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("role with OID %u, which submitted job " INT64_FORMAT
                               ", does not exist any more",
                               job.submitter, job.job_id)));
}

// The job runs with the submitter's rights, and with what only the submitter knows.
void check_may_resume(int64 job_id, Oid submitter)
{
    if (!has_privs_of_role(GetUserId(), submitter))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to resume job " INT64_FORMAT, job_id),
                        errdetail("Only members of the submitting role may resume a job.")));
}

[[noreturn]] void raise_not_held(int64 job_id, const char* status)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("job " INT64_FORMAT " is not held", job_id),
                    errdetail("Its status is \"%s\".", status)));
    pg_unreachable();
}

void queue_again(const RequeuedJob& job, const SubmitRequest* request)
{
    JobSlot* slot = prepare_submit();
    fill_job_slot(job, *slot);
    if (request)
        strlcpy(slot->conninfo, request->conninfo, sizeof(slot->conninfo));
    queue_submit(slot);
}

// `source` as given; null if it was not. Judged by the rules for the submitter.
SubmitRequest* read_source(char* source, const RequeuedJob& job)
{
    if (job.source_is_server)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("argument \"source\" cannot be given for job " INT64_FORMAT,
                               job.job_id),
                        errdetail("Its source is the foreign server \"%s\".", job.source),
                        errhint("Change the server's options or the user mapping.")));
    if (!looks_like_conninfo(source))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("argument \"source\" is not a connection string")));
    auto* request = static_cast<SubmitRequest*>(palloc0(sizeof(SubmitRequest)));
    const bool unprivileged = !superuser_arg(job.submitter);
    call_cpp([&] { read_conninfo(source, unprivileged, *request); });
    return request;
}

void resume_job(int64 job_id, char* source)
{
    LedgerOutcome outcome;
    if (!read_outcome(job_id, outcome))
        raise_no_such_job(job_id);
    check_may_resume(job_id, outcome.submitter);
    SPI_connect();
    if (resume_in_ledger(job_id, source != nullptr, false) != 1)
        raise_no_such_job(job_id);
    const char* status = ledger_text(0, 1);
    if (strcmp(status, "held") != 0)
        raise_not_held(job_id, status);
    if (!source && DatumGetBool(ledger_value(0, column_needs_source, nullptr)))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("job " INT64_FORMAT " needs credentials", job_id),
                        errdetail("A password in the connection string is never stored."),
                        errhint("Give the whole connection string as argument \"source\".")));
    RequeuedJob job;
    read_requeued_job(0, job_id, job);
    check_role_exists(job);
    SubmitRequest* request = source ? read_source(source, job) : nullptr;
    queue_again(job, request);
    if (request)
        explicit_bzero(request, sizeof(*request));
    SPI_finish();
}

} // namespace

bool cancel_unqueued(int64 job_id)
{
    PreventCommandIfReadOnly("pgclone_cancel()");
    SPI_connect();
    if (resume_in_ledger(job_id, false, true) != 1)
        raise_no_such_job(job_id);
    JobStatus status = JobStatus::pending;
    parse_status(ledger_text(0, 1), status);
    // Nothing had been made, and it is final already, or somebody else's doing was faster.
    const bool is_cancelled = status == JobStatus::cancelled;
    if (!is_final(status)) {
        RequeuedJob job;
        read_requeued_job(0, job_id, job);
        check_role_exists(job);
        queue_again(job, nullptr);
    }
    SPI_finish();
    return is_cancelled || !is_final(status);
}

} // namespace pgclone

using namespace pgclone;

Datum pgclone_resume(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_resume(<redacted>)");
    check_can_submit("pgclone_resume()");
    if (PG_ARGISNULL(0))
        raise_null_argument("job_id");
    const int64 job_id = PG_GETARG_INT64(0);
    char* source = text_argument(fcinfo, 1);
    if (source)
        check_text_argument(source, "source");
    reject_own_pending(job_id, "resume");
    ContextFreeSection section;
    section.begin();
    resume_job(job_id, source);
    section.end();
    if (source)
        explicit_bzero(source, strlen(source));
    PG_RETURN_INT64(job_id);
}

// A copy of the server has another data directory, a standby that was promoted another timeline.
Datum pgclone_incarnation(PG_FUNCTION_ARGS)
{
    struct stat directory;
    if (stat(DataDir, &directory) != 0)
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("could not stat directory \"%s\": %m", DataDir)));
    PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT "/%u/%lu", GetSystemIdentifier(),
                                              current_timeline(),
                                              static_cast<unsigned long>(directory.st_ino))));
}
