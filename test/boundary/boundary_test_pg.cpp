// SQL functions that throw and raise. Functions that catch an error and do not raise one restore
// what they touched themselves, so that each call leaves the session as it was.
#include "boundary_test.hpp"

#include <sys/resource.h>

#include "shared/boundary_pg.hpp"

extern "C" {
#include "executor/spi.h"
#include "storage/lwlock.h"
#include "utils/resowner.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(boundary_throw);
PG_FUNCTION_INFO_V1(boundary_throw_error);
PG_FUNCTION_INFO_V1(boundary_throw_in_call);
PG_FUNCTION_INFO_V1(boundary_raise);
PG_FUNCTION_INFO_V1(boundary_run);
PG_FUNCTION_INFO_V1(boundary_tower);
PG_FUNCTION_INFO_V1(boundary_climb);
PG_FUNCTION_INFO_V1(boundary_state_kept);
PG_FUNCTION_INFO_V1(boundary_lock_kept);
PG_FUNCTION_INFO_V1(boundary_lock_abandoned);
PG_FUNCTION_INFO_V1(boundary_lock_is_free);
PG_FUNCTION_INFO_V1(boundary_copy_fails);
PG_FUNCTION_INFO_V1(boundary_return_value);
PG_FUNCTION_INFO_V1(boundary_objects_alive);
PG_FUNCTION_INFO_V1(boundary_objects_made);
PG_FUNCTION_INFO_V1(boundary_holdoff);
}

using pgclone::call_cpp;
using pgclone::ErrorRecord;
namespace boundary_test = pgclone::boundary_test;

namespace {

// The C string of an argument; NULL gives the empty string.
const char* text_argument(FunctionCallInfo fcinfo, int index)
{
    return PG_ARGISNULL(index) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(index));
}

void text_part(char (&target)[ErrorRecord::text_bytes], const char* text)
{
    strlcpy(target, text, sizeof(target));
}

// Fills a record as an unclean caller would: nothing is checked or cut at a character.
ErrorRecord record_argument(FunctionCallInfo fcinfo, int first)
{
    ErrorRecord error;
    memset(&error, 0, sizeof(error));
    strlcpy(error.sqlstate, text_argument(fcinfo, first), sizeof(error.sqlstate));
    text_part(error.message, text_argument(fcinfo, first + 1));
    text_part(error.detail, text_argument(fcinfo, first + 2));
    text_part(error.hint, text_argument(fcinfo, first + 3));
    return error;
}

Datum record_result(const ErrorRecord& error)
{
    return CStringGetTextDatum(
        psprintf("%s|%s|%s|%s", error.sqlstate, error.message, error.detail, error.hint));
}

// Runs SQL in a subtransaction, which is rolled back if it fails. Returns the caught error.
struct SqlCall {
    const char* sql;
};

void run_sql(void* argument)
{
    SPI_connect();
    const int result = SPI_execute(static_cast<SqlCall*>(argument)->sql, false, 0);
    if (result < 0)
        elog(ERROR, "SPI_execute returned %d", result);
    SPI_finish();
}

struct Guarded {
    MemoryContext context;
    ResourceOwner owner;
};

// The state that an error must not change, as far as it can be read.
struct SessionState {
    MemoryContext context;
    ErrorContextCallback* callbacks;
    sigjmp_buf* exception_stack;
    uint32 interrupt_holdoff;
    uint32 cancel_holdoff;
    uint32 crit_section;
};

SessionState session_state()
{
    return {CurrentMemoryContext,  error_context_stack,    PG_exception_stack,
            InterruptHoldoffCount, QueryCancelHoldoffCount, CritSectionCount};
}

const char* difference(const SessionState& before, const SessionState& after)
{
    if (before.context != after.context)
        return "CurrentMemoryContext";
    if (before.callbacks != after.callbacks)
        return "error_context_stack";
    if (before.exception_stack != after.exception_stack)
        return "PG_exception_stack";
    if (before.interrupt_holdoff != after.interrupt_holdoff)
        return "InterruptHoldoffCount";
    if (before.cancel_holdoff != after.cancel_holdoff)
        return "QueryCancelHoldoffCount";
    if (before.crit_section != after.crit_section)
        return "CritSectionCount";
    return "";
}

