#include "worker/statistics_transfer.hpp"

#include "test/unit/expect_error.hpp"

using namespace pgclone;

namespace {

using Row = std::vector<ResultSet::Value>;

// Rows of statistics_state.sql: schema, name, kind, is_empty, row_count, is_usable.
ResultSet source_rows(std::vector<Row> rows)
{
    return ResultSet(
        {"relation_schema", "relation_name", "kind", "is_empty", "row_count", "is_usable"},
        std::move(rows));
}

// Rows of statistics_relations.sql: oid, schema, name.
ResultSet target_rows(std::vector<Row> rows)
{
    return ResultSet({"oid", "relation_schema", "relation_name"}, std::move(rows));
}

// As source_queries/column_statistics.sql has them.
const std::vector<std::string> columns = {
    "column_name",       "inherited",        "null_frac",   "avg_width",
    "n_distinct",        "most_common_vals", "most_common_freqs", "histogram_bounds",
    "correlation",       "most_common_elems", "most_common_elem_freqs", "elem_count_histogram"};

const Row table = {"shop", "orders", "r", "f", "1500", "t"};
const Row expression_index = {"shop", "orders_expr_idx", "i", "f", "1500", "t"};

} // namespace

TEST_CASE("relations of the source are found on the target by their names")
{
    const auto relations = match_statistics(
        source_rows({table, expression_index, {"archive", "old", "p", "t", "0", "t"}}),
        target_rows({{"7", "archive", "old"}, {"5", "shop", "orders"}, {"6", "shop", "orders_expr_idx"}}),
        "shop", "shop");
    REQUIRE(relations);
    REQUIRE(relations->size() == 3);
    CHECK(relations->at(0).source == QualifiedName{"shop", "orders"});
    CHECK(relations->at(0).target_oid == 5);
    CHECK(relations->at(0).row_count == "1500");
    CHECK_FALSE(relations->at(0).is_index);
    CHECK_FALSE(relations->at(0).is_partitioned);
    CHECK_FALSE(relations->at(0).is_empty);
    CHECK(relations->at(1).target_oid == 6);
    CHECK(relations->at(1).is_index);
    CHECK(relations->at(2).target_oid == 7);
    CHECK(relations->at(2).is_partitioned);
    CHECK(relations->at(2).is_empty);
}

TEST_CASE("in a schema that is called otherwise on the target, too")
{
    const auto relations =
        match_statistics(source_rows({table}), target_rows({{"5", "copy", "orders"}}), "shop", "copy");
    REQUIRE(relations);
    CHECK(relations->at(0).target_oid == 5);
    CHECK(relations->at(0).source.schema == "shop");
    CHECK_FALSE(match_statistics(source_rows({table}), target_rows({{"5", "shop", "orders"}}), "shop",
                                 "copy"));
}

TEST_CASE("statistics are taken for all relations or for none")
{
    const ResultSet there = target_rows({{"5", "shop", "orders"}, {"6", "shop", "orders_expr_idx"}});
    CHECK(match_statistics(source_rows({table, expression_index}), there, "shop", "shop"));
    SUBCASE("one is not good")
    {
        Row stale = expression_index;
        stale.back() = "f";
        CHECK_FALSE(match_statistics(source_rows({table, stale}), there, "shop", "shop"));
    }
    SUBCASE("one is lacking on the target")
    {
        CHECK_FALSE(match_statistics(source_rows({table, expression_index, {"shop", "more", "r", "f", "1", "t"}}),
                                     there, "shop", "shop"));
    }
    SUBCASE("the target has one more")
    {
        CHECK_FALSE(match_statistics(source_rows({table}), there, "shop", "shop"));
    }
    SUBCASE("the source's table is gone")
    {
        CHECK_FALSE(match_statistics(source_rows({}), target_rows({}), "shop", "shop"));
    }
}

TEST_CASE("values are parameters of the queries")
{
    StatisticsRelation relation;
    relation.target_oid = 5;
    relation.row_count = "1500";
    const ResultSet rows(columns, {{"it's", "f", "0", "4", "-1", std::nullopt, std::nullopt, "{1,2}",
                                    "0.5", std::nullopt, std::nullopt, std::nullopt}});
    bool are_taken = true;
    const auto queries = statistics_queries(relation, rows, "My schema", are_taken);
    REQUIRE(queries.size() == 2);
    CHECK(queries[0].sql ==
          "SELECT \"My schema\".pgclone_restore_statistics(5, $1::pg_catalog.name, "
          "$2::pg_catalog.bool, $3::pg_catalog.float4, $4::pg_catalog.int4, $5::pg_catalog.float4, "
          "$6::pg_catalog.text, $7::pg_catalog.float4[], $8::pg_catalog.text, $9::pg_catalog.float4, "
          "$10::pg_catalog.text, $11::pg_catalog.float4[], $12::pg_catalog.float4[]) AS is_taken");
    CHECK(queries[0].parameters ==
          Row{"it's", "f", "0", "4", "-1", std::nullopt, std::nullopt, "{1,2}", "0.5", std::nullopt,
              std::nullopt, std::nullopt});
    CHECK(queries[1].sql ==
          "SELECT \"My schema\".pgclone_restore_row_count(5, $1::pg_catalog.float4)");
    CHECK(queries[1].parameters == Row{"1500"});

    queries[0].on_rows(ResultSet({"is_taken"}, {{"t"}}));
    CHECK(are_taken);
    queries[0].on_rows(ResultSet({"is_taken"}, {{"f"}}));
    queries[0].on_rows(ResultSet({"is_taken"}, {{"t"}}));
    CHECK_FALSE(are_taken);
}

TEST_CASE("an index has counted its rows; an empty table has nothing else")
{
    StatisticsRelation relation;
    relation.is_index = true;
    bool are_taken = true;
    CHECK(statistics_queries(relation, ResultSet(columns, {}), "s", are_taken).empty());
    relation.is_index = false;
    CHECK(statistics_queries(relation, ResultSet(), "s", are_taken).size() == 1);
}
