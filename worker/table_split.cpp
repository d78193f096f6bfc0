#include "worker/table_split.hpp"

#include <algorithm>

namespace pgclone {

namespace {

constexpr int first_version_with_tid_ranges = 140000;
// Of what a single worker has to copy: more give a fairer share, but each is a transaction and a
// scan of its own.
constexpr std::int64_t most_pieces_a_worker = 4;
// A piece is no smaller than this part of the threshold.
constexpr std::int64_t smallest_part = 16;

std::int64_t divide_up(std::int64_t number, std::int64_t by)
{
    return number / by + (number % by == 0 ? 0 : 1);
}

std::int64_t number_of_pieces(const TableExtent& table, const SplitRules& rules)
{
    if (!table.is_heap || table.server_version < first_version_with_tid_ranges ||
        rules.threshold_bytes <= 0 || rules.parallel < 2 || table.bytes <= rules.threshold_bytes)
        return 1;
    // Half of the threshold each, so that a table just above it is not left in one piece; and a
    // multiple of the workers, so that none is idle while the last pieces are copied.
    const std::int64_t parallel = rules.parallel;
    const std::int64_t half = std::max<std::int64_t>(rules.threshold_bytes / 2, 1);
    const std::int64_t wanted =
        divide_up(std::min(divide_up(table.bytes, half), parallel * most_pieces_a_worker),
                  parallel) *
        parallel;
    const std::int64_t smallest = std::max<std::int64_t>(rules.threshold_bytes / smallest_part, 1);
    return std::min({wanted, table.bytes / smallest, table.pages});
}

} // namespace

std::vector<PageRange> split_table(const TableExtent& table, const SplitRules& rules)
{
    const std::int64_t pieces = number_of_pieces(table, rules);
    std::vector<PageRange> ranges;
    if (pieces < 2)
        return ranges;
    // Of the `total` of something, what is before the piece's first page.
    const auto before = [pieces](std::int64_t total, std::int64_t piece) {
        return total / pieces * piece + std::min(total % pieces, piece);
    };
    for (std::int64_t piece = 0; piece < pieces; piece++) {
        const auto share = [&](std::int64_t total) {
            return total < 0 ? -1 : before(total, piece + 1) - before(total, piece);
        };
        PageRange& range = ranges.emplace_back();
        range.first = before(table.pages, piece);
        range.end = piece + 1 < pieces ? before(table.pages, piece + 1) : 0;
        range.rows = share(table.rows);
        range.bytes = share(table.bytes);
    }
    return ranges;
}

std::string range_predicate(const PageRange& range)
{
    const auto bound = [](const char* comparison, std::int64_t page) {
        return std::string("ctid ") + comparison + " '(" + std::to_string(page) + ",0)'";
    };
    std::string text;
    if (range.first > 0)
        text = bound(">=", range.first);
    if (range.end > 0)
        text += (text.empty() ? "" : " AND ") + bound("<", range.end);
    return text;
}

std::string both_predicates(const std::string& where, const std::string& range)
{
    if (where.empty() || range.empty())
        return where + range;
    return "(\n" + where + "\n) AND " + range;
}

} // namespace pgclone
