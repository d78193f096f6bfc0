// From the arguments of pgclone_table, pgclone_schema, ... to those of pgclone_submit; and the
// async forms, which only enqueue. The forms that wait are in sync_pg.cpp.
#include "sql_api/submit_request.hpp"

#include "shared/boundary_pg.hpp"
#include "sql_api/clone_forms_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(pgclone_table_async);
PG_FUNCTION_INFO_V1(pgclone_schema_async);
PG_FUNCTION_INFO_V1(pgclone_functions_async);
PG_FUNCTION_INFO_V1(pgclone_database_async);
PG_FUNCTION_INFO_V1(pgclone_database_create_async);
}

namespace pgclone {

namespace {

// Where in a form's list of arguments each one is; -1 = it has none.
struct FormSignature {
    const char* scope;
    int schema_name;
    int table_name;
    int include_data;
    int target_name;
    int target_database;
    int options;
};

const FormSignature& signature_of(CloneForm form)
{
    static const FormSignature signatures[] = {
        {"table", 1, 2, 3, 4, -1, 5},        // table
        {"schema", 1, -1, 2, -1, -1, 3},     // schema
        {"functions", 1, -1, -1, -1, -1, 2}, // functions
        {"database", -1, -1, 1, -1, -1, 2},  // database
        {"database", -1, -1, 2, -1, 1, 3},   // database_create
    };
    return signatures[static_cast<int>(form)];
}

// A name, as it is: not quoted as in SQL.
const char* name_argument(FunctionCallInfo fcinfo, int number, const char* name)
{
    const char* value = text_argument(fcinfo, number);
    if (!value)
        raise_null_argument(name);
    if (!*value)
        raise_empty_argument(name);
    return value;
}

// The options with those that are arguments of their own put in.
const char* merge_options(FunctionCallInfo fcinfo, const FormSignature& signature)
{
    static const Oid types[] = {JSONBOID, BOOLOID, TEXTOID, TEXTOID};
    const int numbers[] = {signature.options, signature.include_data, signature.target_name,
                           signature.target_database};
    Datum values[lengthof(types)] = {};
    bool nulls[lengthof(types)] = {};
    for (size_t i = 0; i < lengthof(types); i++) {
        nulls[i] = numbers[i] < 0 || PG_ARGISNULL(numbers[i]);
        if (!nulls[i])
            values[i] = PG_GETARG_DATUM(numbers[i]);
    }
    const MemoryContext caller_context = CurrentMemoryContext;
    SPI_connect();
    call_ledger("pgclone_merge_options", {lengthof(types), types, values, nulls}, true);
    Jsonb* merged = DatumGetJsonbP(ledger_value(0, 1, nullptr));
    MemoryContextSwitchTo(caller_context);
    const char* options = JsonbToCString(nullptr, &merged->root, VARSIZE(merged));
    SPI_finish();
    return options;
}

int64 submit_form(FunctionCallInfo fcinfo, CloneForm form, const char* function)
{
    ContextFreeSection section;
    section.begin();
    check_can_submit(function);
    const int64 job_id = submit_job(read_form_arguments(fcinfo, form));
    section.end();
    return job_id;
}

} // namespace

SubmitArguments read_form_arguments(FunctionCallInfo fcinfo, CloneForm form)
{
    const FormSignature& signature = signature_of(form);
    SubmitArguments arguments = {text_argument(fcinfo, 0), signature.scope, nullptr, nullptr,
                                 false};
    check_text_argument(arguments.source, "source");
    if (signature.schema_name >= 0) {
        const char* schema_name = name_argument(fcinfo, signature.schema_name, "schema_name");
        const char* table_name = signature.table_name < 0
                                     ? nullptr
                                     : name_argument(fcinfo, signature.table_name, "table_name");
        char object[quoted_object_bytes];
        call_cpp([&] { write_object(schema_name, table_name, object); });
        arguments.object = pstrdup(object);
    }
    if (signature.target_database >= 0)
        name_argument(fcinfo, signature.target_database, "target_database");
    if (signature.include_data >= 0 && PG_ARGISNULL(signature.include_data))
        raise_null_argument("include_data");
    if (signature.target_name >= 0 && !PG_ARGISNULL(signature.target_name))
        name_argument(fcinfo, signature.target_name, "target_name");
    if (PG_ARGISNULL(signature.options))
        raise_null_argument("options");
    arguments.options = merge_options(fcinfo, signature);
    return arguments;
}

} // namespace pgclone

using namespace pgclone;

Datum pgclone_table_async(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_table_async(<redacted>)");
    PG_RETURN_INT64(submit_form(fcinfo, CloneForm::table, "pgclone_table_async()"));
}

Datum pgclone_schema_async(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_schema_async(<redacted>)");
    PG_RETURN_INT64(submit_form(fcinfo, CloneForm::schema, "pgclone_schema_async()"));
}

Datum pgclone_functions_async(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_functions_async(<redacted>)");
    PG_RETURN_INT64(submit_form(fcinfo, CloneForm::functions, "pgclone_functions_async()"));
}

Datum pgclone_database_async(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_database_async(<redacted>)");
    PG_RETURN_INT64(submit_form(fcinfo, CloneForm::database, "pgclone_database_async()"));
}

Datum pgclone_database_create_async(PG_FUNCTION_ARGS)
{
    redact_activity("SELECT pgclone_database_create_async(<redacted>)");
    PG_RETURN_INT64(
        submit_form(fcinfo, CloneForm::database_create, "pgclone_database_create_async()"));
}
