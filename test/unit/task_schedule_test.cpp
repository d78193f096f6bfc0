#include "worker/task_schedule.hpp"

#include "test/unit/expect_error.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr BatchLimits one_task{1, 1000};
constexpr BatchLimits many_tasks{100, 1000};

using Ids = std::vector<std::int32_t>;

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

ScheduledTask after(ScheduledTask task, Ids needed)
{
    task.after = std::move(needed);
    return task;
}

// DDL of the job worker that may share a transaction.
ScheduledTask ddl(std::int32_t id, Ids needed = {}, std::int32_t stage = 0)
{
    ScheduledTask result = after(task(id, stage, false), std::move(needed));
    result.batched = true;
    result.statements = 1;
    return result;
}

// The id of the next task, 0 if there is none.
std::int32_t next_id(TaskSchedule& schedule, bool for_table_worker, std::int64_t now = 0)
{
    if (for_table_worker)
        return schedule.next_for_table_worker(now).value_or(0);
    const Ids ids = schedule.next_own(now, one_task);
    return ids.empty() ? 0 : ids.front();
}

void do_task(TaskSchedule& schedule, std::int32_t id)
{
    schedule.start(id);
    schedule.finish(id);
}

void fail_for_now(TaskSchedule& schedule, std::int32_t id, std::int64_t not_before)
{
    schedule.start(id);
    schedule.try_again(id, not_before);
}

} // namespace

TEST_CASE("no tasks, nothing to do")
{
    TaskSchedule schedule({});
    CHECK(schedule.all_finished());
    CHECK(next_id(schedule, true) == 0);
    CHECK(next_id(schedule, false) == 0);
    CHECK(schedule.current_task() == std::nullopt);
    CHECK(schedule.next_retry(0) == never);
    CHECK(schedule.useful_table_workers(4) == 0);
    CHECK_FALSE(schedule.source_is_needed());
    expect_error("XX000", [&] { schedule.progress(1); });
}

TEST_CASE("a stage begins when all of the one before is finished")
{
    TaskSchedule schedule(
        {task(1, 0, false), task(2, 1, true), task(3, 1, true), task(4, 2, false)});
    CHECK(next_id(schedule, false) == 1);
    CHECK(next_id(schedule, true) == 0);
    schedule.start(1);
    CHECK(next_id(schedule, false) == 0);
    CHECK(next_id(schedule, true) == 0);

    schedule.finish(1);
    CHECK(next_id(schedule, false) == 0);
    CHECK(next_id(schedule, true) == 2);
    schedule.start(2);
    CHECK(next_id(schedule, true) == 3);
    schedule.start(3);
    CHECK(next_id(schedule, true) == 0);

    schedule.finish(2);
    CHECK(next_id(schedule, false) == 0);
    schedule.finish(3);
    CHECK(next_id(schedule, false) == 4);
    CHECK_FALSE(schedule.all_finished());
    CHECK(schedule.current_task() == 4);
    CHECK(schedule.progress(4) == TaskProgress::pending);
    do_task(schedule, 4);
    CHECK(schedule.progress(4) == TaskProgress::done);
    CHECK(schedule.all_finished());
    CHECK(schedule.current_task() == std::nullopt);
}

TEST_CASE("both kinds of worker share a stage")
{
    TaskSchedule schedule({task(1, 5, true), task(2, 5, false)});
    CHECK(next_id(schedule, true) == 1);
    CHECK(next_id(schedule, false) == 2);
}

TEST_CASE("stages may come in any order and with gaps; within one ids are the order")
{
    TaskSchedule schedule(
        {task(3, 7, true), task(2, -3, true), task(1, 7, true), task(4, -3, true)});
    Ids order;
    while (!schedule.all_finished()) {
        order.push_back(next_id(schedule, true));
        do_task(schedule, order.back());
    }
    CHECK(order == Ids{2, 4, 1, 3});
}

TEST_CASE("what is done already, or skipped, is passed over")
{
    TaskSchedule schedule({task(1, 0, false, TaskProgress::done),
                           task(2, 1, true, TaskProgress::skipped), task(3, 1, true)});
    CHECK(next_id(schedule, false) == 0);
    CHECK(next_id(schedule, true) == 3);
    CHECK(schedule.left_out_by_plan().empty());
    CHECK(TaskSchedule({task(1, 0, false, TaskProgress::done)}).all_finished());
    CHECK(TaskSchedule({task(1, 0, false, TaskProgress::skipped)}).all_finished());
}

