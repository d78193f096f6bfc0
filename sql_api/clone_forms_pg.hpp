// The forms with a name of their own (pgclone_table, pgclone_schema, ...): short for
// pgclone_submit.
#pragma once

#include "sql_api/submit_pg.hpp"

namespace pgclone {

enum class CloneForm { table, schema, functions, database, database_create };

// Reads the arguments of a form into those of pgclone_submit. Raises 22004 and 22023 that name the
// argument.
SubmitArguments read_form_arguments(FunctionCallInfo fcinfo, CloneForm form);

} // namespace pgclone
