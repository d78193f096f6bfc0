#include "worker/ddl_batch.hpp"

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using Statements = std::vector<std::string>;

namespace {

CloneTask object(const std::string& name, Statements statements, const std::string& path = "")
{
    CloneTask task;
    task.kind = TaskKind::object;
    task.object_kind = "view";
    task.schema_name = "sales";
    task.object_name = name;
    task.statements = std::move(statements);
    task.search_path = path;
    return task;
}

std::string set_path(const std::string& path)
{
    return "SELECT pg_catalog.set_config('search_path', '" + path + "', true)";
}

} // namespace

TEST_CASE("a batch is one transaction with the tasks in their order")
{
    const CloneTask first = object("a", {"make a", "comment a"});
    const CloneTask second = object("b", {"make b"});
    const DdlBatch batch({"BEGIN", "lock"}, {&first, &second}, {"mark", "COMMIT"});
    CHECK(batch.statements() ==
          Statements{"BEGIN", "lock", "make a", "comment a", "make b", "mark", "COMMIT"});
    CHECK_FALSE(batch.culprit(0));
    CHECK_FALSE(batch.culprit(1));
    CHECK(batch.culprit(2)->task == 0);
    CHECK(batch.culprit(3)->task == 0);
    CHECK(batch.culprit(3)->statement == "comment a");
    CHECK(batch.culprit(4)->task == 1);
    CHECK_FALSE(batch.culprit(5));
    CHECK_FALSE(batch.culprit(6));
    CHECK_FALSE(batch.is_last(5));
    CHECK(batch.is_last(6));
}

TEST_CASE("tasks without statements have their place")
{
    const CloneTask empty = object("a", {});
    const CloneTask second = object("b", {"make b"});
    const DdlBatch batch({"BEGIN", "lock"}, {&empty, &second, &empty}, {"mark", "COMMIT"});
    CHECK(batch.statements() == Statements{"BEGIN", "lock", "make b", "mark", "COMMIT"});
    CHECK(batch.culprit(2)->task == 1);
    CHECK_FALSE(batch.culprit(3));
}

TEST_CASE("a transaction may have been begun before, and stay open")
{
    const CloneTask first = object("a", {"make a"}, "x");
    const CloneTask second = object("b", {"make b"}, "x");
    const DdlBatch open({}, {&first, &second}, {});
    CHECK(open.statements() == Statements{set_path("x"), "make a", "make b"});
    CHECK_FALSE(open.culprit(0));
    CHECK(open.culprit(1)->task == 0);
    CHECK(open.culprit(2)->task == 1);
    CHECK(open.is_last(2));
    const DdlBatch none({"BEGIN"}, {}, {"mark", "COMMIT"});
    CHECK(none.statements() == Statements{"BEGIN", "mark", "COMMIT"});
    for (std::size_t statement = 0; statement < 3; statement++) {
        CHECK_FALSE(none.culprit(statement));
        CHECK(none.is_last(statement) == (statement == 2));
    }
}

TEST_CASE("search_path changes only where it has to, and back")
{
    const std::string path = "\"new\", pg_catalog";
    const CloneTask a = object("a", {"make a"}, path);
    const CloneTask b = object("b", {"make b"}, path);
    const CloneTask c = object("c", {"make c"});
    const DdlBatch batch({"BEGIN", "lock"}, {&a, &b, &c}, {"mark", "COMMIT"});
    CHECK(batch.statements() == Statements{"BEGIN", "lock", set_path(path), "make a", "make b",
                                           set_path(""), "make c", "mark", "COMMIT"});
    CHECK(batch.culprit(3)->task == 0);
    CHECK(batch.culprit(4)->task == 1);
    CHECK(batch.culprit(6)->task == 2);
}

TEST_CASE("what may share a transaction")
{
    CHECK(may_be_batched(object("a", {"make a"})));
    CHECK_FALSE(may_be_batched(object("a", {"SET LOCAL x = y", "make a"})));
    CloneTask task = object("a", {});
    task.in_table_worker = true;
    CHECK_FALSE(may_be_batched(task));
    task = object("a", {});
    task.kind = TaskKind::publish;
    CHECK_FALSE(may_be_batched(task));
    task.kind = TaskKind::trigger;
    CHECK(may_be_batched(task));
    task.object_kind.clear();
    CHECK_FALSE(may_be_batched(task)); // of a single table's clone
}

