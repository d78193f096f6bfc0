#include "shared/boundary.hpp"

#include "shared/boundary_pg.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pgclone {

namespace {

// Encodes a five-character SQLSTATE as elog does; XX000 if it is none, or says "no error".
int encode_sqlstate(const char* sqlstate)
{
    bool valid = strlen(sqlstate) == 5 && strncmp(sqlstate, "00", 2) != 0;
    for (int i = 0; valid && i < 5; i++)
        valid = (sqlstate[i] >= '0' && sqlstate[i] <= '9') ||
                (sqlstate[i] >= 'A' && sqlstate[i] <= 'Z');
    if (!valid)
        return ERRCODE_INTERNAL_ERROR;
    return MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]);
}

// Texts from afar (another server's messages, what() of a library) may be in any encoding, and one
// that was cut may end within a character. Sending such bytes to a client whose encoding differs
// would raise an error within the error.
void make_valid(char* text)
{
    const int encoding = GetDatabaseEncoding();
    int length = strlen(text);
    while (length > 0) {
        const int valid = pg_encoding_verifymbstr(encoding, text, length);
        if (valid >= length)
            break;
        text[valid] = '?';
        text += valid + 1;
        length -= valid + 1;
    }
}

} // namespace

void raise_error(const ErrorRecord& source)
{
    ErrorRecord error = source;
    make_valid(error.message);
    make_valid(error.detail);
    make_valid(error.hint);
    ereport(ERROR, (errcode(encode_sqlstate(error.sqlstate)), errmsg_internal("%s", error.message),
                    error.detail[0] ? errdetail_internal("%s", error.detail) : 0,
                    error.hint[0] ? errhint("%s", error.hint) : 0));
    pg_unreachable();
}

bool run_guarded(void (*thunk)(void*), void* argument, ErrorRecord* error) noexcept
{
    // Everything that the error path restores is read once before sigsetjmp and never written
    // after it, so it needs no volatile.
    const MemoryContext caller_context = CurrentMemoryContext;
    const uint32 interrupt_holdoff = InterruptHoldoffCount;
    const uint32 query_cancel_holdoff = QueryCancelHoldoffCount;
    const uint32 crit_section = CritSectionCount;
    sigjmp_buf* const caller_stack = PG_exception_stack;
    ErrorContextCallback* const caller_callbacks = error_context_stack;
    sigjmp_buf jump;

    if (sigsetjmp(jump, 0) == 0) {
        PG_exception_stack = &jump;
        thunk(argument);
        PG_exception_stack = caller_stack;
        error_context_stack = caller_callbacks;
        return true;
    }

    // Copying the pending error allocates, and so can raise: that must not jump to the caller's
    // handler, over the C++ frames in between. Context callbacks have no say in it either.
    error_context_stack = caller_callbacks;
    sigjmp_buf copy_jump;
    if (sigsetjmp(copy_jump, 0) == 0) {
        PG_exception_stack = &copy_jump;
        MemoryContextSwitchTo(caller_context);
        ErrorData* data = CopyErrorData();
        fill_record(*error, unpack_sql_state(data->sqlerrcode), data->message ? data->message : "",
                    data->detail ? data->detail : "", data->hint ? data->hint : "");
        FreeErrorData(data);
    } else {
        fill_record(*error, sqlstate::out_of_memory, "out of memory while reading an error");
    }
    FlushErrorState();

    // Each error that was raised, also the one of the copy, has switched to ErrorContext and set
    // the counters to zero, which would let interrupts into whoever holds them off.
    PG_exception_stack = caller_stack;
    error_context_stack = caller_callbacks;
    MemoryContextSwitchTo(caller_context);
    InterruptHoldoffCount = interrupt_holdoff;
    QueryCancelHoldoffCount = query_cancel_holdoff;
    CritSectionCount = crit_section;
    return false;
}

} // namespace pgclone
