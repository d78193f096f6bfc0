// Small tables: what belongs to one is made in one go, so that a table worker's transaction can
// hold many of them, and no table waits for the others.
#include "worker/scope_tasks.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "worker/ddl_batch.hpp"

namespace pgclone {

namespace {

// Code that a clone brings along: what it reads may not be there yet.
constexpr std::array code_kinds = {
    ObjectKind::language,
    ObjectKind::function,
    ObjectKind::procedure,
    ObjectKind::aggregate,
    ObjectKind::operator_,
    ObjectKind::operator_family,
    ObjectKind::operator_class,
    ObjectKind::cast,
    ObjectKind::transform,
    ObjectKind::access_method,
    ObjectKind::conversion,
    ObjectKind::text_search_parser,
    ObjectKind::text_search_template,
};

constexpr std::array part_kinds = {ObjectKind::default_, ObjectKind::check_constraint,
                                   ObjectKind::sequence};

template <typename Kinds>
bool is_one_of(ObjectKind kind, const Kinds& kinds)
{
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

} // namespace

// Finds the types whose values, and the objects whose computations, may call functions of the
// clone: what has code, and step by step what needs it. (No recursion: how deep that goes is the
// source's choice.) What a table needs is for its own parts only.
void ScopePlanner::find_own_code()
{
    const EdgeIndex users(catalog_.edges, EdgeIndex::By::needed);
    std::vector<ObjectId> fresh;
    const auto mark = [&](ObjectId id) {
        if (own_code_.insert(id).second)
            fresh.push_back(id);
    };
    for (const ObjectNode& node : nodes_)
        if (is_one_of(node.kind, code_kinds))
            mark(node.id);
    while (!fresh.empty()) {
        const ObjectId id = fresh.back();
        fresh.pop_back();
        for (const ObjectId& user : users.of(id)) {
            const std::optional<std::size_t> node = node_of(user);
            if (!node)
                continue;
            const ObjectKind kind = nodes_[*node].kind;
            if (kind == ObjectKind::domain_constraint)
                for (const ObjectId& needed : needs_.of(user))
                    if (const std::optional<std::size_t> domain = node_of(needed);
                        domain && nodes_[*domain].kind == ObjectKind::domain)
                        mark(needed);
            if (kind != ObjectKind::table && kind != ObjectKind::extension &&
                kind != ObjectKind::schema)
                mark(user);
        }
    }
    std::vector<ObjectEdge>().swap(catalog_.edges); // needs_ has what is still asked for
}

bool ScopePlanner::needs_own_code(ObjectId id) const
{
    const std::span<const ObjectId> needs = needs_.of(id);
    return std::any_of(needs.begin(), needs.end(),
                       [this](const ObjectId& needed) { return own_code_.contains(needed); });
}

// The table that an object is, or is a part of; 0 = none.
std::uint32_t ScopePlanner::table_behind(ObjectId id) const
{
    if (catalog_.tables.contains(id))
        return id.objid;
    const std::optional<std::size_t> node = node_of(id);
    return node ? head_at(*node).table_oid : 0;
}

void ScopePlanner::find_units()
{
    find_own_code();
    if (!options_.data)
        return;
    for (const SequenceState& sequence : catalog_.sequences)
        sequences_of_[sequence.node].push_back(&sequence);
    for (const OrderedStep& step : steps_) {
        const TableHead* table = catalog_.tables.find(nodes_[step.node].id);
        if (table == nullptr || step.section != ObjectSection::before_data)
            continue;
        if (table->has_rows && table->parents.empty() && !table->is_partition &&
            table->load_through.name.empty() && !table->has_after_children &&
            table->size_bytes < large_table_bytes && ranges_of(*table).empty())
            units_[table->id.objid];
    }
    for (const OrderedStep& step : steps_)
        if (step.section == ObjectSection::before_data)
            drop_entangled_units(step);
    for (const OrderedStep& step : steps_) {
        const ObjectHead& object = head_at(step.node);
        const auto unit = units_.find(object.table_oid);
        if (object.table_oid != 0 && unit != units_.end() &&
            step.section == ObjectSection::before_data)
            unit->second.parts.push_back(&step);
    }
    add_riders();
}

// Tables that something else needs before the data, or that need code of the clone, or are made in
// two steps, are no units.
void ScopePlanner::drop_entangled_units(const OrderedStep& step)
{
    const ObjectHead& object = head_at(step.node);
    const std::uint32_t own = table_behind(object.id);
    const bool is_table = catalog_.tables.contains(object.id);
    if (own != 0 && (step.form != StepForm::whole || needs_own_code(object.id) ||
                     (!is_table && !is_one_of(object.kind, part_kinds))))
        units_.erase(own);
    for (const ObjectId& needed : needs_.of(object.id))
        if (const std::uint32_t table = table_behind(needed); table != own)
            units_.erase(table);
}

// What comes after a unit's rows at once. What has to wait may be a thing that ANALYZE looks at.
void ScopePlanner::add_riders()
{
    for (const OrderedStep& step : steps_) {
        const ObjectHead& object = head_at(step.node);
        const auto unit = units_.find(object.table_oid);
        if (object.table_oid == 0 || unit == units_.end() ||
            step.section == ObjectSection::before_data)
            continue;
        if (is_built_with_data(step))
            unit->second.riders.push_back(&step);
        else if (object.kind == ObjectKind::index || object.kind == ObjectKind::constraint ||
                 object.kind == ObjectKind::statistics)
            unit->second.is_analyzed_later = true;
    }
}

bool ScopePlanner::is_unit_part(ObjectId id) const
{
    const auto unit = units_.find(table_behind(id));
    if (unit == units_.end())
        return false;
    const auto is_it = [&](const OrderedStep* step) { return nodes_[step->node].id == id; };
    return catalog_.tables.contains(id) ||
           std::any_of(unit->second.parts.begin(), unit->second.parts.end(), is_it) ||
           std::any_of(unit->second.riders.begin(), unit->second.riders.end(), is_it);
}

// After all else that is made before the data, on which their parts may depend.
void ScopePlanner::add_units()
{
    for (const OrderedStep& step : steps_)
        if (step.section == ObjectSection::before_data &&
            catalog_.tables.contains(nodes_[step.node].id) &&
            units_.contains(nodes_[step.node].id.objid)) {
            add_unit(step);
            put_away();
        }
}

// Task after task, which then become one. A plan that is only shown names each.
void ScopePlanner::add_unit(const OrderedStep& table)
{
    const CatalogObject object = object_at(table.node);
    const Unit& unit = units_.at(object.id.objid);
    const std::size_t first = plan_.tasks.size();
    add_step(table, stage_before_data, JobPhase::schema);
    const auto made = static_cast<std::int32_t>(plan_.tasks.size());
    for (const OrderedStep* part : unit.parts)
        add_step(*part, stage_before_data, JobPhase::schema);
    const auto complete = static_cast<std::int32_t>(plan_.tasks.size());
    const std::vector<std::int32_t> data = add_table_data(object, catalog_.tables.load(object.id));
    for (std::int32_t part = made; part <= complete; part++)
        for (const std::int32_t copy : data)
            wait_for(plan_.tasks[static_cast<std::size_t>(copy) - 1], part);
    for (const OrderedStep* rider : unit.riders)
        add_index(*rider, data);
    const auto add_values = [this](ObjectId node) {
        if (const auto sequences = sequences_of_.find(node); sequences != sequences_of_.end())
            for (const SequenceState* sequence : sequences->second)
                add_sequence_value(*sequence);
    };
    add_values(object.id);
    for (const OrderedStep* part : unit.parts)
        add_values(nodes_[part->node].id);
    if (options_.analyze && !unit.is_analyzed_later) {
        CloneTask& analyze = add_analyze(object);
        for (const std::int32_t copy : data)
            wait_for(analyze, copy);
    }
    for (std::size_t i = first; i < plan_.tasks.size(); i++) {
        CloneTask& task = plan_.tasks[i];
        task.stage = stage_before_data;
        task.due_stage = stage_data;
        task.in_table_worker = true;
        task.batched = true;
    }
    const bool fits_one_transaction = std::all_of(
        plan_.tasks.begin() + static_cast<std::ptrdiff_t>(first), plan_.tasks.end(), may_be_batched);
    if (fits_one_transaction && !options_.dry_run)
        fold_unit(first, table, unit);
}

// Makes the tasks from index `first` on the parts of the one that copies the rows.
void ScopePlanner::fold_unit(std::size_t first, const OrderedStep& table, const Unit& unit)
{
    std::vector<CloneTask> parts(
        std::make_move_iterator(plan_.tasks.begin() + static_cast<std::ptrdiff_t>(first)),
        std::make_move_iterator(plan_.tasks.end()));
    const auto copy = std::find_if(parts.begin(), parts.end(), [](const CloneTask& task) {
        return task.kind == TaskKind::data;
    });
    CloneTask task = std::move(*copy);
    parts.erase(copy);
    task.task_id = static_cast<std::int32_t>(first) + 1;
    std::set<std::int32_t> after(task.after.begin(), task.after.end());
    task.parts_of_table.reserve(parts.size());
    for (CloneTask& part : parts) {
        after.insert(part.after.begin(), part.after.end());
        task.cleanup.insert(task.cleanup.begin(), part.cleanup.begin(), part.cleanup.end());
        // What they have besides is for tasks that stand for themselves.
        part.task_id = task.task_id;
        task.parts_of_table.push_back(std::move(static_cast<ObjectStatements&>(part)));
    }
    task.after.assign(after.begin(), after.lower_bound(task.task_id));
    plan_.tasks.resize(first);
    made_by_[table.node] = task.task_id;
    for (const OrderedStep* part : unit.parts)
        made_by_[part->node] = task.task_id;
    for (const OrderedStep* rider : unit.riders)
        made_by_[rider->node] = task.task_id;
    plan_.tasks.push_back(std::move(task));
}

// The table whose lock a lock on this one may imply: a partition's topmost one.
std::uint32_t ScopePlanner::lock_key(std::uint32_t table) const
{
    const TableHead* found = catalog_.tables.find({table_class(), table});
    while (found != nullptr && found->is_partition) {
        table = found->parents.front().oid;
        found = catalog_.tables.find({table_class(), table});
    }
    return table;
}

// To add one locks both tables against whoever else does; to validate it only the referencing one.
void ScopePlanner::lock_for_foreign_key(CloneTask& task, const ObjectHead& key,
                                        bool validates) const
{
    task.in_table_worker = true;
    task.locked_tables = {lock_key(key.table_oid)};
    if (validates)
        return;
    for (const ObjectId& needed : needs_.of(key.id))
        if (catalog_.tables.contains(needed) && lock_key(needed.objid) != task.locked_tables[0])
            task.locked_tables.push_back(lock_key(needed.objid));
}

} // namespace pgclone
