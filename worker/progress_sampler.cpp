#include "worker/progress_sampler.hpp"

#include <cstdint>

#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

constexpr milliseconds interval{1000};

} // namespace

void ProgressSampler::start()
{
    timer_.expires_after(interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
        // Cancelled by the destructor: there is no `this` any more.
        if (error)
            return;
        sample();
        start();
    });
}

void ProgressSampler::sample() noexcept
{
    std::int64_t bytes = 0; // of tasks that are under way
    server::for_each_table_worker([&bytes](WorkerSlot& worker, int) noexcept {
        bytes += static_cast<std::int64_t>(worker.counters.bytes.load(std::memory_order_relaxed));
    });
    // This very process moves the bytes of a task that is done from the worker's to the job's: none
    // is missed or counted twice.
    const std::int64_t now = server::current_timestamp();
    server::update_job([bytes, now](JobSlot& job) noexcept {
        if (job.phase != JobPhase::data)
            return;
        if (job.transfer.count == 0)
            add_sample(job.transfer, job.data_started_at, 0);
        add_sample(job.transfer, now, job.bytes_done + bytes);
    });
}

} // namespace pgclone
