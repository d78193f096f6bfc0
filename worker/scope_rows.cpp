#include "worker/scope_tasks.hpp"

#include <algorithm>

#include "worker/copy_format.hpp"

namespace pgclone {

namespace {

// Large objects of one task.
constexpr std::size_t large_objects_a_task = 1000;

} // namespace

void ScopePlanner::add_data()
{
    if (!options_.data) {
        plan_.tables = static_cast<int>(
            std::count_if(nodes_.begin(), nodes_.end(), [this](const ObjectNode& node) {
                const TableHead* table = catalog_.tables.find(node.id);
                return table != nullptr && table->has_rows;
            }));
        return;
    }
    std::map<std::uint32_t, std::vector<const OrderedStep*>> indexes; // by table
    for (const OrderedStep& step : steps_)
        if (is_built_with_data(step) && !units_.contains(head_at(step.node).table_oid))
            indexes[head_at(step.node).table_oid].push_back(&step);

    // The largest first, each followed by its indexes: whoever is free takes the first task
    // that can start.
    std::vector<std::pair<std::int64_t, std::size_t>> tables; // bytes with indexes, node
    for (std::size_t node = 0; node < nodes_.size(); node++) {
        const TableHead* found = catalog_.tables.find(nodes_[node].id);
        if (found == nullptr || !found->has_rows ||
            units_.contains(nodes_[node].id.objid))
            continue;
        std::int64_t bytes = found->size_bytes;
        for (const OrderedStep* step : indexes[nodes_[node].id.objid])
            bytes += bytes_of_index(*step);
        tables.emplace_back(bytes, node);
    }
    std::stable_sort(tables.begin(), tables.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [bytes, node] : tables) {
        const TableShape table = catalog_.tables.load(nodes_[node].id);
        const std::vector<std::int32_t> data = add_table_data(object_at(node), table);
        sort_largest_first(indexes[table.id.objid]);
        for (const OrderedStep* step : indexes[table.id.objid])
            add_index(*step, data);
    }
    add_extension_rows();
    add_large_objects();
}

std::int64_t ScopePlanner::bytes_of_index(const OrderedStep& step) const
{
    return std::max<std::int64_t>(head_at(step.node).index_bytes, 0);
}

void ScopePlanner::sort_largest_first(std::vector<const OrderedStep*>& indexes) const
{
    std::stable_sort(indexes.begin(), indexes.end(),
                     [this](const OrderedStep* a, const OrderedStep* b) {
                         return bytes_of_index(*a) > bytes_of_index(*b);
                     });
}

// An index, or a constraint's, that table workers build when the rows are there (`data`: the tasks
// that copy them).
void ScopePlanner::add_index(const OrderedStep& step, const std::vector<std::int32_t>& data)
{
    const CatalogObject object = object_at(step.node);
    const KeyIndex* index = has_key_index(step) ? &*object.key_index : nullptr;
    CloneTask& task =
        add_for(object, stage_data, TaskKind::index,
                std::string(to_text(index ? ObjectKind::index : object.kind)), JobPhase::data);
    task.in_table_worker = true;
    task.batched = !is_on_large_table(object);
    // A key's statement needs its table for itself; indexes go together.
    (object.kind == ObjectKind::constraint && !index ? task.locked_tables
                                                     : task.shared_tables) = {object.table_oid};
    wait_for_needs(task, object.id);
    for (const std::int32_t piece : data)
        wait_for(task, piece);
    if (index) {
        // The constraint's own task says what stands in the way.
        task.conflict.clear();
        task.object_name = index->name;
        task.statements = {index->create};
        if (!goes_with_table(object))
            task.cleanup = {index->drop};
    } else {
        fill_step(task, step, object);
    }
    const bool is_btree = task.statements.front().find(" USING btree (") != std::string::npos;
    if (!task.batched && is_btree && object.index_bytes >= 0)
        task.btree_bytes = bytes_of_index(step);
    made_by_[step.node] = task.task_id;
}

// The pieces to copy the table in; none = as a whole.
std::vector<PageRange> ScopePlanner::ranges_of(const TableHead& table) const
{
    // Of a table that was filled through another one, a failure could not take back the pieces
    // that are done.
    if (!table.load_through.name.empty())
        return {};
    const TableExtent extent{catalog_.server_version, table.is_heap, table.heap_pages,
                             table.size_bytes, table.estimated_rows};
    return split_table(extent, split_);
}

// Returns the tasks that copy it.
std::vector<std::int32_t> ScopePlanner::add_table_data(const CatalogObject& object,
                                                       const TableShape& table)
{
    const std::vector<PageRange> ranges = ranges_of(table);
    std::vector<std::int32_t> tasks;
    if (ranges.empty()) {
        CloneTask& task = add_table_copy(object, table, "");
        task.batched = table.size_bytes < large_table_bytes && table.load_through.name.empty();
        task.estimated_rows = table.estimated_rows;
        task.estimated_bytes = table.size_bytes;
        tasks.push_back(task.task_id);
    }
    for (const PageRange& range : ranges) {
        CloneTask& task = add_table_copy(object, table, range_predicate(range));
        task.part = static_cast<std::int32_t>(tasks.size()) + 1;
        task.parts = static_cast<std::int32_t>(ranges.size());
        task.estimated_rows = range.rows;
        task.estimated_bytes = range.bytes;
        tasks.push_back(task.task_id);
    }
    plan_.tables++;
    plan_.bytes += table.size_bytes;
    plan_.rows =
        plan_.rows < 0 || table.estimated_rows < 0 ? -1 : plan_.rows + table.estimated_rows;
    return tasks;
}

// `predicate`: of the rows of a piece; empty = the whole table, which may be truncated for that.
CloneTask& ScopePlanner::add_table_copy(const CatalogObject& object, const TableShape& table,
                                        const std::string& predicate)
{
    CloneTask& task = add_for(object, stage_data, TaskKind::data, "", JobPhase::data);
    task.search_path.clear(); // all of its statements are qualified
    task.in_table_worker = true;
    task.completes_table = true;
    task.object_name = object.name;
    const QualifiedName source{object.schema_name, object.name};
    const QualifiedName own{naming_.schema_on_target(object.schema_name), object.name};
    const bool through_root = !table.load_through.name.empty();
    const QualifiedName into =
        through_root ? QualifiedName{naming_.schema_on_target(table.load_through.schema),
                                     table.load_through.name}
                     : own;
    const bool alone = !through_root && predicate.empty(); // nobody else fills the table
    // A type of that name that was there before may be another one.
    const bool binary =
        table.binary_safe && std::all_of(table.own_types.begin(), table.own_types.end(),
                                         [this](ObjectId id) { return made_by(id) != 0; });
    const CopyPlan copy = plan_copy({source, table.copy_columns, predicate, table.padded_columns},
                                    into, binary, alone);
    task.source_copy = copy.source_copy;
    task.target_copy = copy.target_copy;
    task.format = copy.format;
    task.column_list = table.copy_columns;
    task.predicate = predicate;
    if (alone)
        task.truncate = "TRUNCATE TABLE ONLY " + quote_qualified(own);
    task.filled_table = quote_qualified(into);
    task.unlogged = table.head.starts_with("CREATE UNLOGGED");
    task.source_oid = table.id.objid;
    task.source_schema = source.schema;
    task.source_table = source.name;
    if (const std::int32_t made = made_by(table.id); made != 0)
        wait_for(task, made);
    return task;
}

// Those that others refer to first: their foreign keys are there already.
void ScopePlanner::add_extension_rows()
{
    std::map<std::uint32_t, std::int32_t> copied; // by table
    std::vector<const ExtensionRows*> left;
    for (const ExtensionRows& table : catalog_.extension_rows)
        if (made_by(table.extension) != 0) // else the target has its own
            left.push_back(&table);
    while (!left.empty()) {
        std::vector<const ExtensionRows*> blocked;
        for (const ExtensionRows* table : left) {
            const bool waits = std::any_of(
                table->references.begin(), table->references.end(), [&](std::uint32_t oid) {
                    return std::any_of(left.begin(), left.end(), [&](const ExtensionRows* other) {
                        return other->oid == oid && !copied.contains(oid);
                    });
                });
            if (waits)
                blocked.push_back(table);
            else
                add_extension_table(*table, copied);
        }
        if (blocked.size() == left.size()) {
            // A circle of references: whichever comes first, the target will say.
            add_extension_table(*blocked.front(), copied);
            blocked.erase(blocked.begin());
        }
        left = std::move(blocked);
    }
}

void ScopePlanner::add_extension_table(const ExtensionRows& table,
                                       std::map<std::uint32_t, std::int32_t>& copied)
{
    CloneTask& task = add(stage_data, TaskKind::data, "table", JobPhase::data);
    task.schema_name = table.name.schema;
    task.object_name = table.name.name;
    task.in_table_worker = true;
    const CopyPlan copy =
        plan_copy({table.name, table.columns, ""}, table.name, table.binary_safe, false);
    task.source_copy = copy.source_copy;
    if (!table.condition.empty())
        task.source_copy = "COPY (" + select_statement(table.name, table.columns, "") + " " +
                           table.condition + "\n) TO STDOUT" +
                           (copy.format == "binary" ? " WITH (FORMAT binary)" : "");
    task.target_copy = copy.target_copy;
    task.format = copy.format;
    task.column_list = table.columns;
    task.predicate = table.condition;
    task.source_oid = table.oid;
    task.source_schema = table.name.schema;
    task.source_table = table.name.name;
    wait_for_maker(task, table.extension);
    for (const std::uint32_t oid : table.references)
        if (const auto other = copied.find(oid); other != copied.end())
            wait_for(task, other->second);
    copied[table.oid] = task.task_id;
}

void ScopePlanner::add_large_objects()
{
    CloneTask* task = nullptr;
    for (std::size_t node = 0; node < nodes_.size(); node++) {
        if (nodes_[node].kind != ObjectKind::large_object)
            continue;
        if (task == nullptr || task->large_objects.size() >= large_objects_a_task) {
            task = &add(stage_data, TaskKind::large_objects, "large objects", JobPhase::data);
            task->in_table_worker = true;
        }
        task->large_objects.push_back(nodes_[node].id.objid);
        wait_for_maker(*task, nodes_[node].id);
    }
    for (CloneTask& each : plan_.tasks)
        if (each.kind == TaskKind::large_objects)
            each.object_name = std::to_string(each.large_objects.front()) + " to " +
                               std::to_string(each.large_objects.back());
}

void ScopePlanner::add_validations()
{
    std::vector<std::size_t> keys; // nodes
    for (const OrderedStep& step : steps_)
        if (head_at(step.node).kind == ObjectKind::foreign_key && is_validated_late(step))
            keys.push_back(step.node);
    std::stable_sort(keys.begin(), keys.end(), [this](std::size_t a, std::size_t b) {
        return table_of(head_at(a))->size_bytes > table_of(head_at(b))->size_bytes;
    });
    for (const std::size_t key : keys) {
        const CatalogObject object = object_at(key);
        CloneTask& task = add_for(object, stage_validation, TaskKind::validate, "validation",
                                  JobPhase::constraints);
        task.in_table_worker = true;
        lock_for_foreign_key(task, object, true); // two validations of a table exclude each other
        // The planner does not know that to hash a large table misses the caches. Indexes that have just
        // been built, of tables that were frozen on the way, are merged faster.
        if (may_merge(object))
            task.statements = {"SET LOCAL enable_hashjoin = off"};
        task.statements.push_back(object.late_validation->validate);
        wait_for_maker(task, object.id);
    }
}

// Whether the tables of a foreign key can be read from indexes alone, in the same order. (Of one that
// is not cloned nobody knows.)
bool ScopePlanner::may_merge(const CatalogObject& key) const
{
    if (made_by(key.late_validation->index) == 0)
        return false;
    const auto is_frozen = [this](ObjectId id) {
        const TableHead* table = catalog_.tables.find(id);
        return table == nullptr || (ranges_of(*table).empty() && table->load_through.name.empty());
    };
    const std::span<const ObjectId> needs = needs_.of(key.id);
    return is_frozen({table_class(), key.table_oid}) && !needs.empty() &&
           std::all_of(needs.begin(), needs.end(), is_frozen);
}

// Materialized views whose rows this object is made of.
const std::set<std::int32_t>& ScopePlanner::refreshes_under(ObjectId id)
{
    struct Visit {
        ObjectId id;
        std::size_t next = 0; // of what it needs
    };
    // No recursion: how many views lie on each other is the source's choice.
    std::vector<Visit> open;
    const auto [place, is_new] = refreshes_under_.try_emplace(id);
    if (is_new)
        open.push_back({id});
    while (!open.empty()) {
        Visit& visit = open.back();
        const std::span<const ObjectId> needs = needs_.of(visit.id);
        if (visit.next == needs.size()) {
            open.pop_back();
            continue;
        }
        const ObjectId needed = needs[visit.next];
        std::set<std::int32_t>& found = refreshes_under_[visit.id];
        if (const auto own = refresh_of_.find(needed); own != refresh_of_.end()) {
            found.insert(own->second); // it waits for those under it by itself
        } else if (const auto [below, is_unknown] = refreshes_under_.try_emplace(needed);
                   is_unknown) {
            open.push_back({needed});
            continue; // with the same one, when that is known
        } else {
            found.insert(below->second.begin(), below->second.end()); // in a cycle, as far as known
        }
        visit.next++;
    }
    return place->second;
}

void ScopePlanner::add_refreshes()
{
    if (!options_.data)
        return;
    for (const OrderedStep& step : steps_) {
        if (head_at(step.node).kind != ObjectKind::materialized_view ||
            !head_at(step.node).is_populated)
            continue;
        const CatalogObject object = object_at(step.node);
        const std::set<std::int32_t> under = refreshes_under(object.id);
        CloneTask& task =
            add_for(object, stage_refresh, TaskKind::refresh, "refresh", JobPhase::constraints);
        task.in_table_worker = true;
        task.statements = {"REFRESH " + object.object_as};
        wait_for_maker(task, object.id);
        for (const std::int32_t other : under)
            wait_for(task, other);
        refresh_of_[object.id] = task.task_id;
    }
}

void ScopePlanner::add_sequence_values()
{
    if (!options_.data)
        return;
    for (const SequenceState& sequence : catalog_.sequences) {
        const std::optional<std::size_t> node = node_of(sequence.node);
        if (node && made_by_[*node] != 0 && !is_unit_part(nodes_[*node].id))
            add_sequence_value(sequence);
    }
}

void ScopePlanner::add_sequence_value(const SequenceState& sequence)
{
    CloneTask& task = add(stage_sequence_values, TaskKind::object, std::string(sequence_value_kind),
                          JobPhase::constraints);
    task.schema_name = naming_.schema_on_target(sequence.source.schema);
    task.object_name = sequence.source.name;
    task.search_path = search_path_;
    task.statements = {set_value_statement(sequence)};
    task.in_table_worker = true;
    task.batched = true;
    wait_for_maker(task, sequence.node);
}

// Tables with a foreign table below them: to analyze them is to read from its server.
std::set<std::uint32_t> ScopePlanner::tables_above_foreign_ones() const
{
    std::set<std::uint32_t> above;
    std::vector<const TableHead*> open;
    for (const ObjectNode& node : nodes_)
        if (node.kind == ObjectKind::foreign_table)
            if (const TableHead* table = catalog_.tables.find(node.id))
                open.push_back(table);
    while (!open.empty()) {
        const TableHead* table = open.back();
        open.pop_back();
        for (const TableParent& parent : table->parents) {
            const TableHead* found = catalog_.tables.find({table->id.classid, parent.oid});
            if (above.insert(parent.oid).second && found != nullptr)
                open.push_back(found);
        }
    }
    return above;
}

// Tables (the topmost, of partitions) whose rows are not where they are on the source: copied in
// pieces, several at once, or routed to other partitions.
void ScopePlanner::find_reordered_tables()
{
    catalog_.tables.for_each([this](const TableHead& table) {
        if (table.has_rows && (!table.load_through.name.empty() || !ranges_of(table).empty()))
            reordered_tables_.insert(lock_key(table.id.objid));
    });
}

// A partitioned table's ANALYZE takes all of its partitions along, and so takes longer than most
// validations: it comes before them, lest all wait for it in the end.
void ScopePlanner::add_analyzes(AnalyzeOf which)
{
    if (!options_.data || !options_.analyze)
        return;
    const std::set<std::uint32_t> above_foreign = tables_above_foreign_ones();
    const auto comes_with_parent = [&](const TableHead& table) {
        return table.is_partition && !above_foreign.contains(table.parents.front().oid);
    };
    for (const OrderedStep& step : steps_) {
        const ObjectHead& object = head_at(step.node);
        const TableHead* table = catalog_.tables.find(object.id);
        const bool is_table = object.kind == ObjectKind::table && table != nullptr;
        const bool is_populated = refresh_of_.contains(object.id);
        const bool is_partitioned = is_table && !table->has_rows;
        if (is_partitioned != (which == AnalyzeOf::partitioned_tables))
            continue;
        if (!is_populated && (!is_table || comes_with_parent(*table) ||
                              above_foreign.contains(object.id.objid)))
            continue;
        const bool is_done = is_unit_part(object.id) && !units_.at(object.id.objid).is_analyzed_later;
        if (!is_done)
            add_analyze(object_at(step.node));
    }
}

CloneTask& ScopePlanner::add_analyze(const CatalogObject& object)
{
    const TableHead* table = catalog_.tables.find(object.id);
    const bool is_short =
        table == nullptr || (table->has_rows && table->size_bytes < large_table_bytes);
    // Of a table beside the validations of others'; of a materialized view when it has its rows.
    const bool is_table = table != nullptr;
    CloneTask& task =
        add_for(object, is_table ? stage_validation : stage_statistics,
                is_short ? TaskKind::object : TaskKind::analyze, "analyze", JobPhase::constraints);
    task.due_stage = stage_statistics;
    task.in_table_worker = true;
    task.batched = is_short;
    task.locked_tables = {lock_key(object.id.objid)};
    task.statements = {"ANALYZE " + object.object_as.substr(to_text(object.kind).size() + 1)};
    // To ask the source takes a round trip or two: not for what is analyzed in less.
    if (is_table && !is_short && !options_.always_analyze &&
        !reordered_tables_.contains(lock_key(object.id.objid))) {
        task.source_oid = object.id.objid;
        task.source_schema = object.schema_name;
        task.source_table = object.name;
    }
    wait_for_maker(task, object.id);
    return task;
}

std::string set_value_statement(const SequenceState& sequence)
{
    return "SELECT pg_catalog.setval(" + quote_literal(sequence.target_as) +
           "::pg_catalog.regclass, " + sequence.last_value + ", " +
           (sequence.is_called ? "true" : "false") + ")";
}

} // namespace pgclone
