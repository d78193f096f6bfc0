// pgclone_submit, and pgclone_submit_plan, which pgclone_plan calls in a session of its own.
#include "sql_api/submit_request.hpp"

#include "shared/boundary_pg.hpp"
#include "shared/shared_memory_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"
#include "sql_api/submit_pg.hpp"
#include "sql_api/submit_queue_pg.hpp"
#include "sql_api/where_syntax_pg.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h" // get_database_oid, from 19 on
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "foreign/foreign.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(pgclone_submit);
PG_FUNCTION_INFO_V1(pgclone_submit_plan);
}

namespace pgclone {

namespace {

constexpr size_t max_options_bytes = 256 * 1024;
constexpr size_t max_source_bytes = 8 * 1024; // as written; the slot has room for less

// The workers log in as the submitting role.
void check_role_can_log_in(Oid role)
{
    HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("role with OID %u does not exist", role)));
    const bool can_log_in = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolcanlogin;
    ReleaseSysCache(tuple);
    if (!can_log_in)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("role \"%s\" cannot submit a job because it cannot log in",
                        GetUserNameFromId(role, false)),
                 errdetail("The workers of a job log in to this server as the submitting role."),
                 errhint("Use ALTER ROLE ... LOGIN, or submit as a role that can log in.")));
}

// True if `source` is the name of a foreign server, which the role may use and has a user mapping
// for. What the server's options say is looked at when the job starts.
bool is_usable_server(const char* source, Oid role)
{
    if (strlen(source) >= NAMEDATALEN)
        return false;
    const ForeignServer* server = GetForeignServerByName(source, true);
    if (!server)
        return false;
#if PG_VERSION_NUM >= 160000
    const AclResult allowed =
        object_aclcheck(ForeignServerRelationId, server->serverid, role, ACL_USAGE);
#else
    const AclResult allowed = pg_foreign_server_aclcheck(server->serverid, role, ACL_USAGE);
#endif
    if (allowed != ACLCHECK_OK)
        aclcheck_error(allowed, OBJECT_FOREIGN_SERVER, server->servername);
    if (!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(role),
                               ObjectIdGetDatum(server->serverid)) &&
        !SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
                               ObjectIdGetDatum(server->serverid)))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("argument \"source\": role \"%s\" has no user mapping for server "
                               "\"%s\"",
                               GetUserNameFromId(role, false), server->servername),
                        errhint("Use CREATE USER MAPPING.")));
    return true;
}

// The extension is to be created in it, for the ledger of its tasks.
void check_new_database(const char* name, Oid role)
{
    if (!superuser_arg(role))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to clone into a new database"),
                        errdetail("Only superusers can create the extension in it."),
                        errhint("Create the database and the extension, and clone into it.")));
    if (OidIsValid(get_database_oid(name, true)))
        ereport(ERROR, (errcode(ERRCODE_DUPLICATE_DATABASE),
                        errmsg("database \"%s\" already exists", name)));
}

[[noreturn]] void raise_no_such_source(const char* source)
{
    // Half a connection string must not be repeated: it may hold a password.
    const bool harmless = !strpbrk(source, "=@:/") && strlen(source) < NAMEDATALEN;
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_OBJECT),
             harmless ? errmsg("argument \"source\": foreign server \"%s\" does not exist", source)
                      : errmsg("argument \"source\" is neither a connection string nor the name "
                               "of a foreign server"),
             errhint("Give the name of a foreign server, a connection string like 'host=... "
                     "dbname=... user=...', or a URI like 'postgresql://...'.")));
    pg_unreachable();
}

struct LedgerEntry {
    int64 job_id;
    bool is_new;
};

// Writes the job's row.
LedgerEntry enqueue(const SubmitRequest& request, const SubmitArguments& arguments, bool is_server,
                    Oid role, const char* role_name)
{
    static const Oid types[] = {OIDOID,  NAMEOID, TEXTOID, TEXTOID,  TEXTOID, TEXTOID,
                                TEXTOID, TEXTOID, TEXTOID, JSONBOID, TEXTOID, BOOLOID,
                                BOOLOID};
    // A plan is never the job that another submit waits for.
    const bool has_key = request.has_unique_key && !arguments.dry_run;
    const char* target_name =
        request.target_database[0] ? request.target_database : request.target_name;
    const bool nulls[] = {false,
                          false,
                          false,
                          false,
                          false,
                          !request.schema_name[0],
                          !request.table_name[0],
                          !request.target_schema[0],
                          !target_name[0],
                          false,
                          !has_key,
                          false,
                          false};
    NameData role_as_name;
    namestrcpy(&role_as_name, role_name);

    SPI_connect();
    const Datum values[] = {
        ObjectIdGetDatum(role),
        NameGetDatum(&role_as_name),
        CStringGetTextDatum(is_server ? arguments.source : request.redacted),
        CStringGetTextDatum(is_server ? "server" : "conninfo"),
        CStringGetTextDatum(to_text(request.scope).data()),
        CStringGetTextDatum(request.schema_name),
        CStringGetTextDatum(request.table_name),
        CStringGetTextDatum(request.target_schema),
        CStringGetTextDatum(target_name),
        DirectFunctionCall1(jsonb_in, CStringGetDatum(arguments.options)),
        has_key ? CStringGetTextDatum(request.unique_key) : Datum(0),
        BoolGetDatum(arguments.dry_run),
        BoolGetDatum(!is_server && request.has_secret),
    };
    if (call_ledger("pgclone_ledger_enqueue", {lengthof(types), types, values, nulls}, false) != 1)
        elog(ERROR, "the ledger did not accept the job");
    const LedgerEntry entry = {DatumGetInt64(ledger_value(0, 1, nullptr)),
                               DatumGetBool(ledger_value(0, 2, nullptr))};
    SPI_finish();
    return entry;
}

