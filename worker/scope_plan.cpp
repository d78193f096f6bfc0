#include "worker/scope_tasks.hpp"

#include <algorithm>
#include <numeric>

#include "shared/error_types.hpp"

namespace pgclone {

namespace {

// Objects that were replaced.
constexpr std::size_t most_dropped_at_once = 100;

// `name` with the suffix, within the length of a name, cut between characters.
std::string old_name(const std::string& name, const std::string& suffix)
{
    std::size_t length = std::min(name.size(), name_bytes - 1 - suffix.size());
    while (length > 0 && length < name.size() &&
           (static_cast<unsigned char>(name[length]) & 0xc0) == 0x80)
        length--;
    return name.substr(0, length) + suffix;
}

} // namespace

ScopePlan ScopePlanner::plan()
{
    index_objects();
    order();
    plan_.tasks.reserve(steps_.size());
    find_units();
    find_reordered_tables();
    add_set_aside();
    add_steps(ObjectSection::before_data, stage_before_data, JobPhase::schema);
    add_units();
    add_data();
    add_steps(ObjectSection::after_data, stage_after_data, JobPhase::indexes);
    add_analyzes(AnalyzeOf::partitioned_tables);
    add_validations();
    add_refreshes();
    add_sequence_values();
    add_analyzes(AnalyzeOf::all_else);
    add_owners_and_privileges();
    add_steps(ObjectSection::last, stage_last, JobPhase::constraints);
    add_left_out();
    add_publish();
    return std::move(plan_);
}

const CatalogObject& ScopePlanner::object_at(std::size_t node) const
{
    return catalog_.objects[node_objects_[node]];
}

void ScopePlanner::index_objects()
{
    for (std::size_t i = 0; i < catalog_.objects.size(); i++) {
        const CatalogObject& object = catalog_.objects[i];
        if (!selection_.reasons[i].empty() || is_kept(object))
            continue;
        ObjectNode node;
        node.id = object.id;
        node.kind = object.kind;
        node.sort_key = object.schema_name.empty()
                            ? quote_identifier(object.name)
                            : quote_qualified({object.schema_name, object.name});
        node.has_shell = !object.shell.empty();
        node.is_late = object.after_data;
        nodes_.push_back(std::move(node));
        node_objects_.push_back(i);
    }
    nodes_by_id_.resize(nodes_.size());
    std::iota(nodes_by_id_.begin(), nodes_by_id_.end(), std::uint32_t{0});
    std::sort(nodes_by_id_.begin(), nodes_by_id_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return nodes_[a].id < nodes_[b].id; });
    made_by_.resize(nodes_.size());
    needs_ = EdgeIndex(catalog_.edges, EdgeIndex::By::object);
    // Only those of large tables are made in two steps.
    const auto is_made_at_once = [this](const auto& entry) {
        const std::optional<std::size_t> node = node_of(entry.first);
        return !node || !is_on_large_table(object_at(*node));
    };
    std::erase_if(catalog_.key_indexes, is_made_at_once);
    std::erase_if(catalog_.validations, is_made_at_once);
}

std::optional<std::size_t> ScopePlanner::node_of(ObjectId id) const
{
    const auto place = std::lower_bound(
        nodes_by_id_.begin(), nodes_by_id_.end(), id,
        [this](std::uint32_t node, const ObjectId& sought) { return nodes_[node].id < sought; });
    if (place == nodes_by_id_.end() || nodes_[*place].id != id)
        return std::nullopt;
    return *place;
}

std::int32_t ScopePlanner::made_by(ObjectId id) const
{
    const std::optional<std::size_t> node = node_of(id);
    return node ? made_by_[*node] : 0;
}

// What the target has already and what the clone takes as it is there.
bool ScopePlanner::is_kept(const CatalogObject& object) const
{
    if (target_.set_aside.contains(object.object_as))
        return false;
    if (object.kind == ObjectKind::schema)
        return target_.schemas.contains(naming_.schema_on_target(object.name));
    return !object.object_as.empty() && target_.existing.contains(object.object_as);
}

void ScopePlanner::order()
{
    steps_ = order_objects(nodes_, catalog_.edges);
    for (ObjectNode& node : nodes_)
        std::string().swap(node.sort_key);
    sections_.resize(nodes_.size());
    std::vector<const TableShape*> shapes;
    for (const OrderedStep& step : steps_) {
        sections_[step.node] = step.section;
        if (const auto found = catalog_.tables.find(nodes_[step.node].id);
            found != catalog_.tables.end())
            shapes.push_back(&found->second);
    }
    std::vector<std::vector<std::string>> statements =
        create_table_statements(shapes, target_.server_version);
    for (std::size_t i = 0; i < shapes.size(); i++)
        table_statements_[shapes[i]->id] = std::move(statements[i]);
    // They have said all that they had to say.
    for (auto& [id, table] : catalog_.tables)
        std::vector<ShapeColumn>().swap(table.columns);
}

