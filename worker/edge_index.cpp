#include "worker/edge_index.hpp"

#include <algorithm>
#include <utility>

namespace pgclone {

EdgeIndex::EdgeIndex(const std::vector<ObjectEdge>& edges, By by)
{
    std::vector<std::pair<ObjectId, ObjectId>> pairs;
    pairs.reserve(edges.size());
    for (const ObjectEdge& edge : edges)
        pairs.push_back(by == By::object ? std::pair(edge.object, edge.needs)
                                         : std::pair(edge.needs, edge.object));
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    others_.reserve(pairs.size());
    for (const auto& [key, other] : pairs) {
        if (keys_.empty() || keys_.back() != key) {
            keys_.push_back(key);
            begins_.push_back(static_cast<std::uint32_t>(others_.size()));
        }
        others_.push_back(other);
    }
    begins_.push_back(static_cast<std::uint32_t>(others_.size()));
}

std::span<const ObjectId> EdgeIndex::of(ObjectId id) const
{
    const auto key = std::lower_bound(keys_.begin(), keys_.end(), id);
    if (key == keys_.end() || *key != id)
        return {};
    const auto place = static_cast<std::size_t>(key - keys_.begin());
    return std::span(others_).subspan(begins_[place], begins_[place + 1] - begins_[place]);
}

} // namespace pgclone
