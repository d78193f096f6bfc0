#include "worker/statistics_transfer.hpp"

#include <algorithm>

#include "test/unit/scope_fixture.hpp"

using namespace pgclone;
using namespace pgclone::test;

namespace {

using Row = std::vector<ResultSet::Value>;

// Rows of statistics_state.sql: schema, name, kind, row_count, is_usable.
ResultSet source_rows(std::vector<Row> rows)
{
    return ResultSet({"relation_schema", "relation_name", "kind", "row_count", "is_usable"},
                     std::move(rows));
}

// Rows of statistics_relations.sql: oid, schema, name, is_empty.
ResultSet target_rows(std::vector<Row> rows)
{
    return ResultSet({"oid", "relation_schema", "relation_name", "is_empty"}, std::move(rows));
}

const std::vector<std::string> columns = {
    "column_name",       "column_number",     "inherited",
    "null_frac",         "avg_width",         "n_distinct",
    "most_common_vals",  "most_common_freqs", "histogram_bounds",
    "correlation",       "most_common_elems", "most_common_elem_freqs",
    "elem_count_histogram"};

const QualifiedName orders{"shop", "orders"};
const Row table = {"shop", "orders", "r", "1500", "t"};
const Row expression_index = {"shop", "orders_expr_idx", "i", "1500", "t"};
const Row table_there = {"5", "shop", "orders", "f"};
const Row index_there = {"6", "shop", "orders_expr_idx", "f"};

} // namespace

TEST_CASE("relations of the source are found on the target by their names")
{
    const auto relations =
        match_statistics(source_rows({{"archive", "old", "p", "7", "t"}, table, expression_index}),
                         target_rows({{"7", "archive", "old", "f"}, index_there, table_there}),
                         orders, "shop");
    REQUIRE(relations);
    REQUIRE(relations->size() == 3); // by OID
    CHECK(relations->at(0).source == orders);
    CHECK(relations->at(0).target_oid == 5);
    CHECK(relations->at(0).row_count == "1500");
    CHECK(relations->at(0).kind == "r");
    CHECK(relations->at(1).target_oid == 6);
    CHECK(relations->at(1).kind == "i");
    CHECK(relations->at(2).target_oid == 7);
    CHECK(relations->at(2).source == QualifiedName{"archive", "old"});
}

TEST_CASE("in a schema that is called otherwise on the target, too")
{
    const ResultSet source = source_rows({table});
    const auto relations =
        match_statistics(source, target_rows({{"5", "copy", "orders", "f"}}), orders, "copy");
    REQUIRE(relations);
    CHECK(relations->at(0).target_oid == 5);
    CHECK(relations->at(0).source.schema == "shop");
    CHECK_FALSE(match_statistics(source, target_rows({table_there}), orders, "copy"));
}

TEST_CASE("statistics are taken for all relations or for none")
{
    const ResultSet there = target_rows({table_there, index_there});
    CHECK(match_statistics(source_rows({table, expression_index}), there, orders, "shop"));
    SUBCASE("one is not good")
    {
        Row stale = expression_index;
        stale.back() = "f";
        CHECK_FALSE(match_statistics(source_rows({table, stale}), there, orders, "shop"));
    }
    SUBCASE("a table is lacking on the target")
    {
        const Row more = {"shop", "more", "r", "1", "t"};
        CHECK_FALSE(match_statistics(source_rows({table, expression_index, more}), there, orders, "shop"));
    }
    SUBCASE("the target has one more")
    {
        CHECK_FALSE(match_statistics(source_rows({table}), there, orders, "shop"));
    }
    SUBCASE("the source's table is gone, or is called otherwise now")
    {
        CHECK_FALSE(match_statistics(source_rows({}), target_rows({}), orders, "shop"));
        CHECK_FALSE(match_statistics(source_rows({table}), target_rows({table_there}),
                                     {"shop", "goods"}, "shop"));
    }
}

TEST_CASE("an index that was left out needs none")
{
    const auto relations = match_statistics(source_rows({expression_index, table}),
                                            target_rows({table_there}), orders, "shop");
    REQUIRE(relations);
    CHECK(relations->size() == 1);
}

