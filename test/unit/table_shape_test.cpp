#include "worker/table_shape.hpp"

#include <doctest/doctest.h>

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

using Statements = std::vector<std::string>;

ShapeColumn column(std::string name, std::string type = "integer")
{
    ShapeColumn result;
    result.name = std::move(name);
    result.type = std::move(type);
    return result;
}

ShapeColumn inherited(std::string name, int parents = 1)
{
    ShapeColumn result = column(std::move(name));
    result.is_local = false;
    result.parents = parents;
    return result;
}

// Declared by the table as well.
ShapeColumn merged(std::string name)
{
    ShapeColumn result = column(std::move(name));
    result.parents = 1;
    return result;
}

ShapeColumn generated(ShapeColumn result, std::string expression)
{
    result.generation = "GENERATED ALWAYS AS (" + std::move(expression) + ") STORED";
    return result;
}

TableShape table(std::uint32_t oid, std::vector<ShapeColumn> columns,
                 std::vector<std::uint32_t> parents = {})
{
    TableShape result;
    result.id = {1259, oid};
    result.relation = "s.t" + std::to_string(oid);
    result.head = "CREATE TABLE";
    result.helper = "s.helper" + std::to_string(oid);
    result.columns = std::move(columns);
    for (const std::uint32_t parent : parents)
        result.parents.push_back({parent, "s.t" + std::to_string(parent)});
    return result;
}

std::vector<Statements> create_table_statements(const std::vector<TableShape>& tables,
                                                int target_version = 150000)
{
    std::vector<const TableHead*> heads;
    for (const TableShape& table : tables)
        heads.push_back(&table);
    const TableMaker maker(heads, [&tables](std::size_t i) { return tables[i]; }, target_version);
    std::vector<Statements> statements;
    for (std::size_t i = 0; i < tables.size(); i++)
        statements.push_back(maker.statements(i));
    return statements;
}

// How the last of `tables` is made.
Statements last_of(const std::vector<TableShape>& tables)
{
    return create_table_statements(tables).back();
}

const std::vector<std::string> names = {"classid",
                                        "objid",
                                        "relation",
                                        "head",
                                        "of_type",
                                        "parents",
                                        "is_partition",
                                        "columns",
                                        "tail",
                                        "helper",
                                        "after",
                                        "after_children",
                                        "has_rows",
                                        "padded_columns",
                                        "binary_safe",
                                        "own_types",
                                        "can_select",
                                        "is_heap",
                                        "heap_pages",
                                        "size_bytes",
                                        "estimated_rows",
                                        "load_through_schema",
                                        "load_through_name"};

std::vector<ResultSet::Value> full_row()
{
    return {"1259",
            "20001",
            "s.\"A b\"",
            "CREATE UNLOGGED TABLE",
            std::nullopt,
            R"([{"oid": 4294967295, "relation": "s.p"}])",
            "t",
            R"json([{"name": "a \"q\"", "type": "integer", "generation": "", "not_null": "NOT NULL", "own_not_null": "",
                 "identity": "GENERATED ALWAYS AS IDENTITY (CACHE 1)", "is_local": false,
                 "parents": 2},
                {"name": "b", "type": "text COLLATE \"C\"",
                 "generation": "GENERATED ALWAYS AS ('x') STORED", "not_null": "", "own_not_null": "NOT NULL y", "identity": "",
                 "is_local": true, "parents": 0}])json",
            "USING heap",
            "s.pgclone_columns_20001",
            R"(["ALTER 1", "ALTER 2"])",
            R"(["ALTER 3"])",
            "t",
            R"(["a \"q\""])",
            "f",
            R"([{"classid": 1247, "objid": 4294967295}])",
            "t",
            "t",
            "1",
            "8192",
            "-1",
            "s",
            "top"};
}

} // namespace

