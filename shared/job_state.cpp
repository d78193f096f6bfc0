#include "shared/job_state.hpp"

#include <array>
#include <cstddef>

#include "shared/cpp_only.hpp"

namespace pgclone {

namespace {

constexpr std::array<std::string_view, 6> status_names = {"pending", "running",   "completed",
                                                          "failed",  "cancelled", "held"};
constexpr std::array<std::string_view, 9> phase_names = {
    "queued",  "connecting",  "planning",  "schema", "data",
    "indexes", "constraints", "finishing", "cleanup"};
constexpr std::array<std::string_view, 4> scope_names = {"table", "schema", "database",
                                                         "functions"};
constexpr std::array<std::string_view, 4> kind_names = {"none", "job", "table", "ledger"};
constexpr std::array<std::string_view, 4> wait_names = {"", "source", "target", "throttle"};
constexpr std::int64_t lasting = 1'000'000; // microseconds

template <typename Enum, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) noexcept
{
    const auto index = static_cast<std::size_t>(value);
    return index < N ? names[index] : std::string_view("unknown");
}

template <typename Enum, std::size_t N>
bool parse_name(const std::array<std::string_view, N>& names, std::string_view text,
                Enum& value) noexcept
{
    for (std::size_t i = 0; i < N; i++) {
        if (names[i] == text) {
            value = static_cast<Enum>(i);
            return true;
        }
    }
    return false;
}

} // namespace

std::string_view to_text(JobStatus status) noexcept { return name_of(status_names, status); }
std::string_view to_text(JobPhase phase) noexcept { return name_of(phase_names, phase); }
std::string_view to_text(JobScope scope) noexcept { return name_of(scope_names, scope); }
std::string_view to_text(WorkerKind kind) noexcept { return name_of(kind_names, kind); }
std::string_view to_text(WaitKind kind) noexcept { return name_of(wait_names, kind); }

WaitKind lasting_wait(const WorkerCounters& counters, std::int64_t now) noexcept
{
    // The kind is written after the time that belongs to it.
    const WaitKind kind = counters.wait_kind.load(std::memory_order_acquire);
    const std::int64_t since = counters.wait_since.load(std::memory_order_relaxed);
    if (kind != WaitKind::none && now - since >= lasting)
        return kind;
    return counters.copy_waits.load(std::memory_order_relaxed);
}

void leave_cleanup_to_next_worker(JobSlot& job) noexcept
{
    job.not_before = 0;
    job.wait_reason[0] = '\0';
    if (job.interrupted) {
        copy_text(job.outcome.error.hint, "What the job made may still be there.");
        job.state = JobSlotState::ending;
        return;
    }
    job.interrupted = true;
    job.drain = true; // that is no work for table workers
    job.source_resolved = true; // it is not needed for that
    job.state = JobSlotState::queued;
    job.status = JobStatus::pending;
    job.phase = JobPhase::queued;
}

bool parse_status(std::string_view text, JobStatus& status) noexcept
{
    return parse_name(status_names, text, status);
}

bool parse_scope(std::string_view text, JobScope& scope) noexcept
{
    return parse_name(scope_names, text, scope);
}

bool may_become(JobStatus from, JobStatus to) noexcept
{
    switch (from) {
    case JobStatus::pending:
        return to == JobStatus::running || to == JobStatus::cancelled || to == JobStatus::failed ||
               to == JobStatus::held;
    case JobStatus::running:
        return to == JobStatus::pending || to == JobStatus::completed || to == JobStatus::failed ||
               to == JobStatus::cancelled || to == JobStatus::held;
    case JobStatus::held:
        return to == JobStatus::pending || to == JobStatus::cancelled || to == JobStatus::failed;
    case JobStatus::completed:
    case JobStatus::failed:
    case JobStatus::cancelled:
        return false;
    }
    return false;
}

} // namespace pgclone
