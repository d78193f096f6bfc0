#include "test/unit/schedule_fixture.hpp"

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using namespace pgclone::test;

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
        for (const std::int32_t id : schedule.next_batch(job_worker, 0, {200, 500})) {
            do_task(schedule, id);
            done++;
        }
        for (const std::int32_t id : schedule.next_batch(table_worker, 0, {200, 500})) {
            do_task(schedule, id);
            done++;
        }
    }
    CHECK(done == count);
}