TEST_CASE("a table as the query gives it")
{
    const std::vector<TableShape> shapes = read_table_shapes(ResultSet(names, {full_row()}));
    REQUIRE(shapes.size() == 1);
    const TableShape& shape = shapes.front();
    CHECK(shape.id == ObjectId{1259, 20001});
    CHECK(shape.relation == "s.\"A b\"");
    CHECK(shape.head == "CREATE UNLOGGED TABLE");
    CHECK(shape.of_type.empty());
    REQUIRE(shape.parents.size() == 1);
    CHECK(shape.parents[0].oid == 4294967295u);
    CHECK(shape.parents[0].relation == "s.p");
    CHECK(shape.is_partition);
    REQUIRE(shape.columns.size() == 2);
    CHECK(shape.columns[0].name == "a \"q\"");
    CHECK(shape.columns[0].type == "integer");
    CHECK(shape.columns[0].not_null == "NOT NULL");
    CHECK(shape.columns[0].identity == "GENERATED ALWAYS AS IDENTITY (CACHE 1)");
    CHECK(shape.columns[0].generation.empty());
    CHECK_FALSE(shape.columns[0].is_local);
    CHECK(shape.columns[0].parents == 2);
    CHECK(shape.columns[1].type == "text COLLATE \"C\"");
    CHECK(shape.columns[1].generation == "GENERATED ALWAYS AS ('x') STORED");
    CHECK(shape.tail == "USING heap");
    CHECK(shape.helper == "s.pgclone_columns_20001");
    CHECK(shape.after == Statements{"ALTER 1", "ALTER 2"});
    CHECK(shape.after_children == Statements{"ALTER 3"});
    CHECK(shape.has_rows);
    // COPY takes no generated columns.
    CHECK(shape.copy_columns == Statements{"a \"q\""});
    CHECK(shape.padded_columns == Statements{"a \"q\""});
    CHECK_FALSE(shape.binary_safe);
    CHECK(shape.own_types == std::vector<ObjectId>{{1247, 4294967295u}});
    CHECK(shape.can_select);
    CHECK(shape.is_heap);
    CHECK(shape.heap_pages == 1);
    CHECK(shape.size_bytes == 8192);
    CHECK(shape.estimated_rows == -1);
    CHECK(shape.load_through == QualifiedName{"s", "top"});
}

TEST_CASE("what is not of the form promised is refused")
{
    const auto error_of = [](std::size_t position, std::string value) {
        std::vector<ResultSet::Value> row = full_row();
        row[position] = std::move(value);
        const ResultSet rows(names, {row});
        return expect_error("XX000", [&] { read_table_shapes(rows); });
    };
    CHECK(mentions(error_of(5, "{}"), "parents"));
    CHECK(mentions(error_of(5, "[1]"), "parents"));
    CHECK(mentions(error_of(5, R"([{"oid": -1, "relation": "s.p"}])"), "parents"));
    CHECK(mentions(error_of(5, R"([{"oid": 4294967296, "relation": "s.p"}])"), "parents"));
    CHECK(mentions(error_of(5, R"([{"oid": 1}])"), "parents"));
    CHECK(mentions(error_of(7, "[{}]"), "columns"));
    CHECK(mentions(error_of(7, R"([{"name": 1}])"), "columns"));
    CHECK(mentions(error_of(7, "not json"), "columns"));
    CHECK(mentions(error_of(10, "[1]"), "after"));
}

TEST_CASE("an ordinary table")
{
    TableShape shape = table(1, {column("a"), column("select", "text COLLATE \"C\"")});
    shape.columns[0].not_null = "CONSTRAINT n NOT NULL";
    shape.columns[0].identity = "GENERATED ALWAYS AS IDENTITY (CACHE 1)";
    shape.tail = "USING heap WITH (fillfactor='70') TABLESPACE x";
    shape.after = {"ALTER TABLE ONLY s.t1 FORCE ROW LEVEL SECURITY"};
    shape.after_children = {"ALTER TABLE ONLY s.t1 ALTER COLUMN b SET STORAGE MAIN"};
    CHECK(last_of({shape}) ==
          Statements{"CREATE TABLE s.t1 (\"a\" integer CONSTRAINT n NOT NULL GENERATED ALWAYS AS "
                     "IDENTITY (CACHE 1), \"select\" text COLLATE \"C\") USING heap WITH "
                     "(fillfactor='70') TABLESPACE x",
                     "ALTER TABLE ONLY s.t1 FORCE ROW LEVEL SECURITY",
                     "ALTER TABLE ONLY s.t1 ALTER COLUMN b SET STORAGE MAIN"});
    CHECK(last_of({table(1, {})}) == Statements{"CREATE TABLE s.t1 ()"});
    CHECK(create_table_statements({}).empty());
}