void add_context(void* argument) { errcontext("callback %s", static_cast<const char*>(argument)); }

// Raises from another memory context, with a context callback pushed and interrupts held off.
void raise_in_disorder(void*)
{
    ErrorContextCallback callback;
    callback.previous = error_context_stack;
    callback.callback = add_context;
    callback.arg = const_cast<char*>("of the test");
    error_context_stack = &callback;
    MemoryContextSwitchTo(
        AllocSetContextCreate(CurrentMemoryContext, "boundary test", ALLOCSET_SMALL_SIZES));
    HOLD_INTERRUPTS();
    HOLD_CANCEL_INTERRUPTS();
    ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("raised in disorder")));
}

void raise_with_lock(void*)
{
    LWLockAcquire(AddinShmemInitLock, LW_SHARED);
    ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("raised with a lock held")));
}

} // namespace

namespace pgclone::boundary_test {

void raise_record(const ErrorRecord& error) { raise_error(error); }

void climb_server(Tower& tower, int level)
{
    if (level == tower.fail_level && tower.fail_side == 's')
        ereport(ERROR, (errcode(MAKE_SQLSTATE('P', '0', 'S', '1', '0' + level)),
                        errmsg("server failed at level %d", level),
                        errdetail("Detail %%s of the server."), errhint("Hint of the server.")));
    if (level == tower.depth) {
        tower.reached_bottom = true;
        return;
    }
    if (!tower.through_executor) {
        call_cpp([&] { climb_cpp(tower, level + 1); });
        return;
    }
    // Down through SPI, the executor and PL/pgSQL's exception-free call.
    SPI_connect();
    const char* sql = psprintf("select boundary_climb(%lld, %d)",
                               static_cast<long long>(reinterpret_cast<intptr_t>(&tower)),
                               level + 1);
    SPI_execute(sql, false, 0);
    SPI_finish();
}

} // namespace pgclone::boundary_test

// boundary_throw(kind): C++ throws, no server code below it.
Datum boundary_throw(PG_FUNCTION_ARGS)
{
    const char* kind = text_argument(fcinfo, 0);
    call_cpp([&] { boundary_test::throw_kind(kind); });
    PG_RETURN_TEXT_P(cstring_to_text("nothing was thrown"));
}

// boundary_throw_error(sqlstate, message, detail, hint)
Datum boundary_throw_error(PG_FUNCTION_ARGS)
{
    const ErrorRecord error = record_argument(fcinfo, 0);
    call_cpp([&] { boundary_test::throw_error(error); });
    PG_RETURN_NULL();
}

// boundary_throw_in_call(kind, action): C++ throws within the body of the call door.
Datum boundary_throw_in_call(PG_FUNCTION_ARGS)
{
    const char* kind = text_argument(fcinfo, 0);
    const char* action = text_argument(fcinfo, 1);
    ErrorRecord outcome = {};
    auto body = [](void* argument) { boundary_test::throw_kind(static_cast<char*>(argument)); };
    call_cpp([&] {
        boundary_test::call_and_handle(action, body, const_cast<char*>(kind), outcome);
    });
    PG_RETURN_DATUM(record_result(outcome));
}

// boundary_raise(action, sqlstate, message, detail, hint): the server raises in the call door.
Datum boundary_raise(PG_FUNCTION_ARGS)
{
    const char* action = text_argument(fcinfo, 0);
    ErrorRecord error = record_argument(fcinfo, 1);
    ErrorRecord outcome = {};
    const SessionState before = session_state();
    auto body = [](void* argument) {
        boundary_test::raise_record(*static_cast<ErrorRecord*>(argument));
    };
    call_cpp([&] { boundary_test::call_and_handle(action, body, &error, outcome); });
    const char* changed = difference(before, session_state());
    if (*changed)
        elog(ERROR, "%s has changed", changed);
    PG_RETURN_DATUM(record_result(outcome));
}

