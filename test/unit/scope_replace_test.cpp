// What scopes schema and database do with objects of the target that are in the way.
#include "test/unit/scope_fixture.hpp"

#include <algorithm>

#include "worker/ddl_batch.hpp"

using namespace pgclone;
using namespace pgclone::test;

TEST_CASE("what is to be replaced makes room first and is dropped in the end")
{
    Fixture fixture;
    fixture.options.conflict = ConflictAction::replace;
    fixture.naming.tag = "7_x";
    fixture.target.schemas = {"s"};
    fixture.add_table(10, "orders");
    fixture.target.existing["TABLE s.orders"] = {"table", "s", "orders", true, {}};
    fixture.target.set_aside = {"TABLE s.orders"};
    ScopePlan plan = fixture.plan();
    CHECK(plan.tasks[0].statements == std::vector<std::string>{"CREATE SCHEMA \"pgclone_7_x_1\""});
    CHECK(plan.tasks[1].statements ==
          std::vector<std::string>{"ALTER TABLE s.orders SET SCHEMA \"pgclone_7_x_1\""});
    CHECK(plan.tasks[1].cleanup ==
          std::vector<std::string>{"ALTER TABLE \"pgclone_7_x_1\".\"orders\" SET SCHEMA \"s\""});
    CHECK(find(plan, "data", "orders") != nullptr);
    CHECK(plan.tasks.back().dropped_schemas == std::vector<std::string>{"pgclone_7_x_1"});

    fixture.options.conflict = ConflictAction::rename;
    fixture.target.schemas.insert("s_old");
    plan = fixture.plan();
    CHECK(plan.tasks.back().statements ==
          std::vector<std::string>{"ALTER SCHEMA \"pgclone_7_x_1\" RENAME TO \"s_old2\""});
}

TEST_CASE("too much for one transaction is dropped before the last one")
{
    Fixture fixture;
    fixture.options.conflict = ConflictAction::replace;
    fixture.naming.tag = "7_x";
    fixture.target.schemas = {"s"};
    const auto set_aside = [&fixture](int number) {
        const std::string name = "t" + std::to_string(number);
        fixture.add_table(static_cast<std::uint32_t>(1000 + number), name);
        fixture.target.existing["TABLE s." + name] = {"table", "s", name, true, {}};
        fixture.target.set_aside.insert("TABLE s." + name);
    };
    const auto count = [](const ScopePlan& plan, TaskKind kind) {
        return std::count_if(plan.tasks.begin(), plan.tasks.end(),
                             [kind](const CloneTask& task) { return task.kind == kind; });
    };
    for (int number = 1; number <= 100; number++)
        set_aside(number);
    CHECK(count(fixture.plan(), TaskKind::check_replaced) == 0);
    CHECK(count(fixture.plan(), TaskKind::drop_replaced) == 0);

    set_aside(101);
    const ScopePlan plan = fixture.plan();
    const std::vector<std::string> schemas{"pgclone_7_x_1"};
    REQUIRE(plan.tasks.size() > 3);
    const CloneTask* const last = &plan.tasks.back();
    CHECK(last[-2].kind == TaskKind::check_replaced);
    CHECK(last[-1].kind == TaskKind::drop_replaced);
    CHECK(last[0].kind == TaskKind::publish);
    CHECK(last[-1].after == std::vector<std::int32_t>{last[-2].task_id});
    CHECK(last[0].after == std::vector<std::int32_t>{last[-1].task_id});
    for (int back = 0; back <= 2; back++) {
        CHECK(last[-back].dropped_schemas == schemas);
        CHECK(last[-back].cleanup.empty());
        CHECK(!may_be_batched(last[-back]));
    }

    // What is only renamed is not dropped.
    fixture.options.conflict = ConflictAction::rename;
    CHECK(count(fixture.plan(), TaskKind::check_replaced) == 0);
    CHECK(count(fixture.plan(), TaskKind::drop_replaced) == 0);
}
