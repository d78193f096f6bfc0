// Submitting a job, as pgclone_submit and the async forms do it.
#pragma once

#include "shared/server_pg.hpp"

namespace pgclone {

// Text arguments in the database's encoding; null pointers for SQL NULLs.
struct SubmitArguments {
    char* source; // may hold a password: wiped by submit_job
    const char* scope;
    const char* object;
    const char* options; // JSON
    bool dry_run;        // plan, and change nothing
};

// Hides an argument from errors that are raised while it is looked at: the callbacks of whoever
// called (a DO block, a PL/pgSQL function) would put the text of the statement, and with it the
// password, into the CONTEXT of the error. Whoever catches it has its own callbacks back.
class ContextFreeSection {
  public:
    void begin()
    {
        callbacks_ = error_context_stack;
        error_context_stack = nullptr;
    }
    void end() { error_context_stack = callbacks_; }

  private:
    ErrorContextCallback* callbacks_;
};

// What every function that makes jobs checks first: library loaded, not in recovery, not read-only.
// `function` is for messages ("pgclone_submit").
void check_can_submit(const char* function);

// Checks everything, writes the job's ledger row in the current transaction and queues it for the
// commit. Returns the job's id, or that of an unfinished one with the same unique_key.
int64 submit_job(const SubmitArguments& arguments);

// Arguments of an SQL function that are passed on as they are. Null pointers for SQL NULLs.
char* text_argument(FunctionCallInfo fcinfo, int number);
char* json_argument(FunctionCallInfo fcinfo, int number);
// Raises what pgclone_submit raises for a NULL (22004) or blank (22023) argument.
void check_text_argument(const char* value, const char* name);

} // namespace pgclone
