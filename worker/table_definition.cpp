#include "worker/table_definition.hpp"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "shared/error_types.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/source_table.hpp"
#include "worker/copy_format.hpp"

namespace pgclone {

namespace {

std::string_view word_for_kind(std::string_view kind)
{
    static constexpr std::pair<std::string_view, std::string_view> words[] = {
        {"v", "view"},
        {"m", "materialized view"},
        {"p", "partitioned table"},
        {"f", "foreign table"},
        {"S", "sequence"},
        {"c", "composite type"},
        {"i", "index"},
        {"I", "index"},
        {"t", "TOAST table"}};
    for (const auto& [letter, word] : words)
        if (letter == kind)
            return word;
    return "relation";
}

std::optional<std::string> optional_text(const ResultSet& rows, std::size_t row,
                                         std::string_view column)
{
    return rows.value(row, column);
}

std::vector<ColumnDefinition> columns_of_rows(const ResultSet& rows)
{
    std::vector<ColumnDefinition> columns(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        ColumnDefinition& column = columns[i];
        column.name = rows.text(i, "name");
        column.type = rows.text(i, "type");
        column.type_name = rows.text(i, "type_name");
        column.collation = rows.text(i, "collation");
        column.not_null = rows.boolean(i, "not_null");
        column.not_null_name = rows.text(i, "not_null_name");
        column.not_null_no_inherit = rows.boolean(i, "not_null_no_inherit");
        column.not_null_valid = rows.boolean(i, "not_null_valid");
        column.default_expression = rows.text(i, "default_expression");
        column.generated = rows.text(i, "generated");
        column.identity = rows.text(i, "identity");
        column.storage = rows.text(i, "storage");
        column.compression = rows.text(i, "compression");
        column.statistics_target = rows.text(i, "statistics_target");
        column.options = rows.list(i, "options");
        column.default_sequences = rows.list(i, "default_sequences");
        column.needs = rows.list(i, "needs");
        column.binary_safe = rows.boolean(i, "binary_safe");
        column.is_padded = rows.boolean(i, "is_padded");
        column.can_select = rows.boolean(i, "can_select");
    }
    return columns;
}

std::vector<SequenceDefinition> sequences_of_rows(const ResultSet& rows)
{
    std::vector<SequenceDefinition> sequences(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        SequenceDefinition& sequence = sequences[i];
        sequence.name = rows.text(i, "name");
        sequence.regclass_text = rows.text(i, "regclass_text");
        sequence.column = rows.text(i, "column_name");
        sequence.is_identity = rows.boolean(i, "is_identity");
        sequence.persistence = rows.text(i, "persistence");
        sequence.type = rows.text(i, "type");
        // Numbers go through integer(), since they get into statements unquoted.
        sequence.start_value = std::to_string(rows.integer(i, "start_value"));
        sequence.increment = std::to_string(rows.integer(i, "increment"));
        sequence.minimum = std::to_string(rows.integer(i, "minimum"));
        sequence.maximum = std::to_string(rows.integer(i, "maximum"));
        sequence.cache = std::to_string(rows.integer(i, "cache"));
        sequence.cycle = rows.boolean(i, "cycle");
        sequence.can_select = rows.boolean(i, "can_select");
    }
    return sequences;
}

std::vector<ConstraintDefinition> constraints_of_rows(const ResultSet& rows)
{
    std::vector<ConstraintDefinition> constraints(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        ConstraintDefinition& constraint = constraints[i];
        constraint.name = rows.text(i, "name");
        constraint.type = rows.text(i, "type");
        constraint.definition = rows.text(i, "definition");
        constraint.is_valid = rows.boolean(i, "is_valid");
        constraint.is_deferrable = rows.boolean(i, "is_deferrable");
        constraint.is_deferred = rows.boolean(i, "is_deferred");
        constraint.has_period = rows.boolean(i, "has_period");
        constraint.index_name = rows.text(i, "index_name");
        constraint.needs_version = static_cast<int>(rows.integer(i, "needs_version"));
        constraint.has_whole_row = rows.boolean(i, "has_whole_row");
        constraint.needs = rows.list(i, "needs");
        if (constraint.type != "f")
            continue;
        constraint.is_self_reference = rows.boolean(i, "is_self_reference");
        constraint.referenced_table = rows.text(i, "referenced_table");
        constraint.referenced_columns = rows.list(i, "referenced_columns");
        constraint.referenced_types = rows.list(i, "referenced_types");
        constraint.referenced_index = rows.text(i, "referenced_index");
        constraint.foreign_head = optional_text(rows, i, "foreign_head");
        constraint.foreign_tail = optional_text(rows, i, "foreign_tail");
    }
    return constraints;
}

std::vector<IndexDefinition> indexes_of_rows(const ResultSet& rows)
{
    std::vector<IndexDefinition> indexes(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        IndexDefinition& index = indexes[i];
        index.name = rows.text(i, "name");
        index.definition_tail = optional_text(rows, i, "definition_tail");
        index.is_unique = rows.boolean(i, "is_unique");
        index.is_valid = rows.boolean(i, "is_valid");
        index.is_clustered = rows.boolean(i, "is_clustered");
        index.is_replica_identity = rows.boolean(i, "is_replica_identity");
        index.constraint_name = rows.text(i, "constraint_name");
        index.needs_version = static_cast<int>(rows.integer(i, "needs_version"));
        index.tablespace = rows.text(i, "tablespace");
        index.has_whole_row = rows.boolean(i, "has_whole_row");
        index.statistics_columns = rows.list(i, "statistics_columns");
        index.statistics_targets = rows.list(i, "statistics_targets");
        index.needs = rows.list(i, "needs");
        if (index.statistics_columns.size() != index.statistics_targets.size())
            throw PgError(sqlstate::internal_error, "unexpected statistics targets of an index");
    }
    return indexes;
}

std::vector<TriggerDefinition> triggers_of_rows(const ResultSet& rows)
{
    std::vector<TriggerDefinition> triggers(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        TriggerDefinition& trigger = triggers[i];
        trigger.name = rows.text(i, "name");
        trigger.enabled = rows.text(i, "enabled");
        trigger.definition_head = optional_text(rows, i, "definition_head");
        trigger.definition_tail = optional_text(rows, i, "definition_tail");
        trigger.needs = rows.list(i, "needs");
    }
    return triggers;
}

std::vector<PolicyDefinition> policies_of_rows(const ResultSet& rows)
{
    std::vector<PolicyDefinition> policies(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        PolicyDefinition& policy = policies[i];
        policy.name = rows.text(i, "name");
        policy.command = rows.text(i, "command");
        policy.is_permissive = rows.boolean(i, "is_permissive");
        policy.roles = rows.list(i, "roles");
        policy.using_expression = rows.text(i, "using_expression");
        policy.check_expression = rows.text(i, "check_expression");
        policy.names_table = rows.boolean(i, "names_table");
        policy.needs = rows.list(i, "needs");
    }
    return policies;
}

std::vector<StatisticsDefinition> statistics_of_rows(const ResultSet& rows)
{
    std::vector<StatisticsDefinition> statistics(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        StatisticsDefinition& object = statistics[i];
        object.name = rows.text(i, "name");
        object.schema = rows.text(i, "schema");
        object.object_name = rows.text(i, "object_name");
        object.in_schema_of_table = rows.boolean(i, "in_schema_of_table");
        object.owner = rows.text(i, "owner");
        object.definition_middle = optional_text(rows, i, "definition_middle");
        object.statistics_target = rows.text(i, "statistics_target");
        object.has_whole_row = rows.boolean(i, "has_whole_row");
        object.needs = rows.list(i, "needs");
    }
    return statistics;
}

std::vector<CommentDefinition> comments_of_rows(const ResultSet& rows)
{
    std::vector<CommentDefinition> comments(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++)
        comments[i] = {rows.text(i, "kind"), rows.text(i, "name"), rows.text(i, "comment")};
    return comments;
}

std::vector<PrivilegeDefinition> privileges_of_rows(const ResultSet& rows)
{
    std::vector<PrivilegeDefinition> privileges(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        PrivilegeDefinition& privilege = privileges[i];
        privilege.action = rows.text(i, "action");
        privilege.kind = rows.text(i, "kind");
        privilege.name = rows.text(i, "name");
        privilege.privilege = rows.text(i, "privilege");
        privilege.is_grantable = rows.boolean(i, "is_grantable");
        privilege.grantee = optional_text(rows, i, "grantee");
    }
    return privileges;
}

std::vector<Dependency> dependencies_of_rows(const ResultSet& rows)
{
    std::vector<Dependency> dependencies(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++)
        dependencies[i] = {rows.text(i, "part_kind"), rows.text(i, "part_name"),
                           rows.text(i, "kind"), rows.text(i, "name"), rows.text(i, "extension")};
    return dependencies;
}

std::vector<Leftover> leftovers_of_rows(const ResultSet& rows)
{
    std::vector<Leftover> leftovers(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++)
        leftovers[i] = {rows.text(i, "kind"), rows.text(i, "name"), rows.text(i, "reason")};
    return leftovers;
}

// Runs one of the catalog queries that take the table's oid.
Async<ResultSet> query_by_oid(PgSession& session, std::string_view text, std::uint32_t oid)
{
    std::string sql(text);
    PgSession::Parameters parameters;
    parameters.emplace_back(std::to_string(oid));
    ResultSet rows = co_await session.query(sql, parameters);
    co_return rows;
}

// Sequences move on outside of all transactions, so their values are at least those that the
// snapshot's rows hold, the closer the earlier they are read.
Async<void> read_sequence_value(PgSession& source, const std::string& schema,
                                SequenceDefinition& sequence)
{
    QualifiedName name{schema, sequence.name};
    if (!sequence.can_select)
        throw PgError(sqlstate::insufficient_privilege,
                      "permission denied for sequence " + quote_qualified(name),
                      "The job needs SELECT on it on the source to read its value.");
    std::string sql = "SELECT last_value, is_called FROM " + quote_qualified(name);
    PgSession::Parameters parameters;
    ResultSet rows = co_await source.query(sql, parameters);
    sequence.last_value = std::to_string(rows.integer(0, "last_value"));
    sequence.is_called = rows.boolean(0, "is_called");
}

Async<std::int64_t> estimate_rows(PgSession& source, QualifiedName name, CloneOptions options)
{
    std::string sql =
        "EXPLAIN (FORMAT JSON) " + select_statement(name, {}, options.where.value_or(""));
    PgSession::Parameters parameters;
    ResultSet rows = co_await source.query(sql, parameters);
    co_return rows_of_plan(rows.text(0, "QUERY PLAN"));
}

bool is_wanted(const CloneOptions& options, const std::string& column)
{
    return options.columns.empty() || std::find(options.columns.begin(), options.columns.end(),
                                                column) != options.columns.end();
}

std::string join_names(const NameList& names)
{
    std::string joined;
    for (const std::string& name : names)
        joined += (joined.empty() ? "" : ", ") + quote_identifier(name);
    return joined;
}

} // namespace

std::int64_t rows_of_plan(std::string_view plan)
{
    boost::system::error_code error;
    boost::json::parse_options limits;
    limits.allow_invalid_utf8 = true;
    const auto parsed = boost::json::parse({plan.data(), plan.size()}, error, {}, limits);
    if (error || !parsed.is_array() || parsed.get_array().empty())
        return -1;
    const auto* query = parsed.get_array()[0].if_object();
    const auto* top = query ? query->if_contains("Plan") : nullptr;
    if (top == nullptr || !top->is_object())
        return -1;
    const auto* rows = top->get_object().if_contains("Plan Rows");
    if (rows == nullptr || !rows->is_int64())
        return -1;
    return rows->get_int64();
}

TableDefinition table_of_row(const ResultSet& rows, const QualifiedName& name)
{
    const std::string shown = quote_qualified(name);
    if (rows.empty())
        throw PgError(sqlstate::undefined_table,
                      "table " + shown + " does not exist on the source");
    const std::string& kind = rows.text(0, "kind");
    if (kind != "r")
        throw PgError(sqlstate::wrong_object_type, "cannot clone " +
                                                       std::string(word_for_kind(kind)) + " " +
                                                       shown + " in scope \"table\" yet");
    if (rows.boolean(0, "is_system"))
        throw PgError(sqlstate::wrong_object_type, "cannot clone system catalog " + shown);
    if (rows.text(0, "persistence") == "t")
        throw PgError(sqlstate::wrong_object_type, "cannot clone temporary table " + shown);
    if (!rows.boolean(0, "can_use_schema"))
        throw PgError(sqlstate::insufficient_privilege, "permission denied for schema " +
                                                            quote_identifier(name.schema) +
                                                            " on the source");

    TableDefinition table;
    table.name = name;
    table.oid = static_cast<std::uint32_t>(rows.integer(0, "oid"));
    table.server_version = static_cast<int>(rows.integer(0, "server_version"));
    table.server_encoding = rows.text(0, "server_encoding");
    table.persistence = rows.text(0, "persistence");
    table.heap_pages = rows.integer(0, "heap_pages");
    table.size_bytes = rows.integer(0, "size_bytes");
    table.owner = rows.text(0, "owner");
    table.tablespace = rows.text(0, "tablespace");
    table.access_method = rows.text(0, "access_method");
    table.storage_options = rows.list(0, "storage_options");
    table.toast_options = rows.list(0, "toast_options");
    table.row_security = rows.boolean(0, "row_security");
    table.force_row_security = rows.boolean(0, "force_row_security");
    table.replica_identity = rows.text(0, "replica_identity");
    return table;
}

void check_columns(const TableDefinition& definition, const CloneOptions& options)
{
    const std::string shown = quote_qualified(definition.name);
    NameList absent;
    for (const std::string& wanted : options.columns) {
        const bool exists =
            std::any_of(definition.columns.begin(), definition.columns.end(),
                        [&](const ColumnDefinition& column) { return column.name == wanted; });
        if (!exists)
            absent.push_back(wanted);
    }
    if (!absent.empty())
        throw PgError(sqlstate::undefined_column,
                      "option \"columns\" names columns that table " + shown +
                          " does not have on the source: " + join_names(absent));
    if (!options.data)
        return;
    NameList unreadable;
    for (const ColumnDefinition& column : definition.columns)
        if (column.generated.empty() && is_wanted(options, column.name) && !column.can_select)
            unreadable.push_back(column.name);
    if (!unreadable.empty())
        throw PgError(sqlstate::insufficient_privilege,
                      "permission denied for table " + shown + " on the source",
                      "SELECT is missing on these columns: " + join_names(unreadable) + ".");
}

Async<TableDefinition> read_table_definition(PgSession& source, QualifiedName name,
                                             CloneOptions options)
{
    std::string sql(catalog_sql::table_itself);
    PgSession::Parameters parameters;
    parameters.emplace_back(name.schema);
    parameters.emplace_back(name.name);
    ResultSet rows = co_await source.query(sql, parameters);
    TableDefinition table = table_of_row(rows, name);
    const bool can_select = rows.boolean(0, "can_select");
    // The catalogs show the table as the snapshot sees it, PostgreSQL's own functions as it is now.
    // Locked, it stays what it is; what has changed in between would make a mixture of both.
    if (can_select) {
        const std::vector<SourceTable> locked{{name, table.oid}};
        co_await lock_source_tables(source, locked);
    }

    rows = co_await query_by_oid(source, catalog_sql::table_sequences, table.oid);
    table.sequences = sequences_of_rows(rows);
    if (options.data) {
        for (SequenceDefinition& sequence : table.sequences)
            if (is_wanted(options, sequence.column))
                co_await read_sequence_value(source, name.schema, sequence);
    }

    rows = co_await query_by_oid(source, catalog_sql::table_columns, table.oid);
    table.columns = columns_of_rows(rows);
    check_columns(table, options);
    if (options.data && table.columns.empty() && !can_select)
        throw PgError(sqlstate::insufficient_privilege,
                      "permission denied for table " + quote_qualified(name) + " on the source");

    rows = co_await query_by_oid(source, catalog_sql::table_constraints, table.oid);
    table.constraints = constraints_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_indexes, table.oid);
    table.indexes = indexes_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_triggers, table.oid);
    table.triggers = triggers_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_policies, table.oid);
    table.policies = policies_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_statistics, table.oid);
    table.statistics = statistics_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_comments, table.oid);
    table.comments = comments_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_privileges, table.oid);
    table.privileges = privileges_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_dependencies, table.oid);
    table.dependencies = dependencies_of_rows(rows);
    rows = co_await query_by_oid(source, catalog_sql::table_leftovers, table.oid);
    table.leftovers = leftovers_of_rows(rows);

    if (options.data) {
        std::int64_t estimate = co_await estimate_rows(source, name, options);
        table.estimated_rows = estimate;
    }
    co_return table;
}

} // namespace pgclone