TEST_CASE("what is empty on the target needs none, whatever the source has")
{
    const ResultSet source =
        source_rows({table, {"shop", "part", "r", "0", "f"}, {"shop", "other", "r", "0", "f"}});
    const Row other_empty = {"9", "shop", "other", "t"};
    const auto relations = match_statistics(
        source, target_rows({table_there, {"8", "shop", "part", "t"}, other_empty}), orders, "shop");
    REQUIRE(relations);
    CHECK(relations->size() == 1);
    // Emptied on the source since.
    CHECK_FALSE(match_statistics(
        source, target_rows({table_there, {"8", "shop", "part", "f"}, other_empty}), orders, "shop"));
    CHECK_FALSE(match_statistics(source_rows({table}), target_rows({{"5", "shop", "orders", "t"}}),
                                 orders, "shop"));
}

TEST_CASE("values are parameters of the queries")
{
    StatisticsRelation relation;
    relation.kind = "r";
    relation.target_oid = 5;
    relation.row_count = "1500";
    const Row values = {"it's", std::nullopt, "f",          "0",          "4",
                        "-1",   std::nullopt, std::nullopt, "{1,2}",      "0.5",
                        std::nullopt, std::nullopt, std::nullopt};
    bool are_taken = true;
    const auto queries = statistics_queries(relation, ResultSet(columns, {values}), "My schema", are_taken);
    REQUIRE(queries.size() == 2);
    CHECK(queries[0].sql ==
          "SELECT \"My schema\".pgclone_restore_statistics(5, $1::pg_catalog.name, "
          "$2::pg_catalog.int2, $3::pg_catalog.bool, $4::pg_catalog.float4, $5::pg_catalog.int4, "
          "$6::pg_catalog.float4, $7::pg_catalog.text, $8::pg_catalog.float4[], $9::pg_catalog.text, "
          "$10::pg_catalog.float4, $11::pg_catalog.text, $12::pg_catalog.float4[], "
          "$13::pg_catalog.float4[]) AS is_taken");
    CHECK(queries[0].parameters == values);
    CHECK(queries[1].sql ==
          "SELECT \"My schema\".pgclone_restore_row_count(5, $1::pg_catalog.float4)");
    CHECK(queries[1].parameters == Row{"1500"});

    queries[0].on_rows(ResultSet({"is_taken"}, {{"t"}}));
    CHECK(are_taken);
    queries[0].on_rows(ResultSet({"is_taken"}, {{"f"}}));
    queries[0].on_rows(ResultSet({"is_taken"}, {{"t"}}));
    CHECK_FALSE(are_taken);
}

TEST_CASE("an index has counted its rows")
{
    StatisticsRelation relation;
    relation.kind = "i";
    bool are_taken = true;
    CHECK(statistics_queries(relation, ResultSet(columns, {}), "s", are_taken).empty());
}

TEST_CASE("the source is asked for the statistics of large and of partitioned tables")
{
    Fixture fixture;
    fixture.options.analyze = true;
    fixture.add_table(10, "large");
    fixture.catalog.tables.at({class_relation, 10}).size_bytes = 1 << 30;
    fixture.add_table(11, "small");
    fixture.add_table(12, "root");
    fixture.catalog.tables.at({class_relation, 12}).has_rows = false;
    const auto asked = [&] {
        std::vector<std::string> names;
        const ScopePlan plan = fixture.plan();
        for (const CloneTask& task : plan.tasks)
            if (may_take_statistics(task))
                names.push_back(task.source_schema + "." + task.source_table + " " +
                                std::to_string(task.source_oid));
        std::sort(names.begin(), names.end());
        return names;
    };
    CHECK(asked() == std::vector<std::string>{"s.large 10", "s.root 12"});
    fixture.add_table(13, "leaf");
    TableShape& leaf = fixture.catalog.tables.at({class_relation, 13});
    leaf.is_partition = true;
    leaf.parents = {{12, "s.root"}};
    fixture.needs({class_relation, 13}, {class_relation, 12});
    CHECK(asked() == std::vector<std::string>{"s.large 10", "s.root 12"});
    SUBCASE("but not of those whose rows go to other partitions here")
    {
        leaf.load_through = {"s", "root"};
        CHECK(asked() == std::vector<std::string>{"s.large 10"});
    }
    SUBCASE("and not of those that are copied in pieces")
    {
        TableShape& large = fixture.catalog.tables.at({class_relation, 10});
        large.is_heap = true;
        large.heap_pages = 1 << 20;
        large.size_bytes = std::int64_t{8} << 30;
        fixture.catalog.server_version = 150000;
        fixture.split.threshold_bytes = 1 << 30;
        fixture.split.parallel = 2;
        CHECK(asked() == std::vector<std::string>{"s.root 12"});
    }
    fixture.options.always_analyze = true;
    CHECK(asked().empty());
}
