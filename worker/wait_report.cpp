#include "worker/wait_report.hpp"

#include <algorithm>

#include "shared/cpp_only.hpp"

namespace pgclone {

namespace {

using std::chrono::microseconds;

constexpr microseconds window{1'000'000};
constexpr std::int64_t postgres_epoch = 946'684'800LL * 1'000'000; // 2000-01-01 in Unix time

constexpr int kind_count = 4;

WorkerCounters* reported_counters = nullptr;

// Waits that are under way. There may be several, since coroutines wait at the same time.
struct OpenWaits {
    int count;
    std::int64_t since; // the first of them began
};
OpenWaits open_waits[kind_count] = {};

std::int64_t current_time() noexcept
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<microseconds>(now).count() - postgres_epoch;
}

// The oldest wait is the one that lasts.
void publish() noexcept
{
    if (!reported_counters)
        return;
    int shown = 0;
    for (int kind = 1; kind < kind_count; kind++) {
        if (open_waits[kind].count > 0 &&
            (shown == 0 || open_waits[kind].since < open_waits[shown].since))
            shown = kind;
    }
    // A reader must not find this kind with an older time: see lasting_wait().
    reported_counters->wait_kind.store(WaitKind::none, std::memory_order_relaxed);
    reported_counters->wait_since.store(open_waits[shown].since, std::memory_order_release);
    reported_counters->wait_kind.store(static_cast<WaitKind>(shown), std::memory_order_release);
}

void publish_copy_waits(WaitKind kind) noexcept
{
    if (reported_counters)
        reported_counters->copy_waits.store(kind, std::memory_order_relaxed);
}

} // namespace

void report_waits_to(WorkerCounters* counters) noexcept
{
    reported_counters = counters;
}

ReportedWait::ReportedWait(WaitKind kind) noexcept : kind_(kind)
{
    OpenWaits& waits = open_waits[static_cast<int>(kind_)];
    if (waits.count++ == 0)
        waits.since = current_time();
    publish();
}

ReportedWait::~ReportedWait()
{
    open_waits[static_cast<int>(kind_)].count--;
    publish();
}

void WaitMeter::add(WaitKind kind, Duration waited) noexcept
{
    waited_[static_cast<int>(kind)] += waited;
}

bool WaitMeter::end_window(TimePoint now, WaitKind& kind) noexcept
{
    if (now - window_start_ < window)
        return false;
    const Duration* const most = std::max_element(waited_ + 1, waited_ + kinds);
    kind = *most * 2 > now - window_start_ ? static_cast<WaitKind>(most - waited_) : WaitKind::none;
    std::fill(waited_, waited_ + kinds, Duration{0});
    window_start_ = now;
    return true;
}

CopyWaits::~CopyWaits()
{
    publish_copy_waits(WaitKind::none);
}

void CopyWaits::add(WaitKind kind, WaitMeter::TimePoint start, WaitMeter::TimePoint now) noexcept
{
    meter_.add(kind, now - start);
    WaitKind spent_on = WaitKind::none;
    if (meter_.end_window(now, spent_on))
        publish_copy_waits(spent_on);
}

} // namespace pgclone
