// How a large table is cut, so that several workers copy it at once. Pure.
//
// The pieces are ranges of heap pages, which a source from PostgreSQL 14 on reads without touching
// the other pages (TID range scan). They are equal in pages, not in rows or bytes: nobody knows
// where the large values are, so there are more pieces than workers when the table is large enough
// for that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/cpp_only.hpp"

namespace pgclone {

struct SplitRules {
    std::int64_t threshold_bytes = 0; // larger tables are cut; 0 = none is
    int parallel = 1;                 // table workers of the job
};

// The rows of a table as they lie in its files.
struct TableExtent {
    int server_version = 0; // of the source: 150004
    bool is_heap = false;   // an ordinary table of the access method heap
    std::int64_t pages = 0; // of the main fork
    std::int64_t bytes = 0; // with TOAST
    std::int64_t rows = -1; // estimated; -1 = unknown
};

// Pages first <= page < end; the last range of a table has no end, since the table may have grown.
struct PageRange {
    std::int64_t first = 0;
    std::int64_t end = 0; // 0 = none
    // Its share of the table's.
    std::int64_t rows = -1;
    std::int64_t bytes = 0;
};

// The ranges in their order: each page is in exactly one of them. None if the table is to be
// copied whole.
std::vector<PageRange> split_table(const TableExtent& table, const SplitRules& rules);

// An SQL condition for the rows in the range.
std::string range_predicate(const PageRange& range);

// Both conditions; either may be empty. `where` stands on lines of its own, since it may end in a
// comment.
std::string both_predicates(const std::string& where, const std::string& range);

} // namespace pgclone
