#include "worker/task_schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>

using namespace pgclone;

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

ScheduledTask task(std::int32_t id, std::int32_t stage, bool in_table_worker,
                   TaskProgress progress = TaskProgress::pending)
{
    ScheduledTask result;
    result.task_id = id;
    result.stage = stage;
    result.in_table_worker = in_table_worker;
    result.progress = progress;
    return result;
}

// The id of the next task, 0 if there is none.
std::int32_t next_id(TaskSchedule& schedule, bool for_table_worker, std::int64_t now = 0)
{
    const ScheduledTask* found = schedule.next(for_table_worker, now);
    return found ? found->task_id : 0;
}

void set(TaskSchedule& schedule, std::int32_t id, TaskProgress progress)
{
    ScheduledTask* found = schedule.find(id);
    REQUIRE(found);
    found->progress = progress;
}

} // namespace

TEST_CASE("no tasks, nothing to do")
{
    TaskSchedule schedule({});
    CHECK(schedule.all_done());
    CHECK(next_id(schedule, true) == 0);
    CHECK(next_id(schedule, false) == 0);
    CHECK(schedule.find(1) == nullptr);
    CHECK_FALSE(schedule.is_done(1));
    CHECK(schedule.current_task() == std::nullopt);
    CHECK(schedule.next_retry(0) == never);
    CHECK(schedule.useful_table_workers(4) == 0);
}

TEST_CASE("a stage begins when all of the one before is done")
{
    TaskSchedule schedule(
        {task(1, 0, false), task(2, 1, true), task(3, 1, true), task(4, 2, false)});
    CHECK(next_id(schedule, false) == 1);
    CHECK(next_id(schedule, true) == 0);
    set(schedule, 1, TaskProgress::running);
    CHECK(next_id(schedule, false) == 0);
    CHECK(next_id(schedule, true) == 0);

    set(schedule, 1, TaskProgress::done);
    CHECK(next_id(schedule, false) == 0);
    CHECK(next_id(schedule, true) == 2);
    set(schedule, 2, TaskProgress::running);
    CHECK(next_id(schedule, true) == 3);
    set(schedule, 3, TaskProgress::running);
    CHECK(next_id(schedule, true) == 0);

    set(schedule, 2, TaskProgress::done);
    CHECK(next_id(schedule, false) == 0);
    set(schedule, 3, TaskProgress::done);
    CHECK(next_id(schedule, false) == 4);
    CHECK_FALSE(schedule.all_done());
    CHECK(schedule.current_task() == 4);
    CHECK_FALSE(schedule.is_done(4));
    set(schedule, 4, TaskProgress::done);
    CHECK(schedule.is_done(4));
    CHECK(schedule.all_done());
    CHECK(schedule.current_task() == std::nullopt);
}

TEST_CASE("both kinds of worker share a stage")
{
    TaskSchedule schedule({task(1, 5, true), task(2, 5, false)});
    CHECK(next_id(schedule, true) == 1);
    CHECK(next_id(schedule, false) == 2);
}

TEST_CASE("stages may come in any order and with gaps; within one the order stays")
{
    TaskSchedule schedule(
        {task(1, 7, true), task(2, -3, true), task(3, 7, true), task(4, -3, true)});
    std::vector<std::int32_t> order;
    while (!schedule.all_done()) {
        order.push_back(next_id(schedule, true));
        set(schedule, order.back(), TaskProgress::done);
    }
    CHECK(order == std::vector<std::int32_t>{2, 4, 1, 3});
}

TEST_CASE("what is done already, or skipped, is passed over")
{
    TaskSchedule schedule({task(1, 0, false, TaskProgress::done),
                           task(2, 1, true, TaskProgress::done), task(3, 1, true)});
    CHECK(next_id(schedule, false) == 0);
    CHECK(next_id(schedule, true) == 3);
    CHECK(TaskSchedule({task(1, 0, false, TaskProgress::done)}).all_done());
}

