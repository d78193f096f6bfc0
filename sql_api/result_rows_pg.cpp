#include "sql_api/result_rows_pg.hpp"

extern "C" {
#include "funcapi.h"
#include "miscadmin.h"
}

namespace pgclone {

Tuplestorestate* begin_result(FunctionCallInfo fcinfo, TupleDesc* descriptor)
{
    auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (!info || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    const MemoryContext caller_context =
        MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    if (get_call_result_type(fcinfo, nullptr, descriptor) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    *descriptor = BlessTupleDesc(CreateTupleDescCopy(*descriptor));
    Tuplestorestate* store = tuplestore_begin_heap(true, false, work_mem);
    info->returnMode = SFRM_Materialize;
    info->setResult = store;
    info->setDesc = *descriptor;
    MemoryContextSwitchTo(caller_context);
    return store;
}

Datum return_ledger_rows(FunctionCallInfo fcinfo, const char* function,
                         const LedgerArguments& arguments)
{
    TupleDesc descriptor;
    Tuplestorestate* store = begin_result(fcinfo, &descriptor);
    SPI_connect();
    const uint64 rows = call_ledger(function, arguments, true);
    if (rows > 0 && SPI_tuptable->tupdesc->natts != descriptor->natts)
        elog(ERROR, "%s returned %d columns, expected %d", function, SPI_tuptable->tupdesc->natts,
             descriptor->natts);
    for (uint64 i = 0; i < rows; i++)
        tuplestore_puttuple(store, SPI_tuptable->vals[i]);
    SPI_finish();
    return Datum(0);
}

} // namespace pgclone
