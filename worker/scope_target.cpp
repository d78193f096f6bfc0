#include "worker/scope_target.hpp"

#include <algorithm>

#include "shared/error_types.hpp"
#include "worker/bounded_list.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/scope_requirements.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace {

bool is_relation(ObjectKind kind)
{
    switch (kind) {
    case ObjectKind::table:
    case ObjectKind::foreign_table:
    case ObjectKind::view:
    case ObjectKind::materialized_view:
    case ObjectKind::sequence:
    case ObjectKind::index:
        return true;
    default:
        return false;
    }
}

bool has_name_of_type(ObjectKind kind)
{
    return (is_relation(kind) && kind != ObjectKind::sequence && kind != ObjectKind::index) ||
           kind == ObjectKind::type || kind == ObjectKind::domain;
}

// What stays as it is when the target has it.
bool is_shared(ObjectKind kind)
{
    return kind == ObjectKind::schema || kind == ObjectKind::extension ||
           kind == ObjectKind::language;
}

bool can_be_set_aside(ObjectKind kind)
{
    return has_name_of_type(kind) || kind == ObjectKind::sequence;
}

// `FOREIGN TABLE s.t` -> `s.t`, given the kind's word.
std::string printed_name(const std::string& object_as, std::string_view kind)
{
    return object_as.size() > kind.size() ? object_as.substr(kind.size() + 1) : object_as;
}

class TargetReader {
  public:
    TargetReader(PgSession& target, const SourceCatalog& catalog, ObjectSelection& selection,
                 const ScopeNaming& naming, const CloneOptions& options)
        : session_(target), catalog_(catalog), selection_(selection), naming_(naming),
          options_(options)
    {
    }

    Async<ScopeTarget> read();

  private:
    using Handler = void (TargetReader::*)(const ResultSet& rows);

    // Queries that are asked together.
    void ask(std::string_view sql, PgSession::Parameters parameters, Handler on_rows);
    Async<void> answer();
    void ask_what_is_there();
    void ask_what_is_lacking();
    void take_place(const ResultSet& place);
    void take_schemas(const ResultSet& schemas);
    void take_existing(const ResultSet& rows);
    void ask_dependents();
    void take_dependents(const ResultSet& rows);
    void ask_requirements();
    void take_missing(const ResultSet& rows);
    void ask_extension_versions();
    void take_extension_versions(const ResultSet& rows);
    void note_filled_schemas();
    void judge_schema(const ResultSet& rows, std::size_t row);
    bool is_filled(const std::string& schema) const;
    void judge_objects();
    void judge_existing(const CatalogObject& object);
    void judge_parts_of_tables();
    void note_conflict(const CatalogObject& object, const std::string& problem);
    void leave_parts_of_kept();
    void raise_conflicts();
    std::string schemas_on_target() const;
    // A dry run of a clone into a database that is to be created: what is here is not there.
    bool is_elsewhere() const { return options_.dry_run && options_.target_database; }

    PgSession& session_;
    const SourceCatalog& catalog_;
    ObjectSelection& selection_;
    const ScopeNaming& naming_;
    const CloneOptions& options_;
    ScopeTarget target_;
    bool can_create_schemas_ = false;
    std::vector<PipelinedQuery> asked_;
    std::vector<ScopeRequirement> requirements_;
    std::set<std::string> made_schemas_;   // on the target, by the clone
    std::set<std::string> filled_schemas_; // in which it makes something
    std::set<std::string> relation_names_; // as printed
    std::set<std::string> type_names_;
    std::vector<CatalogObject> parts_of_tables_; // sequences, indexes on the target that are in the way
    BoundedList conflicts_;
    bool has_relation_conflict_ = false;
    bool is_conflict_beyond_option_ = false;
};

Async<ScopeTarget> TargetReader::read()
{
    note_filled_schemas();
    ask_what_is_there();
    co_await answer();
    judge_objects();
    ask_what_is_lacking();
    co_await answer();
    co_return std::move(target_);
}

void TargetReader::ask(std::string_view sql, PgSession::Parameters parameters, Handler on_rows)
{
    asked_.push_back({std::string(sql), std::move(parameters),
                      [this, on_rows](const ResultSet& rows) { (this->*on_rows)(rows); }});
}

Async<void> TargetReader::answer()
{
    std::vector<PipelinedQuery> queries = std::move(asked_);
    asked_.clear();
    co_await session_.query_all(std::move(queries));
}