TEST_CASE("a NOT NULL of its own beside the one that a column inherits")
{
    ShapeColumn id = inherited("id");
    id.own_not_null = "CONSTRAINT given NOT NULL id";
    const std::vector<TableShape> tables = {table(1, {column("id")}), table(2, {id, column("x")}, {1})};
    CHECK(create_table_statements(tables, 180000).back() ==
          Statements{"CREATE TABLE s.t2 (CONSTRAINT given NOT NULL id, \"x\" integer) INHERITS (s.t1)"});
    CHECK(create_table_statements(tables, 170000).back() ==
          Statements{"CREATE TABLE s.t2 (\"x\" integer) INHERITS (s.t1)"});
}

TEST_CASE("a generated column of a table without parents is declared")
{
    CHECK(last_of({table(1, {column("a"), generated(column("g"), "a + 1")})}) ==
          Statements{"CREATE TABLE s.t1 (\"a\" integer, \"g\" integer GENERATED ALWAYS AS "
                     "(a + 1) STORED)"});
}

TEST_CASE("a typed table names only the columns of which it says more than the type")
{
    TableShape shape = table(1, {column("a", ""), column("b", "")});
    shape.of_type = "s.pair";
    CHECK(last_of({shape}) == Statements{"CREATE TABLE s.t1 OF s.pair"});
    shape.columns[1].not_null = "NOT NULL";
    CHECK(last_of({shape}) ==
          Statements{"CREATE TABLE s.t1 OF s.pair (\"b\" WITH OPTIONS NOT NULL)"});
}

TEST_CASE("a partition has all columns and is attached afterwards")
{
    TableShape child = table(2, {inherited("b"), generated(inherited("a"), "b + 1")}, {1});
    child.is_partition = true;
    child.after = {"ALTER TABLE ONLY s.t1 ATTACH PARTITION s.t2 DEFAULT"};
    TableShape parent = table(1, {column("a"), column("b")});
    parent.after_children = {"ALTER TABLE ONLY s.t1 ALTER COLUMN b SET STORAGE MAIN"};
    const auto statements = create_table_statements({parent, child});
    CHECK(statements[1] == Statements{"CREATE TABLE s.t2 (\"b\" integer, \"a\" integer GENERATED "
                                      "ALWAYS AS (b + 1) STORED)",
                                      "ALTER TABLE ONLY s.t1 ATTACH PARTITION s.t2 DEFAULT"});
    // A partition takes nothing over, so its parent needs not wait.
    CHECK(statements[0].back() == parent.after_children.front());
}

TEST_CASE("INHERITS, where it gives the source's columns in its order")
{
    const TableShape first = table(1, {column("a"), column("b")});
    const TableShape second = table(2, {column("b"), column("c")});

    CHECK(last_of({first, table(3, {inherited("a"), inherited("b"), column("d")}, {1})}) ==
          Statements{"CREATE TABLE s.t3 (\"d\" integer) INHERITS (s.t1)"});
    CHECK(last_of({first, table(3, {inherited("a"), merged("b"), column("d")}, {1})}) ==
          Statements{"CREATE TABLE s.t3 (\"b\" integer, \"d\" integer) INHERITS (s.t1)"});
    CHECK(last_of({first, second,
                   table(3, {inherited("a"), inherited("b", 2), inherited("c")}, {1, 2})}) ==
          Statements{"CREATE TABLE s.t3 () INHERITS (s.t1, s.t2)"});
    CHECK(last_of({first, second,
                   table(3, {inherited("b", 2), inherited("c"), inherited("a")}, {2, 1})}) ==
          Statements{"CREATE TABLE s.t3 () INHERITS (s.t2, s.t1)"});
}

