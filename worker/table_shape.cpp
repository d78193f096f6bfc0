#include "worker/table_shape.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include <boost/json.hpp>

#include "shared/error_types.hpp"

namespace pgclone {

namespace json = boost::json;

namespace {

[[noreturn]] void raise_malformed(std::string_view column)
{
    throw PgError(sqlstate::internal_error,
                  "unexpected catalog row: malformed \"" + std::string(column) + "\"");
}

json::array parse_objects(const ResultSet& rows, std::size_t row, std::string_view column)
{
    json::parse_options limits;
    // A database in SQL_ASCII hands out any bytes.
    limits.allow_invalid_utf8 = true;
    boost::system::error_code error;
    json::value parsed = json::parse(rows.text(row, column), error, {}, limits);
    if (error || !parsed.is_array())
        raise_malformed(column);
    for (const json::value& element : parsed.get_array())
        if (!element.is_object())
            raise_malformed(column);
    return std::move(parsed.get_array());
}

const json::value& member(std::string_view column, const json::value& object, const char* key)
{
    const json::value* found = object.get_object().if_contains(key);
    if (found == nullptr)
        raise_malformed(column);
    return *found;
}

std::string text_member(std::string_view column, const json::value& object, const char* key)
{
    const json::string* text = member(column, object, key).if_string();
    if (text == nullptr)
        raise_malformed(column);
    return std::string(text->data(), text->size());
}

bool bool_member(std::string_view column, const json::value& object, const char* key)
{
    const bool* value = member(column, object, key).if_bool();
    if (value == nullptr)
        raise_malformed(column);
    return *value;
}

std::int64_t number_member(std::string_view column, const json::value& object, const char* key)
{
    const std::int64_t* value = member(column, object, key).if_int64();
    if (value == nullptr || *value < 0 || *value > std::numeric_limits<std::uint32_t>::max())
        raise_malformed(column);
    return *value;
}

std::uint32_t to_oid(std::int64_t number)
{
    return static_cast<std::uint32_t>(number);
}

// The parts that are not empty, with `separator` between them.
std::string join(const std::vector<std::string>& parts, std::string_view separator = " ")
{
    std::string text;
    for (const std::string& part : parts)
        if (!part.empty())
            text += (text.empty() ? std::string() : std::string(separator)) + part;
    return text;
}

ShapeColumn read_column(const json::value& value)
{
    ShapeColumn column;
    column.name = text_member("columns", value, "name");
    column.type = text_member("columns", value, "type");
    column.generation = text_member("columns", value, "generation");
    column.not_null = text_member("columns", value, "not_null");
    column.own_not_null = text_member("columns", value, "own_not_null");
    column.identity = text_member("columns", value, "identity");
    column.is_local = bool_member("columns", value, "is_local");
    column.parents = static_cast<int>(number_member("columns", value, "parents"));
    return column;
}

TableShape read_table_shape(const ResultSet& rows, std::size_t row)
{
    TableShape table;
    table.id = {to_oid(rows.integer(row, "classid")), to_oid(rows.integer(row, "objid"))};
    table.relation = rows.text(row, "relation");
    table.head = rows.text(row, "head");
    table.of_type = rows.text(row, "of_type");
    for (const json::value& parent : parse_objects(rows, row, "parents"))
        table.parents.push_back({to_oid(number_member("parents", parent, "oid")),
                                 text_member("parents", parent, "relation")});
    table.is_partition = rows.boolean(row, "is_partition");
    const auto columns = parse_objects(rows, row, "columns");
    table.columns.reserve(columns.size());
    for (const json::value& column : columns)
        table.columns.push_back(read_column(column));
    table.tail = rows.text(row, "tail");
    table.helper = rows.text(row, "helper");
    table.after = rows.list(row, "after");
    table.after_children = rows.list(row, "after_children");
    table.has_rows = rows.boolean(row, "has_rows");
    for (const ShapeColumn& column : table.columns)
        if (column.generation.empty())
            table.copy_columns.push_back(column.name);
    table.padded_columns = rows.list(row, "padded_columns");
    table.binary_safe = rows.boolean(row, "binary_safe");
    for (const json::value& type : parse_objects(rows, row, "own_types"))
        table.own_types.push_back({to_oid(number_member("own_types", type, "classid")),
                                   to_oid(number_member("own_types", type, "objid"))});
    table.can_select = rows.boolean(row, "can_select");
    table.is_heap = rows.boolean(row, "is_heap");
    table.heap_pages = rows.integer(row, "heap_pages");
    table.size_bytes = rows.integer(row, "size_bytes");
    table.estimated_rows = rows.integer(row, "estimated_rows");
    table.load_through = {rows.text(row, "load_through_schema"),
                          rows.text(row, "load_through_name")};
    return table;
}

void append(std::vector<std::string>& statements, const std::vector<std::string>& more)
{
    statements.insert(statements.end(), more.begin(), more.end());
}

} // namespace

// Those of one table.
struct TableMaker::Parents {
    std::vector<TableShape> tables; // in their order
    bool are_known = true;          // they are all among the plan's tables

