// The pause before another attempt at something that is no task: a connection, the plan.
#pragma once

#include <string>

#include "worker/event_loop.hpp"

namespace pgclone {

// What the view says that the job waits for; empty: for nothing.
void show_wait_reason(const std::string& reason);

// Backs off after `failures` (from 1) failures, the last of them with `sqlstate`. The view says so
// meanwhile: "source: retry 1 of 3 after 08006".
Async<void> wait_for_retry(EventLoop& loop, std::string what, int failures, int retries,
                           std::string sqlstate);

} // namespace pgclone
