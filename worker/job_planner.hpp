// What a job of some scope is to do: reads source and target, changes nothing, and gives tasks.
#pragma once

#include <memory>
#include <vector>

#include "shared/settings.hpp"
#include "worker/clone_task.hpp"
#include "worker/ledger_client.hpp"
#include "worker/sessions.hpp"
#include "worker/table_split.hpp"

namespace pgclone {

struct JobPlan {
    explicit JobPlan(std::string scratch_directory) : rows_of_ledger(std::move(scratch_directory))
    {
    }

    std::vector<CloneTask> tasks; // those of table workers perhaps without their statements
    TaskRows rows_of_ledger;      // the same, whole
    std::int64_t rows = 0; // estimated; -1 = unknown
    std::int64_t bytes = 0;
    int tables = 0;
};

// As the settings are now.
inline SplitRules split_rules(const CloneOptions& options)
{
    // A piece that failed for good would leave a part of a table behind.
    if (options.on_error == OnError::continue_)
        return {};
    return {std::int64_t{settings::split_threshold} * 1024,
            options.parallel.value_or(settings::default_parallel)};
}

class JobPlanner {
  public:
    virtual ~JobPlanner() = default;

    // `source`: in the transaction that exported the snapshot; `target`: in none. Raises what
    // would stop the job before anything is changed; in a dry run the plan says it instead.
    virtual Async<JobPlan> plan(PgSession& source, PgSession& target) = 0;

    // With "consistency": "relaxed", after the snapshot was lost and `source` has taken a new one:
    // `tasks` that set sequences get their new values. Returns those that were changed. (Scope
    // `table` has no such option: a table is never a mixture.)
    virtual Async<std::vector<CloneTask>> follow_snapshot(PgSession& source,
                                                          std::vector<CloneTask>& tasks) = 0;
};

std::unique_ptr<JobPlanner> make_table_planner(const JobIdentity& job, const LedgerJob& ledger_job);
std::unique_ptr<JobPlanner> make_scope_planner(const JobIdentity& job, const LedgerJob& ledger_job);

} // namespace pgclone