// Puts the job onto the transaction's list. Everything that can raise comes first.
void queue_job(int64 job_id, const SubmitRequest& request, const SubmitArguments& arguments,
               bool is_server, Oid role, const char* role_name)
{
    ExtensionIdentity extension;
    find_extension(extension);
    char* database_name = get_database_name(MyDatabaseId);
    if (!database_name)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_DATABASE),
                        errmsg("database with OID %u does not exist", MyDatabaseId)));

    JobSlot* job = prepare_submit();
    job->job_id = job_id;
    job->status = JobStatus::pending;
    job->phase = JobPhase::queued;
    job->scope = request.scope;
    job->source_is_server = is_server;
    job->source_resolved = !is_server;
    job->consistent = true;
    job->creates_database = request.target_database[0] && !arguments.dry_run;
    job->database = MyDatabaseId;
    job->role = role;
    job->wanted_table_workers = arguments.dry_run ? 0 : 1;
    job->drain = arguments.dry_run; // the table worker that a job starts with has nothing to do
    job->submitted_at = GetCurrentTimestamp();
    job->rows_total = -1;
    job->bytes_total = -1;
    strlcpy(job->role_name, role_name, sizeof(job->role_name));
    strlcpy(job->database_name, database_name, sizeof(job->database_name));
    strlcpy(job->extension_schema, extension.schema, sizeof(job->extension_schema));
    strlcpy(job->schema_name, request.schema_name, sizeof(job->schema_name));
    strlcpy(job->table_name, request.table_name, sizeof(job->table_name));
    if (is_server)
        strlcpy(job->server_name, arguments.source, sizeof(job->server_name));
    else
        strlcpy(job->conninfo, request.conninfo, sizeof(job->conninfo));
    queue_submit(job);
}

void check_argument_length(const char* value, const char* name, size_t limit)
{
    if (strlen(value) > limit)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("argument \"%s\" is too long", name),
                        errdetail("The limit is %zu bytes.", limit)));
}

} // namespace

char* text_argument(FunctionCallInfo fcinfo, int number)
{
    return PG_ARGISNULL(number) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

char* json_argument(FunctionCallInfo fcinfo, int number)
{
    if (PG_ARGISNULL(number))
        return nullptr;
    Jsonb* json = PG_GETARG_JSONB_P(number);
    return JsonbToCString(nullptr, &json->root, VARSIZE(json));
}

void check_text_argument(const char* value, const char* name)
{
    if (!value)
        raise_null_argument(name);
    if (strspn(value, " \t\r\n\f\v") == strlen(value))
        raise_empty_argument(name);
}

void check_can_submit(const char* function)
{
    require_shared_state();
    if (RecoveryInProgress())
        ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                        errmsg("cannot submit a job while recovery is in progress"),
                        errhint("Submit it on the primary server.")));
    PreventCommandIfReadOnly(function);
    if (IsParallelWorker() || IsInParallelMode())
        ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                        errmsg("cannot submit a job during a parallel operation")));
    // Code that a superuser's ANALYZE or REFRESH runs for a table's owner.
    if (InSecurityRestrictedOperation())
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("cannot submit a job within security-restricted operation")));
}

int64 submit_job(const SubmitArguments& arguments)
{
    check_text_argument(arguments.source, "source");
    check_text_argument(arguments.scope, "scope");
    if (arguments.object)
        check_text_argument(arguments.object, "object");
    if (!arguments.options)
        raise_null_argument("options");
    check_argument_length(arguments.source, "source", max_source_bytes);
    check_argument_length(arguments.options, "options", max_options_bytes);

    auto* request = static_cast<SubmitRequest*>(palloc0(sizeof(SubmitRequest)));
    call_cpp([&] {
        read_scope(arguments.scope, *request);
        read_object(arguments.object, *request);
        read_options(arguments.options, *request);
    });
    if (request->has_where)
        check_where_syntax(request->where);

    const Oid role = GetUserId();
    check_role_can_log_in(role);
    if (request->target_database[0])
        check_new_database(request->target_database, role);
    const char* role_name = GetUserNameFromId(role, false);
    const bool is_server = is_usable_server(arguments.source, role);
    if (!is_server) {
        if (!looks_like_conninfo(arguments.source))
            raise_no_such_source(arguments.source);
        const bool unprivileged = !superuser_arg(role);
        call_cpp([&] { read_conninfo(arguments.source, unprivileged, *request); });
    }

    const LedgerEntry entry = enqueue(*request, arguments, is_server, role, role_name);
    if (entry.is_new)
        queue_job(entry.job_id, *request, arguments, is_server, role, role_name);
    explicit_bzero(request, sizeof(*request));
    pfree(request);
    explicit_bzero(arguments.source, strlen(arguments.source));
    return entry.job_id;
}

} // namespace pgclone

using namespace pgclone;

namespace {

int64 submit_arguments(FunctionCallInfo fcinfo, const char* function, bool dry_run)
{
    ContextFreeSection section;
    section.begin();
    check_can_submit(function);
    const SubmitArguments arguments = {text_argument(fcinfo, 0), text_argument(fcinfo, 1),
                                       text_argument(fcinfo, 2), json_argument(fcinfo, 3), dry_run};
    const int64 job_id = submit_job(arguments);
    section.end();
    return job_id;
}

} // namespace

Datum pgclone_submit(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_submit(<redacted>)");
    PG_RETURN_INT64(submit_arguments(fcinfo, "pgclone_submit()", false));
}

Datum pgclone_submit_plan(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_submit_plan(<redacted>)");
    PG_RETURN_INT64(submit_arguments(fcinfo, "pgclone_submit_plan()", true));
}
