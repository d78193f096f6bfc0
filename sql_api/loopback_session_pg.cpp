#include "shared/settings.hpp"
#include "sql_api/loopback_address.hpp"

#include <libpq-fe.h>

#include "shared/boundary_pg.hpp"
#include "sql_api/control_pg.hpp"
#include "sql_api/loopback_session_pg.hpp"

extern "C" {
#include "commands/dbcommands.h"
#include "mb/pg_wchar.h"
#include "postmaster/postmaster.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"
}

namespace pgclone {

namespace {

// How often a wait for an answer looks whether this session itself is what it waits for.
constexpr long look_interval_ms = 1000;

const char* first_socket_directory()
{
    List* directories = NIL;
    if (!SplitDirectoriesString(pstrdup(Unix_socket_directories ? Unix_socket_directories : ""),
                                ',', &directories) ||
        directories == NIL)
        return "";
    return static_cast<const char*>(linitial(directories));
}

LoopbackTarget describe_target()
{
    return {settings::loopback_conninfo,
            first_socket_directory(),
            PostPortNumber,
            GetUserNameFromId(GetUserId(), false),
            get_database_name(MyDatabaseId),
            GetDatabaseEncodingName()};
}

[[noreturn]] void raise_connection_failure(const LoopbackSession& session,
                                           const LoopbackTarget& target)
{
    ErrorRecord error;
    describe_loopback_failure(PQerrorMessage(session.connection), target, error);
    raise_error(error);
}

// Waits for the socket, at most `timeout_ms`. Returns the events that came.
int wait_for_socket(const LoopbackSession& session, int event, long timeout_ms)
{
    const int events =
        WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | event,
                          PQsocket(session.connection), timeout_ms, PG_WAIT_EXTENSION);
    if (events & WL_LATCH_SET) {
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    }
    return events;
}

long milliseconds_until(TimestampTz deadline)
{
    return TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
}

// pgclone.loopback_conninfo may lead anywhere; a job submitted there would not be one of ours.
void check_it_is_this_server(const LoopbackSession& session)
{
    const PGPROC* process = BackendPidGetProc(PQbackendPID(session.connection));
    if (!process || process->databaseId != MyDatabaseId || process->roleId != GetUserId())
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("\"pgclone.loopback_conninfo\" does not lead to this server"),
                 errdetail("No session of this server, database and role was found behind it.")));
}

[[noreturn]] void raise_result_error(LoopbackSession& session, const PGresult* result)
{
    ErrorRecord error;
    auto field = [result](int code) {
        const char* text = result ? PQresultErrorField(result, code) : nullptr;
        return text ? text : "";
    };
    const char* message = field(PG_DIAG_MESSAGE_PRIMARY);
    fill_record(error, *field(PG_DIAG_SQLSTATE) ? field(PG_DIAG_SQLSTATE) : "08006",
                *message ? message : pchomp(PQerrorMessage(session.connection)),
                field(PG_DIAG_MESSAGE_DETAIL), field(PG_DIAG_MESSAGE_HINT));
    raise_error(error);
}

void flush_query(LoopbackSession& session)
{
    int rest;
    while ((rest = PQflush(session.connection)) > 0)
        wait_for_socket(session, WL_SOCKET_WRITEABLE, look_interval_ms);
    if (rest < 0)
        raise_result_error(session, nullptr);
}

// The statement may wait for a lock of this session's own transaction (a unique_key that this
// transaction has used, too), which nobody else would notice.
void check_not_waiting_for_us(const LoopbackSession& session)
{
    int32 blocker;
    if (!waits_for_this_session(PQbackendPID(session.connection), blocker))
        return;
    StringInfoData detail;
    initStringInfo(&detail);
    appendStringInfo(&detail, "Process %d, which submits the job,",
                     PQbackendPID(session.connection));
    append_blockers(&detail, blocker);
    ereport(ERROR, (errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
                    errmsg("the submit waits for a lock that this session holds"),
                    errdetail_internal("%s", detail.data), errhint("End this transaction first.")));
}

PGresult* next_result(LoopbackSession& session)
{
    while (PQisBusy(session.connection)) {
        const int events = wait_for_socket(session, WL_SOCKET_READABLE, look_interval_ms);
        if (events & WL_TIMEOUT)
            check_not_waiting_for_us(session);
        // After a timeout, too: with TLS, bytes can wait inside the library.
        if (!PQconsumeInput(session.connection))
            raise_result_error(session, nullptr);
    }
    return PQgetResult(session.connection);
}

void ignore_notice(void*, const PGresult*) {}

} // namespace

void open_loopback_session(LoopbackSession& session)
{
    const LoopbackTarget target = describe_target();
    auto* address = static_cast<LoopbackAddress*>(palloc(sizeof(LoopbackAddress)));
    call_cpp([&] { write_loopback_address(target, *address); });

    if (!AcquireExternalFD())
        ereport(ERROR, (errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
                        errmsg("could not connect to this server"),
                        errdetail("There are too many open files on the local server.")));
    session.has_descriptor = true;
    session.connection = PQconnectStartParams(address->keywords, address->values, 0);
    if (!session.connection)
        ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
    // With the SQLSTATE in the text, which is where libpq keeps it when a login is refused.
    PQsetErrorVerbosity(session.connection, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(session.connection, ignore_notice, nullptr);

    const TimestampTz deadline =
        TimestampTzPlusMilliseconds(GetCurrentTimestamp(), settings::connect_timeout);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (PQstatus(session.connection) != CONNECTION_BAD) {
        const int event =
            status == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE;
        const long remaining = milliseconds_until(deadline);
        if (remaining <= 0)
            ereport(ERROR, (errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
                            errmsg("could not connect to this server: timeout expired")));
        if (!(wait_for_socket(session, event, remaining) & event))
            continue;
        status = PQconnectPoll(session.connection);
        if (status == PGRES_POLLING_OK || status == PGRES_POLLING_FAILED)
            break;
    }
    if (PQstatus(session.connection) != CONNECTION_OK)
        raise_connection_failure(session, target);
    pfree(address);
    check_it_is_this_server(session);
    if (PQsetnonblocking(session.connection, 1) != 0)
        raise_result_error(session, nullptr);
}

char* run_on_loopback(LoopbackSession& session, const char* query, int count,
                      const char* const* values)
{
    session.answered = false;
    if (!PQsendQueryParams(session.connection, query, count, nullptr, values, nullptr, nullptr, 0))
        raise_result_error(session, nullptr);
    flush_query(session);

    // Results are copied before anything can raise, since nobody would free them.
    char* volatile value = nullptr;
    PGresult* volatile result = nullptr;
    PG_TRY();
    {
        for (;;) {
            result = next_result(session);
            if (!result)
                break;
            session.answered = true;
            const ExecStatusType status = PQresultStatus(result);
            if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
                raise_result_error(session, result);
            if (status == PGRES_TUPLES_OK && PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
                value = pstrdup(PQgetvalue(result, 0, 0));
            PQclear(result);
            result = nullptr;
        }
    }
    PG_FINALLY();
    {
        if (result)
            PQclear(result);
    }
    PG_END_TRY();
    return value;
}

void close_loopback_session(LoopbackSession& session)
{
    if (session.connection)
        PQfinish(session.connection);
    session.connection = nullptr;
    if (session.has_descriptor)
        ReleaseExternalFD();
    session.has_descriptor = false;
}

} // namespace pgclone
