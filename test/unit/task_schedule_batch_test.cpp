// What goes into one transaction, and what keeps a task from it: locks, and stages that overlap.
#include "test/unit/schedule_fixture.hpp"

using namespace pgclone;
using namespace pgclone::test;
TEST_CASE("a batch takes what is ready, and what is when it is done, in order")
{
    TaskSchedule schedule(
        {ddl(1), ddl(2, {1}), ddl(3, {2, 5}), ddl(4), ddl(5, {4}), ddl(6, {3}, 1)});
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{1, 2, 4, 5, 3});
    CHECK(schedule.next_batch(job_worker, 0, {3, 1000}) == Ids{1, 2, 4});
    for (const std::int32_t id : {1, 2, 4})
        schedule.start(id);
    CHECK(schedule.next_batch(job_worker, 0, many_tasks).empty());
    for (const std::int32_t id : {1, 2, 4})
        schedule.finish(id);
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{5, 3});
    do_task(schedule, 5);
    do_task(schedule, 3);
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{6});
}

TEST_CASE("a batch is bounded, but for a first task that is too large by itself")
{
    std::vector<ScheduledTask> tasks = {ddl(1), ddl(2), ddl(3)};
    tasks[0].statements = 7;
    tasks[1].statements = 3;
    TaskSchedule schedule(tasks);
    CHECK(schedule.next_batch(job_worker, 0, {10, 5}) == Ids{1});
    do_task(schedule, 1);
    CHECK(schedule.next_batch(job_worker, 0, {10, 3}) == Ids{2});
    CHECK(schedule.next_batch(job_worker, 0, {10, 4}) == Ids{2, 3});
    CHECK(schedule.next_batch(job_worker, 0, {1, 4}) == Ids{2});
}

TEST_CASE("a batch has no task that needs a transaction of its own, a table worker, or time")
{
    TaskSchedule schedule({ddl(1), after(task(2, 0, true), {1}), ddl(3, {2}), ddl(4),
                           after(task(5, 0, false), {1}), ddl(6, {5}), ddl(7)});
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{1, 4});
    do_task(schedule, 1);
    do_task(schedule, 4);
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{5});
    schedule.start(5);
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{7});
    fail_for_now(schedule, 7, 100);
    CHECK(schedule.next_batch(job_worker, 99, many_tasks).empty());
    CHECK(schedule.next_batch(job_worker, 100, many_tasks) == Ids{7});
    schedule.finish(5);
    CHECK(schedule.next_batch(job_worker, 100, many_tasks) == Ids{6, 7});
}

TEST_CASE("what of a batch can go on after a failure in it")
{
    TaskSchedule schedule({ddl(1), ddl(2, {1}), ddl(3, {2}), ddl(4)});
    const Ids batch = schedule.next_batch(job_worker, 0, many_tasks);
    REQUIRE(batch == Ids{1, 2, 3, 4});
    for (const std::int32_t id : batch)
        schedule.start(id);
    CHECK(next_id(schedule, false) == 0);
    for (const std::int32_t id : {1, 3, 4})
        schedule.put_back(id);
    schedule.try_again(2, 500);
    // 2 is to be tried again later, so 3 has to wait.
    REQUIRE(schedule.next_batch(job_worker, 499, many_tasks) == Ids{1, 4});
    for (const std::int32_t id : {1, 4})
        do_task(schedule, id);
    CHECK(schedule.next_batch(job_worker, 499, many_tasks).empty());
    CHECK(schedule.next_retry(499) == 500);
    CHECK(schedule.next_batch(job_worker, 500, many_tasks) == Ids{2, 3});
}

TEST_CASE("a batch of a table worker follows one table before it begins with the next")
{
    // Table 1 to 4, and table 11 to 13; then one that has but its rows.
    TaskSchedule schedule({rows(1), rows(2, {1}), rows(3, {1, 2}), rows(4, {3}), rows(11),
                           rows(12, {11}), rows(13, {12}), rows(21)});
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{1, 2, 3, 4, 11, 12, 13, 21});
    const Ids first = schedule.next_batch(table_worker, 0, {5, 1000});
    CHECK(first == Ids{1, 2, 3, 4, 11});
    for (const std::int32_t id : first)
        schedule.start(id);
    // What follows 11 is not ready; the next worker begins with another table.
    const Ids second = schedule.next_batch(table_worker, 0, many_tasks);
    CHECK(second == Ids{21});
    schedule.start(21);
    CHECK(schedule.next_batch(table_worker, 0, many_tasks).empty());
    for (const std::int32_t id : first)
        schedule.finish(id);
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{12, 13});
}

