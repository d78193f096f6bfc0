#include "worker/edge_index.hpp"

#include <doctest/doctest.h>

using namespace pgclone;

namespace {

std::vector<ObjectId> listed(std::span<const ObjectId> ids)
{
    return {ids.begin(), ids.end()};
}

} // namespace

TEST_CASE("edges are found from both ends")
{
    const ObjectId type{1247, 9};
    const ObjectId table{1259, 5};
    const ObjectId view{1259, 7};
    const std::vector<ObjectEdge> edges = {
        {view, table, true}, {view, type, false}, {table, type, true}, {view, table, false}};

    const EdgeIndex needs(edges, EdgeIndex::By::object);
    // Each once, though an edge may be there twice.
    CHECK(listed(needs.of(view)) == std::vector<ObjectId>{type, table});
    CHECK(listed(needs.of(table)) == std::vector<ObjectId>{type});
    CHECK(needs.of(type).empty());
    CHECK(needs.of({1, 1}).empty());
    CHECK(needs.of({9999, 1}).empty());

    const EdgeIndex users(edges, EdgeIndex::By::needed);
    CHECK(listed(users.of(type)) == std::vector<ObjectId>{table, view});
    CHECK(listed(users.of(table)) == std::vector<ObjectId>{view});
    CHECK(users.of(view).empty());
}

TEST_CASE("no edges")
{
    CHECK(EdgeIndex().of({1259, 5}).empty());
    CHECK(EdgeIndex({}, EdgeIndex::By::object).of({1259, 5}).empty());
}
