// Jobs that their caller waits for.
#pragma once

#include "sql_api/control_pg.hpp"
#include "sql_api/submit_pg.hpp"

namespace pgclone {

// Submits a job in a session of its own, so that it does not depend on the caller's transaction,
// and waits until it has ended. Wipes the source. An interrupt cancels the job.
int64 submit_and_wait(const SubmitArguments& arguments);

// Raises how the job ended, unless it completed, as an error of its own.
void raise_unless_completed(int64 job_id, LedgerOutcome& outcome);

} // namespace pgclone