CloneTask& ScopePlanner::add(Stage stage, TaskKind kind, std::string object_kind, JobPhase phase)
{
    CloneTask& task = plan_.tasks.emplace_back();
    task.task_id = static_cast<std::int32_t>(plan_.tasks.size());
    task.stage = stage;
    task.kind = kind;
    task.object_kind = std::move(object_kind);
    task.phase = phase;
    return task;
}

CloneTask& ScopePlanner::add_for(const CatalogObject& object, Stage stage, TaskKind kind,
                                 std::string object_kind, JobPhase phase)
{
    CloneTask& task = add(stage, kind, std::move(object_kind), phase);
    task.schema_name = naming_.schema_on_target(object.schema_name);
    task.object_name = object.name;
    task.search_path = search_path_;
    if (const auto found = target_.conflicts.find(object.object_as);
        found != target_.conflicts.end() && stage <= stage_after_data)
        task.conflict = found->second;
    return task;
}

void ScopePlanner::wait_for(CloneTask& task, std::int32_t other)
{
    const auto place = std::lower_bound(task.after.begin(), task.after.end(), other);
    if (other != task.task_id && (place == task.after.end() || *place != other))
        task.after.insert(place, other);
}

void ScopePlanner::wait_for_maker(CloneTask& task, ObjectId id) const
{
    const std::int32_t made = made_by(id);
    if (made == 0)
        throw PgError(sqlstate::internal_error,
                      "the plan has no task that makes what \"" + task.object_name + "\" is about");
    wait_for(task, made);
}

void ScopePlanner::wait_for_needs(CloneTask& task, ObjectId id) const
{
    for (const ObjectId& needed : needs_.of(id))
        if (const std::int32_t made = made_by(needed); made != 0)
            wait_for(task, made);
}

void ScopePlanner::append(CloneTask& task, const std::vector<StatementTemplate>& statements) const
{
    for (const StatementTemplate& statement : statements)
        if (statement.since() <= target_.server_version)
            task.statements.push_back(statement.render(options_));
}

void ScopePlanner::add_left_out()
{
    for (std::size_t i = 0; i < catalog_.objects.size(); i++) {
        const CatalogObject& object = catalog_.objects[i];
        const bool kept = selection_.reasons[i].empty() && is_kept(object);
        // What is a part of something is named with it.
        if ((selection_.reasons[i].empty() && !kept) || selection_.is_silent[i])
            continue;
        CloneTask& task = add_for(object, stage_last, TaskKind::object,
                                  std::string(to_text(object.kind)), JobPhase::constraints);
        task.skip_reason = kept ? "it exists on the target" : selection_.reasons[i];
    }
    if (options_.acls) {
        for (std::size_t i = 0; i < catalog_.objects.size(); i++)
            if (selection_.reasons[i].empty() && !is_kept(catalog_.objects[i]))
                add_newer(catalog_.objects[i].privileges);
        for (const std::vector<StatementTemplate>& statements : catalog_.system_privileges)
            add_newer(statements);
    }
    for (const std::string& note : catalog_.notes) {
        CloneTask& task = add(stage_last, TaskKind::object, "note", JobPhase::constraints);
        task.object_name = note;
        task.skip_reason = note;
    }
}

// What append() has left out.
void ScopePlanner::add_newer(const std::vector<StatementTemplate>& statements)
{
    for (const StatementTemplate& statement : statements) {
        if (statement.since() <= target_.server_version)
            continue;
        CloneTask& task = add(stage_last, TaskKind::object, "privileges", JobPhase::constraints);
        task.object_name = statement.render(options_);
        task.skip_reason = "it needs PostgreSQL " + std::to_string(statement.since() / 10000);
    }
}

