#include "shared/transfer_rate.hpp"

#include <doctest/doctest.h>

using namespace pgclone;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t start = 700'000'000 * second;

} // namespace

TEST_CASE("too early to tell")
{
    TransferHistory history = {};
    CHECK(recent_rate(history, start, 0) < 0);
    add_sample(history, start, 0);
    CHECK(recent_rate(history, start + second / 4, 1000) < 0);
    CHECK(recent_rate(history, start + second, 1000) == doctest::Approx(1000));
}

TEST_CASE("the rate of the last ten seconds")
{
    TransferHistory history = {};
    std::int64_t bytes = 0;
    std::int64_t now = start;
    for (int i = 0; i < 60; i++, now += second) {
        add_sample(history, now, bytes);
        if (i > 0)
            CHECK(recent_rate(history, now, bytes) == doctest::Approx(1000));
        bytes += 1000;
    }
    // It stops: less and less, then nothing.
    bytes -= 1000;
    double last = 1000;
    for (int i = 0; i < 11; i++, now += second) {
        add_sample(history, now, bytes);
        const double rate = recent_rate(history, now, bytes);
        CHECK(rate <= last);
        last = rate;
    }
    CHECK(last == 0);
    // ... and goes on at another pace.
    for (int i = 0; i < 12; i++, now += second) {
        bytes += 50;
        add_sample(history, now, bytes);
    }
    CHECK(recent_rate(history, now, bytes) == doctest::Approx(50).epsilon(0.12));
}

TEST_CASE("between the samples")
{
    TransferHistory history = {};
    add_sample(history, start, 0);
    add_sample(history, start + second, 1000);
    CHECK(recent_rate(history, start + 3 * second / 2, 1500) == doctest::Approx(1000));
    // Samples that stay away do not make it wrong.
    CHECK(recent_rate(history, start + 101 * second, 101'000) == doctest::Approx(1000));
}

TEST_CASE("what was rolled back begins anew")
{
    TransferHistory history = {};
    add_sample(history, start, 0);
    add_sample(history, start + second, 5000);
    CHECK(recent_rate(history, start + 2 * second, 0) == 0);
    add_sample(history, start + 2 * second, 100);
    CHECK(history.count == 1);
    CHECK(recent_rate(history, start + 3 * second, 300) == doctest::Approx(200));
}

TEST_CASE("a clock that is set back begins anew")
{
    TransferHistory history = {};
    add_sample(history, start, 0);
    add_sample(history, start - 3600 * second, 1000);
    CHECK(history.count == 1);
    CHECK(recent_rate(history, start - 7200 * second, 2000) < 0);
}
