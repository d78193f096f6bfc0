// Says in shared memory where this process waits, for the views. Costs a few stores a wait, nothing
// a row.
#pragma once

#include <chrono>
#include <cstdint>

#include "shared/job_state.hpp"

namespace pgclone {

// Where to: the process's own counters. Null (as in unit tests) = nowhere.
void report_waits_to(WorkerCounters* counters) noexcept;

// A wait for an answer, from construction to destruction.
class ReportedWait {
  public:
    explicit ReportedWait(WaitKind kind) noexcept;
    ~ReportedWait();
    ReportedWait(const ReportedWait&) = delete;
    ReportedWait& operator=(const ReportedWait&) = delete;

  private:
    WaitKind kind_;
};

// Tells what many short waits add up to: the kind that more than half of the last second was spent
// on, none if the time went into work. Pure; time is passed in.
class WaitMeter {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    explicit WaitMeter(TimePoint start) noexcept : window_start_(start) {}

    // A wait that ended `now`.
    void add(WaitKind kind, Duration waited) noexcept;
    // True at the end of a window, with what it was spent on.
    bool end_window(TimePoint now, WaitKind& kind) noexcept;

  private:
    static constexpr int kinds = 4;
    Duration waited_[kinds] = {};
    TimePoint window_start_;
};

// Reports the waits of a copy by a WaitMeter, as long as it lives.
class CopyWaits {
  public:
    explicit CopyWaits(WaitMeter::TimePoint start) noexcept : meter_(start) {}
    ~CopyWaits();
    CopyWaits(const CopyWaits&) = delete;
    CopyWaits& operator=(const CopyWaits&) = delete;

    // A wait that lasted from `start` to `now`.
    void add(WaitKind kind, WaitMeter::TimePoint start, WaitMeter::TimePoint now) noexcept;

  private:
    WaitMeter meter_;
};

} // namespace pgclone
