// Waiting for a job and stopping it, as pgclone_wait, pgclone_cancel and pgclone_table do.
#pragma once

#include "shared/shared_memory_pg.hpp"

namespace pgclone {

// Who waits for a lock that this session holds, so that waiting for it would never end.
struct SelfWait {
    bool found;
    bool is_visible; // the caller may see what the job does
    int32 waiting_pid;  // the job's session
    int32 blocking_pid; // whom it waits for: this session, or one that waits for this session
    char current_table[2 * name_bytes + 8];
};

enum class WaitResult { ended, timed_out, self_wait };

// Waits until the job has ended or is held, `deadline` (0 = none) has passed, or the job is found to
// wait for this session. Raises 42704 if there is no such job. Leaves the job's status in
// `status`, its present one if it has not ended.
WaitResult wait_for_job(int64 job_id, TimestampTz deadline, SelfWait& self_wait,
                        char (&status)[name_bytes]);

// Whether the process `pid` of this server waits, over however many others, for a lock that this
// session holds.
bool waits_for_this_session(int32 pid, int32& blocking_pid);

// Appends " waits for process 12, which waits for process 34, which is this session."
void append_blockers(StringInfo text, int32 blocking_pid);

[[noreturn]] void raise_self_wait(int64 job_id, const SelfWait& self_wait, bool cancelled);

// Asks the job to stop; false if it is not on the queue, or is ending anyway. Does not raise, so
// it may be called from clean-up.
bool request_cancel(int64 job_id);

// Of a job that no slot stands for: undoes it, when the transaction commits. False if it is final.
// Raises 53400 if the queue has no room for that.
bool cancel_unqueued(int64 job_id);

// Raises 55000 if the current transaction has submitted the job: `what`, as in "cancel", can only be
// done after its commit.
void reject_own_pending(int64 job_id, const char* what);

// Whether the job is on the queue or running, or only in the ledger (interrupted by a restart), and
// so can be altered. Raises 42704 if there is no such job, 42501 for who may not.
bool is_job_alterable(int64 job_id);

// How a job ended, from the ledger; text parts empty if they are NULL. False if there is no row.
struct LedgerOutcome {
    char status[name_bytes];
    Oid submitter;
    char source_system_identifier[name_bytes];
    ErrorRecord error;
};
bool read_outcome(int64 job_id, LedgerOutcome& outcome);
bool is_final_status(const char* status);

} // namespace pgclone
