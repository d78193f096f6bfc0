#include "worker/scope_tasks.hpp"

#include <algorithm>
#include <numeric>

#include "shared/error_types.hpp"
#include "worker/ddl_batch.hpp"

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
    plan_.tasks.reserve(steps_.size()); // what is not used of it is no memory
    find_units();
    find_reordered_tables();
    add_set_aside();
    add_steps(ObjectSection::before_data, stage_before_data, JobPhase::schema);
    add_units();
    add_data();
    put_away();
    add_steps(ObjectSection::after_data, stage_after_data, JobPhase::indexes);
    add_analyzes(AnalyzeOf::partitioned_tables);
    add_validations();
    add_refreshes();
    add_sequence_values();
    add_analyzes(AnalyzeOf::all_else);
    put_away();
    add_owners_and_privileges();
    put_away();
    add_steps(ObjectSection::last, stage_last, JobPhase::constraints);
    add_left_out();
    add_publish();
    put_away();
    return std::move(plan_);
}

CatalogObject ScopePlanner::object_at(std::size_t node) const
{
    return catalog_.objects.load(node_objects_[node]);
}

const ObjectStore::Head& ScopePlanner::head_at(std::size_t node) const
{
    return catalog_.objects.head(node_objects_[node]);
}

void ScopePlanner::index_objects()
{
    is_kept_.resize(catalog_.objects.size());
    for (std::size_t i = 0; i < catalog_.objects.size(); i++) {
        if (!selection_.reasons[i].empty())
            continue;
        const CatalogObject object = catalog_.objects.load(i);
        is_kept_[i] = is_kept(object);
        if (is_kept_[i])
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
    std::vector<const TableHead*> tables;
    for (const OrderedStep& step : steps_) {
        sections_[step.node] = step.section;
        if (const TableHead* table = catalog_.tables.find(nodes_[step.node].id)) {
            places_of_tables_[table->id.objid] = tables.size();
            tables.push_back(table);
        }
    }
    table_maker_ = TableMaker(
        tables, [this, tables](std::size_t i) { return catalog_.tables.load(tables[i]->id); },
        target_.server_version);
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

// All tasks so far are as they will be.
void ScopePlanner::put_away()
{
    if (rows_ == nullptr)
        return;
    for (; put_away_ < plan_.tasks.size(); put_away_++) {
        CloneTask& task = plan_.tasks[put_away_];
        // Without its statements that can't be told any more.
        task.batched = task.in_table_worker ? may_be_batched(task) : task.batched;
        rows_->add(task);
        if (task.in_table_worker && options_.consistency != Consistency::relaxed)
            forget_statements(task);
    }
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
        const bool kept = is_kept_[i];
        // What is a part of something is named with it.
        if ((selection_.reasons[i].empty() && !kept) || selection_.is_silent[i])
            continue;
        const CatalogObject object = catalog_.objects.load(i);
        CloneTask& task = add_for(object, stage_last, TaskKind::object,
                                  std::string(to_text(object.kind)), JobPhase::constraints);
        task.skip_reason = kept ? "it exists on the target" : selection_.reasons[i];
    }
    if (options_.acls) {
        for (std::size_t i = 0; i < catalog_.objects.size(); i++)
            if (selection_.reasons[i].empty() && !is_kept_[i] &&
                catalog_.objects.head(i).newest_privilege > target_.server_version)
                add_newer(catalog_.objects.load(i).privileges);
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
                     const CloneOptions& options, const SplitRules& split, TaskRows* rows)
{
    ScopePlanner planner(std::move(catalog), selection, target, naming, options, split, rows);
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
    for (std::size_t i = 0; i < catalog.objects.size(); i++) {
        if (catalog.objects.head(i).kind != ObjectKind::schema)
            continue;
        const CatalogObject schema = catalog.objects.load(i);
        if (schema.name == naming.source_schema)
            printed = schema.object_as.substr(std::string_view("SCHEMA ").size());
    }
    if (printed.empty())
        throw PgError(sqlstate::internal_error, "the schema to be renamed was not read");
    SchemaRenamer renamer(printed, naming.target_schema);
    for (std::size_t i = 0; i < catalog.objects.size(); i++) {
        const ObjectKind kind = catalog.objects.head(i).kind;
        if (kind != ObjectKind::schema && kind != ObjectKind::default_privileges)
            continue;
        CatalogObject object = catalog.objects.load(i);
        renamer.change(object.object_as);
        renamer.change(object.drop);
        renamer.change_all(object.create);
        renamer.change_all(object.privileges);
        for (std::string& comment : object.comments)
            renamer.change(comment);
        for (std::string& label : object.labels)
            renamer.change(label);
        catalog.objects.replace(i, object);
    }
}

} // namespace pgclone
