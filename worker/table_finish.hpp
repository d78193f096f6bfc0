// The last stages of a table's clone: comments, sequence values, privileges, owner, and the
// transaction that gives it its final names. Used by table_tasks.cpp. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/clone_task.hpp"
#include "worker/table_ddl.hpp"

namespace pgclone {

// Collects tasks, and numbers them and their stages.
class TaskList {
  public:
    explicit TaskList(std::string schema) : schema_(std::move(schema)) {}

    // Tasks added from now on belong to the next stage.
    void start_stage(JobPhase phase);
    // The reference holds until the next call.
    CloneTask& add(TaskKind kind, const std::string& object, Statements statements);
    void skip(TaskKind kind, const std::string& object, const std::string& reason);
    void skip_if(TaskKind kind, const std::string& object, const std::string& reason);

    std::vector<CloneTask> take() { return std::move(tasks_); }

  private:
    std::string schema_;
    std::vector<CloneTask> tasks_;
    JobPhase phase_ = JobPhase::schema;
    int stage_ = 0;
    bool stage_is_empty_ = true;
};

// Which parts the plan makes, and when: under working names, or in the last transaction.
class CreatedParts {
  public:
    void before_publish(std::string_view kind, const std::string& name)
    {
        before_.emplace(kind, name);
    }
    void in_publish(std::string_view kind, const std::string& name, Statements statements)
    {
        in_.emplace(kind, name);
        statements_.insert(statements_.end(), statements.begin(), statements.end());
    }

    bool has_before_publish(std::string_view kind, const std::string& name) const
    {
        return before_.contains({std::string(kind), name});
    }
    bool has(std::string_view kind, const std::string& name) const
    {
        return has_before_publish(kind, name) || in_.contains({std::string(kind), name});
    }
    const Statements& publish_statements() const { return statements_; }

  private:
    std::set<std::pair<std::string, std::string>> before_;
    std::set<std::pair<std::string, std::string>> in_;
    Statements statements_;
};

struct FinishContext {
    const TableDefinition& definition;
    const TargetState& state;
    const CloneOptions& options;
    const TableSelection& selection;
    const TableNames& names;
    CreatedParts& created;
    TaskList& plan;
};

void add_finishing_tasks(FinishContext& context);

// Why the part cannot be made on this target; empty = nothing is missing.
std::string missing_dependencies(const TableDefinition& definition, const TargetState& state,
                                 std::string_view kind, const std::string& name);

Statements create_statistics_ddl(const StatisticsDefinition& object, const QualifiedName& table,
                                 const QualifiedName& name);

} // namespace pgclone
