#include "worker/worker_rests.hpp"

#include <doctest/doctest.h>

using namespace pgclone;

namespace {
constexpr std::int64_t ms = 1000; // in microseconds
}

TEST_CASE("a worker that was refused rests, longer each time")
{
    WorkerRests rests;
    CHECK_FALSE(rests.is_resting(3, 1, 0));
    CHECK(rests.next_end(0) == INT64_MAX);

    rests.begin(3, 1, 0, 0.0);
    CHECK(rests.is_resting(3, 1, 499 * ms));
    CHECK(rests.next_end(0) == 500 * ms);
    CHECK_FALSE(rests.is_resting(3, 1, 500 * ms));
    CHECK(rests.next_end(500 * ms) == INT64_MAX);

    rests.begin(3, 1, 500 * ms, 0.0);
    CHECK(rests.next_end(500 * ms) == 1500 * ms);
    for (int i = 0; i < 20; i++)
        rests.begin(3, 1, 0, 0.0);
    CHECK(rests.next_end(0) == 30000 * ms);
}

TEST_CASE("who was let in begins anew")
{
    WorkerRests rests;
    rests.begin(3, 1, 0, 0.0);
    rests.begin(3, 1, 0, 0.0);
    rests.forget(3);
    CHECK_FALSE(rests.is_resting(3, 1, 0));
    rests.begin(3, 1, 0, 0.0);
    CHECK(rests.next_end(0) == 500 * ms);
}

TEST_CASE("another process in the slot does not rest")
{
    WorkerRests rests;
    rests.begin(3, 1, 0, 0.0);
    rests.begin(3, 1, 0, 0.0);
    CHECK_FALSE(rests.is_resting(3, 2, 0));
    rests.begin(3, 2, 0, 0.0);
    CHECK(rests.next_end(0) == 500 * ms);
}

TEST_CASE("when nobody is at work, all of them try at once")
{
    WorkerRests rests;
    CHECK_FALSE(rests.end_all(0));
    rests.begin(3, 1, 0, 0.0);
    rests.begin(5, 1, 0, 1.0);
    CHECK(rests.next_end(0) == 500 * ms);
    CHECK(rests.end_all(0));
    CHECK_FALSE(rests.is_resting(3, 1, 0));
    CHECK_FALSE(rests.is_resting(5, 1, 0));
    CHECK_FALSE(rests.end_all(0));
    // The next refusal counts on.
    rests.begin(3, 1, 0, 0.0);
    CHECK(rests.next_end(0) == 1000 * ms);
}
