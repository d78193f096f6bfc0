// Tasks that share one transaction of the target, and what an error in it was about. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/clone_task.hpp"

namespace pgclone {

// Whether the job worker may do a task together with others: of the scopes whose objects come in
// great numbers, unless a statement changes a setting for the rest of the transaction.
bool may_be_batched(const CloneTask& task);

// The whole transaction, to be sent as a pipeline: BEGIN, the lock on the ledger's rows, the
// statements of the tasks, their done-marks, COMMIT.
class DdlBatch {
  public:
    // `lock` and `mark` are calls of the ledger. `tasks` must outlive the batch.
    DdlBatch(std::vector<const CloneTask*> tasks, std::string lock, std::string mark);

    const std::vector<std::string>& statements() const noexcept { return statements_; }

    struct Culprit {
        std::size_t task = 0; // index into `tasks`
        std::string_view statement;
    };
    // Which task the statement with this index is of; none if it is the transaction's own.
    std::optional<Culprit> culprit(std::size_t statement) const;
    bool is_commit(std::size_t statement) const { return statement + 1 == statements_.size(); }

  private:
    void use_search_path(const std::string& search_path);

    std::vector<std::string> statements_;
    std::vector<std::size_t> first_statements_; // of each task
    std::size_t end_of_tasks_ = 0;
    std::string search_path_;
};

// For the rest of the transaction; see CloneTask.
std::string set_search_path(const std::string& search_path);

// The error as the job's: with the object's kind and name, and the statement unless it may hold a
// secret. Tasks of a single table's clone, which have no object_kind, keep the server's words.
PgError explain_failure(const CloneTask& task, const PgError& error, std::string_view statement);

// Whether the error says that no task can succeed, whatever it does: the connection is gone, the
// server stops, the disk is full.
bool concerns_whole_job(const PgError& error);

} // namespace pgclone