TEST_CASE("a task starts when those that it waits for are done")
{
    TaskSchedule schedule({task(1, 0, true), task(2, 0, true), after(task(3, 0, true), {1, 2}),
                           after(task(4, 0, true), {1}), after(task(5, 1, false), {3})});
    CHECK(next_id(schedule, true) == 1);
    schedule.start(1);
    CHECK(next_id(schedule, true) == 2);
    schedule.start(2);
    CHECK(next_id(schedule, true) == 0);
    schedule.finish(1);
    CHECK(next_id(schedule, true) == 4);
    schedule.start(4);
    CHECK(next_id(schedule, true) == 0);
    schedule.finish(2);
    CHECK(next_id(schedule, true) == 3);
    do_task(schedule, 3);
    CHECK(next_id(schedule, false) == 0); // 4 of the stage before is still running
    schedule.finish(4);
    CHECK(next_id(schedule, false) == 5);
}

TEST_CASE("a task that waits for one that is done already is ready")
{
    TaskSchedule schedule({task(1, 0, false, TaskProgress::done), after(task(2, 0, false), {1})});
    CHECK(next_id(schedule, false) == 2);
}

TEST_CASE("a task that failed takes those with it that need it")
{
    TaskSchedule schedule({task(1, 0, false), task(2, 0, false), after(task(3, 0, true), {1}),
                           after(task(4, 1, true), {2, 3}), after(task(5, 1, true), {2}),
                           after(task(6, 2, false), {4, 5})});
    CHECK(schedule.useful_table_workers(8) == 2);
    schedule.start(1);
    CHECK(schedule.fail(1) == std::vector<LeftOutTask>{{3, 1}, {4, 1}, {6, 1}});
    CHECK(schedule.progress(1) == TaskProgress::failed);
    for (const std::int32_t id : {3, 4, 6})
        CHECK(schedule.progress(id) == TaskProgress::skipped);
    CHECK(schedule.useful_table_workers(8) == 1);
    CHECK(schedule.current_task() == 2);
    CHECK(next_id(schedule, true) == 0);
    do_task(schedule, 2);
    CHECK(next_id(schedule, true) == 5);
    do_task(schedule, 5);
    CHECK(schedule.all_finished());
}

TEST_CASE("the last failure of a stage opens the next")
{
    TaskSchedule schedule({task(1, 0, false), task(2, 1, true)});
    schedule.start(1);
    CHECK(schedule.fail(1).empty());
    CHECK(next_id(schedule, true) == 2);
    CHECK(schedule.skip(2).empty());
    CHECK(schedule.all_finished());
}

TEST_CASE("what the plan skips takes those with it that need it")
{
    TaskSchedule schedule({task(1, 0, false, TaskProgress::skipped), after(task(2, 0, false), {1}),
                           after(task(3, 1, true), {2}), task(4, 2, false),
                           after(task(5, 2, false, TaskProgress::skipped), {1})});
    CHECK(schedule.left_out_by_plan() == std::vector<LeftOutTask>{{2, 1}, {3, 1}});
    CHECK(schedule.useful_table_workers(8) == 0);
    CHECK(next_id(schedule, false) == 4);
}

TEST_CASE("a plan in which tasks can never start is refused")
{
    const auto refused = [](std::vector<ScheduledTask> tasks, const char* task_number) {
        CHECK(mentions(expect_error("XX000", [&] { TaskSchedule schedule(tasks); }), task_number));
    };
    refused({after(task(1, 0, false), {1})}, "task 1 waits for itself");
    refused({task(1, 0, true), after(task(2, 0, false), {3}), after(task(3, 0, false), {2})},
            "task 2 waits for itself");
    refused({after(task(1, 0, false), {2}), task(2, 1, false)}, "task 1");
    refused({after(task(7, 0, false), {8})}, "task 7");
    refused({task(7, 0, false), task(7, 1, false)}, "task 7");
}

