#include <doctest/doctest.h>

#include <filesystem>

#include "test/unit/expect_error.hpp"
#include "test/unit/scope_fixture.hpp"
#include "worker/ddl_batch.hpp"
#include "worker/task_rows.hpp"

using namespace pgclone;
using namespace pgclone::test;

namespace {

TaskRows make_rows()
{
    return TaskRows(std::filesystem::temp_directory_path().string());
}

// A large table with an index and a key, a small one, and a view.
Fixture mixed()
{
    Fixture fixture;
    fixture.add_table(10, "small");
    fixture.add_table(20, "large", 1 << 30);
    fixture.add_part(ObjectKind::index, {class_relation, 21}, "large_idx", 20);
    fixture.add_part(ObjectKind::constraint, {class_constraint, 22}, "large_pkey", 20);
    fixture.add(ObjectKind::view, {class_relation, 30}, "v", "VIEW s.v");
    return fixture;
}

ScopePlan plan_into(const Fixture& fixture, TaskRows* rows)
{
    return plan_scope(fixture.catalog.close(), fixture.selection, fixture.target, fixture.naming,
                      fixture.options, fixture.split, rows);
}

} // namespace

TEST_CASE("the ledger gets each task whole, and table workers have theirs from there")
{
    const Fixture fixture = mixed();
    TaskRows rows = make_rows();
    const ScopePlan whole = plan_into(fixture, nullptr);
    const ScopePlan lean = plan_into(fixture, &rows);
    REQUIRE(lean.tasks.size() == whole.tasks.size());
    REQUIRE(rows.size() == whole.tasks.size());
    for (std::size_t i = 0; i < whole.tasks.size(); i++) {
        CAPTURE(describe(whole.tasks[i]));
        CloneTask expected = whole.tasks[i];
        if (expected.in_table_worker)
            expected.batched = may_be_batched(expected);
        CHECK(rows.row(i) == ledger_row_json(expected));
        // What decides about their order is the same.
        CHECK(count_statements(lean.tasks[i]) == count_statements(whole.tasks[i]));
        CHECK(may_be_batched(lean.tasks[i]) == may_be_batched(whole.tasks[i]));
        CHECK(lean.tasks[i].after == whole.tasks[i].after);
        CHECK(lean.tasks[i].cleanup == whole.tasks[i].cleanup);
        CHECK(lean.tasks[i].statements.empty() ==
              (lean.tasks[i].in_table_worker || whole.tasks[i].statements.empty()));
    }
}

TEST_CASE("a plan that may have to follow another snapshot stays whole")
{
    Fixture fixture = mixed();
    fixture.options.consistency = Consistency::relaxed;
    TaskRows rows = make_rows();
    const ScopePlan plan = plan_into(fixture, &rows);
    const ScopePlan whole = plan_into(fixture, nullptr);
    REQUIRE(plan.tasks.size() == whole.tasks.size());
    for (std::size_t i = 0; i < whole.tasks.size(); i++) {
        CHECK(plan.tasks[i].statements == whole.tasks[i].statements);
        CHECK(plan.tasks[i].source_copy == whole.tasks[i].source_copy);
    }
}

TEST_CASE("what would end a transaction is refused")
{
    TaskRows rows = make_rows();
    CloneTask task;
    task.statements = {"COMMIT"};
    expect_error("08P01", [&] { rows.add(task); });
    CHECK(rows.size() == 0);
}
