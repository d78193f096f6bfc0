#include "worker/wait_report.hpp"

#include <doctest/doctest.h>

using namespace pgclone;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using TimePoint = WaitMeter::TimePoint;
const TimePoint start = TimePoint{} + seconds(1000);
constexpr std::int64_t never = INT64_MAX; // by then every wait has lasted

struct Reported {
    WorkerCounters counters = {};
    Reported() { report_waits_to(&counters); }
    ~Reported() { report_waits_to(nullptr); }
    WaitKind kind() const { return counters.wait_kind.load(); }
    WaitKind shown() const { return lasting_wait(counters, counters.wait_since.load()); }
};

} // namespace

TEST_CASE("many short waits count together")
{
    WaitMeter meter(start);
    WaitKind kind = WaitKind::none;
    TimePoint now = start;
    for (int i = 0; i < 99; i++) {
        now += milliseconds(10);
        meter.add(i % 3 == 0 ? WaitKind::target : WaitKind::source, milliseconds(9));
        CHECK_FALSE(meter.end_window(now, kind));
    }
    now += milliseconds(10);
    CHECK(meter.end_window(now, kind));
    CHECK(kind == WaitKind::source);
    // The next window begins empty.
    now += seconds(1);
    CHECK(meter.end_window(now, kind));
    CHECK(kind == WaitKind::none);
}

TEST_CASE("less than half of the time is no wait")
{
    WaitMeter meter(start);
    WaitKind kind = WaitKind::source;
    meter.add(WaitKind::target, milliseconds(450));
    meter.add(WaitKind::source, milliseconds(450));
    CHECK(meter.end_window(start + seconds(1), kind));
    CHECK(kind == WaitKind::none);
}

TEST_CASE("a copy's waits are reported and end with it")
{
    Reported reported;
    {
        CopyWaits waits(start);
        waits.add(WaitKind::throttle, start, start + milliseconds(900));
        CHECK(reported.shown() == WaitKind::none);
        waits.add(WaitKind::throttle, start + milliseconds(900), start + milliseconds(1000));
        CHECK(reported.shown() == WaitKind::throttle);
        {
            // One of them that lasts says more; until then it is one of many.
            const ReportedWait answer(WaitKind::target);
            CHECK(reported.kind() == WaitKind::target);
            CHECK(reported.shown() == WaitKind::throttle);
            CHECK(lasting_wait(reported.counters, reported.counters.wait_since + 1'000'000) ==
                  WaitKind::target);
        }
        CHECK(reported.shown() == WaitKind::throttle);
        waits.add(WaitKind::source, start + seconds(1), start + seconds(2));
        CHECK(reported.shown() == WaitKind::source);
    }
    CHECK(lasting_wait(reported.counters, never) == WaitKind::none);
}

TEST_CASE("only waits that last are shown")
{
    Reported reported;
    const ReportedWait wait(WaitKind::source);
    const std::int64_t since = reported.counters.wait_since;
    CHECK(lasting_wait(reported.counters, since) == WaitKind::none);
    CHECK(lasting_wait(reported.counters, since + 999'999) == WaitKind::none);
    CHECK(lasting_wait(reported.counters, since + 1'000'000) == WaitKind::source);
}

TEST_CASE("waits that end in another order than they began")
{
    Reported reported;
    auto* source = new ReportedWait(WaitKind::source);
    auto* target = new ReportedWait(WaitKind::target);
    auto* again = new ReportedWait(WaitKind::target);
    delete source;
    CHECK(reported.kind() == WaitKind::target);
    delete again;
    CHECK(reported.kind() == WaitKind::target);
    delete target;
    CHECK(reported.kind() == WaitKind::none);
}

TEST_CASE("without a place to report to")
{
    report_waits_to(nullptr);
    const ReportedWait wait(WaitKind::source);
}
