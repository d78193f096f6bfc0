#include "worker/worker_rests.hpp"

#include <algorithm>
#include <chrono>

#include "worker/retry_policy.hpp"

namespace pgclone {

void WorkerRests::begin(int index, std::uint32_t generation, std::int64_t now, double jitter)
{
    Rest& rest = rests_[index];
    if (rest.generation != generation)
        rest = {generation};
    rest.refusals++;
    const std::chrono::microseconds pause = backoff(rest.refusals, jitter);
    rest.until = now + pause.count();
}

bool WorkerRests::is_resting(int index, std::uint32_t generation, std::int64_t now) const
{
    const auto found = rests_.find(index);
    return found != rests_.end() && found->second.generation == generation &&
           found->second.until > now;
}

bool WorkerRests::end_all(std::int64_t now)
{
    bool any = false;
    for (auto& [index, rest] : rests_) {
        any = any || rest.until > now;
        rest.until = 0;
    }
    return any;
}

std::int64_t WorkerRests::next_end(std::int64_t now) const
{
    std::int64_t next = INT64_MAX;
    for (const auto& [index, rest] : rests_)
        if (rest.until > now)
            next = std::min(next, rest.until);
    return next;
}

} // namespace pgclone
