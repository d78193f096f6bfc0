// The planner of scopes `schema`, `database` and `functions`.
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>

#include "shared/error_types.hpp"
#include "worker/bounded_list.hpp"
#include "worker/job_planner.hpp"
#include "worker/object_selection.hpp"
#include "worker/randomness.hpp"
#include "worker/scope_plan.hpp"
#include "worker/scope_target.hpp"
#include "worker/sessions.hpp"
#include "worker/source_catalog.hpp"
#include "worker/worker_services.hpp"

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

class ScopeJobPlanner final : public JobPlanner {
  public:
    ScopeJobPlanner(const JobIdentity& job, const LedgerJob& ledger_job)
        : options_(ledger_job.options),
          application_name_("pgclone job " + std::to_string(job.job_id))
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
        request_.scratch_directory = server::scratch_directory();
        naming_.tag = std::to_string(job.job_id) + "_" + random_tag();
        options_.data = request_.data;
    }

    Async<JobPlan> plan(PgSession& source, PgSession& target) override
    {
        SourceCatalog catalog = co_await read(source);
        ObjectSelection selection = select_objects(catalog.objects, catalog.edges, catalog.tables,
                                                   options_, request_.scope);
        const ScopeTarget state =
            co_await read_scope_target(target, catalog, selection, naming_, options_);
        check_readable(catalog, selection, state);
        JobPlan plan(request_.scratch_directory);
        ScopePlan scope = plan_scope(std::move(catalog), selection, state, naming_, options_,
                                     split_rules(options_), &plan.rows_of_ledger);
        plan.rows = scope.rows;
        plan.bytes = scope.bytes;
        plan.tables = scope.tables;
        plan.tasks = std::move(scope.tasks);
        for (const auto& [requirement, why] : state.missing) {
            plan.tasks.push_back(
                missing_row(static_cast<std::int32_t>(plan.tasks.size()) + 1, requirement, why));
            plan.rows_of_ledger.add(plan.tasks.back());
        }
        co_return plan;
    }

    Async<std::vector<CloneTask>> follow_snapshot(PgSession& source,
                                                  std::vector<CloneTask>& tasks) override
    {
        const SourceCatalog now = co_await read(source);
        const std::map<std::string, std::string> values = sequence_values(now, naming_);
        std::vector<CloneTask> changed;
        for (CloneTask& task : tasks) {
            bool follows = follow(task, values);
            for (ObjectStatements& part : task.parts_of_table)
                follows |= follow(part, values);
            if (follows)
                changed.push_back(task);
        }
        co_return changed;
    }

  private:
    static bool follow(ObjectStatements& task, const std::map<std::string, std::string>& values)
    {
        const auto value = values.find(task.schema_name + '\0' + task.object_name);
        if (task.object_kind != sequence_value_kind || value == values.end() ||
            task.statements == std::vector<std::string>{value->second})
            return false;
        task.statements = {value->second};
        return true;
    }

    Async<SourceCatalog> read(PgSession& source)
    {
        const HelperOpener open = [this](PgSession& helper) { return open_helper(helper); };
        SourceCatalog catalog = co_await read_source_catalog(source, request_, open);
        if (request_.rename)
            rename_schema(catalog, naming_);
        co_return catalog;
    }

    // In the snapshot that the job's session has exported.
    Async<void> open_helper(PgSession& helper)
    {
        std::array<char, name_bytes> snapshot = {};
        bool unprivileged = true;
        server::update_job([&](JobSlot& job) noexcept {
            std::memcpy(snapshot.data(), job.snapshot_id, snapshot.size());
            unprivileged = !job.privileged;
        });
        co_await open_source(helper, unprivileged, application_name_);
        const std::string begin =
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT " +
            quote_literal(snapshot.data());
        co_await helper.execute(begin);
    }

    // Before the first byte is copied, not in the middle of a night. (If the job goes on after errors,
    // these tables alone fail.)
    void check_readable(const SourceCatalog& catalog, const ObjectSelection& selection,
                        const ScopeTarget& state) const
    {
        if (!options_.data || options_.on_error == OnError::continue_)
            return;
        BoundedList list;
        std::set<ObjectId> made; // extensions
        for (std::size_t i = 0; i < catalog.objects.size(); i++) {
            const ObjectHead& head = catalog.objects.head(i);
            const TableHead* table = catalog.tables.find(head.id);
            const bool is_forbidden = table != nullptr && table->has_rows && !table->can_select;
            if (!selection.reasons[i].empty() ||
                (!is_forbidden && head.kind != ObjectKind::extension))
                continue;
            const CatalogObject object = catalog.objects.load(i);
            if (state.keeps(object.object_as))
                continue;
            if (is_forbidden)
                list.add(describe(object));
            else
                made.insert(object.id);
        }
        for (const ExtensionRows& table : catalog.extension_rows)
            if (made.contains(table.extension) && !table.can_select)
                list.add("table " + quote_qualified(table.name));
        if (!list.empty())
            throw PgError(sqlstate::insufficient_privilege,
                          "permission denied for tables on the source",
                          "SELECT is missing on: " + list.text() + ".",
                          "Grant it, or leave the tables out with \"exclude\".");
    }

    CatalogRequest request_;
    CloneOptions options_;
    std::string application_name_;
    ScopeNaming naming_;
};

} // namespace

std::unique_ptr<JobPlanner> make_scope_planner(const JobIdentity& job, const LedgerJob& ledger_job)
{
    return std::make_unique<ScopeJobPlanner>(job, ledger_job);
}

} // namespace pgclone
