// How fast bytes moved of late: samples of a counter in shared memory, and the rate they tell.
// Serves both sides of the boundary.
#pragma once

#include <cstdint>

namespace pgclone {

// One for each second of the window, and some to spare.
inline constexpr int transfer_samples = 16;

// The last samples of a growing count of bytes; all zero is empty.
struct TransferHistory {
    struct Sample {
        std::int64_t at; // microseconds since 2000-01-01
        std::int64_t bytes;
    };
    Sample samples[transfer_samples]; // a ring
    std::int32_t count;
    std::int32_t next; // where the next one goes
};

// To be called about once a second. Fewer bytes than before (what was copied was rolled back), or
// a clock that was set back, begins anew.
void add_sample(TransferHistory& history, std::int64_t now, std::int64_t bytes) noexcept;

// Bytes a second over the last ten seconds, or since the first sample if that is less, up to
// `bytes` by now; negative if it is too early to tell.
double recent_rate(const TransferHistory& history, std::int64_t now, std::int64_t bytes) noexcept;

} // namespace pgclone
