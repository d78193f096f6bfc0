#include "worker/heartbeat.hpp"

#include "worker/worker_services.hpp"

namespace pgclone {

void Heartbeat::beat()
{
    server::own_counters().alive_at.store(server::current_timestamp(), std::memory_order_relaxed);
    timer_.expires_after(microseconds(heartbeat_interval));
    timer_.async_wait([this](const boost::system::error_code& error) {
        // Cancelled by the destructor: there is no `this` any more.
        if (!error)
            beat();
    });
}

} // namespace pgclone
