// What a copy asks its job for: how fast it may read the source.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "worker/event_loop.hpp"
#include "worker/rate_limiter.hpp"

namespace pgclone {

// Outlives the single copy, and with it what was borrowed: else many small tables would each begin
// with a full bucket.
class CopyPace {
  public:
    explicit CopyPace(EventLoop& loop) noexcept : loop_(loop) {}
    virtual ~CopyPace() = default;
    CopyPace(const CopyPace&) = delete;
    CopyPace& operator=(const CopyPace&) = delete;

    // A copy begins, has ended.
    virtual void begin_copy() noexcept {}
    virtual void end_copy() noexcept {}
    // Bytes a second that this worker may read by now; 0 or less = as many as come. Asked about
    // every 100 ms and after each wake-up.
    virtual std::int64_t bytes_per_second() noexcept = 0;

    // Whether to read now.
    bool may_read(Clock::time_point now) noexcept
    {
        if (now >= next_look_ || loop_.wakes() != seen_wakes_) {
            seen_wakes_ = loop_.wakes();
            next_look_ = now + look_interval;
            limiter_.set_rate(bytes_per_second(), now);
        }
        return limiter_.may_take(now);
    }
    // Waits until may_read() says yes. For what reads by queries; the pump waits by itself.
    Async<void> wait();
    // What was read.
    void count(std::size_t bytes) noexcept { limiter_.take(static_cast<std::int64_t>(bytes)); }
    bool is_exhausted() const noexcept { return limiter_.is_empty(); }
    // When to ask may_read() again.
    Clock::time_point next_read() const noexcept
    {
        return std::min(limiter_.ready_at(), next_look_);
    }

  private:
    static constexpr milliseconds look_interval{100};

    EventLoop& loop_;
    RateLimiter limiter_;
    Clock::time_point next_look_{};
    std::uint64_t seen_wakes_ = 0;
};

// A copy, from its beginning to its end. `pace` may be null.
class PacedCopy {
  public:
    explicit PacedCopy(CopyPace* pace) noexcept : pace_(pace)
    {
        if (pace_)
            pace_->begin_copy();
    }
    ~PacedCopy()
    {
        if (pace_)
            pace_->end_copy();
    }
    PacedCopy(const PacedCopy&) = delete;
    PacedCopy& operator=(const PacedCopy&) = delete;

  private:
    CopyPace* pace_;
};

} // namespace pgclone
