// The planner of scopes `schema`, `database` and `functions`.
#include <map>

#include "shared/error_types.hpp"
#include "worker/job_planner.hpp"
#include "worker/object_selection.hpp"
#include "worker/randomness.hpp"
#include "worker/scope_plan.hpp"
#include "worker/scope_target.hpp"
#include "worker/source_catalog.hpp"

namespace pgclone {

namespace {

// Of what is missing on the target: a row of pgclone_plan each.
CloneTask missing_row(std::int32_t task_id, const ObjectRequirement& requirement,
                      const std::string& why)
{
    CloneTask task;
    task.task_id = task_id;
    task.kind = TaskKind::object;
    task.object_kind = requirement.kind;
    task.object_name = requirement.name;
    task.missing = why;
    return task;
}

// Each object as one text, so that two readings of the catalogs can be compared.
std::map<ObjectId, std::string> fingerprints(const SourceCatalog& catalog,
                                             const CloneOptions& options)
{
    std::map<ObjectId, std::string> texts;
    for (const CatalogObject& object : catalog.objects) {
        std::string& text = texts[object.id];
        text = object.object_as;
        for (const StatementTemplate& statement : object.create)
            text += '\n' + statement.render(options);
        const auto table = catalog.tables.find(object.id);
        if (table == catalog.tables.end())
            continue;
        const TableShape& shape = table->second;
        text += '\n' + shape.head + ' ' + shape.of_type + ' ' + shape.tail + ' ' +
                std::to_string(shape.filenode);
        for (const ShapeColumn& column : shape.columns)
            text += '\n' + column.name + ' ' + column.definition;
        for (const std::string& statement : shape.after)
            text += '\n' + statement;
    }
    return texts;
}

class ScopeJobPlanner final : public JobPlanner {
  public:
    ScopeJobPlanner(const JobIdentity& job, const LedgerJob& ledger_job)
        : options_(ledger_job.options)
    {
        request_.scope = ledger_job.scope;
        if (ledger_job.scope != JobScope::database)
            request_.schema = ledger_job.object.schema;
        request_.data = options_.data && ledger_job.scope != JobScope::functions;
        request_.rename = options_.target_schema && *options_.target_schema != request_.schema;
        if (request_.rename) {
            naming_.source_schema = request_.schema;
            naming_.target_schema = *options_.target_schema;
        }
        naming_.tag = std::to_string(job.job_id) + "_" + random_tag();
        options_.data = request_.data;
    }

    Async<JobPlan> plan(PgSession& source, PgSession& target) override
    {
        catalog_ = co_await read(source);
        ObjectSelection selection = select_objects(catalog_.objects, catalog_.edges,
                                                   catalog_.tables, options_, request_.scope);
        const ScopeTarget state =
            co_await read_scope_target(target, catalog_, selection, naming_, options_);
        check_readable(selection, state);
        ScopePlan scope = plan_scope(catalog_, selection, state, naming_, options_);

        JobPlan plan;
        plan.rows = scope.rows;
        plan.bytes = scope.bytes;
        plan.tables = scope.tables;
        plan.tasks = std::move(scope.tasks);
        for (const auto& [requirement, why] : state.missing)
            plan.tasks.push_back(
                missing_row(static_cast<std::int32_t>(plan.tasks.size()) + 1, requirement, why));
        fingerprints_ = fingerprints(catalog_, options_);
        catalog_.objects.clear();
        catalog_.edges.clear();
        catalog_.tables.clear();
        co_return plan;
    }

    Async<void> follow_snapshot(PgSession& source, std::vector<CloneTask>& tasks) override
    {
        const SourceCatalog now = co_await read(source);
        if (fingerprints(now, options_) != fingerprints_)
            throw PgError(sqlstate::object_not_in_prerequisite_state,
                          "objects changed on the source while they were being cloned",
                          "The job's snapshot was lost, and the new one sees other objects.",
                          "Submit the job again.");
        const std::map<std::string, std::string> values = sequence_values(now, naming_);
        for (CloneTask& task : tasks) {
            if (task.object_kind != sequence_value_kind)
                continue;
            const std::string key = task.schema_name + '\0' + task.object_name;
            if (const auto value = values.find(key); value != values.end())
                task.statements = {value->second};
        }
    }

  private:
    Async<SourceCatalog> read(PgSession& source)
    {
        SourceCatalog catalog = co_await read_source_catalog(source, request_);
        if (request_.rename)
            rename_schema(catalog, naming_);
        co_return catalog;
    }

    // Before the first byte is copied, not in the middle of a night.
    void check_readable(const ObjectSelection& selection, const ScopeTarget& state) const
    {
        if (!options_.data)
            return;
        std::string list;
        for (std::size_t i = 0; i < catalog_.objects.size(); i++) {
            const CatalogObject& object = catalog_.objects[i];
            const auto table = catalog_.tables.find(object.id);
            if (!selection.reasons[i].empty() || table == catalog_.tables.end() ||
                !table->second.has_rows || table->second.can_select ||
                (state.existing.contains(object.object_as) &&
                 !state.set_aside.contains(object.object_as)))
                continue;
            if (list.size() < 500)
                list += (list.empty() ? "" : ", ") + describe(object);
        }
        if (!list.empty())
            throw PgError(sqlstate::insufficient_privilege,
                          "permission denied for tables on the source",
                          "SELECT is missing on: " + list + ".",
                          "Grant it, or leave the tables out with \"exclude\".");
    }

    CatalogRequest request_;
    CloneOptions options_;
    ScopeNaming naming_;
    SourceCatalog catalog_;
    std::map<ObjectId, std::string> fingerprints_;
};

} // namespace

std::unique_ptr<JobPlanner> make_scope_planner(const JobIdentity& job, const LedgerJob& ledger_job)
{
    return std::make_unique<ScopeJobPlanner>(job, ledger_job);
}

} // namespace pgclone