void TargetReader::ask_what_is_there()
{
    asked_.push_back({"BEGIN"});
    if (!naming_.search_path().empty())
        asked_.push_back({"SELECT pg_catalog.set_config('search_path', " +
                          quote_literal(naming_.search_path()) + ", true)"});
    const PgSession::Parameters schemas{schemas_on_target()};
    ask(catalog_sql::scope_place, {}, &TargetReader::take_place);
    ask(catalog_sql::scope_schemas, schemas, &TargetReader::take_schemas);
    if (is_elsewhere())
        return;
    ask(catalog_sql::existing_objects, schemas, &TargetReader::take_existing);
    ask(catalog_sql::global_objects, {}, &TargetReader::take_existing);
}

void TargetReader::ask_what_is_lacking()
{
    ask_dependents();
    ask_requirements();
    ask_extension_versions();
    asked_.push_back({"COMMIT"});
}

std::string TargetReader::schemas_on_target() const
{
    std::vector<std::string> names;
    for (const std::string& schema : catalog_.schemas)
        names.push_back(naming_.schema_on_target(schema));
    return array_literal(names);
}

void TargetReader::take_place(const ResultSet& place)
{
    target_.server_version = static_cast<int>(place.integer(0, "server_version"));
    target_.role = place.text(0, "role");
    target_.is_superuser = place.boolean(0, "is_superuser");
    can_create_schemas_ = place.boolean(0, "can_create_schemas");
}

void TargetReader::take_schemas(const ResultSet& schemas)
{
    for (std::size_t row = 0; row < schemas.size(); row++)
        judge_schema(schemas, row);
}

void TargetReader::judge_schema(const ResultSet& rows, std::size_t row)
{
    const std::string& schema = rows.text(row, "name");
    const bool exists = is_elsewhere() ? schema == "public" : rows.boolean(row, "is_there");
    if (exists)
        target_.schemas.insert(schema);
    if (is_elsewhere() || !is_filled(schema))
        return;
    if (!rows.boolean(row, "can_create"))
        throw PgError(sqlstate::insufficient_privilege,
                      exists ? "permission denied for schema " + quote_identifier(schema) +
                                   " on the target"
                             : "schema " + quote_identifier(schema) +
                                   " does not exist on the target, and the role may not create it");
    // Names in definitions are looked up there: whoever can create in it could plant others.
    const std::vector<std::string> others = rows.list(row, "others_may_create");
    if (!naming_.source_schema.empty() && (!others.empty() || !rows.boolean(row, "is_owner")))
        throw PgError(sqlstate::insufficient_privilege,
                      "cannot clone into schema " + quote_identifier(schema) +
                          " under another name because other roles can create objects in it",
                      others.empty() ? "It is owned by another role."
                                     : "One of them is " + others.front() + ".",
                      "Revoke CREATE on the schema from them, or let the job create the schema.");
}

void TargetReader::note_filled_schemas()
{
    for (std::size_t i = 0; i < catalog_.objects.size(); i++) {
        if (!selection_.reasons[i].empty())
            continue;
        if (catalog_.objects.head(i).kind == ObjectKind::schema)
            made_schemas_.insert(naming_.schema_on_target(catalog_.objects.load(i).name));
        else
            filled_schemas_.insert(naming_.schema_on_target(catalog_.objects.schema_name(i)));
    }
}

// Whether something is made in it, or the schema itself.
bool TargetReader::is_filled(const std::string& schema) const
{
    return filled_schemas_.contains(schema) ||
           (made_schemas_.contains(schema) && !target_.schemas.contains(schema));
}

void TargetReader::take_existing(const ResultSet& rows)
{
    for (std::size_t row = 0; row < rows.size(); row++) {
        ExistingObject object;
        object.kind = rows.text(row, "kind");
        object.schema = rows.text(row, "schema");
        object.name = rows.text(row, "name");
        // What an extension brought is the extension's.
        object.is_owner = rows.is_null(row, "extension") && !rows.is_null(row, "is_owner") &&
                          rows.boolean(row, "is_owner");
        object.id = {static_cast<std::uint32_t>(rows.integer(row, "classid")),
                     static_cast<std::uint32_t>(rows.integer(row, "objid"))};
        if (rows.has_column("part_of") && !rows.is_null(row, "part_of"))
            object.part_of = static_cast<std::uint32_t>(rows.integer(row, "part_of"));
        if (object.kind == to_text(ObjectKind::schema))
            target_.schemas.insert(object.name);
        const std::string& object_as = rows.text(row, "object_as");
        if (const std::optional<ObjectKind> kind = parse_object_kind(object.kind)) {
            const std::string name = printed_name(object_as, object.kind);
            if (is_relation(*kind))
                relation_names_.insert(name);
            if (has_name_of_type(*kind))
                type_names_.insert(name);
        }
        target_.existing.emplace(object_as, std::move(object));
    }
}

