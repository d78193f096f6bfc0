// Results of set-returning functions, returned whole.
#pragma once

#include "sql_api/ledger_access_pg.hpp"

extern "C" {
#include "utils/tuplestore.h"
}

namespace pgclone {

// Starts a result. Its memory lives as long as the query.
Tuplestorestate* begin_result(FunctionCallInfo fcinfo, TupleDesc* descriptor);

// Returns the rows of a ledger function, whose result type is that of the SQL function that is
// being called.
Datum return_ledger_rows(FunctionCallInfo fcinfo, const char* function,
                         const LedgerArguments& arguments);

} // namespace pgclone
