#include "worker/rate_limiter.hpp"

#include <algorithm>

namespace pgclone {

namespace {

using Seconds = std::chrono::duration<double>;

// What the bucket holds at most, and what must be in it after it was empty, in seconds of the rate.
constexpr double capacity = 0.1;
constexpr double portion = 0.02;
constexpr Seconds longest_wait{3600};

} // namespace

void RateLimiter::set_rate(std::int64_t bytes_per_second, TimePoint now) noexcept
{
    if (bytes_per_second <= 0) {
        rate_ = 0;
        return;
    }
    if (rate_ <= 0) {
        // A first portion, so that what is small need not wait at all.
        tokens_ = static_cast<double>(bytes_per_second) * portion;
        is_open_ = true;
    } else {
        refill(now);
    }
    rate_ = static_cast<double>(bytes_per_second);
    tokens_ = std::min(tokens_, rate_ * capacity);
    refilled_at_ = now;
}

void RateLimiter::refill(TimePoint now) noexcept
{
    const double elapsed = std::max(0.0, Seconds(now - refilled_at_).count());
    tokens_ = std::min(tokens_ + elapsed * rate_, rate_ * capacity);
    refilled_at_ = now;
}

bool RateLimiter::may_take(TimePoint now) noexcept
{
    if (rate_ <= 0)
        return true;
    // Looked at first: what empties the bucket between two looks closes it.
    is_open_ = is_open_ && tokens_ > 0;
    refill(now);
    is_open_ = is_open_ || tokens_ >= rate_ * portion;
    return is_open_;
}

void RateLimiter::take(std::int64_t bytes) noexcept
{
    if (rate_ > 0)
        tokens_ -= static_cast<double>(bytes);
}

RateLimiter::TimePoint RateLimiter::ready_at() const noexcept
{
    if (rate_ <= 0)
        return refilled_at_;
    const Seconds missing{(rate_ * portion - tokens_) / rate_};
    const Seconds wait = std::clamp(missing, Seconds{0}, longest_wait);
    // Rounded up, or the look at that time could come a moment too early.
    return refilled_at_ + std::chrono::ceil<std::chrono::microseconds>(wait) +
           std::chrono::microseconds(1);
}

} // namespace pgclone
