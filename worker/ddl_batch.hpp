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

// Whether a task may be done together with others in a transaction: of the scopes whose objects
// come in great numbers, unless a statement changes a setting for the rest of the transaction.
bool may_be_batched(const CloneTask& task);

// Statements of tasks, to be sent as a pipeline, between others of their transaction.
class DdlBatch {
  public:
    // `before` and `after` are statements of the transaction itself: BEGIN and the lock on the
    // ledger's rows, their done-marks and COMMIT.
    DdlBatch(std::vector<std::string> before, const std::vector<const ObjectStatements*>& tasks,
             std::vector<std::string> after);

    const std::vector<std::string>& statements() const noexcept { return statements_; }

    struct Culprit {
        std::size_t task = 0; // index into `tasks`
        std::string_view statement;
    };
    // Which task the statement with this index is of; none if it is the transaction's own.
    std::optional<Culprit> culprit(std::size_t statement) const;
    bool is_last(std::size_t statement) const { return statement + 1 == statements_.size(); }

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
PgError explain_failure(const ObjectStatements& object, const PgError& original,
                        std::string_view statement);
PgError explain_failure(const CloneTask& task, const PgError& original, std::string_view statement);

// Whether the error says that no task can succeed, whatever it does: the connection is gone, the
// server stops, the disk is full.
bool concerns_whole_job(const PgError& error);

} // namespace pgclone
