#include "worker/target_state.hpp"

#include <algorithm>

#include "shared/error_types.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/table_names.hpp"
#include "worker/table_selection.hpp"

namespace pgclone {

namespace {

constexpr int first_version_with_virtual_columns = 180000;

bool needs_only_a_part(const std::string& part_kind)
{
    return part_kind == "trigger" || part_kind == "policy" || part_kind == "statistics";
}

// Kinds whose names missing_objects.sql takes unquoted.
bool has_plain_name(const std::string& kind)
{
    return kind == "role" || kind == "membership" || kind == "tablespace" ||
           kind == "access method" || kind == "schema" || kind == "compression method";
}

std::string describe(const Requirement& requirement)
{
    std::string text = requirement.kind + " ";
    text +=
        has_plain_name(requirement.kind) ? quote_identifier(requirement.name) : requirement.name;
    if (!requirement.extension.empty())
        text += " (extension " + quote_identifier(requirement.extension) + ")";
    return text;
}

// Decides what to do about a relation that has the final name already.
void judge_existing(const ResultSet& place, TargetState& state, const TargetNaming& naming,
                    const CloneOptions& options)
{
    if (place.is_null(0, "relation"))
        return;
    const std::string shown = quote_qualified(naming.final_name);
    if (options.conflict == ConflictAction::skip) {
        state.skip = true;
        return;
    }
    if (options.conflict == ConflictAction::error)
        throw PgError(sqlstate::duplicate_table,
                      "relation " + shown + " already exists on the target", {},
                      "The option \"conflict\" says what to do then: error, skip, replace or "
                      "rename.");
    if (place.text(0, "kind") != "r")
        throw PgError(sqlstate::wrong_object_type,
                      "cannot replace or rename " + shown +
                          " on the target, which is no ordinary table");
    if (!place.boolean(0, "is_owner"))
        throw PgError(sqlstate::insufficient_privilege,
                      "must be owner of table " + shown + " on the target");
    state.old_table = static_cast<std::uint32_t>(place.integer(0, "relation"));
}

void judge_place(const ResultSet& place, TargetState& state, const TargetNaming& naming)
{
    if (place.empty())
        throw PgError(sqlstate::internal_error, "the role of the target session does not exist");
    state.server_version = static_cast<int>(place.integer(0, "server_version"));
    state.server_encoding = place.text(0, "server_encoding");
    state.role = place.text(0, "role");
    state.is_superuser = place.boolean(0, "is_superuser");
    state.schema_exists = place.boolean(0, "schema_exists");
    if (!place.boolean(0, "can_create"))
        throw PgError(sqlstate::insufficient_privilege,
                      state.schema_exists
                          ? "permission denied for schema " +
                                quote_identifier(naming.final_name.schema) + " on the target"
                          : "schema " + quote_identifier(naming.final_name.schema) +
                                " does not exist on the target, and the role may not create it");
}

[[noreturn]] void raise_too_old(const std::string& object, int version)
{
    throw PgError(sqlstate::feature_not_supported, object + " needs PostgreSQL " +
                                                       std::to_string(version / 10000) +
                                                       " on the target");
}

// Words that the target's version does not know would fail only after the data.
void judge_versions(const TableDefinition& definition, const TableSelection& selection,
                    const TargetState& state)
{
    for (const ColumnDefinition& column : definition.columns)
        if (selection.has_column(column.name) && column.generated == "v" &&
            state.server_version < first_version_with_virtual_columns)
            raise_too_old("virtual generated column " + quote_identifier(column.name),
                          first_version_with_virtual_columns);
    for (const ConstraintDefinition& constraint : definition.constraints)
        if (selection.takes("constraint", constraint.name) &&
            constraint.needs_version > state.server_version)
            raise_too_old("constraint " + quote_identifier(constraint.name),
                          constraint.needs_version);
    for (const IndexDefinition& index : definition.indexes)
        if (selection.takes("index", index.name) && index.needs_version > state.server_version)
            raise_too_old("index " + quote_identifier(index.name), index.needs_version);
}

[[noreturn]] void raise_missing(const TableDefinition& definition,
                                const std::vector<std::string>& missing)
{
    std::string list;
    for (const std::string& object : missing)
        list += (list.empty() ? "" : ", ") + object;
    throw PgError(
        sqlstate::undefined_object,
        "the target lacks objects that table " + quote_qualified(definition.name) + " needs",
        "Missing: " + list + ".", "Create them on the target first, and let the role use them.");
}

Async<void> check_dependents(PgSession& target, std::uint32_t table, QualifiedName name)
{
    std::string sql(catalog_sql::dependents);
    PgSession::Parameters parameters;
    parameters.emplace_back(std::to_string(table));
    ResultSet rows = co_await target.query(sql, parameters);
    if (rows.empty())
        co_return;
    std::string list;
    for (std::size_t i = 0; i < rows.size(); i++)
        list += (list.empty() ? "" : ", ") + rows.text(i, "description");
    throw PgError(sqlstate::dependent_objects_exist,
                  "cannot replace table " + quote_qualified(name) +
                      " on the target because other objects depend on it",
                  "These would lose it: " + list + ".",
                  "Drop them first, or use \"conflict\": \"rename\".");
}

Async<void> read_old_parts(PgSession& target, TargetState& state)
{
    std::string sql(catalog_sql::table_parts);
    PgSession::Parameters parameters;
    parameters.emplace_back(std::to_string(state.old_table));
    ResultSet rows = co_await target.query(sql, parameters);
    for (std::size_t i = 0; i < rows.size(); i++)
        state.old_parts.push_back(
            {rows.text(i, "kind"), {rows.text(i, "schema"), rows.text(i, "name")}});
}

Async<void> read_taken_names(PgSession& target, TargetState& state, std::string schema,
                             std::string final_schema, std::string candidates)
{
    std::string sql(catalog_sql::taken_names);
    PgSession::Parameters parameters;
    parameters.emplace_back(schema);
    parameters.emplace_back(candidates);
    ResultSet rows = co_await target.query(sql, parameters);
    for (std::size_t i = 0; i < rows.size(); i++) {
        if (rows.text(i, "kind") == "statistics")
            state.taken_statistics.emplace(schema, rows.text(i, "name"));
        else if (schema == final_schema)
            state.taken_relations.insert(rows.text(i, "name"));
    }
}

Async<void> check_requirements(PgSession& target, const TableDefinition& definition,
                               const CloneOptions& options, bool has_lz4, TargetState& state)
{
    std::vector<Requirement> requirements = list_requirements(definition, options);
    std::vector<std::string> kinds;
    std::vector<std::string> names;
    for (const Requirement& requirement : requirements) {
        kinds.push_back(requirement.kind);
        names.push_back(requirement.name);
    }
    std::string sql(catalog_sql::missing_objects);
    PgSession::Parameters parameters;
    parameters.emplace_back(array_literal(kinds));
    parameters.emplace_back(array_literal(names));
    ResultSet rows = co_await target.query(sql, parameters);
    for (std::size_t i = 0; i < rows.size(); i++)
        state.missing.emplace(rows.text(i, "kind"), rows.text(i, "name"));

    std::vector<std::string> missing;
    for (const Requirement& requirement : requirements) {
        const bool is_missing = requirement.kind == "compression method"
                                    ? !has_lz4
                                    : state.missing.contains({requirement.kind, requirement.name});
        if (!is_missing || requirement.is_soft)
            continue;
        if (requirement.kind == "membership")
            throw PgError(sqlstate::insufficient_privilege,
                          "must be member of role " + quote_identifier(requirement.name) +
                              " on the target to give it the clone");
        missing.push_back(describe(requirement));
    }
    if (!missing.empty())
        raise_missing(definition, missing);
}

Async<void> check_foreign_key(PgSession& target, const ConstraintDefinition& constraint,
                              TargetState& state)
{
    std::string sql(catalog_sql::foreign_key_target);
    PgSession::Parameters parameters;
    parameters.emplace_back(constraint.referenced_table);
    parameters.emplace_back(array_literal(constraint.referenced_columns));
    parameters.emplace_back(array_literal(constraint.referenced_types));
    ResultSet rows = co_await target.query(sql, parameters);
    if (!rows.is_null(0, "reason"))
        state.unusable_foreign_keys[constraint.name] = rows.text(0, "reason");
}

Async<void> read_default_grantees(PgSession& target, const std::string& schema, TargetState& state)
{
    std::string sql(catalog_sql::default_grantees);
    PgSession::Parameters parameters;
    parameters.emplace_back(schema);
    ResultSet rows = co_await target.query(sql, parameters);
    for (std::size_t i = 0; i < rows.size(); i++)
        state.default_grantees.emplace_back(rows.text(i, "kind"), rows.value(i, "grantee"));
}

} // namespace

std::string map_role(const CloneOptions& options, const std::string& role)
{
    const auto found = options.role_map.find(role);
    return found == options.role_map.end() ? role : found->second;
}

std::string array_literal(const std::vector<std::string>& elements)
{
    std::string text = "{";
    for (const std::string& element : elements) {
        if (text.size() > 1)
            text += ',';
        text += '"';
        for (const char c : element) {
            if (c == '"' || c == '\\')
                text += '\\';
            text += c;
        }
        text += '"';
    }
    return text + "}";
}

std::vector<Requirement> list_requirements(const TableDefinition& definition,
                                           const CloneOptions& options)
{
    const TableSelection selection(definition, options);
    std::vector<Requirement> list;
    const auto add = [&](Requirement requirement) {
        if (std::find(list.begin(), list.end(), requirement) == list.end())
            list.push_back(std::move(requirement));
    };

    for (const Dependency& dependency : definition.dependencies)
        if (selection.takes(dependency.part_kind, dependency.part_name))
            add({dependency.kind, dependency.name, dependency.extension,
                 needs_only_a_part(dependency.part_kind)});

    // A built-in type is nobody's dependency, and yet an older server may lack it. Those of users
    // are in the list by now, with their extension.
    const auto add_once = [&](const std::string& kind, const std::string& name) {
        const bool is_listed = std::any_of(list.begin(), list.end(), [&](const Requirement& known) {
            return known.kind == kind && known.name == name && !known.is_soft;
        });
        if (!is_listed)
            list.push_back({kind, name, {}, false});
    };
    for (const ColumnDefinition& column : definition.columns) {
        if (!selection.has_column(column.name))
            continue;
        add_once("type", column.type_name);
        if (!column.collation.empty())
            add_once("collation", column.collation);
        if (column.compression == "lz4")
            add_once("compression method", column.compression);
        for (const std::string& sequence : column.default_sequences) {
            const bool comes_along = std::any_of(
                definition.sequences.begin(), definition.sequences.end(),
                [&](const SequenceDefinition& own) {
                    return own.regclass_text == sequence && selection.takes("sequence", own.name);
                });
            if (!comes_along)
                add_once("sequence", sequence);
        }
    }

    if (!definition.tablespace.empty())
        add_once("tablespace", definition.tablespace);
    for (const IndexDefinition& index : definition.indexes)
        if (selection.takes("index", index.name) && !index.tablespace.empty())
            add_once("tablespace", index.tablespace);
    if (!definition.access_method.empty())
        add_once("access method", definition.access_method);

    if (options.owners) {
        std::vector<std::string> owners = {map_role(options, definition.owner)};
        for (const StatisticsDefinition& object : definition.statistics)
            if (selection.takes("statistics", object.name))
                owners.push_back(map_role(options, object.owner));
        for (const std::string& owner : owners) {
            add_once("role", owner);
            add_once("membership", owner);
        }
    }
    if (options.acls)
        for (const PrivilegeDefinition& privilege : definition.privileges)
            if (privilege.grantee && *privilege.grantee != definition.owner)
                add_once("role", map_role(options, *privilege.grantee));

    for (const PolicyDefinition& policy : definition.policies)
        if (selection.takes("policy", policy.name))
            for (const std::string& role : policy.roles)
                add({"role", map_role(options, role), {}, true});
    for (const StatisticsDefinition& object : definition.statistics)
        if (selection.takes("statistics", object.name) && !object.in_schema_of_table)
            add({"schema", object.schema, {}, true});
    return list;
}

Async<TargetState> read_target_state(PgSession& target, TableDefinition definition,
                                     TargetNaming naming, CloneOptions options)
{
    TargetState state;
    const TableSelection selection(definition, options);
    std::string sql(catalog_sql::target_place);
    PgSession::Parameters parameters;
    parameters.emplace_back(naming.final_name.schema);
    parameters.emplace_back(naming.final_name.name);
    ResultSet place = co_await target.query(sql, parameters);
    if (!place.empty())
        judge_existing(place, state, naming, options);
    if (state.skip)
        co_return state;
    judge_place(place, state, naming);
    judge_versions(definition, selection, state);

    if (state.old_table != 0) {
        if (options.conflict == ConflictAction::replace)
            co_await check_dependents(target, state.old_table, naming.final_name);
        co_await read_old_parts(target, state);
    }
    const bool has_lz4 = place.boolean(0, "has_lz4");
    co_await check_requirements(target, definition, options, has_lz4, state);
    for (const ConstraintDefinition& constraint : definition.constraints)
        if (constraint.type == "f" && !constraint.is_self_reference &&
            selection.takes("constraint", constraint.name))
            co_await check_foreign_key(target, constraint, state);

    const std::string& final_schema = naming.final_name.schema;
    const std::string candidates =
        array_literal(name_candidates(definition, state, naming.final_name.name));
    std::set<std::string> schemas = {final_schema};
    for (const StatisticsDefinition& object : definition.statistics)
        if (!object.in_schema_of_table)
            schemas.insert(object.schema);
    for (const TablePart& part : state.old_parts)
        schemas.insert(part.name.schema);
    for (const std::string& schema : schemas)
        co_await read_taken_names(target, state, schema, final_schema, candidates);
    if (options.acls)
        co_await read_default_grantees(target, final_schema, state);
    co_return state;
}

} // namespace pgclone
