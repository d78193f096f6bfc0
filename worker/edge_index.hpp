// What objects need, or what needs them, looked up by the object. Made once, of sorted arrays: a
// job worker keeps that of 100,000 tables. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/object_graph.hpp"

namespace pgclone {

class EdgeIndex {
  public:
    enum class By { object, needed };

    EdgeIndex() = default;
    EdgeIndex(const std::vector<ObjectEdge>& edges, By by);

    // The other ends of the object's edges, in ascending order, each once.
    std::span<const ObjectId> of(ObjectId id) const;

  private:
    std::vector<ObjectId> keys_; // in ascending order
    std::vector<std::uint32_t> begins_; // in others_, of each key; and the end of the last one
    std::vector<ObjectId> others_;
};

} // namespace pgclone
