#include "worker/copy_pace.hpp"

#include "worker/wait_report.hpp"

namespace pgclone {

Async<void> CopyPace::wait()
{
    const ReportedWait reported(WaitKind::throttle);
    while (!may_read(Clock::now())) {
        const std::uint64_t seen = loop_.wakes();
        const Clock::time_point until = next_read();
        co_await loop_.wait_for_wake(seen, until);
    }
}

} // namespace pgclone