// boundary_run(action, sql): SQL in the call door, in a subtransaction if its error is swallowed.
Datum boundary_run(PG_FUNCTION_ARGS)
{
    const char* action = text_argument(fcinfo, 0);
    SqlCall call = {text_argument(fcinfo, 1)};
    const bool swallows = strncmp(action, "swallow", 7) == 0;
    const Guarded outside = {CurrentMemoryContext, CurrentResourceOwner};
    ErrorRecord outcome = {};
    if (swallows) {
        BeginInternalSubTransaction(nullptr);
        MemoryContextSwitchTo(outside.context);
    }
    const SessionState before = session_state();
    call_cpp([&] { boundary_test::call_and_handle(action, run_sql, &call, outcome); });
    const char* changed = difference(before, session_state());
    if (swallows) {
        if (outcome.sqlstate[0])
            RollbackAndReleaseCurrentSubTransaction();
        else
            ReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(outside.context);
        CurrentResourceOwner = outside.owner;
    }
    if (*changed)
        elog(ERROR, "%s has changed", changed);
    PG_RETURN_DATUM(record_result(outcome));
}

// boundary_tower(depth, fail_level, fail_side, catch_level, replace, through_executor)
Datum boundary_tower(PG_FUNCTION_ARGS)
{
    boundary_test::Tower tower = {};
    tower.depth = PG_GETARG_INT32(0);
    tower.fail_level = PG_GETARG_INT32(1);
    tower.fail_side = *text_argument(fcinfo, 2);
    tower.catch_level = PG_GETARG_INT32(3);
    tower.replace = PG_GETARG_BOOL(4);
    tower.through_executor = PG_GETARG_BOOL(5);
    const Guarded outside = {CurrentMemoryContext, CurrentResourceOwner};
    const bool swallows = tower.catch_level > 0 && !tower.replace;
    if (swallows) {
        BeginInternalSubTransaction(nullptr);
        MemoryContextSwitchTo(outside.context);
    }
    const SessionState before = session_state();
    call_cpp([&] { boundary_test::climb_cpp(tower, 1); });
    const char* changed = difference(before, session_state());
    if (swallows) {
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(outside.context);
        CurrentResourceOwner = outside.owner;
    }
    if (*changed)
        elog(ERROR, "%s has changed", changed);
    if (tower.outcome.sqlstate[0])
        PG_RETURN_DATUM(record_result(tower.outcome));
    PG_RETURN_TEXT_P(cstring_to_text(tower.reached_bottom ? "bottom" : "nowhere"));
}

// One level of a tower that goes through the executor. The address comes from climb_server.
Datum boundary_climb(PG_FUNCTION_ARGS)
{
    auto* tower = reinterpret_cast<boundary_test::Tower*>(
        static_cast<intptr_t>(PG_GETARG_INT64(0)));
    const int level = PG_GETARG_INT32(1);
    call_cpp([&] { boundary_test::climb_cpp(*tower, level); });
    PG_RETURN_INT32(level);
}

// boundary_state_kept(action): an error raised in disorder leaves nothing changed; interrupts
// held off by the caller still are. Returns what has changed, or the caught error.
Datum boundary_state_kept(PG_FUNCTION_ARGS)
{
    const char* action = text_argument(fcinfo, 0);
    const MemoryContext context = CurrentMemoryContext;
    ErrorRecord outcome = {};
    HOLD_INTERRUPTS();
    HOLD_INTERRUPTS();
    HOLD_CANCEL_INTERRUPTS();
    const SessionState before = session_state();
    call_cpp([&] {
        boundary_test::call_and_handle(action, raise_in_disorder, nullptr, outcome);
    });
    const char* changed = difference(before, session_state());
    InterruptHoldoffCount = before.interrupt_holdoff;
    QueryCancelHoldoffCount = before.cancel_holdoff;
    RESUME_CANCEL_INTERRUPTS();
    RESUME_INTERRUPTS();
    RESUME_INTERRUPTS();
    MemoryContextSwitchTo(context);
    if (*changed)
        PG_RETURN_TEXT_P(cstring_to_text(changed));
    PG_RETURN_DATUM(record_result(outcome));
}