TEST_CASE("where it does not, a helper lends the order")
{
    const TableShape parent = table(1, {column("a"), column("late")});
    TableShape child = table(2, {inherited("a"), column("own"), inherited("late")}, {1});
    child.columns[1].not_null = "NOT NULL";
    child.tail = "USING heap";
    child.after = {"ALTER TABLE ONLY s.t2 REPLICA IDENTITY FULL"};
    CHECK(last_of({parent, child}) ==
          Statements{"CREATE TABLE s.helper2 (\"a\" integer, \"own\" integer, \"late\" integer)",
                     "CREATE TABLE s.t2 (\"own\" integer NOT NULL) INHERITS (s.helper2, s.t1) "
                     "USING heap",
                     "ALTER TABLE s.t2 NO INHERIT s.helper2", "DROP TABLE s.helper2",
                     "ALTER TABLE ONLY s.t2 REPLICA IDENTITY FULL"});
    // A child of the child follows its order.
    const auto below = create_table_statements(
        {parent, child, table(3, {inherited("a"), inherited("own"), inherited("late")}, {2})});
    CHECK(below[2] == Statements{"CREATE TABLE s.t3 () INHERITS (s.t2)"});
}

TEST_CASE("generated columns are declared unless they are inherited as such")
{
    const TableShape parent = table(1, {column("a"), generated(column("g"), "a * 2")});
    CHECK(last_of({parent, table(2, {merged("a"), generated(merged("g"), "a * 2")}, {1})}) ==
          Statements{"CREATE TABLE s.t2 (\"a\" integer, \"g\" integer) INHERITS (s.t1)"});
    CHECK(last_of({parent, table(2, {merged("a"), generated(merged("g"), "a * 3")}, {1})}) ==
          Statements{"CREATE TABLE s.t2 (\"a\" integer, \"g\" integer GENERATED ALWAYS AS "
                     "(a * 3) STORED) INHERITS (s.t1)"});
    // The helper has the parent's expression for what is inherited, else the table's own.
    CHECK(last_of(
              {parent,
               table(2, {generated(merged("g"), "a * 3"), merged("a"), generated(column("h"), "a")},
                     {1})}) ==
          Statements{"CREATE TABLE s.helper2 (\"g\" integer GENERATED ALWAYS AS (a * 2) STORED, "
                     "\"a\" integer, \"h\" integer GENERATED ALWAYS AS (a) STORED)",
                     "CREATE TABLE s.t2 (\"g\" integer GENERATED ALWAYS AS (a * 3) STORED, "
                     "\"a\" integer, \"h\" integer) INHERITS (s.helper2, s.t1)",
                     "ALTER TABLE s.t2 NO INHERIT s.helper2", "DROP TABLE s.helper2"});
}

TEST_CASE("of a parent that is not cloned along, no more is known than what comes from it")
{
    CHECK(last_of({table(2, {inherited("a"), inherited("b"), column("c")}, {1})}) ==
          Statements{"CREATE TABLE s.t2 (\"c\" integer) INHERITS (s.t1)"});
    CHECK(last_of({table(2, {column("c"), inherited("a")}, {1})}).size() == 4);
}

TEST_CASE("what children would inherit waits for the last of them")
{
    TableShape parent = table(1, {column("a")});
    parent.after = {"NOW"};
    parent.after_children = {"LATER"};
    TableShape child = table(3, {inherited("a")}, {1});
    child.after_children = {"OF CHILD"};
    const auto statements = create_table_statements(
        {parent, table(2, {inherited("a")}, {1}), child, table(4, {column("x")})});
    CHECK(statements[0] == Statements{"CREATE TABLE s.t1 (\"a\" integer)", "NOW"});
    CHECK(statements[1].size() == 1);
    CHECK(statements[2] == Statements{"CREATE TABLE s.t3 () INHERITS (s.t1)", "LATER", "OF CHILD"});
    CHECK(statements[3].size() == 1);
}
