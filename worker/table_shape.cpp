#include "worker/table_shape.hpp"

#include <algorithm>
#include <limits>
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

// How the tables inherit from each other; indexes are those of the tables.
class Inheritance {
  public:
    explicit Inheritance(const std::vector<const TableShape*>& tables);

    // The last table that inherits from `table`; itself if there is none.
    std::size_t last_child(std::size_t table) const { return last_child_[table]; }

    // Whether CREATE TABLE ... INHERITS gives the source's columns in its order.
    bool keeps_order(std::size_t table) const;

    // How the column is generated in the parents: they agree. As in `column` if that isn't known.
    const std::string& inherited_generation(std::size_t table, const ShapeColumn& column) const;

  private:
    const std::vector<const TableShape*>& tables_;
    std::vector<std::vector<std::size_t>> parents_; // by INHERITS, not by partitioning
    std::vector<bool> knows_parents_;               // they are all among the tables
    std::vector<std::size_t> last_child_;
};

Inheritance::Inheritance(const std::vector<const TableShape*>& tables)
    : tables_(tables), parents_(tables.size()), knows_parents_(tables.size(), true)
{
    std::unordered_map<std::uint32_t, std::size_t> by_oid;
    for (std::size_t i = 0; i < tables_.size(); i++) {
        by_oid.emplace(tables_[i]->id.objid, i);
        last_child_.push_back(i);
    }
    for (std::size_t i = 0; i < tables_.size(); i++) {
        if (tables_[i]->is_partition)
            continue;
        for (const TableParent& parent : tables_[i]->parents) {
            const auto found = by_oid.find(parent.oid);
            if (found == by_oid.end()) {
                knows_parents_[i] = false;
                continue;
            }
            parents_[i].push_back(found->second);
            last_child_[found->second] = std::max(last_child_[found->second], i);
        }
    }
}

// It has the columns of the parents, one parent after the other, merged by name, and then its own.
bool Inheritance::keeps_order(std::size_t table) const
{
    const std::vector<ShapeColumn>& columns = tables_[table]->columns;
    // Of a parent that is not cloned along only that is known: what is inherited comes first.
    if (!knows_parents_[table])
        return std::is_partitioned(columns.begin(), columns.end(),
                                   [](const ShapeColumn& column) { return column.parents > 0; });
    if (parents_[table].empty())
        return true;
    std::vector<std::string_view> names;
    std::set<std::string_view> seen;
    const auto add = [&](const std::string& name) {
        if (seen.insert(name).second)
            names.push_back(name);
    };
    for (const std::size_t parent : parents_[table])
        for (const ShapeColumn& column : tables_[parent]->columns)
            add(column.name);
    for (const ShapeColumn& column : columns)
        if (column.is_local)
            add(column.name);
    return std::equal(
        names.begin(), names.end(), columns.begin(), columns.end(),
        [](std::string_view name, const ShapeColumn& column) { return name == column.name; });
}

const std::string& Inheritance::inherited_generation(std::size_t table,
                                                     const ShapeColumn& column) const
{
    for (const std::size_t parent : parents_[table])
        for (const ShapeColumn& inherited : tables_[parent]->columns)
            if (inherited.name == column.name)
                return inherited.generation;
    return column.generation;
}

// A parent for the moment: it lends its order of columns.
std::string create_helper(const TableShape& table, const Inheritance& inheritance, std::size_t i)
{
    std::vector<std::string> columns;
    for (const ShapeColumn& column : table.columns)
        columns.push_back(join({quote_identifier(column.name), column.type,
                                inheritance.inherited_generation(i, column)}));
    return "CREATE TABLE " + table.helper + " (" + join(columns, ", ") + ")";
}

std::string create_statement(const TableShape& table, const Inheritance& inheritance, std::size_t i,
                             bool has_helper, int target_version)
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
            !is_inherited || column.generation != inheritance.inherited_generation(i, column);
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

void append(std::vector<std::string>& statements, const std::vector<std::string>& more)
{
    statements.insert(statements.end(), more.begin(), more.end());
}

} // namespace

std::vector<TableShape> read_table_shapes(const ResultSet& rows)
{
    std::vector<TableShape> tables;
    tables.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); row++)
        tables.push_back(read_table_shape(rows, row));
    return tables;
}

std::vector<std::vector<std::string>>
create_table_statements(const std::vector<const TableShape*>& tables, int target_version)
{
    const Inheritance inheritance(tables);
    std::vector<std::vector<std::string>> statements(tables.size());
    for (std::size_t i = 0; i < tables.size(); i++) {
        const TableShape& table = *tables[i];
        const bool has_helper = !inheritance.keeps_order(i);
        if (has_helper)
            statements[i].push_back(create_helper(table, inheritance, i));
        statements[i].push_back(create_statement(table, inheritance, i, has_helper, target_version));
        if (has_helper) {
            statements[i].push_back("ALTER TABLE " + table.relation + " NO INHERIT " +
                                    table.helper);
            statements[i].push_back("DROP TABLE " + table.helper);
        }
        append(statements[i], table.after);
    }
    for (std::size_t i = 0; i < tables.size(); i++)
        append(statements[inheritance.last_child(i)], tables[i]->after_children);
    return statements;
}

} // namespace pgclone
