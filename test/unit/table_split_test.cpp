#include "worker/table_split.hpp"

#include <doctest/doctest.h>

using namespace pgclone;

namespace {

constexpr std::int64_t megabyte = 1 << 20;

TableExtent table_of(std::int64_t bytes, std::int64_t pages = -1)
{
    TableExtent table;
    table.server_version = 140000;
    table.is_heap = true;
    table.bytes = bytes;
    table.pages = pages < 0 ? bytes / 8192 : pages;
    table.rows = bytes / 100;
    return table;
}

std::size_t pieces(const TableExtent& table, const SplitRules& rules)
{
    return split_table(table, rules).size();
}

// Each page in one range, the sums are the table's.
void check_ranges(const TableExtent& table, const std::vector<PageRange>& ranges)
{
    std::int64_t next = 0;
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < ranges.size(); i++) {
        const bool is_last = i + 1 == ranges.size();
        REQUIRE(ranges[i].first == next);
        next = ranges[i].end;
        if (is_last)
            REQUIRE(next == 0);
        else
            REQUIRE(next > ranges[i].first);
        rows += ranges[i].rows;
        bytes += ranges[i].bytes;
    }
    CHECK(ranges.back().first < table.pages);
    CHECK(rows == table.rows);
    CHECK(bytes == table.bytes);
}

} // namespace

TEST_CASE("only heap tables above the threshold, of sources that can, for several workers")
{
    const SplitRules rules{100 * megabyte, 2};
    const TableExtent table = table_of(101 * megabyte);
    CHECK(pieces(table, rules) > 1);

    TableExtent other = table;
    other.server_version = 130014;
    CHECK(pieces(other, rules) == 0);
    other = table;
    other.is_heap = false;
    CHECK(pieces(other, rules) == 0);
    CHECK(pieces(table_of(100 * megabyte), rules) == 0);
    CHECK(pieces(table, {0, 2}) == 0);
    CHECK(pieces(table, {100 * megabyte, 1}) == 0);
    // All of it in TOAST: what is a single page cannot be cut.
    CHECK(pieces(table_of(101 * megabyte, 1), rules) == 0);
    CHECK(pieces(table_of(101 * megabyte, 0), rules) == 0);
    CHECK(pieces(table_of(101 * megabyte, 2), rules) == 2);
}

TEST_CASE("pieces of half the threshold, in equal numbers for all workers")
{
    const SplitRules two{100 * megabyte, 2};
    CHECK(pieces(table_of(101 * megabyte), two) == 4);
    CHECK(pieces(table_of(200 * megabyte), two) == 4);
    CHECK(pieces(table_of(210 * megabyte), two) == 6);
    CHECK(pieces(table_of(100000 * megabyte), two) == 8);
    CHECK(pieces(table_of(101 * megabyte), {100 * megabyte, 8}) == 8);
    // Not so many that they are tiny.
    CHECK(pieces(table_of(101 * megabyte), {100 * megabyte, 64}) == 16);
}

TEST_CASE("each page is in exactly one range, whatever the numbers are")
{
    for (int parallel = 2; parallel <= 9; parallel++)
        for (std::int64_t pages = 1; pages <= 200; pages++)
            for (const std::int64_t threshold : {1, 7, 8192, 100 * 1024, 1000 * 1024}) {
                const TableExtent table = table_of(pages * 8192 + 5, pages);
                const std::vector<PageRange> ranges = split_table(table, {threshold, parallel});
                if (!ranges.empty())
                    check_ranges(table, ranges);
            }
    // The largest that there can be: 2^32 - 2 pages of 32 kB, and TOAST as large.
    TableExtent table = table_of(std::int64_t{1} << 48, 4294967294);
    check_ranges(table, split_table(table, {1 << 30, 64}));
    CHECK(pieces(table, {1 << 30, 64}) == 256);
    table.rows = -1;
    for (const PageRange& range : split_table(table, {1 << 30, 3}))
        CHECK(range.rows == -1);
}

TEST_CASE("a range as a condition")
{
    CHECK(range_predicate({0, 10}) == "ctid < '(10,0)'");
    CHECK(range_predicate({10, 4294967294}) == "ctid >= '(10,0)' AND ctid < '(4294967294,0)'");
    CHECK(range_predicate({10, 0}) == "ctid >= '(10,0)'");
    CHECK(range_predicate({0, 0}) == "");
    CHECK(both_predicates("", "") == "");
    CHECK(both_predicates("a OR b -- c", "") == "a OR b -- c");
    CHECK(both_predicates("", "ctid < '(1,0)'") == "ctid < '(1,0)'");
    CHECK(both_predicates("a OR b -- c", "ctid < '(1,0)'") ==
          "(\na OR b -- c\n) AND ctid < '(1,0)'");
}
