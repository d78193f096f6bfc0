// The database that a job creates (option "target_database"): made under a working name, filled
// like any other, and given its own name in the transaction that makes the job complete.
//
// The tasks are carried out in the new database, and marks must commit with the work, so the ledger
// of the tasks is there, too: the extension is created in it, with a "shadow" of the job's row. At
// the end the tasks' rows move to the database where the job was submitted.
//
// What a job worker does, `target` being its session where the job was submitted:
//
//   job.creates_database (read_job_identity) and not a dry run:
//     co_await work.create(target, job, properties, options);   // before planning
//     ... plan, LedgerClient::plan, JobTasks: all with work.session() and work.identity() for
//         `target` and `job`. Table workers have waited for this (await_work_database).
//   all tasks are done:
//     co_await dismiss_table_workers(...);
//     co_await work.detach();
//     again for every transient error (somebody may look at the database), a few times:
//       BEGIN; SET LOCAL synchronous_commit = on;
//       co_await work.publish(target);
//       LedgerClient(target, job...).finish(completed);  COMMIT, or ROLLBACK
//   the job failed, was cancelled, or was interrupted by a restart (for any job, before its final
//   state is written; does nothing if there is no such database):
//     co_await work.abandon(target, job);
//     BEGIN; co_await work.import_ledger(target);  finish(failed);  COMMIT
//
// What could not be dropped keeps its name in the ledger, and the search after the next start of
// the server puts the job on the queue once more for that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/database_ddl.hpp"
#include "worker/pg_session.hpp"
#include "worker/sessions.hpp"

namespace pgclone {

class WorkDatabase {
  public:
    explicit WorkDatabase(EventLoop& loop) : loop_(loop), session_(loop, SessionSide::target) {}

    // `properties`: the answer of the source to database_properties.sql. Raises the server's error
    // if the database cannot be made, or could not get owner, privileges and settings at the end:
    // that is tried, and rolled back, at once.
    Async<void> create(PgSession& target, JobIdentity job, ResultSet properties,
                       CloneOptions options);

    // In the new database; and the job as it is there.
    PgSession& session() noexcept { return session_; }
    const JobIdentity& identity() const noexcept { return identity_; }

    // Reads the ledger of the tasks, removes the extension (unless "keep_extension") and leaves.
    Async<void> detach();

    // In an open transaction: gives the database its name, properties, owner and privileges, and
    // takes the ledger over. Raises 55006 if somebody else is connected to it, 42P04 if the name
    // was taken in the meantime.
    Async<void> publish(PgSession& target);

    // Drops what has not been published. What the ledger says of the tasks is kept in memory if it
    // can be read.
    Async<void> abandon(PgSession& target, JobIdentity job);

    // The job begins anew: what abandon() has read is of no use.
    void forget_ledger() noexcept { ledger_.clear(); }

    // In an open transaction: writes what detach() or abandon() has read.
    Async<void> import_ledger(PgSession& target);

  private:
    Async<void> rehearse(PgSession& target);
    Async<void> announce(PgSession& target);
    Async<void> open_session();
    Async<void> install_extension();
    Async<void> export_ledger(std::string target_encoding);
    Async<void> remove_extension();
    Async<void> drop(PgSession& target);
    Async<void> drop_subscriptions();
    Async<void> note_name(PgSession& target, std::optional<std::string> name);
    void forget_in_slot() noexcept;

    EventLoop& loop_;
    PgSession session_;
    JobIdentity job_;      // where it was submitted
    JobIdentity identity_; // in the new database
    ResultSet properties_;
    CloneOptions options_;
    std::string name_; // the working one; empty = there is no such database
    std::string target_encoding_;
    std::vector<std::string> ledger_; // parts
};

} // namespace pgclone
