// The two kinds of sessions that a worker opens, set up as design and documentation promise.
#pragma once

#include <string>

#include "shared/conninfo.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

// Who a job is, as its workers need it. Copied from the job slot; holds no secret.
struct JobIdentity {
    std::int64_t job_id = 0;
    std::string role_name;
    std::string database_name;
    std::string extension_schema;
    std::string schema_name;
    std::string table_name;
    bool creates_database = false;
    // Of a database that the job creates; empty until it is ready.
    std::string work_database_name;
    std::string work_extension_schema;
};

// Copies it out of shared memory. Raises 57014 if the job is gone.
JobIdentity read_job_identity();

// Who the job is for those of its sessions that make objects and copy rows: database and ledger are
// those of the database that it creates, if it does. Waits until that is ready.
Async<JobIdentity> await_work_database(EventLoop& loop);

// The same for a job worker, which made it.
JobIdentity in_work_database(JobIdentity job);

// Logs in to this server as the submitting role. Its settings are fixed, whatever ALTER ROLE or
// ALTER DATABASE ... SET says. A refused login is 28000 with the pg_hba.conf lines to add.
Async<void> open_loopback(PgSession& session, JobIdentity job, std::string application_name);

// Connects to the source as the connection string in the job slot says (which the caller never
// sees), with keepalives and fixed settings. `unprivileged`: the submitter is no superuser, so
// the rules of check_unprivileged_source hold, and the server must have asked for the password
// (else 2F003). Raises 0A000 for a server older than PostgreSQL 10.
Async<void> open_source(PgSession& session, bool unprivileged, std::string application_name);

} // namespace pgclone
