#include "worker/catalog_object.hpp"

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

using Value = ResultSet::Value;
using Role = StatementTemplate::Role;

const std::vector<std::string> needed_columns = {"kind", "classid",   "objid",     "schema_name",
                                                 "name", "object_as", "create_sql"};

std::vector<Value> needed_values()
{
    return {
        "view", "1259", "4294967295", "s", "v", "VIEW s.v", R"(["CREATE VIEW s.v AS SELECT 1"])"};
}

// A row with one further column.
ResultSet row_with(const std::string& column, Value value)
{
    std::vector<std::string> columns = needed_columns;
    std::vector<Value> values = needed_values();
    columns.push_back(column);
    values.push_back(std::move(value));
    return ResultSet(columns, {values});
}

// A row in which one column has another value.
ResultSet row_but(const std::string& column, Value value)
{
    std::vector<Value> values = needed_values();
    for (std::size_t i = 0; i < needed_columns.size(); i++)
        if (needed_columns[i] == column)
            values[i] = std::move(value);
    return ResultSet(needed_columns, {values});
}

void check_malformed(const ResultSet& rows, const std::string& column)
{
    const PgError error = expect_error("XX000", [&] { read_objects(rows); });
    CHECK(error.message().find("\"" + column + "\"") != std::string::npos);
}

} // namespace

