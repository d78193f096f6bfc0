#include "worker/scope_tasks.hpp"

#include <algorithm>

#include "worker/target_state.hpp"

namespace pgclone {

std::string ScopePlanner::aside_schema(const std::string& schema)
{
    const auto [place, is_new] = aside_schemas_.try_emplace(schema);
    if (is_new) {
        place->second = "pgclone_" + naming_.tag + "_" + std::to_string(aside_schemas_.size());
        CloneTask& task = add(stage_set_aside, TaskKind::object, "schema", JobPhase::schema);
        task.object_name = place->second;
        task.statements = {"CREATE SCHEMA " + quote_identifier(place->second)};
        task.cleanup = {"DROP SCHEMA IF EXISTS " + quote_identifier(place->second)};
    }
    return place->second;
}

void ScopePlanner::add_set_aside()
{
    for (const std::string& object_as : target_.set_aside) {
        const ExistingObject& old = target_.existing.at(object_as);
        const std::string aside = aside_schema(old.schema);
        CloneTask& task = add(stage_set_aside, TaskKind::object, old.kind, JobPhase::schema);
        task.schema_name = old.schema;
        task.object_name = old.name;
        task.search_path = search_path_;
        task.statements = {"ALTER " + object_as + " SET SCHEMA " + quote_identifier(aside)};
        std::string kind = old.kind;
        std::transform(kind.begin(), kind.end(), kind.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
        task.cleanup = {"ALTER " + kind + " " + quote_qualified({aside, old.name}) +
                        " SET SCHEMA " + quote_identifier(old.schema)};
    }
}

void ScopePlanner::add_steps(ObjectSection section, Stage stage, JobPhase phase)
{
    for (const OrderedStep& step : steps_)
        if (step.section == section && !is_made_with_data(step) &&
            !is_unit_part(nodes_[step.node].id)) {
            add_step(step, stage, phase);
            put_away();
        }
}

void ScopePlanner::add_step(const OrderedStep& step, Stage stage, JobPhase phase)
{
    const CatalogObject object = object_at(step.node);
    std::string kind(to_text(object.kind));
    if (step.form == StepForm::shell)
        kind += " shell";
    if (object.kind == ObjectKind::foreign_key || object.kind == ObjectKind::trigger ||
        object.kind == ObjectKind::rule || object.kind == ObjectKind::policy)
        phase = stage == stage_after_data ? JobPhase::constraints : phase;
    const bool is_foreign_key = object.kind == ObjectKind::foreign_key;
    CloneTask& task = add_for(object, is_foreign_key ? stage_foreign_keys : stage,
                              TaskKind::object, std::move(kind), phase);
    wait_for_needs(task, object.id);
    for (const std::int32_t other : task.after)
        task.stage = std::max(task.stage, plan_.tasks[static_cast<std::size_t>(other) - 1].stage);
    fill_step(task, step, object);
    if (is_foreign_key) {
        lock_for_foreign_key(task, object, false);
        task.batched = true;
    } else if (object.kind == ObjectKind::index && is_on_large_table(object)) {
        // One that could not be built with the data.
        task.kind = TaskKind::index;
        task.in_table_worker = true;
        task.shared_tables = {object.table_oid};
    }
    made_by_[step.node] = task.task_id;
}

// What belongs to a table of the job goes with it; but a foreign key is in the way of others.
bool ScopePlanner::goes_with_table(const ObjectHead& object) const
{
    return object.kind != ObjectKind::foreign_key && object.table_oid != 0 &&
           made_by({table_class(), object.table_oid}) != 0;
}

void ScopePlanner::fill_step(CloneTask& task, const OrderedStep& step, const CatalogObject& object)
{
    if (!object.drop.empty() && !goes_with_table(object))
        task.cleanup = {object.drop};
    // What is in a circle, as a type and its input function, goes all at once.
    if (step.form == StepForm::completion && !object.drop.empty())
        task.cleanup = {object.drop + " CASCADE"};
    if (step.form == StepForm::shell) {
        task.statements = {object.shell};
        return;
    }
    if (const TableHead* table = catalog_.tables.find(object.id)) {
        task.statements = table_maker_.statements(places_of_tables_.at(object.id.objid));
        task.completes_table = !options_.data && table->has_rows;
    } else if (has_key_index(step) && made_by(object.id) != 0) {
        task.statements = {object.key_index->use};
        wait_for_maker(task, object.id); // what has built it
    } else if (is_validated_late(step)) {
        append(task, {object.late_validation->add});
    } else {
        append(task, step.form == StepForm::completion && !object.complete.empty()
                         ? object.complete
                         : object.create);
    }
    if (object.kind == ObjectKind::extension && target_.extensions_in_version.contains(object.name))
        task.statements.back() +=
            " VERSION " + quote_literal(object.version);
    if (options_.comments)
        task.statements.insert(task.statements.end(), object.comments.begin(),
                               object.comments.end());
    task.statements.insert(task.statements.end(), object.labels.begin(), object.labels.end());
    // Nothing comes after these but the end.
    if (step.section == ObjectSection::last)
        append_owner_and_privileges(task, object);
}

const TableHead* ScopePlanner::table_of(const ObjectHead& object) const
{
    return object.table_oid == 0 ? nullptr : catalog_.tables.find({table_class(), object.table_oid});
}

bool ScopePlanner::is_on_large_table(const ObjectHead& object) const
{
    const TableHead* table = table_of(object);
    return options_.data && table != nullptr && table->has_rows &&
           table->size_bytes >= large_table_bytes;
}

// Only what is on a large table is made in two steps: a foreign key ...
bool ScopePlanner::is_validated_late(const OrderedStep& step) const
{
    return head_at(step.node).has_late_validation && is_on_large_table(head_at(step.node));
}

// ... or a key, whose index is built before it.
bool ScopePlanner::has_key_index(const OrderedStep& step) const
{
    return head_at(step.node).has_key_index && is_on_large_table(head_at(step.node));
}

// Indexes are built as soon as the table's rows are there, while others are still copied. But not if
// they call functions of the clone: those may read other tables.
bool ScopePlanner::is_built_with_data(const OrderedStep& step) const
{
    const ObjectHead& object = head_at(step.node);
    const TableHead* table = table_of(object);
    if (step.section != ObjectSection::after_data || step.form != StepForm::whole ||
        (object.kind != ObjectKind::index && object.kind != ObjectKind::constraint) ||
        !options_.data || table == nullptr || !table->has_rows ||
        !table->load_through.name.empty() || needs_own_code(object.id))
        return false;
    const std::span<const ObjectId> needs = needs_.of(object.id);
    return std::all_of(needs.begin(), needs.end(), [&](const ObjectId& id) {
        const std::optional<std::size_t> node = node_of(id);
        return !node || id == object.id || sections_[*node] == ObjectSection::before_data;
    });
}

// And are all there is to it. A key comes after the data, when no index of its table is being
// built any more: it needs a lock that those would keep it waiting for.
bool ScopePlanner::is_made_with_data(const OrderedStep& step) const
{
    return is_built_with_data(step) && !has_key_index(step);
}

void ScopePlanner::append_owner_and_privileges(CloneTask& task, const CatalogObject& object) const
{
    if (options_.owners && object.owner && !object.object_as.empty()) {
        const std::string owner = map_role(options_, *object.owner);
        if (owner != target_.role || is_kept(object))
            task.statements.push_back("ALTER " + object.object_as + " OWNER TO " +
                                      quote_identifier(owner));
    }
    if (options_.acls)
        append(task, object.privileges);
}

void ScopePlanner::add_owners_and_privileges()
{
    for (std::size_t i = 0; i < catalog_.objects.size(); i++)
        if (is_kept_[i] && catalog_.objects.head(i).kind == ObjectKind::schema)
            if (const CatalogObject schema = catalog_.objects.load(i); is_own_anyway(schema))
                add_remarks_of_kept(schema);
    for (const OrderedStep& step : steps_) {
        if (step.section == ObjectSection::last || step.form == StepForm::shell)
            continue;
        const CatalogObject object = object_at(step.node);
        CloneTask task;
        append_owner_and_privileges(task, object);
        if (task.statements.empty())
            continue;
        CloneTask& added = add_for(object, stage_privileges, TaskKind::object,
                                   "owner and privileges", JobPhase::constraints);
        added.statements = std::move(task.statements);
        wait_for_maker(added, object.id);
    }
    if (!options_.acls)
        return;
    for (const std::vector<StatementTemplate>& statements : catalog_.system_privileges) {
        CloneTask& task =
            add(stage_privileges, TaskKind::object, "privileges", JobPhase::constraints);
        append(task, statements);
        task.object_name = task.statements.front();
    }
}

// The schema that every database has from the start: it becomes as it is on the source.
bool ScopePlanner::is_own_anyway(const CatalogObject& object)
{
    return object.kind == ObjectKind::schema && object.name == "public";
}

void ScopePlanner::add_remarks_of_kept(const CatalogObject& object)
{
    if (!naming_.source_schema.empty())
        return;
    CloneTask& task =
        add_for(object, stage_privileges, TaskKind::object, "schema", JobPhase::constraints);
    if (options_.comments)
        task.statements = object.comments;
    task.statements.insert(task.statements.end(), object.labels.begin(), object.labels.end());
    append_owner_and_privileges(task, object);
    if (task.statements.empty())
        plan_.tasks.pop_back();
}

} // namespace pgclone
