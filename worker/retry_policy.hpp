// When a failed task is tried again. Pure: no clock, no dice.
#pragma once

#include <chrono>
#include <string_view>

#include "shared/cpp_only.hpp"

namespace pgclone {

// True if the same work may succeed later without anyone changing anything: lost connections,
// shutdowns and start-up, full servers, deadlocks, serialization failures, locks, time limits,
// recovery conflicts and I/O errors. A cancel of our own also arrives as 57014: ask whether one
// was requested before asking here.
bool is_transient(std::string_view sqlstate) noexcept;

// How long to wait before attempt `attempt` + 1, after `attempt` (from 1) has failed: 500 ms,
// doubled each time up to 30 s, plus up to a quarter by `jitter` (0 to 1, what the caller's dice
// say), so that workers which failed together do not come back together.
std::chrono::milliseconds backoff(int attempt, double jitter) noexcept;

} // namespace pgclone