TEST_CASE("a statement may be for newer targets alone")
{
    const std::vector<StatementTemplate> statements = parse_statements(
        R"([[{"since": 170000}, "GRANT MAINTAIN ON TABLE t TO ", {"role": null}], ["GRANT ", "x"], "y"])");
    REQUIRE(statements.size() == 3);
    CHECK(statements[0].since() == 170000);
    CHECK(statements[0].render({}) == "GRANT MAINTAIN ON TABLE t TO PUBLIC");
    CHECK(statements[1].since() == 0);
    CHECK(statements[2].since() == 0);
    for (const char* bad : {R"([[{"since": 170000}]])", R"([[{"since": "x"}, "y"]])",
                            R"([[{"since": -1}, "y"]])", R"([["y", {"since": 170000}]])"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(parse_statements(bad), PgError);
    }
}

TEST_CASE("an object with no more than it must have")
{
    CHECK(read_objects(ResultSet()).empty());
    const std::vector<CatalogObject> objects =
        read_objects(ResultSet(needed_columns, {needed_values()}));
    REQUIRE(objects.size() == 1);
    const CatalogObject& object = objects.front();
    CHECK(object.id == ObjectId{1259, 4294967295U});
    CHECK(object.kind == ObjectKind::view);
    CHECK(object.schema_name == "s");
    CHECK(object.name == "v");
    CHECK(object.object_as == "VIEW s.v");
    CHECK(object.create ==
          std::vector{StatementTemplate(std::string("CREATE VIEW s.v AS SELECT 1"))});
    CHECK(object.table_oid == 0);
    CHECK(object.owner == std::nullopt);
    CHECK(object.complete.empty());
    CHECK(object.shell.empty());
    CHECK(object.drop.empty());
    CHECK(object.needs.empty());
    CHECK(object.requirements.empty());
    CHECK(object.needs_version == 0);
}

TEST_CASE("an object with everything")
{
    std::vector<std::string> columns = needed_columns;
    std::vector<Value> values = needed_values();
    const auto add = [&](const char* column, const char* value) {
        columns.emplace_back(column);
        values.emplace_back(value);
    };
    add("table_oid", "4000000000");
    add("owner", "alice");
    add("drop_sql", "DROP VIEW IF EXISTS s.v");
    add("needs", R"([{"classid": 1247, "objid": 4294967295}, {"classid": "2615", "objid": "7"}])");
    add("requires", R"([{"kind": "role", "name": "bob"}])");
    add("needs_version", "140000");
    add("shell_sql", "CREATE VIEW s.v AS SELECT NULL::int AS a");
    add("complete_sql", R"(["CREATE OR REPLACE VIEW s.v AS SELECT 1"])");
    const CatalogObject object = read_objects(ResultSet(columns, {values})).at(0);
    CHECK(object.table_oid == 4000000000U);
    CHECK(object.owner == "alice");
    CHECK(object.drop == "DROP VIEW IF EXISTS s.v");
    CHECK(object.needs == std::vector<ObjectId>{{1247, 4294967295U}, {2615, 7}});
    CHECK(object.requirements == std::vector<ObjectRequirement>{{"role", "bob"}});
    CHECK(object.needs_version == 140000);
    CHECK(object.shell == "CREATE VIEW s.v AS SELECT NULL::int AS a");
    CHECK(object.complete ==
          std::vector{StatementTemplate(std::string("CREATE OR REPLACE VIEW s.v AS SELECT 1"))});
}

TEST_CASE("columns that may be null")
{
    CHECK(read_objects(row_but("schema_name", std::nullopt))[0].schema_name.empty());
    CHECK(read_objects(row_but("object_as", std::nullopt))[0].object_as.empty());
    for (const char* column : {"table_oid", "owner", "drop_sql", "needs", "requires",
                               "needs_version", "shell_sql", "complete_sql"})
        CHECK(read_objects(row_with(column, std::nullopt)).size() == 1);
    CHECK(read_objects(row_with("owner", std::nullopt))[0].owner == std::nullopt);
    CHECK(read_objects(row_but("create_sql", "[]"))[0].create.empty());
}

TEST_CASE("rows of another form")
{
    for (const char* kind : {"", "View", "relation"})
        check_malformed(row_but("kind", kind), "kind");
    check_malformed(row_but("classid", std::nullopt), "classid");
    for (const char* oid : {"-1", "4294967296", "x"})
        check_malformed(row_but("objid", oid), "objid");
    check_malformed(ResultSet({"kind"}, {{"view"}}), "classid");
    for (const char* text :
         {"", "{}", "[1]", "[null]", R"([""])", "[[]]", R"(["a")", R"([[1]])", R"([{"role": "a"}])",
          R"([["a", {}]])", R"([["a", {"role": 1}]])", R"([["a", {"name": "x"}]])"})
        check_malformed(row_but("create_sql", text), "create_sql");
    check_malformed(row_but("create_sql", std::nullopt), "create_sql");
    for (const char* text :
         {"{}", "[1]", R"([{"classid": 1}])", R"([{"classid": 1, "objid": -1}])",
          R"([{"classid": 1, "objid": "x"}])", R"([{"classid": 1, "objid": ""}])",
          R"([{"classid": 1, "objid": "4294967296"}])",
          R"([{"classid": 1, "objid": "99999999999999999999"}])"})
        check_malformed(row_with("needs", text), "needs");
    for (const char* text :
         {"{}", R"(["a"])", R"([{"kind": "role"}])", R"([{"kind": "role", "name": null}])"})
        check_malformed(row_with("requires", text), "requires");
}

TEST_CASE("an error names the object")
{
    const PgError error =
        expect_error("XX000", [] { read_objects(row_with("needs", R"([{"classid": 1}])")); });
    CHECK(mentions(error, "objid"));
    CHECK(mentions(error, "view \"v\""));
}

TEST_CASE("statements and the roles in them")
{
    const std::vector<StatementTemplate> statements = parse_statements(
        R"(["SELECT 1", ["GRANT SELECT ON s.t TO ", {"role": "al\"ice"}, ", ", {"role": null}, ", ",
            {"role": "bob"}]])");
    REQUIRE(statements.size() == 2);
    CHECK(statements[0].roles().empty());
    CHECK(statements[0].render({}) == "SELECT 1");
    CHECK(statements[1] ==
          StatementTemplate({std::string("GRANT SELECT ON s.t TO "), Role{"al\"ice"},
                             std::string(", "), Role{}, std::string(", "), Role{"bob"}}));
    CHECK(statements[1].roles() == std::vector<std::string>{"al\"ice", "bob"});
    CHECK(statements[1].render({}) == R"(GRANT SELECT ON s.t TO "al""ice", PUBLIC, "bob")");
    CloneOptions options;
    options.role_map = {{"bob", "PUBLIC"}, {"PUBLIC", "x"}};
    CHECK(statements[1].render(options) == R"(GRANT SELECT ON s.t TO "al""ice", PUBLIC, "PUBLIC")");
    CHECK(StatementTemplate().render(options).empty());
    expect_error("XX000", [] { parse_statements("null"); });
}

TEST_CASE("bytes that are no UTF-8")
{
    CHECK(parse_statements("[\"caf\xe9\"]").at(0).render({}) == "caf\xe9");
}

TEST_CASE("how messages call an object")
{
    CatalogObject object;
    object.kind = ObjectKind::view;
    object.schema_name = "sales";
    object.name = "totals";
    CHECK(describe(object) == R"(view "sales"."totals")");
    object.kind = ObjectKind::text_search_parser;
    object.schema_name.clear();
    object.name = "a\"b";
    CHECK(describe(object) == R"(text search parser "a""b")");
}