TEST_CASE("a task that failed waits its time, and others go on")
{
    TaskSchedule schedule({task(1, 0, true), task(2, 0, true), task(3, 1, true)});
    fail_for_now(schedule, 1, 1000);
    CHECK(schedule.failures(1) == 1);
    CHECK(schedule.next_retry(0) == 1000);
    CHECK(schedule.next_retry(999) == 1000);
    // Due, but no worker is free: waiting for the clock would not end.
    CHECK(schedule.next_retry(1000) == never);
    CHECK(next_id(schedule, true, 999) == 2);
    do_task(schedule, 2);
    // The stage is not done, so the next one has to wait as well.
    CHECK(next_id(schedule, true, 999) == 0);
    CHECK(next_id(schedule, true, 1000) == 1);
    schedule.start(1);
    CHECK(schedule.next_retry(0) == never);
    schedule.finish(1);
    CHECK(schedule.next_retry(0) == never);
    CHECK(next_id(schedule, true, 1000) == 3);
}

TEST_CASE("the earliest of several retries counts")
{
    TaskSchedule schedule({task(1, 0, true), task(2, 0, true), task(3, 0, true)});
    for (std::int32_t id = 1; id <= 3; id++)
        fail_for_now(schedule, id, 4000 - 1000 * id);
    CHECK(schedule.next_retry(0) == 1000);
    CHECK(schedule.next_retry(1000) == 2000);
    CHECK(next_id(schedule, true, 1500) == 3);
    schedule.start(3);
    CHECK(schedule.next_retry(0) == 2000);
    schedule.put_back(3); // no failure of its own: at once
    CHECK(schedule.failures(3) == 1);
    CHECK(next_id(schedule, true, 0) == 3);
}

TEST_CASE("as many table workers as the widest stage that is left")
{
    TaskSchedule schedule({task(1, 0, false), task(2, 1, true), task(3, 1, true), task(4, 1, true),
                           task(5, 2, true), task(6, 2, true), task(7, 2, false)});
    CHECK(schedule.useful_table_workers(8) == 3);
    CHECK(schedule.useful_table_workers(2) == 2);
    do_task(schedule, 1);
    schedule.start(2); // still needs its worker
    CHECK(schedule.useful_table_workers(8) == 3);
    schedule.finish(2);
    do_task(schedule, 3);
    CHECK(schedule.useful_table_workers(8) == 2);
    for (std::int32_t id = 4; id <= 6; id++)
        do_task(schedule, id);
    // The job worker does the rest by itself.
    CHECK(schedule.useful_table_workers(8) == 0);
}

TEST_CASE("the snapshot is needed as long as a task reads it")
{
    std::vector<ScheduledTask> tasks = {task(1, 0, true), task(2, 0, true), task(3, 1, true)};
    tasks[0].reads_source = tasks[1].reads_source = true;
    TaskSchedule schedule(tasks);
    CHECK(schedule.source_is_needed());
    do_task(schedule, 1);
    CHECK(schedule.source_is_needed());
    schedule.start(2);
    schedule.fail(2);
    CHECK_FALSE(schedule.source_is_needed());
}

TEST_CASE("a batch takes what is ready, and what is when it is done, in order")
{
    TaskSchedule schedule(
        {ddl(1), ddl(2, {1}), ddl(3, {2, 5}), ddl(4), ddl(5, {4}), ddl(6, {3}, 1)});
    CHECK(schedule.next_own(0, many_tasks) == Ids{1, 2, 4, 5, 3});
    CHECK(schedule.next_own(0, {3, 1000}) == Ids{1, 2, 4});
    for (const std::int32_t id : {1, 2, 4})
        schedule.start(id);
    CHECK(schedule.next_own(0, many_tasks).empty());
    for (const std::int32_t id : {1, 2, 4})
        schedule.finish(id);
    CHECK(schedule.next_own(0, many_tasks) == Ids{5, 3});
    do_task(schedule, 5);
    do_task(schedule, 3);
    CHECK(schedule.next_own(0, many_tasks) == Ids{6});
}