void TargetReader::judge_objects()
{
    for (std::size_t i = 0; i < catalog_.objects.size(); i++)
        if (selection_.reasons[i].empty() && !is_shared(catalog_.objects.head(i).kind))
            judge_existing(catalog_.objects.load(i));
    judge_parts_of_tables();
    if (!options_.dry_run && !conflicts_.empty())
        raise_conflicts();
    if (!target_.set_aside.empty() && !can_create_schemas_)
        throw PgError(sqlstate::insufficient_privilege,
                      "permission denied for the database on the target",
                      "What is to be replaced or renamed is set aside in a schema that the job makes.",
                      "Grant CREATE on the database to the role.");
    leave_parts_of_kept();
}

void TargetReader::judge_existing(const CatalogObject& object)
{
    if (object.object_as.empty())
        return;
    const auto same = target_.existing.find(object.object_as);
    const std::string name = printed_name(object.object_as, to_text(object.kind));
    std::string problem;
    if (same == target_.existing.end()) {
        if ((is_relation(object.kind) && relation_names_.contains(name)) ||
            (has_name_of_type(object.kind) && type_names_.contains(name)))
            problem = "another kind of object has that name on the target";
        is_conflict_beyond_option_ |= !problem.empty();
    } else if (options_.conflict == ConflictAction::error) {
        problem = "it exists on the target";
    } else if (options_.conflict != ConflictAction::skip) {
        if (same->second.part_of != 0)
            parts_of_tables_.push_back(object);
        else if (!can_be_set_aside(object.kind))
            problem = "it exists on the target, and this kind of object cannot be replaced";
        else if (!same->second.is_owner)
            problem = "it exists on the target, and the role does not own it";
        else
            target_.set_aside.insert(object.object_as);
        is_conflict_beyond_option_ |= !problem.empty();
    }
    if (!problem.empty())
        note_conflict(object, problem);
}

// An owned sequence, or an index, makes room along with its table, or not at all.
void TargetReader::judge_parts_of_tables()
{
    std::set<std::uint32_t> tables;
    for (const std::string& object_as : target_.set_aside)
        tables.insert(target_.existing.at(object_as).id.objid);
    for (const CatalogObject& part : parts_of_tables_) {
        const auto existing = target_.existing.find(part.object_as);
        if (tables.contains(existing->second.part_of)) {
            target_.existing.erase(existing);
            continue;
        }
        is_conflict_beyond_option_ = true;
        note_conflict(part, "it exists on the target, and belongs to a table that stays");
    }
}

void TargetReader::note_conflict(const CatalogObject& object, const std::string& problem)
{
    has_relation_conflict_ |= is_relation(object.kind);
    conflicts_.add(describe(object));
    target_.conflicts[object.object_as] = problem;
    // A dry run shows it among what would be done.
    target_.existing.erase(object.object_as);
}

void TargetReader::raise_conflicts()
{
    const bool is_one = conflicts_.count() == 1;
    throw PgError(has_relation_conflict_ ? sqlstate::duplicate_table : sqlstate::duplicate_object,
                  is_one
                      ? conflicts_.text() + " already exists on the target"
                      : std::to_string(conflicts_.count()) + " objects already exist on the target",
                  is_one ? "" : "They are: " + conflicts_.text() + ".",
                  is_conflict_beyond_option_
                      ? "Not every kind of object can be replaced, nor those of other roles."
                      : "The option \"conflict\" says what to do then: error, skip, replace or "
                        "rename.");
}

