// How many bytes may be taken, and when: a token bucket. Pure; time is passed in.
#pragma once

#include <chrono>
#include <cstdint>

#include "shared/cpp_only.hpp"

namespace pgclone {

// Tokens are bytes. Some may be borrowed, since a row is read whole. When none is left, none is
// given until there are enough for some work: waking up for each row would cost more than the rows.
class RateLimiter {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    // Bytes a second from `now` on; 0 or less = no limit, and nothing is owed any more.
    void set_rate(std::int64_t bytes_per_second, TimePoint now) noexcept;

    // Whether bytes may be taken.
    bool may_take(TimePoint now) noexcept;
    void take(std::int64_t bytes) noexcept;
    // Whether the last take() used up what there was.
    bool is_empty() const noexcept { return rate_ > 0 && tokens_ <= 0; }
    // When may_take() will say yes; not more than an hour after the last look.
    TimePoint ready_at() const noexcept;

  private:
    void refill(TimePoint now) noexcept;

    double rate_ = 0; // bytes a second
    double tokens_ = 0;
    TimePoint refilled_at_{};
    bool is_open_ = true;
};

} // namespace pgclone
