#include "worker/result_set.hpp"

#include <limits>

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using pgclone::test::expect_error;

namespace {

ResultSet one_value(ResultSet::Value value)
{
    return ResultSet({"c"}, {{std::move(value)}});
}

void check_unexpected(const ResultSet& result, void (*read)(const ResultSet&))
{
    const PgError error = expect_error("XX000", [&] { read(result); });
    CHECK(error.message().find("\"c\"") != std::string::npos);
}

} // namespace

TEST_CASE("size")
{
    CHECK(ResultSet().empty());
    CHECK(ResultSet().size() == 0);
    CHECK(ResultSet({"a"}, {}).empty());
    CHECK(ResultSet({"a"}, {{"1"}, {"2"}}).size() == 2);
}

TEST_CASE("values are found by row and column")
{
    const ResultSet result({"a", "b"}, {{"1", std::nullopt}, {"", "4"}});
    CHECK(result.value(0, "a") == "1");
    CHECK(result.value(0, "b") == std::nullopt);
    CHECK(result.value(1, "a") == "");
    CHECK(result.text(1, "b") == "4");
    CHECK(result.text(0, "b").empty());
    CHECK(result.is_null(0, "b"));
    CHECK_FALSE(result.is_null(1, "a"));
    CHECK(result.has_column("b"));
    CHECK_FALSE(result.has_column("c"));
}

TEST_CASE("a row or column that is not there raises")
{
    const ResultSet result({"c"}, {{"1"}});
    check_unexpected(result, [](const ResultSet& r) { r.value(1, "c"); });
    check_unexpected(ResultSet(), [](const ResultSet& r) { r.value(0, "c"); });
    check_unexpected(ResultSet({"a", "c"}, {{"1"}}), [](const ResultSet& r) { r.value(0, "c"); });
    expect_error("XX000", [&] { result.value(0, "C"); });
    expect_error("XX000", [&] { result.is_null(0, ""); });
}

TEST_CASE("booleans")
{
    CHECK(one_value("t").boolean(0, "c"));
    CHECK_FALSE(one_value("f").boolean(0, "c"));
    for (const char* text : {"", "true", "T", "1", "ff"})
        check_unexpected(one_value(text), [](const ResultSet& r) { r.boolean(0, "c"); });
    check_unexpected(one_value(std::nullopt), [](const ResultSet& r) { r.boolean(0, "c"); });
}

TEST_CASE("integers")
{
    CHECK(one_value("0").integer(0, "c") == 0);
    CHECK(one_value("-9223372036854775808").integer(0, "c") ==
          std::numeric_limits<std::int64_t>::min());
    CHECK(one_value("9223372036854775807").integer(0, "c") ==
          std::numeric_limits<std::int64_t>::max());
    for (const char* text : {"", " 1", "1 ", "+1", "1.0", "1e3", "9223372036854775808", "x", "0x1"})
        check_unexpected(one_value(text), [](const ResultSet& r) { r.integer(0, "c"); });
    check_unexpected(one_value(std::nullopt), [](const ResultSet& r) { r.integer(0, "c"); });
}

TEST_CASE("lists")
{
    using List = std::vector<std::string>;
    CHECK(one_value("[]").list(0, "c").empty());
    CHECK(one_value(R"( ["a", "", "x\"y\\z\n", "ä€"] )").list(0, "c") ==
          List{"a", "", "x\"y\\z\n", "ä€"});
    CHECK(one_value("[\"caf\xe9\"]").list(0, "c") == List{"caf\xe9"});
    for (const char* text : {"", "{}", "\"a\"", "[1]", "[null]", "[[\"a\"]]", "[\"a\"", "{a,b}"})
        check_unexpected(one_value(text), [](const ResultSet& r) { r.list(0, "c"); });
    check_unexpected(one_value(std::nullopt), [](const ResultSet& r) { r.list(0, "c"); });
}
