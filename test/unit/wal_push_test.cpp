#include "worker/wal_push.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace pgclone;

namespace {

struct Calls {
    EventLoop loop{-1, -1};
    int count = 0;
    WalPush push{loop, [this] { count++; }};

    Async<void> wait_for_calls(int wanted)
    {
        const auto give_up = Clock::now() + std::chrono::seconds(60);
        const Interest none;
        while (count < wanted && Clock::now() < give_up)
            co_await loop.wait(none, none, Clock::now() + milliseconds(1));
    }
};

// Blocks, so that the timer is due before the loop has seen it.
void let_the_timer_expire()
{
    const auto end = Clock::now() + milliseconds(20);
    while (Clock::now() < end) {
    }
}

} // namespace

TEST_CASE("the WAL writer is woken as long as there is work")
{
    Calls calls;
    const auto work = [](Calls& calls) -> Async<void> {
        {
            const WalPush::During during(calls.push);
            CHECK(calls.count == 1); // at once
            co_await calls.wait_for_calls(4);
            CHECK(calls.count >= 4);
        }
        const int before = calls.count;
        co_await sleep_for(calls.loop, milliseconds(50));
        CHECK(calls.count == before);
        const WalPush::During again(calls.push);
        co_await calls.wait_for_calls(before + 3);
        CHECK(calls.count >= before + 3);
    };
    calls.loop.run(work(calls));
}

TEST_CASE("a timer that is due when the work ends is of no harm, and works again")
{
    Calls calls;
    const auto work = [](Calls& calls) -> Async<void> {
        for (int i = 0; i < 20; i++) {
            {
                // On the heap, so that whoever comes back to it is found out.
                const auto during = std::make_unique<WalPush::During>(calls.push);
                co_await calls.wait_for_calls(calls.count + 1);
                let_the_timer_expire();
            }
            const int before = calls.count;
            const bool at_once_again = i % 2 == 0;
            if (at_once_again) {
                const WalPush::During again(calls.push);
                co_await calls.wait_for_calls(before + 2);
                CHECK(calls.count >= before + 2);
            }
            co_await sleep_for(calls.loop, milliseconds(2));
        }
    };
    calls.loop.run(work(calls));
}
