#include "worker/job_pace.hpp"

#include <algorithm>

#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

constexpr std::int64_t moment = 1'000'000; // microseconds

} // namespace

void JobPace::begin_copy() noexcept
{
    server::own_counters().copying.store(true, std::memory_order_relaxed);
}

void JobPace::end_copy() noexcept
{
    server::own_counters().copying.store(false, std::memory_order_relaxed);
}

std::int64_t JobPace::bytes_per_second() noexcept
{
    std::int64_t limit = no_rate_limit;
    server::update_job([&limit](JobSlot& job) noexcept { limit = job.rate_limit; });
    if (limit <= 0)
        return no_rate_limit;
    const std::int64_t now = server::current_timestamp();
    std::int64_t sharers = 0;
    server::for_each_table_worker([&sharers, now](WorkerSlot& worker, int) noexcept {
        const WorkerCounters& counters = worker.counters;
        const bool shares =
            counters.copying.load(std::memory_order_relaxed) ||
            now - counters.last_progress_at.load(std::memory_order_relaxed) < moment;
        sharers += shares ? 1 : 0;
    });
    return std::max<std::int64_t>(1, limit / std::max<std::int64_t>(1, sharers));
}

} // namespace pgclone
