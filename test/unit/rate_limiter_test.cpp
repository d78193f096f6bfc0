#include "worker/rate_limiter.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

using namespace pgclone;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using TimePoint = RateLimiter::TimePoint;
const TimePoint start = TimePoint{} + seconds(1000);

// A reader that takes pieces of `size` whenever it may and sleeps until it may, for `duration`.
struct Reader {
    RateLimiter& limiter;
    TimePoint now = start;
    std::int64_t taken = 0;
    int wakes = 0;

    void run(std::int64_t size, std::chrono::nanoseconds duration)
    {
        const TimePoint end = now + duration;
        while (now < end) {
            if (!limiter.may_take(now)) {
                REQUIRE(limiter.ready_at() > now);
                now = limiter.ready_at();
                wakes++;
                continue;
            }
            while (!limiter.is_empty()) {
                limiter.take(size);
                taken += size;
            }
        }
    }
};

} // namespace

TEST_CASE("without a rate there is no limit")
{
    RateLimiter limiter;
    CHECK(limiter.may_take(start));
    limiter.take(std::int64_t{1} << 60);
    CHECK_FALSE(limiter.is_empty());
    CHECK(limiter.may_take(start));
    limiter.set_rate(-1, start);
    limiter.take(1000);
    CHECK(limiter.may_take(start));
}

TEST_CASE("the rate is kept, whatever is taken at a time")
{
    for (const std::int64_t rate : {10'000LL, 1'000'000LL, 5'000'000'000LL}) {
        for (const std::int64_t size : {1LL, 100LL, 7'777LL, 300'000LL}) {
            if (size > rate || rate / size > 1'000'000)
                continue;
            CAPTURE(rate);
            CAPTURE(size);
            RateLimiter limiter;
            limiter.set_rate(rate, start);
            Reader reader{limiter};
            reader.run(size, seconds(10));
            CHECK(std::abs(reader.taken - 10 * rate) <= rate / 10 + size);
            // Not awake for each piece.
            CHECK(reader.wakes <= 510);
        }
    }
}

TEST_CASE("a small piece need not wait")
{
    RateLimiter limiter;
    limiter.set_rate(1'000'000, start);
    CHECK(limiter.may_take(start));
    limiter.take(100);
    CHECK_FALSE(limiter.is_empty());
    CHECK(limiter.may_take(start));
}

TEST_CASE("what is not taken is lost but for a tenth of a second's worth")
{
    RateLimiter limiter;
    limiter.set_rate(1'000'000, start);
    Reader reader{limiter, start + seconds(60)};
    reader.run(100, milliseconds(1));
    CHECK(reader.taken <= 100'000 + 1'000 + 100);
    CHECK(reader.taken >= 100'000);
}

TEST_CASE("a large piece is paid for before the next one")
{
    RateLimiter limiter;
    limiter.set_rate(1'000, start);
    CHECK(limiter.may_take(start));
    limiter.take(60'000);
    CHECK(limiter.is_empty());
    CHECK_FALSE(limiter.may_take(start + seconds(59)));
    CHECK(limiter.ready_at() > start + seconds(59));
    CHECK(limiter.ready_at() < start + seconds(61));
    CHECK(limiter.may_take(limiter.ready_at()));
}

TEST_CASE("a bucket that was emptied gives nothing until there is a portion")
{
    RateLimiter limiter;
    limiter.set_rate(1'000'000, start);
    REQUIRE(limiter.may_take(start));
    limiter.take(20'000);
    CHECK(limiter.is_empty());
    CHECK_FALSE(limiter.may_take(start + milliseconds(10)));
    CHECK_FALSE(limiter.is_empty()); // some is there, but not enough to wake up for
    CHECK(limiter.ready_at() >= start + milliseconds(20));
    CHECK(limiter.ready_at() < start + milliseconds(21));
    CHECK(limiter.may_take(limiter.ready_at()));
}

TEST_CASE("a new rate holds at once")
{
    RateLimiter limiter;
    limiter.set_rate(1'000, start);
    REQUIRE(limiter.may_take(start));
    limiter.take(10'000);
    REQUIRE_FALSE(limiter.may_take(start + milliseconds(1)));
    // faster: what is owed is soon paid
    limiter.set_rate(1'000'000, start + milliseconds(1));
    CHECK(limiter.ready_at() < start + milliseconds(50));
    // none: nothing is owed
    limiter.set_rate(0, start + milliseconds(2));
    CHECK(limiter.may_take(start + milliseconds(2)));
    // slower: no more than the new rate allows was saved
    limiter.set_rate(1'000'000, start + seconds(1));
    CHECK(limiter.may_take(start + seconds(2)));
    limiter.set_rate(1'000, start + seconds(2));
    Reader reader{limiter, start + seconds(2)};
    reader.run(10, seconds(1));
    CHECK(reader.taken <= 1'000 + 100 + 20 + 10);
}

TEST_CASE("the same rate again changes nothing")
{
    RateLimiter limiter;
    Reader reader{limiter};
    for (int i = 0; i < 100; i++) {
        limiter.set_rate(1'000'000, reader.now);
        reader.run(1'000, milliseconds(100));
    }
    CHECK(std::abs(reader.taken - 10'000'000) <= 1'000'000);
}

TEST_CASE("extremes")
{
    RateLimiter limiter;
    limiter.set_rate(1, start);
    limiter.may_take(start);
    limiter.take(std::numeric_limits<std::int64_t>::max());
    CHECK_FALSE(limiter.may_take(start));
    CHECK(limiter.ready_at() <= start + seconds(3601)); // looked at again after an hour
    CHECK_FALSE(limiter.may_take(start - seconds(5)));  // a clock does not go back; no harm if so
    limiter.set_rate(std::numeric_limits<std::int64_t>::max(), start);
    CHECK(limiter.ready_at() <= start + seconds(3));
}
