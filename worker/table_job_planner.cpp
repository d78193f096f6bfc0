// The planner of scope `table`.
#include <algorithm>

#include "shared/error_types.hpp"
#include "worker/job_planner.hpp"
#include "worker/randomness.hpp"
#include "worker/table_definition.hpp"
#include "worker/table_tasks.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

// What the tasks view shows of a table that conflict = skip leaves alone.
CloneTask skipped_table(const QualifiedName& name)
{
    CloneTask task;
    task.task_id = 1;
    task.schema_name = name.schema;
    task.object_name = name.name;
    task.skip_reason = "it exists on the target";
    return task;
}

class TableJobPlanner final : public JobPlanner {
  public:
    TableJobPlanner(const JobIdentity& job, const LedgerJob& ledger_job)
        : object_(ledger_job.object), options_(ledger_job.options)
    {
        naming_.final_name = {options_.target_schema.value_or(object_.schema),
                              options_.target_name.value_or(object_.name)};
        naming_.tag = std::to_string(job.job_id) + "_" + random_tag();
    }

    Async<JobPlan> plan(PgSession& source, PgSession& target) override
    {
        const TableDefinition definition =
            co_await read_table_definition(source, object_, options_);
        JobPlan plan(server::scratch_directory());
        plan.tables = 1;
        plan.rows = options_.data ? definition.estimated_rows : 0;
        plan.bytes = options_.data ? definition.size_bytes : 0;
        std::optional<PgError> obstacle;
        try {
            target_state_ = co_await read_target_state(target, definition, naming_, options_);
        } catch (const PgError& error) {
            if (!options_.dry_run || !target.is_open())
                throw;
            obstacle = error;
        }
        if (obstacle) {
            plan.tasks.push_back(obstructed_table(*obstacle, definition));
            plan.rows_of_ledger.add(plan.tasks.back());
            co_return plan;
        }
        plan.tasks = plan_table_tasks(definition, target_state_, naming_, options_,
                                      split_rules(options_));
        if (target_state_.skip) {
            plan.tasks.push_back(skipped_table(naming_.final_name));
        } else if (!plan.tasks.empty()) {
            plan.tasks.back().cleanup = cleanup_statements(plan.tasks, naming_);
        }
        for (CloneTask& task : plan.tasks) {
            task.completes_table = task.kind == TaskKind::publish;
            plan.rows_of_ledger.add(task);
        }
        co_return plan;
    }

    Async<std::vector<CloneTask>> follow_snapshot(PgSession&, std::vector<CloneTask>&) override
    {
        co_return std::vector<CloneTask>();
    }

  private:
    CloneTask obstructed_table(const PgError& error, const TableDefinition& definition) const
    {
        CloneTask task = skipped_table(naming_.final_name);
        task.skip_reason.clear();
        task.estimated_rows = definition.estimated_rows;
        task.estimated_bytes = definition.size_bytes;
        const std::string text =
            error.message() + (error.detail().empty() ? "" : " (" + error.detail() + ")");
        (error.sqlstate() == sqlstate::undefined_object ? task.missing : task.conflict) = text;
        return task;
    }

    QualifiedName object_;
    CloneOptions options_;
    TargetNaming naming_;
    TargetState target_state_;
};

} // namespace

std::unique_ptr<JobPlanner> make_table_planner(const JobIdentity& job, const LedgerJob& ledger_job)
{
    return std::make_unique<TableJobPlanner>(job, ledger_job);
}

} // namespace pgclone