TEST_CASE("what table workers do together is what the plan says is short")
{
    for (const TaskKind kind : {TaskKind::object, TaskKind::data, TaskKind::index}) {
        CloneTask task = object("a", {"make a"});
        task.kind = kind;
        task.in_table_worker = true;
        CHECK_FALSE(may_be_batched(task));
        task.batched = true;
        CHECK(may_be_batched(task));
        task.object_kind.clear();
        CHECK(may_be_batched(task));
        task.statements.push_back("SET LOCAL x = y");
        CHECK_FALSE(may_be_batched(task));
    }
    // It says nothing about the job worker's own tasks.
    CloneTask own = object("a", {"make a"});
    own.kind = TaskKind::trigger;
    own.object_kind.clear();
    own.batched = true;
    CHECK_FALSE(may_be_batched(own));
}

TEST_CASE("an error says what failed, and keeps what the server said")
{
    const PgError server("42P01", "relation \"x\" does not exist", "Some detail.", "Some hint.");
    const PgError error = explain_failure(object("totals", {}), server, "CREATE VIEW ...");
    CHECK(error.sqlstate() == "42P01");
    CHECK(error.message() ==
          "could not create view \"sales.totals\": relation \"x\" does not exist");
    CHECK(error.detail() == "Some detail. The statement was: CREATE VIEW ...");
    CHECK(error.hint() == "Some hint.");

    CloneTask task = object("totals", {});
    task.object_kind.clear(); // of a single table's clone
    CHECK(explain_failure(task, server, "x").message() == server.message());
    CHECK(explain_failure(task, server, "x").detail() == server.detail());
}

TEST_CASE("an error says what could not be done")
{
    const auto said = [](TaskKind kind, const char* object_kind, const char* statement) {
        CloneTask task = object("x", {});
        task.kind = kind;
        task.object_kind = object_kind;
        task.completes_table = kind == TaskKind::data;
        return explain_failure(task, PgError("42601", "no"), statement).message();
    };
    const TaskKind ddl = TaskKind::object;
    CHECK(said(ddl, "view", "CREATE VIEW") == "could not create view \"sales.x\": no");
    CHECK(said(ddl, "view", "COMMENT ON") == "could not comment on view \"sales.x\": no");
    CHECK(said(ddl, "view", "ALTER VIEW") == "could not alter view \"sales.x\": no");
    CHECK(said(ddl, "view", "GRANT") == "could not set privileges of view \"sales.x\": no");
    CHECK(said(ddl, "owner and privileges", "GRANT") ==
          "could not set owner and privileges of \"sales.x\": no");
    CHECK(said(ddl, "sequence value", "SELECT") == "could not set sequence value \"sales.x\": no");
    CHECK(said(ddl, "analyze", "ANALYZE") == "could not analyze table \"sales.x\": no");
    CHECK(said(TaskKind::refresh, "refresh", "REFRESH") ==
          "could not refresh materialized view \"sales.x\": no");
    CHECK(said(TaskKind::data, "", "") == "could not copy table \"sales.x\": no");
}

TEST_CASE("long statements are cut at a character")
{
    std::string statement;
    for (int i = 0; i < 1000; i++)
        statement += "ä";
    const PgError error = explain_failure(object("a", {}), PgError("42601", "x"), statement);
    std::string shown = "The statement was: ";
    for (int i = 0; i < 200; i++)
        shown += "ä";
    CHECK(error.detail() == shown + "...");
    const PgError odd = explain_failure(object("a", {}), PgError("42601", "x"), "x" + statement);
    CHECK(odd.detail().size() == shown.size() - 1 + 3);
}

TEST_CASE("statements that may hold a password are not shown")
{
    for (const char* kind : {"subscription", "user mapping", "server"}) {
        CloneTask task = object("a", {});
        task.object_kind = kind;
        const PgError error =
            explain_failure(task, PgError("42601", "x"), "CREATE ... password 'canary'");
        CHECK_FALSE(pgclone::test::mentions(error, "canary"));
    }
}

TEST_CASE("some errors concern all tasks")
{
    for (const char* state : {"08006", "53100", "57P01", "58030"})
        CHECK(concerns_whole_job(PgError(state, "x")));
    for (const char* state : {"42P01", "57014", "22012", "55P03", "40P01"})
        CHECK_FALSE(concerns_whole_job(PgError(state, "x")));
}
