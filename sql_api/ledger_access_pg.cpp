#include "shared/shared_memory_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_extension.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(pgclone_ledger_authorize);
PG_FUNCTION_INFO_V1(pgclone_may_signal);
PG_FUNCTION_INFO_V1(pgclone_may_see);
}

namespace pgclone {

namespace {

// Whether the job's workers have a ledger in the database of this session.
bool has_ledger_here(const JobSlot& job)
{
    return job.database == MyDatabaseId ||
           (OidIsValid(job.work_database) && job.work_database == MyDatabaseId);
}

// True if this session is a loopback session of a live worker of the job, logged in as the
// submitter, or if this process is a ledger worker.
bool is_worker_session(bool job_is_given, int64 job_id)
{
    const Oid session_user = GetSessionUserId();
    bool authorized = false;
    lock_shared();
    for (int i = 0; i < shared_state->max_workers && !authorized; i++) {
        const WorkerSlot& worker = worker_slot(i);
        if (worker.state != WorkerState::attached)
            continue;
        if (worker.kind == WorkerKind::ledger) {
            authorized = worker.pid == MyProcPid;
        } else if (job_is_given && worker.job_slot >= 0 &&
                   (worker.target_pid == MyProcPid || worker.work_pid == MyProcPid)) {
            const JobSlot& job = job_slot(worker.job_slot);
            authorized = job.generation == worker.job_generation &&
                         job.state != JobSlotState::free && has_ledger_here(job) &&
                         job.job_id == job_id && job.role == session_user;
        }
    }
    unlock();
    return authorized;
}

void check_version(const char* version)
{
    if (strcmp(version, library_version) != 0)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("extension \"pgclone\" of this database has version %s, but the loaded "
                        "library has version %s",
                        version, library_version),
                 errhint("Use ALTER EXTENSION pgclone UPDATE, or restart the server if a new "
                         "library was installed.")));
}

} // namespace

void find_extension(ExtensionIdentity& extension)
{
    Relation relation = table_open(ExtensionRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
                CStringGetDatum("pgclone"));
    SysScanDesc scan = systable_beginscan(relation, ExtensionNameIndexId, true, nullptr, 1, &key);
    HeapTuple tuple = systable_getnext(scan);
    Oid schema = InvalidOid;
    const char* version = library_version;
    extension.owner = InvalidOid;
    if (HeapTupleIsValid(tuple)) {
        const auto* form = reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple));
        extension.owner = form->extowner;
        schema = form->extnamespace;
        bool is_null;
        const Datum value = heap_getattr(tuple, Anum_pg_extension_extversion,
                                        RelationGetDescr(relation), &is_null);
        if (!is_null)
            version = TextDatumGetCString(value);
    }
    systable_endscan(scan);
    table_close(relation, AccessShareLock);

    const char* schema_name = OidIsValid(schema) ? get_namespace_name(schema) : nullptr;
    if (!schema_name)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("extension \"pgclone\" is not installed in this database")));
    check_version(version);
    strlcpy(extension.schema, schema_name, sizeof(extension.schema));
}

uint64 call_ledger(const char* function, const LedgerArguments& arguments, bool read_only)
{
    ExtensionIdentity extension;
    find_extension(extension);

    StringInfoData query;
    initStringInfo(&query);
    appendStringInfo(&query, "SELECT * FROM %s.%s(", quote_identifier(extension.schema), function);
    char nulls[FUNC_MAX_ARGS] = {};
    for (int i = 0; i < arguments.count; i++) {
        appendStringInfo(&query, "%s$%d", i > 0 ? ", " : "", i + 1);
        nulls[i] = arguments.nulls && arguments.nulls[i] ? 'n' : ' ';
    }
    appendStringInfoChar(&query, ')');

    Oid user;
    int context;
    GetUserIdAndSecContext(&user, &context);
    // If an error comes, the abort of the (sub)transaction restores both.
    SetUserIdAndSecContext(extension.owner,
                           context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
    const int result =
        SPI_execute_with_args(query.data, arguments.count, const_cast<Oid*>(arguments.types),
                              const_cast<Datum*>(arguments.values), nulls, read_only, 0);
    SetUserIdAndSecContext(user, context);
    if (result != SPI_OK_SELECT)
        elog(ERROR, "%s failed: %s", function, SPI_result_code_string(result));
    return SPI_processed;
}

uint64 read_ledger_now(const char* function, const LedgerArguments& arguments)
{
    PushActiveSnapshot(GetLatestSnapshot());
    const uint64 rows = call_ledger(function, arguments, true);
    PopActiveSnapshot();
    return rows;
}

Datum ledger_value(uint64 row, int column, bool* is_null)
{
    bool ignored;
    return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
                         is_null ? is_null : &ignored);
}

char* ledger_text(uint64 row, int column)
{
    return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

bool may_signal(Oid viewer, Oid submitter)
{
    if (superuser_arg(viewer))
        return true;
    if (superuser_arg(submitter))
        return false;
    return has_privs_of_role(viewer, submitter) ||
           has_privs_of_role(viewer, ROLE_PG_SIGNAL_BACKEND);
}

bool may_see(Oid viewer, Oid submitter)
{
    return has_privs_of_role(viewer, submitter) ||
           has_privs_of_role(viewer, ROLE_PG_READ_ALL_STATS);
}

void redact_activity(const char* replacement)
{
    debug_query_string = replacement;
    pgstat_report_activity(STATE_RUNNING, replacement);
}

void raise_null_argument(const char* argument)
{
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("argument \"%s\" must not be null", argument)));
    pg_unreachable();
}

void raise_empty_argument(const char* argument)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("argument \"%s\" must not be empty", argument)));
    pg_unreachable();
}

void raise_no_such_job(int64 job_id)
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("job " INT64_FORMAT " does not exist", job_id)));
    pg_unreachable();
}

} // namespace pgclone

using namespace pgclone;

Datum pgclone_ledger_authorize(PG_FUNCTION_ARGS)
{
    require_shared_state();
    if (!is_worker_session(!PG_ARGISNULL(0), PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0)))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied for the ledger of pgclone"),
                        errdetail("Only a worker of the job may write there.")));
    ExtensionIdentity extension;
    find_extension(extension);
    PG_RETURN_VOID();
}

Datum pgclone_may_signal(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(may_signal(PG_GETARG_OID(0), PG_GETARG_OID(1)));
}

Datum pgclone_may_see(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(may_see(PG_GETARG_OID(0), PG_GETARG_OID(1)));
}
