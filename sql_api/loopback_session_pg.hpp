// A libpq session from a backend to its own server, as the current role: the way in which the
// synchronous forms submit a job outside their caller's transaction. Nothing here blocks: all
// waits are interruptible and bounded.
#pragma once

#include "shared/server_pg.hpp"

struct pg_conn;

namespace pgclone {

struct LoopbackSession {
    pg_conn* connection; // null = closed
    bool has_descriptor; // counted against the server's limit of open files
    bool answered;       // the last statement has got an answer
};

// Connects, and checks that it has come out in this server, database and role. The session is
// filled as far as it got even if an error is raised: close it in any case.
void open_loopback_session(LoopbackSession& session);

// Runs one statement with text parameters and returns the first column of its first row, palloc'd
// (null if there is none). An error of the server is raised with its SQLSTATE.
char* run_on_loopback(LoopbackSession& session, const char* query, int count,
                      const char* const* values);

// Never raises. What the session has not committed is rolled back.
void close_loopback_session(LoopbackSession& session);

} // namespace pgclone
