#include "test/unit/scope_units_fixture.hpp"

using namespace pgclone;
using namespace pgclone::test;

TEST_CASE("the job carries a small table out as one task")
{
    Fixture fixture = shop();
    fixture.add_table(20, "large", 1 << 30);
    fixture.add(ObjectKind::view, {class_relation, 30}, "totals", "VIEW s.totals");
    fixture.catalog.objects.back().after_data = true;
    fixture.needs({class_relation, 30}, orders);
    const ScopePlan shown = fixture.plan();
    const ScopePlan plan = fixture.folded_plan();
    CHECK(plan.tables == shown.tables);
    CHECK(plan.bytes == shown.bytes);
    const CloneTask* unit = find(plan, "data", "orders");
    REQUIRE(unit);
    CHECK_FALSE(find(plan, "table", "orders"));
    CHECK_FALSE(find(plan, "index", "orders_idx"));
    CHECK(plan.tasks.size() + unit->parts_of_table.size() == shown.tasks.size());
    std::int32_t id = 1;
    for (const CloneTask& task : plan.tasks)
        CHECK(task.task_id == id++);

    CHECK(unit->stage == stage_before_data);
    CHECK(unit->due_stage == stage_data);
    CHECK(unit->in_table_worker);
    CHECK(unit->batched);
    CHECK(unit->completes_table);
    CHECK(unit->after == Ids{find(plan, "schema", "s")->task_id,
                             find(plan, "type", "color")->task_id});
    CHECK(waits(find(plan, "view", "totals"), unit));
    CHECK(unit->cleanup == find(shown, "table", "orders")->cleanup);
    CHECK(unit->source_copy == find(shown, "data", "orders")->source_copy);
    std::vector<std::string> kinds;
    for (const ObjectStatements& part : unit->parts_of_table) {
        kinds.push_back(part.object_kind);
        const CloneTask* alone = find(shown, part.object_kind, part.object_name);
        REQUIRE(alone);
        CHECK(part.statements == alone->statements);
        CHECK(part.phase == alone->phase);
    }
    CHECK(kinds == std::vector<std::string>{"table", "sequence", "default", "check constraint",
                                            "index", "constraint", "sequence value",
                                            "sequence value", "analyze"});
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("what changes a setting for its transaction is a task of its own")
{
    Fixture fixture = shop();
    for (CatalogObject& object : fixture.catalog.objects)
        if (object.name == "orders_idx")
            object.create.insert(object.create.begin(), StatementTemplate("SET LOCAL x = 1"));
    const ScopePlan plan = fixture.folded_plan();
    CHECK(find(plan, "table", "orders"));
    CHECK(find(plan, "index", "orders_idx"));
    CHECK(find(plan, "data", "orders")->parts_of_table.empty());
    CHECK(plan.tasks.size() == fixture.plan().tasks.size());
}

TEST_CASE("a table that is cut is no small one")
{
    Fixture fixture = shop();
    fixture.catalog.server_version = 150000;
    TableShape& table = fixture.catalog.tables.at(orders);
    table.is_heap = true;
    table.heap_pages = 1000;
    table.size_bytes = 1000 * 8192 - 8192;
    const SplitRules split{1024 * 1024, 2};
    const ScopePlan plan = plan_scope(fixture.catalog.close(), fixture.selection, fixture.target,
                                      fixture.naming, fixture.options, split);
    CHECK(find(plan, "table", "orders"));
    CHECK(find(plan, "data", "orders")->parts > 1);
}