// boundary_lock_kept(): a lock held around the doors is still held after a caught error.
Datum boundary_lock_kept(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    ErrorRecord outcome = {};
    const uint32 before = InterruptHoldoffCount;
    LWLockAcquire(AddinShmemInitLock, LW_SHARED);
    call_cpp([&] {
        boundary_test::call_and_handle("swallow", raise_in_disorder, nullptr, outcome);
    });
    const bool held = LWLockHeldByMe(AddinShmemInitLock);
    LWLockRelease(AddinShmemInitLock);
    PG_RETURN_BOOL(held && InterruptHoldoffCount == before);
}

// boundary_lock_abandoned(action): the body raises while it holds a lock.
Datum boundary_lock_abandoned(PG_FUNCTION_ARGS)
{
    const char* action = text_argument(fcinfo, 0);
    ErrorRecord outcome = {};
    call_cpp([&] {
        boundary_test::call_and_handle(action, raise_with_lock, nullptr, outcome);
    });
    PG_RETURN_DATUM(record_result(outcome));
}

Datum boundary_lock_is_free(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    const bool acquired = LWLockConditionalAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    if (acquired)
        LWLockRelease(AddinShmemInitLock);
    PG_RETURN_BOOL(acquired);
}

// boundary_copy_fails(): there is no memory to copy the raised error with. The message is built,
// then a context callback takes away all address space that is not in use yet.
namespace {

rlimit saved_limit;

void limit_memory(void*)
{
    FILE* file = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (file == nullptr || fscanf(file, "%ld", &pages) != 1)
        pages = 0;
    if (file != nullptr)
        fclose(file);
    rlimit limit = saved_limit;
    if (pages > 0)
        limit.rlim_cur = static_cast<rlim_t>(pages) * sysconf(_SC_PAGESIZE) + (1 << 20);
    setrlimit(RLIMIT_AS, &limit);
}

void raise_too_much(void* argument)
{
    ErrorContextCallback callback = {error_context_stack, limit_memory, nullptr};
    error_context_stack = &callback;
    ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO),
                    errmsg("%s", static_cast<const char*>(argument))));
}

} // namespace

Datum boundary_copy_fails(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    const std::size_t length = 64 << 20;
    char* text = static_cast<char*>(palloc(length + 1));
    memset(text, 'x', length);
    text[length] = '\0';
    ErrorRecord outcome = {};
    getrlimit(RLIMIT_AS, &saved_limit);
    HOLD_INTERRUPTS();
    const SessionState before = session_state();
    call_cpp([&] {
        boundary_test::call_and_handle("swallow", raise_too_much, text, outcome);
    });
    setrlimit(RLIMIT_AS, &saved_limit);
    const char* changed = difference(before, session_state());
    InterruptHoldoffCount = before.interrupt_holdoff;
    RESUME_INTERRUPTS();
    MemoryContextSwitchTo(before.context);
    pfree(text);
    if (*changed)
        PG_RETURN_TEXT_P(cstring_to_text(changed));
    PG_RETURN_DATUM(record_result(outcome));
}

Datum boundary_return_value(PG_FUNCTION_ARGS)
{
    const int64 argument = PG_GETARG_INT64(0);
    PG_RETURN_INT64(call_cpp([&] { return argument + 1; }));
}

Datum boundary_objects_alive(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    PG_RETURN_INT32(boundary_test::Tracked::alive);
}

Datum boundary_objects_made(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    PG_RETURN_INT64(boundary_test::Tracked::made);
}

// boundary_holdoff(): 0 in a session that has not lost count.
Datum boundary_holdoff(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    PG_RETURN_INT32(InterruptHoldoffCount + QueryCancelHoldoffCount + CritSectionCount);
}