TEST_CASE("a batch is bounded, but for a first task that is too large by itself")
{
    std::vector<ScheduledTask> tasks = {ddl(1), ddl(2), ddl(3)};
    tasks[0].statements = 7;
    tasks[1].statements = 3;
    TaskSchedule schedule(tasks);
    CHECK(schedule.next_own(0, {10, 5}) == Ids{1});
    do_task(schedule, 1);
    CHECK(schedule.next_own(0, {10, 3}) == Ids{2});
    CHECK(schedule.next_own(0, {10, 4}) == Ids{2, 3});
    CHECK(schedule.next_own(0, {1, 4}) == Ids{2});
}

TEST_CASE("a batch has no task that needs a transaction of its own, a table worker, or time")
{
    TaskSchedule schedule({ddl(1), after(task(2, 0, true), {1}), ddl(3, {2}), ddl(4),
                           after(task(5, 0, false), {1}), ddl(6, {5}), ddl(7)});
    CHECK(schedule.next_own(0, many_tasks) == Ids{1, 4});
    do_task(schedule, 1);
    do_task(schedule, 4);
    CHECK(schedule.next_own(0, many_tasks) == Ids{5});
    schedule.start(5);
    CHECK(schedule.next_own(0, many_tasks) == Ids{7});
    fail_for_now(schedule, 7, 100);
    CHECK(schedule.next_own(99, many_tasks).empty());
    CHECK(schedule.next_own(100, many_tasks) == Ids{7});
    schedule.finish(5);
    CHECK(schedule.next_own(100, many_tasks) == Ids{6, 7});
}

TEST_CASE("what of a batch can go on after a failure in it")
{
    TaskSchedule schedule({ddl(1), ddl(2, {1}), ddl(3, {2}), ddl(4)});
    const Ids batch = schedule.next_own(0, many_tasks);
    REQUIRE(batch == Ids{1, 2, 3, 4});
    for (const std::int32_t id : batch)
        schedule.start(id);
    CHECK(schedule.can_follow(1, {}));
    CHECK_FALSE(schedule.can_follow(2, {}));
    CHECK(schedule.can_follow(2, Ids{1}));
    CHECK_FALSE(schedule.can_follow(3, Ids{1}));
    schedule.finish(1);
    CHECK(schedule.can_follow(2, {}));
    // 2 is to be tried again later, so 3 has to wait.
    schedule.try_again(2, 500);
    CHECK_FALSE(schedule.can_follow(3, {}));
    schedule.put_back(3);
    schedule.finish(4);
    CHECK(schedule.next_own(499, many_tasks).empty());
    CHECK(schedule.next_own(500, many_tasks) == Ids{2, 3});
}

TEST_CASE("100,000 tasks")
{
    std::vector<ScheduledTask> tasks;
    constexpr int count = 100'000;
    tasks.push_back(ddl(1));
    for (int id = 2; id <= count; id++)
        tasks.push_back(id % 3 == 0 ? after(task(id, 0, true), {1, id - 1}) : ddl(id, {1, id - 1}));
    TaskSchedule schedule(tasks);
    int done = 0;
    while (!schedule.all_finished()) {
        for (const std::int32_t id : schedule.next_own(0, {200, 500})) {
            do_task(schedule, id);
            done++;
        }
        while (const auto id = schedule.next_for_table_worker(0)) {
            do_task(schedule, *id);
            done++;
        }
    }
    CHECK(done == count);
}

namespace {

// A made-up plan, and a job that carries it out with failures of both sorts.
class Simulation {
  public:
    explicit Simulation(std::uint64_t seed) : dice_(seed)
    {
        const int count = 1 + roll(60);
        for (int id = 1; id <= count; id++) {
            ScheduledTask added = task(id, id / (1 + roll(20)) % 4, roll(2) == 0);
            added.batched = roll(3) != 0;
            added.statements = roll(4);
            if (roll(12) == 0)
                added.progress = TaskProgress::skipped;
            for (const ScheduledTask& other : tasks_)
                if (other.stage <= added.stage && roll(6) == 0)
                    added.after.push_back(other.task_id);
            tasks_.push_back(added);
        }
        for (const ScheduledTask& added : tasks_)
            plan_[added.task_id] = added;
    }

