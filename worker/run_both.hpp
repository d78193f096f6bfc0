// Two coroutines at the same time in the one event loop: for work that waits for two servers, or
// for two sessions on one.
#pragma once

#include "worker/event_loop.hpp"

namespace pgclone {

// Runs both to their ends. If one throws, the other is still waited for; then raises what `first`
// threw, else what `second` threw. An interrupt ends both: each raises it from its own wait.
Async<void> run_both(EventLoop& loop, Async<void> first, Async<void> second);

} // namespace pgclone
