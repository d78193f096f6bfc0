// A table worker's work: some tasks in one transaction of the target, with their done-marks. Many
// small tables are made, filled and indexed in one; what takes long is alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/copy_pump.hpp"
#include "worker/ledger_client.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

// The savepoint of the source session's transaction that locks of one batch are rolled back to.
inline constexpr const char* before_tables = "before_tables";

class TaskBatch {
  public:
    // `source` is used only if a task reads it; it is then in the job's snapshot and has the
    // savepoint `before_tables`. After an error both sessions may be in the middle of anything.
    // `pace`: how fast it may read.
    TaskBatch(EventLoop& loop, PgSession& target, PgSession& source, const LedgerClient& ledger,
              CopyPace& pace, std::string worker)
        : loop_(loop), target_(target), source_(source), ledger_(ledger), pace_(pace),
          worker_(std::move(worker))
    {
    }

    // Carries out `tasks`, whose order is that of their ids, and commits. `opening`: statements
    // that begin the transaction, if it has not begun. Raises what the first task that fails
    // raises; culprit() tells which.
    Async<CopyResult> run(std::vector<StartedTask> tasks, std::vector<std::string> opening);

    // The task whose fault the error was; 0 if that is not known.
    std::int32_t culprit() const noexcept { return culprit_; }

  private:
    Async<void> run_ddl(std::vector<const ObjectStatements*> tasks, std::vector<std::string> end);
    Async<void> copy_tables(std::vector<const StartedTask*> tasks);
    Async<void> lock_sources(std::vector<const StartedTask*> tasks);
    Async<void> copy_table(const StartedTask& started, SourceCopies& copies);
    Async<void> copy_objects(const CloneTask& task);
    std::vector<std::string> take_opening(const CloneTask& task);
    bool is_made_here(const CloneTask& task) const;
    void add_copied(const CloneTask& task, const CopyResult& result, std::int64_t started_at);

    EventLoop& loop_;
    PgSession& target_;
    PgSession& source_;
    const LedgerClient& ledger_;
    CopyPace& pace_;
    const std::string worker_;
    std::vector<std::string> opening_;
    std::vector<const ObjectStatements*> made_before_; // DDL of this transaction so far
    std::vector<CopiedTask> copied_;
    std::int32_t culprit_ = 0;
};

} // namespace pgclone