    void run()
    {
        TaskSchedule schedule(tasks_);
        for (const LeftOutTask& left_out : schedule.left_out_by_plan())
            CHECK(schedule.progress(left_out.task_id) == TaskProgress::skipped);
        int step = 0;
        for (; !schedule.all_finished(); step++) {
            REQUIRE(step < 10'000);
            const bool idle = running_.empty();
            if (roll(2) == 0)
                start_for_table_worker(schedule);
            else
                do_batch(schedule);
            if (!running_.empty() && roll(2) == 0)
                end_one(schedule);
            if (idle && schedule.next_retry(now_) != never)
                now_ = schedule.next_retry(now_);
        }
        for (const auto& [id, planned] : plan_)
            check_end(schedule, planned);
    }

  private:
    int roll(int below) { return static_cast<int>(dice_() % static_cast<std::uint64_t>(below)); }

    void check_may_start(const TaskSchedule& schedule, std::int32_t id, const Ids& before)
    {
        const ScheduledTask& planned = plan_[id];
        CHECK(schedule.can_follow(id, before));
        for (const std::int32_t needed : planned.after)
            CHECK((schedule.progress(needed) == TaskProgress::done ||
                   std::find(before.begin(), before.end(), needed) != before.end()));
        for (const auto& [other, its_plan] : plan_)
            if (its_plan.stage < planned.stage)
                CHECK(schedule.progress(other) >= TaskProgress::done);
        CHECK(now_ >= not_before_[id]);
    }

    void start_for_table_worker(TaskSchedule& schedule)
    {
        if (running_.size() >= 3)
            return;
        const auto id = schedule.next_for_table_worker(now_);
        if (!id)
            return;
        CHECK(plan_[*id].in_table_worker);
        check_may_start(schedule, *id, {});
        schedule.start(*id);
        running_.push_back(*id);
    }

    void do_batch(TaskSchedule& schedule)
    {
        const Ids batch = schedule.next_own(now_, {8, 12});
        Ids before;
        int statements = 0;
        for (const std::int32_t id : batch) {
            CHECK_FALSE(plan_[id].in_table_worker);
            CHECK((plan_[id].batched || batch.size() == 1));
            check_may_start(schedule, id, before);
            statements += plan_[id].statements;
            before.push_back(id);
        }
        CHECK((batch.size() <= 1 || statements <= 12));
        for (const std::int32_t id : batch)
            schedule.start(id);
        for (const std::int32_t id : batch) {
            if (schedule.progress(id) != TaskProgress::running)
                continue;
            if (schedule.can_follow(id, {}))
                end(schedule, id);
            else
                schedule.put_back(id);
        }
    }

    void end_one(TaskSchedule& schedule)
    {
        const auto at = running_.begin() + roll(static_cast<int>(running_.size()));
        const std::int32_t id = *at;
        running_.erase(at);
        end(schedule, id);
    }

    void end(TaskSchedule& schedule, std::int32_t id)
    {
        switch (roll(6)) {
        case 0:
            not_before_[id] = now_ + 1 + roll(100);
            schedule.try_again(id, not_before_[id]);
            break;
        case 1:
            for (const LeftOutTask& left_out : schedule.fail(id))
                CHECK(left_out.cause == id);
            break;
        default:
            schedule.finish(id);
        }
    }

    // Done or failed if it could be, skipped exactly if something that it needs was not done.
    void check_end(const TaskSchedule& schedule, const ScheduledTask& planned)
    {
        const bool has_all = std::all_of(planned.after.begin(), planned.after.end(), [&](auto id) {
            return schedule.progress(id) == TaskProgress::done;
        });
        const bool skipped = schedule.progress(planned.task_id) == TaskProgress::skipped;
        CHECK(skipped == (!has_all || planned.progress == TaskProgress::skipped));
    }

    std::mt19937_64 dice_;
    std::vector<ScheduledTask> tasks_;
    std::map<std::int32_t, ScheduledTask> plan_;
    std::map<std::int32_t, std::int64_t> not_before_;
    Ids running_;
    std::int64_t now_ = 0;
};

} // namespace

TEST_CASE("whatever fails and in whatever order it ends, each task ends as it must")
{
    const char* given = std::getenv("PGCLONE_TEST_SEED");
    const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    for (std::uint64_t seed = first; seed < first + 300; seed++) {
        CAPTURE(seed);
        Simulation simulation(seed);
        simulation.run();
    }
}