TEST_CASE("table workers get what takes long before what they do many of")
{
    TaskSchedule schedule({rows(1), rows(2, {1}), task(3, 0, true), rows(4),
                           after(task(5, 0, true), {1}), task(6, 0, false), ddl(7)});
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{3});
    schedule.start(3);
    // 5 needs a transaction of its own, so the batch ends where it would be next.
    const Ids batch = schedule.next_batch(table_worker, 0, many_tasks);
    CHECK(batch == Ids{1});
    do_task(schedule, 1);
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{5});
    schedule.start(5);
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{2, 4});
    // The job worker keeps to the order, whatever is batched.
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{6});
    schedule.start(6);
    CHECK(schedule.next_batch(job_worker, 0, many_tasks) == Ids{7});
}

TEST_CASE("the bytes of a batch are bounded, but for a first task that is too large by itself")
{
    std::vector<ScheduledTask> tasks = {rows(1), rows(2), rows(3), rows(4)};
    tasks[0].bytes = 1000;
    tasks[1].bytes = 60;
    tasks[2].bytes = 40;
    tasks[3].bytes = 1;
    TaskSchedule schedule(tasks);
    CHECK(schedule.next_batch(table_worker, 0, {10, 10, 100}) == Ids{1});
    do_task(schedule, 1);
    CHECK(schedule.next_batch(table_worker, 0, {10, 10, 100}) == Ids{2, 3});
    CHECK(schedule.next_batch(table_worker, 0, {10, 10, 99}) == Ids{2});
    CHECK(schedule.next_batch(table_worker, 0, {10, 10, 101}) == Ids{2, 3, 4});
    CHECK(schedule.next_batch(table_worker, 0, {10, 2, 101}) == Ids{2, 3});
    CHECK(schedule.next_batch(table_worker, 0, {1, 10, 101}) == Ids{2});
}

TEST_CASE("what runs keeps others from the tables that it locks")
{
    constexpr TableLock shared{7, false};
    constexpr TableLock exclusive{7, true};
    constexpr TableLock elsewhere{8, true};
    struct Case {
        TableLock held;
        TableLock wanted;
        bool goes;
    };
    for (const auto& [held, wanted, goes] :
         {Case{shared, shared, true}, Case{shared, exclusive, false},
          Case{exclusive, shared, false}, Case{exclusive, exclusive, false},
          Case{exclusive, elsewhere, true}}) {
        CAPTURE(held.exclusive);
        CAPTURE(wanted.exclusive);
        const TaskSchedule plan({locking(task(1, 0, true), {held}),
                                 locking(task(2, 0, true), {wanted, {9, false}}),
                                 locking(task(3, 0, false), {wanted}), task(4, 0, true)});
        TaskSchedule schedule = plan;
        schedule.start(1);
        CHECK(next_id(schedule, true) == (goes ? 2 : 4));
        CHECK(next_id(schedule, false) == (goes ? 3 : 0));
        // However it ends, the table is free.
        TaskSchedule ended = schedule;
        ended.finish(1);
        CHECK(next_id(ended, true) == 2);
        CHECK(next_id(ended, false) == 3);
        ended = schedule;
        ended.fail(1);
        CHECK(next_id(ended, true) == 2);
        ended = schedule;
        ended.try_again(1, 100);
        CHECK(next_id(ended, true, 99) == 2);
        CHECK(next_id(ended, false, 99) == 3);
        ended = schedule;
        ended.put_back(1);
        CHECK(next_id(ended, true) == 1);
        CHECK(next_id(ended, false) == 3);
        ended = schedule;
        ended.put_back_alone(1);
        CHECK(next_id(ended, true) == 1);
        CHECK(next_id(ended, false) == 3);
        ended = schedule;
        ended.skip(1);
        CHECK(next_id(ended, true) == 2);
    }
}

TEST_CASE("a table stays locked until the last of those is done that share it")
{
    TaskSchedule schedule({locking(task(1, 0, true), {{7, false}}),
                           locking(task(2, 0, true), {{7, false}}),
                           locking(task(3, 0, true), {{7, true}, {7, false}})});
    schedule.start(1);
    schedule.start(2);
    CHECK(next_id(schedule, true) == 0);
    schedule.finish(1);
    CHECK(next_id(schedule, true) == 0);
    schedule.finish(2);
    CHECK(next_id(schedule, true) == 3);
    // One that names a table twice lets go of it altogether.
    do_task(schedule, 3);
    CHECK(schedule.all_finished());
}

TEST_CASE("a batch may lock a table more than once, and passes over what others lock")
{
    TaskSchedule schedule({locking(rows(1), {{7, true}}), locking(rows(2, {1}), {{7, true}}),
                           locking(rows(3), {{7, false}}), locking(task(4, 0, false), {{8, true}}),
                           locking(rows(5), {{8, false}}), locking(rows(6, {1}), {{8, true}}),
                           rows(7, {6})});
    schedule.start(4);
    const Ids batch = schedule.next_batch(table_worker, 0, many_tasks);
    CHECK(batch == Ids{1, 2, 3});
    for (const std::int32_t id : batch)
        schedule.start(id);
    schedule.finish(4);
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{5});
    // All of them keep the table until all have ended.
    schedule.finish(1);
    schedule.finish(2);
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{5, 6, 7});
}

