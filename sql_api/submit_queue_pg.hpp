// Submits of the current transaction, which become jobs on the queue when it commits.
#pragma once

#include "shared/shared_memory_pg.hpp"

namespace pgclone {

// A job slot's contents, cleared, to be filled by the caller, without anything that can raise, and
// then given to queue_submit().
// Raises 53400 if this transaction alone has filled the queue.
JobSlot* prepare_submit();

// The job belongs to the current (sub)transaction from here on.
void queue_submit(JobSlot* job);

// True if the current transaction has submitted the job (and not rolled it back).
bool is_own_pending_submit(int64 job_id);

} // namespace pgclone
