// A table with one of each that goes with it, for the tests of small tables' tasks.
#pragma once

#include "test/unit/scope_fixture.hpp"

#include "worker/scope_tasks.hpp"
#include "worker/task_schedule.hpp"

namespace pgclone::test {

inline constexpr std::uint32_t class_type = 1247;
inline constexpr std::uint32_t class_proc = 1255;
inline constexpr std::uint32_t class_attrdef = 2604;
inline constexpr std::uint32_t class_opclass = 2616;

inline constexpr ObjectId orders{class_relation, 10};
inline constexpr ObjectId function{class_proc, 90};

using Ids = std::vector<std::int32_t>;

inline bool waits(const CloneTask* task, const CloneTask* other)
{
    return std::binary_search(task->after.begin(), task->after.end(), other->task_id);
}

// Whether a small table is made, filled and finished in one go.
inline bool is_unit(const ScopePlan& plan, std::string_view table)
{
    const CloneTask* made = find(plan, "table", table);
    const CloneTask* data = find(plan, "data", table);
    REQUIRE(made);
    REQUIRE(data);
    CHECK(waits(data, made));
    CHECK(made->stage == stage_before_data);
    CHECK(data->in_table_worker);
    CHECK(made->in_table_worker == made->batched);
    CHECK(made->in_table_worker == (made->due_stage == stage_data));
    CHECK(made->in_table_worker == (data->stage == stage_before_data));
    return made->in_table_worker;
}

inline void add_function(Fixture& fixture)
{
    fixture.add(ObjectKind::function, function, "f()", "FUNCTION s.f()");
}

// An orders with one of each that goes with it, and a type that it needs.
inline Fixture shop()
{
    Fixture fixture;
    fixture.options.analyze = true;
    fixture.add(ObjectKind::type, {class_type, 80}, "color", "TYPE s.color");
    fixture.add_table(10, "orders");
    fixture.needs(orders, {class_type, 80});
    fixture.add_part(ObjectKind::sequence, {class_relation, 11}, "orders_id_seq", 10);
    fixture.add_part(ObjectKind::default_, {class_attrdef, 12}, "id of orders", 10);
    fixture.needs({class_attrdef, 12}, {class_relation, 11});
    fixture.add_part(ObjectKind::check_constraint, {class_constraint, 13}, "positive", 10);
    fixture.add_part(ObjectKind::index, {class_relation, 14}, "orders_idx", 10);
    fixture.add_part(ObjectKind::constraint, {class_constraint, 15}, "orders_pkey", 10);
    fixture.catalog.sequences.push_back(
        {{class_relation, 11}, {"s", "orders_id_seq"}, "s.orders_id_seq", "5", true});
    fixture.catalog.sequences.push_back(
        {orders, {"s", "orders_no_seq"}, "s.orders_no_seq", "6", true}); // of an identity column
    return fixture;
}

// Lets one worker of each kind do all of it, in as few transactions as possible.
inline Ids carry_out(const ScopePlan& plan)
{
    std::vector<ScheduledTask> tasks;
    for (const CloneTask& task : plan.tasks) {
        ScheduledTask& entry = tasks.emplace_back();
        entry.task_id = task.task_id;
        entry.stage = task.stage;
        entry.due_stage = task.due_stage;
        entry.in_table_worker = task.in_table_worker;
        entry.batched = !task.in_table_worker || task.batched;
        entry.after = task.after;
        for (const std::uint32_t table : task.locked_tables)
            entry.locks.push_back({table, true});
        for (const std::uint32_t table : task.shared_tables)
            entry.locks.push_back({table, false});
    }
    TaskSchedule schedule(tasks);
    Ids order;
    while (!schedule.all_finished()) {
        const std::size_t before = order.size();
        for (const Executor executor : {Executor::job_worker, Executor::table_worker}) {
            for (const std::int32_t id : schedule.next_batch(executor, 0, {1000, 1000, 0})) {
                schedule.start(id);
                schedule.finish(id);
                order.push_back(id);
            }
        }
        REQUIRE(order.size() > before);
    }
    return order;
}

} // namespace pgclone::test