TEST_CASE("the search for a table that is free has an end, but nothing is lost by it")
{
    const auto plan = [](int locked) {
        std::vector<ScheduledTask> tasks = {locking(task(1, 0, true), {{7, true}})};
        for (int id = 2; id < 2 + locked; id++)
            tasks.push_back(locking(rows(id), {{7, false}}));
        tasks.push_back(rows(5000));
        return TaskSchedule(tasks);
    };
    TaskSchedule schedule = plan(900);
    schedule.start(1);
    CHECK(next_id(schedule, true) == 5000);
    schedule = plan(4000);
    schedule.start(1);
    CHECK(next_id(schedule, true) == 0);
    schedule.finish(1);
    CHECK(next_id(schedule, true) == 2);
}

TEST_CASE("a stage does not wait for what is due later, but the one after that does")
{
    TaskSchedule schedule({task(1, 1, false), due(rows(2, {1}, 1), 3), due(rows(3, {2}, 1), 3),
                           task(4, 2, false), task(5, 3, true), task(6, 4, false)});
    CHECK(schedule.open_table_worker_tasks() == 2);
    CHECK(next_id(schedule, true) == 0);
    CHECK(next_id(schedule, false) == 1);
    do_task(schedule, 1);
    CHECK(next_id(schedule, false) == 4);
    schedule.start(2);
    do_task(schedule, 4);
    CHECK(schedule.open_table_worker_tasks() == 3);
    CHECK(schedule.current_task() == 2);
    CHECK(next_id(schedule, true) == 5);
    do_task(schedule, 5);
    CHECK(next_id(schedule, false) == 0); // 2 runs, 3 waits for it
    schedule.finish(2);
    CHECK(next_id(schedule, false) == 0);
    CHECK(next_id(schedule, true) == 3);
    schedule.start(3);
    CHECK(next_id(schedule, false) == 0);
    SUBCASE("done")
    {
        schedule.finish(3);
    }
    SUBCASE("failed")
    {
        schedule.fail(3);
    }
    SUBCASE("skipped")
    {
        schedule.skip(3);
    }
    CHECK(schedule.open_table_worker_tasks() == 0);
    CHECK(next_id(schedule, false) == 6);
}

TEST_CASE("stages that have nothing that is due in them are passed")
{
    TaskSchedule schedule({due(rows(1, {}, 1), 9), due(rows(2, {}, 3), 9), due(rows(3, {}, 5), 6),
                           task(4, 6, false), task(5, 9, false), task(6, 10, false)});
    // There is no stage 7 or 8 and nothing of 1 to 3 is due before 10, so 6 has begun.
    CHECK(schedule.open_table_worker_tasks() == 3);
    CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{1, 2, 3});
    CHECK(next_id(schedule, false) == 4);
    do_task(schedule, 4);
    CHECK(next_id(schedule, false) == 0);
    do_task(schedule, 3); // due in 6
    CHECK(next_id(schedule, false) == 5);
    do_task(schedule, 5);
    do_task(schedule, 1);
    CHECK(next_id(schedule, false) == 0);
    do_task(schedule, 2);
    CHECK(next_id(schedule, false) == 6);
    do_task(schedule, 6);
    CHECK(schedule.all_finished());
}

TEST_CASE(
    "to be due earlier than in its own stage means nothing, past the last one it ends the job")
{
    TaskSchedule schedule({due(task(1, 5, false), 2), due(rows(2, {}, 5), 99), task(3, 6, false)});
    CHECK(next_id(schedule, false) == 1);
    do_task(schedule, 1);
    CHECK(next_id(schedule, false) == 3);
    do_task(schedule, 3);
    CHECK_FALSE(schedule.all_finished());
    CHECK(next_id(schedule, true) == 2);
    do_task(schedule, 2);
    CHECK(schedule.all_finished());
}

TEST_CASE("one that was put back alone shares no transaction any more")
{
    TaskSchedule schedule({rows(1), rows(2, {1}), rows(3), rows(4, {2})});
    const Ids batch = schedule.next_batch(table_worker, 0, many_tasks);
    REQUIRE(batch == Ids{1, 2, 3, 4});
    for (const std::int32_t id : batch)
        schedule.start(id);
    for (const std::int32_t id : batch)
        schedule.put_back_alone(id);
    for (const std::int32_t id : {1, 2}) {
        CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{id});
        schedule.start(id);
        schedule.put_back(id);
        CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{id});
        fail_for_now(schedule, id, 100);
        CHECK(schedule.next_batch(table_worker, 0, many_tasks) == Ids{3});
        CHECK(schedule.next_batch(table_worker, 100, many_tasks) == Ids{id});
        do_task(schedule, id);
    }
    CHECK(schedule.next_batch(table_worker, 100, many_tasks) == Ids{3});
}