// What stays as it is keeps its own parts: the indexes, constraints, triggers and sequences of a
// relation, the constraints of a domain, the members of a publication.
void TargetReader::leave_parts_of_kept()
{
    if (options_.conflict != ConflictAction::skip)
        return;
    std::set<ObjectId> kept;
    std::set<std::uint32_t> kept_relations;
    for (std::size_t i = 0; i < catalog_.objects.size(); i++) {
        const ObjectHead& object = catalog_.objects.head(i);
        if (!selection_.reasons[i].empty() ||
            !target_.existing.contains(catalog_.objects.load(i).object_as))
            continue;
        kept.insert(object.id);
        if (is_relation(object.kind))
            kept_relations.insert(object.id.objid);
    }
    const auto leave = [this](std::size_t i) {
        if (!selection_.reasons[i].empty())
            return;
        selection_.reasons[i] = "it belongs to what exists on the target";
        selection_.is_silent[i] = true;
    };
    for (std::size_t i = 0; i < catalog_.objects.size(); i++)
        if (kept_relations.contains(catalog_.objects.head(i).table_oid))
            leave(i);
    for (const ObjectEdge& edge : catalog_.edges) {
        if (!kept.contains(edge.needs))
            continue;
        const std::optional<std::size_t> part = catalog_.objects.find(edge.object);
        if (!part)
            continue;
        const ObjectKind kind = catalog_.objects.head(*part).kind;
        const bool is_domain_part = kind == ObjectKind::domain_constraint;
        const bool is_member =
            kind == ObjectKind::publication_member &&
            catalog_.objects.head(catalog_.objects.find(edge.needs).value()).kind ==
                ObjectKind::publication;
        if (is_domain_part || is_member)
            leave(*part);
    }
}

void TargetReader::ask_dependents()
{
    if (options_.conflict != ConflictAction::replace || target_.set_aside.empty())
        return;
    std::vector<std::string> classes;
    std::vector<std::string> objects;
    for (const std::string& object_as : target_.set_aside) {
        const ObjectId& id = target_.existing.at(object_as).id;
        classes.push_back(std::to_string(id.classid));
        objects.push_back(std::to_string(id.objid));
    }
    ask(catalog_sql::scope_dependents, {array_literal(classes), array_literal(objects)},
        &TargetReader::take_dependents);
}

void TargetReader::take_dependents(const ResultSet& rows)
{
    BoundedList dependents;
    for (std::size_t row = 0; row < rows.size(); row++)
        dependents.add(rows.text(row, "description"));
    if (dependents.empty())
        return;
    if (!options_.dry_run)
        throw PgError(sqlstate::dependent_objects_exist,
                      "cannot replace objects on the target because others depend on them",
                      "These would lose them: " + dependents.text() + ".",
                      "Drop them first, or use \"conflict\": \"rename\".");
    for (const std::string& object_as : target_.set_aside)
        target_.conflicts[object_as] = "others may depend on it: " + dependents.text();
}

// The version of the source, where it can be had; else the server takes its default.
void TargetReader::ask_extension_versions()
{
    std::vector<std::string> names;
    std::vector<std::string> versions;
    for (std::size_t i = 0; i < catalog_.objects.size(); i++) {
        if (catalog_.objects.head(i).kind != ObjectKind::extension)
            continue;
        const CatalogObject extension = catalog_.objects.load(i);
        names.push_back(extension.name);
        versions.push_back(extension.version);
    }
    if (!names.empty())
        ask(catalog_sql::extension_versions, {array_literal(names), array_literal(versions)},
            &TargetReader::take_extension_versions);
}

void TargetReader::take_extension_versions(const ResultSet& rows)
{
    for (std::size_t row = 0; row < rows.size(); row++)
        target_.extensions_in_version.insert(rows.text(row, "name"));
}

void TargetReader::ask_requirements()
{
    requirements_ = list_scope_requirements(catalog_, selection_, target_, options_);
    std::vector<std::string> kinds;
    std::vector<std::string> names;
    for (const ScopeRequirement& each : requirements_) {
        kinds.push_back(each.requirement.kind);
        names.push_back(each.requirement.name);
    }
    ask(catalog_sql::missing_objects, {array_literal(kinds), array_literal(names)},
        &TargetReader::take_missing);
}

void TargetReader::take_missing(const ResultSet& rows)
{
    std::set<ObjectRequirement> missing;
    for (std::size_t row = 0; row < rows.size(); row++)
        missing.insert({rows.text(row, "kind"), rows.text(row, "name")});
    target_.missing = explain_missing(requirements_, missing);
    for (MissingObject& object : newer_than_target(catalog_, selection_, target_.server_version))
        target_.missing.push_back(std::move(object));
    if (!options_.dry_run && !target_.missing.empty())
        raise_missing(target_.missing);
}

} // namespace

Async<ScopeTarget> read_scope_target(PgSession& target, const SourceCatalog& catalog,
                                     ObjectSelection& selection, const ScopeNaming& naming,
                                     const CloneOptions& options)
{
    TargetReader reader(target, catalog, selection, naming, options);
    ScopeTarget state = co_await reader.read();
    co_return state;
}

} // namespace pgclone
