#include "shared/job_state.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace pgclone;

namespace {

constexpr int status_count = static_cast<int>(JobStatus::held) + 1;
constexpr int phase_count = static_cast<int>(JobPhase::cleanup) + 1;
constexpr int scope_count = static_cast<int>(JobScope::functions) + 1;
constexpr int kind_count = static_cast<int>(WorkerKind::ledger) + 1;

template <typename Enum>
std::set<std::string_view> names(int count)
{
    std::set<std::string_view> result;
    for (int i = 0; i < count; i++)
        result.insert(to_text(static_cast<Enum>(i)));
    return result;
}

} // namespace

TEST_CASE("every value has a name of its own")
{
    CHECK(names<JobStatus>(status_count) == std::set<std::string_view>{"pending", "running",
                                                                       "completed", "failed",
                                                                       "cancelled", "held"});
    CHECK(names<JobScope>(scope_count) ==
          std::set<std::string_view>{"table", "schema", "database", "functions"});
    CHECK(names<WorkerKind>(kind_count) ==
          std::set<std::string_view>{"none", "job", "table", "ledger"});
    CHECK(names<JobPhase>(phase_count) ==
          std::set<std::string_view>{"queued", "connecting", "planning", "schema", "data",
                                     "indexes", "constraints", "finishing", "cleanup"});
}

TEST_CASE("a value that memory should not hold has a name, too")
{
    CHECK(to_text(static_cast<JobStatus>(status_count)) == "unknown");
    CHECK(to_text(static_cast<JobPhase>(255)) == "unknown");
    CHECK(to_text(static_cast<JobScope>(scope_count)) == "unknown");
    CHECK(to_text(static_cast<WorkerKind>(kind_count)) == "unknown");
}

TEST_CASE("names are read back")
{
    for (int i = 0; i < status_count; i++) {
        const auto status = static_cast<JobStatus>(i);
        JobStatus read = JobStatus::held;
        CHECK(parse_status(to_text(status), read));
        CHECK(read == status);
    }
    for (int i = 0; i < scope_count; i++) {
        const auto scope = static_cast<JobScope>(i);
        JobScope read = JobScope::functions;
        CHECK(parse_scope(to_text(scope), read));
        CHECK(read == scope);
    }
}

TEST_CASE("other words are no names, and leave the value alone")
{
    for (const std::string_view text : {"", "Pending", "pending ", "unknown", "tables", "table "}) {
        JobStatus status = JobStatus::running;
        CHECK_FALSE(parse_status(text, status));
        CHECK(status == JobStatus::running);
        JobScope scope = JobScope::database;
        CHECK_FALSE(parse_scope(text, scope));
        CHECK(scope == JobScope::database);
    }
}

TEST_CASE("which status may follow which")
{
    // Rows: from; columns: to; in the order of the enum.
    //                         pend.  runn.  compl. failed cancel held
    constexpr bool legal[status_count][status_count] = {
        /* pending   */ {false, true, false, true, true, true},
        /* running   */ {true, false, true, true, true, true},
        /* completed */ {false, false, false, false, false, false},
        /* failed    */ {false, false, false, false, false, false},
        /* cancelled */ {false, false, false, false, false, false},
        /* held      */ {true, false, false, true, true, false},
    };
    for (int from = 0; from < status_count; from++) {
        for (int to = 0; to < status_count; to++) {
            CAPTURE(from);
            CAPTURE(to);
            CHECK(may_become(static_cast<JobStatus>(from), static_cast<JobStatus>(to)) ==
                  legal[from][to]);
        }
    }
    CHECK_FALSE(may_become(static_cast<JobStatus>(99), JobStatus::pending));
}

TEST_CASE("a final status is one that nothing follows")
{
    for (int from = 0; from < status_count; from++) {
        bool followed = false;
        for (int to = 0; to < status_count; to++)
            followed |= may_become(static_cast<JobStatus>(from), static_cast<JobStatus>(to));
        CHECK(is_final(static_cast<JobStatus>(from)) == !followed);
    }
}

TEST_CASE("what a job worker could not undo, one other may try")
{
    JobSlot job = {};
    job.state = JobSlotState::running;
    job.status = JobStatus::running;
    job.phase = JobPhase::data;
    job.not_before = 17;
    job.wait_reason[0] = 'x';
    leave_cleanup_to_next_worker(job);
    CHECK(job.state == JobSlotState::queued);
    CHECK(job.status == JobStatus::pending);
    CHECK(job.interrupted);
    CHECK(job.source_resolved);
    CHECK(job.not_before == 0);
    CHECK(job.drain);
    CHECK(job.wait_reason[0] == '\0');
    CHECK(job.outcome.error.hint[0] == '\0');
    job.state = JobSlotState::running;
    leave_cleanup_to_next_worker(job);
    CHECK(job.state == JobSlotState::ending);
    CHECK(std::string_view(job.outcome.error.hint) == "What the job made may still be there.");
}

TEST_CASE("a process is stalled when it has been silent for some seconds")
{
    constexpr std::int64_t now = 1'000'000'000;
    CHECK_FALSE(is_stalled(now, now));
    CHECK_FALSE(is_stalled(now - stalled_after + 1, now));
    CHECK(is_stalled(now - stalled_after, now));
    // one that has never been heard of has its own time-out
    CHECK_FALSE(is_stalled(0, now));
    // several heartbeats may be missed, for a busy machine
    CHECK(stalled_after >= 3 * heartbeat_interval);
}