// What was replaced is dropped in the job's last transaction if its locks fit into one: a table has
// some 17, and the server room for 64 a connection by default. Else it goes before, piece by piece,
// and from then on the job can only go forward. Returns the id of the task that does it; 0 = none.
std::int32_t ScopePlanner::add_drops(const std::vector<std::string>& schemas)
{
    if (schemas.empty() || target_.set_aside.size() <= most_dropped_at_once)
        return 0;
    CloneTask& check =
        add(stage_publish, TaskKind::check_replaced, "check replaced", JobPhase::finishing);
    check.dropped_schemas = schemas;
    const std::int32_t check_id = check.task_id;
    CloneTask& drop =
        add(stage_publish, TaskKind::drop_replaced, "drop replaced", JobPhase::finishing);
    drop.dropped_schemas = schemas;
    wait_for(drop, check_id);
    return drop.task_id;
}

void ScopePlanner::add_publish()
{
    std::vector<std::string> dropped;
    if (options_.conflict == ConflictAction::replace)
        for (const auto& [schema, aside] : aside_schemas_)
            dropped.push_back(aside);
    const std::int32_t drop_id = add_drops(dropped);
    CloneTask& task = add(stage_publish, TaskKind::publish, "", JobPhase::finishing);
    task.dropped_schemas = std::move(dropped);
    if (drop_id != 0)
        wait_for(task, drop_id);
    if (!task.dropped_schemas.empty())
        return;
    std::set<std::string> taken = target_.schemas;
    for (const auto& [schema, aside] : aside_schemas_) {
        std::string name = old_name(schema, "_old");
        for (int number = 2; taken.contains(name); number++)
            name = old_name(schema, "_old" + std::to_string(number));
        taken.insert(name);
        task.statements.push_back("ALTER SCHEMA " + quote_identifier(aside) + " RENAME TO " +
                                  quote_identifier(name));
    }
}

namespace {

// Gives the schema its new name where statements say SCHEMA and the old one, which may be a piece
// of its own.
class SchemaRenamer {
  public:
    SchemaRenamer(std::string printed, const std::string& name)
        : printed_(std::move(printed)), name_(quote_identifier(name))
    {
    }

    void change_all(std::vector<StatementTemplate>& statements)
    {
        for (StatementTemplate& statement : statements) {
            follows_word_ = false;
            statement.change_text([this](std::string& text) { change(text); });
        }
    }

    void change(std::string& text)
    {
        if (follows_word_ && text == printed_)
            text = name_;
        else
            change_within(text);
        follows_word_ = text.ends_with("SCHEMA ");
    }

  private:
    void change_within(std::string& text) const
    {
        for (const std::string_view words : {"SCHEMA ", "SCHEMA IF EXISTS "}) {
            const std::size_t at = text.find(std::string(words) + printed_);
            const std::size_t end = at + words.size() + printed_.size();
            if (at == std::string::npos || (end != text.size() && text[end] != ' '))
                continue;
            text.replace(at + words.size(), printed_.size(), name_);
            return;
        }
    }

    std::string printed_;
    std::string name_;
    bool follows_word_ = false;
};

} // namespace

std::string ScopeNaming::search_path() const
{
    return source_schema.empty() ? "" : quote_identifier(target_schema);
}

ScopePlan plan_scope(SourceCatalog catalog, const ObjectSelection& selection,
                     const ScopeTarget& target, const ScopeNaming& naming,
                     const CloneOptions& options, const SplitRules& split)
{
    ScopePlanner planner(std::move(catalog), selection, target, naming, options, split);
    return planner.plan();
}

std::map<std::string, std::string> sequence_values(const SourceCatalog& catalog,
                                                   const ScopeNaming& naming)
{
    std::map<std::string, std::string> statements;
    for (const SequenceState& sequence : catalog.sequences)
        statements[naming.schema_on_target(sequence.source.schema) + '\0' + sequence.source.name] =
            set_value_statement(sequence);
    return statements;
}

void rename_schema(SourceCatalog& catalog, const ScopeNaming& naming)
{
    std::string printed;
    for (const CatalogObject& object : catalog.objects)
        if (object.kind == ObjectKind::schema && object.name == naming.source_schema)
            printed = object.object_as.substr(std::string_view("SCHEMA ").size());
    if (printed.empty())
        throw PgError(sqlstate::internal_error, "the schema to be renamed was not read");
    SchemaRenamer renamer(printed, naming.target_schema);
    for (CatalogObject& object : catalog.objects) {
        if (object.kind != ObjectKind::schema && object.kind != ObjectKind::default_privileges)
            continue;
        renamer.change(object.object_as);
        renamer.change(object.drop);
        renamer.change_all(object.create);
        renamer.change_all(object.privileges);
        for (std::string& comment : object.comments)
            renamer.change(comment);
        for (std::string& label : object.labels)
            renamer.change(label);
    }
}

} // namespace pgclone
