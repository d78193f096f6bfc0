#include "worker/retry_wait.hpp"

#include "worker/randomness.hpp"
#include "worker/retry_policy.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

void show_wait_reason(const std::string& reason)
{
    server::update_job([&reason](JobSlot& job) noexcept { copy_text(job.wait_reason, reason); });
}

Async<void> wait_for_retry(EventLoop& loop, std::string what, int failures, int retries,
                           std::string sqlstate)
{
    show_wait_reason(what + ": retry " + std::to_string(failures) + " of " +
                     std::to_string(retries) + " after " + sqlstate);
    const milliseconds pause = backoff(failures, random_fraction());
    co_await sleep_for(loop, pause);
    show_wait_reason("");
}

} // namespace pgclone