TEST_CASE("a task that failed waits its time, and others go on")
{
    TaskSchedule schedule({task(1, 0, true), task(2, 0, true), task(3, 1, true)});
    ScheduledTask* failed = schedule.find(1);
    failed->failures = 1;
    failed->not_before = 1000;
    CHECK(schedule.next_retry(0) == 1000);
    CHECK(schedule.next_retry(999) == 1000);
    // Due, but no worker is free: waiting for the clock would not end.
    CHECK(schedule.next_retry(1000) == never);
    CHECK(next_id(schedule, true, 999) == 2);
    set(schedule, 2, TaskProgress::done);
    // The stage is not done, so the next one has to wait as well.
    CHECK(next_id(schedule, true, 999) == 0);
    CHECK(next_id(schedule, true, 1000) == 1);
    set(schedule, 1, TaskProgress::running);
    CHECK(schedule.next_retry(0) == never);
    set(schedule, 1, TaskProgress::done);
    CHECK(schedule.next_retry(0) == never);
    CHECK(next_id(schedule, true, 1000) == 3);
}

TEST_CASE("the earliest of several retries counts")
{
    TaskSchedule schedule({task(1, 0, true), task(2, 0, true), task(3, 0, true)});
    for (std::int32_t id = 1; id <= 3; id++) {
        schedule.find(id)->failures = 1;
        schedule.find(id)->not_before = 4000 - 1000 * id;
    }
    CHECK(schedule.next_retry(0) == 1000);
    CHECK(schedule.next_retry(1000) == 2000);
    set(schedule, 3, TaskProgress::running);
    CHECK(schedule.next_retry(0) == 2000);
}

TEST_CASE("as many table workers as the widest stage that is left")
{
    TaskSchedule schedule({task(1, 0, false), task(2, 1, true), task(3, 1, true), task(4, 1, true),
                           task(5, 2, true), task(6, 2, true), task(7, 2, false)});
    CHECK(schedule.useful_table_workers(8) == 3);
    CHECK(schedule.useful_table_workers(2) == 2);
    set(schedule, 2, TaskProgress::running); // still needs its worker
    CHECK(schedule.useful_table_workers(8) == 3);
    set(schedule, 2, TaskProgress::done);
    set(schedule, 3, TaskProgress::done);
    CHECK(schedule.useful_table_workers(8) == 2);
    for (std::int32_t id = 4; id <= 6; id++)
        set(schedule, id, TaskProgress::done);
    // The job worker does the rest by itself.
    CHECK(schedule.useful_table_workers(8) == 0);
}

TEST_CASE("whatever fails and in whatever order it ends, each task is done once, in its stage")
{
    const char* given = std::getenv("PGCLONE_TEST_SEED");
    const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    for (std::uint64_t seed = first; seed < first + 200; seed++) {
        CAPTURE(seed);
        std::mt19937_64 dice(seed);
        const auto roll = [&](int below) {
            return static_cast<int>(dice() % static_cast<std::uint64_t>(below));
        };
        std::vector<ScheduledTask> tasks;
        std::map<std::int32_t, std::int32_t> stage_of;
        const int count = 1 + roll(40);
        for (int i = 1; i <= count; i++) {
            tasks.push_back(task(i, roll(6), roll(2) == 0));
            stage_of[i] = tasks.back().stage;
        }
        TaskSchedule schedule(tasks);
        const int table_workers = 1 + roll(4);
        std::vector<std::int32_t> running;
        std::int64_t now = 0;
        int done = 0;
        std::int32_t stage = -1;
        for (int step = 0; !schedule.all_done(); step++) {
            REQUIRE(step < 10'000);
            const bool for_table_worker = roll(2) == 0;
            ScheduledTask* found = nullptr;
            if (static_cast<int>(running.size()) <= table_workers)
                found = schedule.next(for_table_worker, now);
            if (found) {
                CHECK(found->progress == TaskProgress::pending);
                CHECK(found->in_table_worker == for_table_worker);
                CHECK(found->not_before <= now);
                CHECK(found->stage >= stage);
                for (const std::int32_t other : running)
                    CHECK(stage_of[other] == found->stage);
                stage = found->stage;
                found->progress = TaskProgress::running;
                running.push_back(found->task_id);
            } else if (!running.empty() && roll(2) == 0) {
                const auto at = running.begin() + roll(static_cast<int>(running.size()));
                ScheduledTask* ended = schedule.find(*at);
                running.erase(at);
                const bool failed = roll(4) == 0;
                ended->progress = failed ? TaskProgress::pending : TaskProgress::done;
                if (failed) {
                    ended->failures++;
                    ended->not_before = now + 1 + roll(100);
                }
                done += failed ? 0 : 1;
            } else if (schedule.next_retry(now) != never) {
                now = schedule.next_retry(now);
            }
        }
        CHECK(done == count);
        CHECK(running.empty());
    }
}