    bool keep_order(const TableShape& table) const;
    const std::string& generation(const ShapeColumn& column) const;
    std::string create_helper(const TableShape& table) const;
    std::string create_table(const TableShape& table, bool has_helper, int target_version) const;
};

// Whether CREATE TABLE ... INHERITS gives the source's columns in its order: it has those of the
// parents, one parent after the other, merged by name, and then its own.
bool TableMaker::Parents::keep_order(const TableShape& table) const
{
    const std::vector<ShapeColumn>& columns = table.columns;
    // Of a parent that is not cloned along only that is known: what is inherited comes first.
    if (!are_known)
        return std::is_partitioned(columns.begin(), columns.end(),
                                   [](const ShapeColumn& column) { return column.parents > 0; });
    if (tables.empty())
        return true;
    std::vector<std::string_view> names;
    std::set<std::string_view> seen;
    const auto add = [&](const std::string& name) {
        if (seen.insert(name).second)
            names.push_back(name);
    };
    for (const TableShape& parent : tables)
        for (const ShapeColumn& column : parent.columns)
            add(column.name);
    for (const ShapeColumn& column : columns)
        if (column.is_local)
            add(column.name);
    return std::equal(
        names.begin(), names.end(), columns.begin(), columns.end(),
        [](std::string_view name, const ShapeColumn& column) { return name == column.name; });
}

// How the column is generated in the parents: they agree. As in `column` if that isn't known.
const std::string& TableMaker::Parents::generation(const ShapeColumn& column) const
{
    for (const TableShape& parent : tables)
        for (const ShapeColumn& inherited : parent.columns)
            if (inherited.name == column.name)
                return inherited.generation;
    return column.generation;
}

// A parent for the moment: it lends its order of columns.
std::string TableMaker::Parents::create_helper(const TableShape& table) const
{
    std::vector<std::string> columns;
    for (const ShapeColumn& column : table.columns)
        columns.push_back(join({quote_identifier(column.name), column.type, generation(column)}));
    return "CREATE TABLE " + table.helper + " (" + join(columns, ", ") + ")";
}

std::string TableMaker::Parents::create_table(const TableShape& table, bool has_helper,
                                              int target_version) const
{
    const bool inherits = !table.is_partition && !table.parents.empty();
    std::vector<std::string> columns;
    for (const ShapeColumn& column : table.columns) {
        if (inherits && !column.is_local) {
            // (Older targets know no such constraint of a table.)
            if (!column.own_not_null.empty() && target_version >= 180000)
                columns.push_back(column.own_not_null);
            continue;
        }
        // Before 16 a column that is inherited as a generated one can't be declared as such.
        const bool is_inherited = has_helper || (inherits && column.parents > 0);
        const bool generates =
            !is_inherited || column.generation != generation(column);
        const std::string properties =
            join({generates ? column.generation : "", column.not_null, column.identity});
        if (table.of_type.empty())
            columns.push_back(join({quote_identifier(column.name), column.type, properties}));
        else if (!properties.empty())
            columns.push_back(quote_identifier(column.name) + " WITH OPTIONS " + properties);
    }
    std::vector<std::string> parents;
    if (has_helper)
        parents.push_back(table.helper);
    if (inherits)
        for (const TableParent& parent : table.parents)
            parents.push_back(parent.relation);

    return join({table.head, table.relation, table.of_type.empty() ? "" : "OF " + table.of_type,
                 !table.of_type.empty() && columns.empty() ? "" : "(" + join(columns, ", ") + ")",
                 parents.empty() ? "" : "INHERITS (" + join(parents, ", ") + ")", table.tail});
}

std::vector<TableShape> read_table_shapes(const ResultSet& rows)
{
    std::vector<TableShape> tables;
    tables.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); row++)
        tables.push_back(read_table_shape(rows, row));
    return tables;
}

TableMaker::TableMaker(const std::vector<const TableHead*>& tables, Loader load, int target_version)
    : load_(std::move(load)), target_version_(target_version)
{
    std::unordered_map<std::uint32_t, std::size_t> by_oid;
    std::map<std::size_t, std::size_t> last_children; // by the parent
    const auto inherits = [](const TableHead* table) {
        return !table->is_partition && !table->parents.empty();
    };
    if (std::none_of(tables.begin(), tables.end(), inherits))
        return;
    for (std::size_t i = 0; i < tables.size(); i++)
        by_oid.emplace(tables[i]->id.objid, i);
    for (std::size_t i = 0; i < tables.size(); i++) {
        if (!inherits(tables[i]))
            continue;
        for (const TableParent& parent : tables[i]->parents) {
            const auto found = by_oid.find(parent.oid);
            if (found == by_oid.end()) {
                has_unknown_parents_.insert(i);
                continue;
            }
            parents_[i].push_back(found->second);
            has_children_.insert(found->second);
            std::size_t& last = last_children[found->second];
            last = std::max(last, i);
        }
    }
    for (const auto& [parent, last] : last_children)
        parents_of_last_[last].push_back(parent);
}

TableMaker::Parents TableMaker::load_parents(std::size_t i) const
{
    Parents parents;
    parents.are_known = !has_unknown_parents_.contains(i);
    if (const auto found = parents_.find(i); found != parents_.end())
        for (const std::size_t parent : found->second)
            parents.tables.push_back(load_(parent));
    return parents;
}

std::vector<std::string> TableMaker::statements(std::size_t i) const
{
    const TableShape table = load_(i);
    const Parents parents = load_parents(i);
    std::vector<std::string> statements;
    const bool has_helper = !parents.keep_order(table);
    if (has_helper)
        statements.push_back(parents.create_helper(table));
    statements.push_back(parents.create_table(table, has_helper, target_version_));
    if (has_helper) {
        statements.push_back("ALTER TABLE " + table.relation + " NO INHERIT " + table.helper);
        statements.push_back("DROP TABLE " + table.helper);
    }
    append(statements, table.after);
    if (const auto found = parents_of_last_.find(i); found != parents_of_last_.end())
        for (const std::size_t parent : found->second)
            append(statements, load_(parent).after_children);
    if (!has_children_.contains(i))
        append(statements, table.after_children);
    return statements;
}

} // namespace pgclone
