#include "worker/clone_task.hpp"

#include <limits>
#include <set>

#include "test/unit/expect_error.hpp"

using namespace pgclone;
using pgclone::test::expect_error;

namespace {

constexpr int kind_count = static_cast<int>(TaskKind::publish) + 1;
constexpr int phase_count = static_cast<int>(JobPhase::cleanup) + 1;

void check_same_object(const ObjectStatements& a, const ObjectStatements& b)
{
    CHECK(a.task_id == b.task_id);
    CHECK(a.kind == b.kind);
    CHECK(a.object_kind == b.object_kind);
    CHECK(a.phase == b.phase);
    CHECK(a.schema_name == b.schema_name);
    CHECK(a.object_name == b.object_name);
    CHECK(a.search_path == b.search_path);
    CHECK(a.statements == b.statements);
}

void check_same(const CloneTask& a, const CloneTask& b)
{
    check_same_object(a, b);
    CHECK(a.stage == b.stage);
    CHECK(a.in_table_worker == b.in_table_worker);
    CHECK(a.after == b.after);
    CHECK(a.completes_table == b.completes_table);
    CHECK(a.cleanup == b.cleanup);
    CHECK(a.skip_reason == b.skip_reason);
    CHECK(a.source_copy == b.source_copy);
    CHECK(a.target_copy == b.target_copy);
    CHECK(a.truncate == b.truncate);
    CHECK(a.format == b.format);
    CHECK(a.column_list == b.column_list);
    CHECK(a.predicate == b.predicate);
    CHECK(a.part == b.part);
    CHECK(a.parts == b.parts);
    CHECK(a.unlogged == b.unlogged);
    CHECK(a.source_oid == b.source_oid);
    CHECK(a.source_schema == b.source_schema);
    CHECK(a.source_table == b.source_table);
    CHECK(a.large_objects == b.large_objects);
    CHECK(a.estimated_rows == b.estimated_rows);
    CHECK(a.btree_bytes == b.btree_bytes);
    CHECK(a.estimated_bytes == b.estimated_bytes);
    CHECK(a.conflict == b.conflict);
    CHECK(a.missing == b.missing);
}

CloneTask full_task()
{
    CloneTask task;
    task.task_id = 7;
    task.stage = 3;
    task.kind = TaskKind::data;
    task.phase = JobPhase::data;
    task.in_table_worker = true;
    task.schema_name = "Sales \"EU\"";
    task.object_name = "späte\tKasse 🛒";
    task.statements = {"create table \"a\" (\n  b text default E'\\\\'\n)", "", "select 1"};
    task.skip_reason = "function \"f\" does not exist";
    task.source_copy = "copy (select 1) to stdout";
    task.target_copy = "copy x from stdin";
    task.truncate = "truncate x";
    task.format = "binary";
    task.column_list = {"a", "B c", "\"", "\\", "/"};
    task.predicate = "note = 'it''s' and x <> E'\\n'";
    task.part = 2;
    task.parts = 3;
    task.unlogged = true;
    task.source_oid = std::numeric_limits<std::uint32_t>::max();
    task.source_schema = "s";
    task.source_table = "t";
    task.object_kind = "materialized view";
    task.after = {1, 2, 6};
    task.completes_table = true;
    task.search_path = "\"new one\", pg_catalog";
    task.cleanup = {"drop table x", "drop table y"};
    task.large_objects = {16384, std::numeric_limits<std::uint32_t>::max()};
    task.estimated_rows = 0;
    task.btree_bytes = 4096;
    task.estimated_bytes = 8192;
    task.conflict = "it exists";
    task.missing = "role \"r\"";
    return task;
}

std::string replaced(std::string text, std::string_view from, std::string_view to)
{
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

} // namespace

TEST_CASE("kinds have distinct names")
{
    std::set<std::string_view> names;
    for (int i = 0; i < kind_count; i++)
        names.insert(to_text(static_cast<TaskKind>(i)));
    CHECK(names.size() == kind_count);
    CHECK(names.count("unknown") == 0);
    CHECK(to_text(TaskKind::schema) == "schema");
    CHECK(to_text(TaskKind::foreign_key) == "foreign_key");
    CHECK(to_text(TaskKind::publish) == "publish");
    CHECK(to_text(static_cast<TaskKind>(200)) == "unknown");
}

TEST_CASE("tasks survive the way to JSON and back")
{
    check_same(task_from_json(task_to_json(CloneTask())), CloneTask());
    check_same(task_from_json(task_to_json(full_task())), full_task());
}

TEST_CASE("only what is not as usual is written")
{
    CHECK(task_to_json(CloneTask()) ==
          R"({"task_id":0,"stage":0,"kind":"table","phase":"schema"})");
    CloneTask task;
    task.kind = TaskKind::object;
    task.object_kind = "view";
    task.after = {3};
    task.estimated_rows = 0;
    CHECK(task_to_json(task) == R"({"task_id":0,"stage":0,"kind":"object","phase":"schema",)"
                           R"("object_kind":"view","after":[3],"estimated_rows":0})");
}

TEST_CASE("tasks are named for people")
{
    CloneTask task;
    task.kind = TaskKind::foreign_key;
    task.schema_name = "sales";
    task.object_name = "to customers";
    CHECK(describe(task) == "foreign key \"sales.to customers\"");
    task.object_kind = "view";
    CHECK(describe(task) == "view \"sales.to customers\"");
    task.schema_name.clear();
    CHECK(describe(task) == "view \"to customers\"");
}

TEST_CASE("every kind and phase survives")
{
    for (int kind = 0; kind < kind_count; kind++) {
        for (int phase = 0; phase < phase_count; phase++) {
            CloneTask task;
            task.kind = static_cast<TaskKind>(kind);
            task.phase = static_cast<JobPhase>(phase);
            const CloneTask read = task_from_json(task_to_json(task));
            CHECK(read.kind == task.kind);
            CHECK(read.phase == task.phase);
        }
    }
}

TEST_CASE("every byte that a text can have survives")
{
    CloneTask task;
    for (int c = 1; c < 0x80; c++)
        task.predicate += static_cast<char>(c);
    for (const char* text : {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xef\xbf\xbf",
                             "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xe2\x80\xa8"})
        task.predicate += text;
    // What a database in SQL_ASCII may hold.
    task.object_name = "caf\xe9 \xff\xfe \x80";
    check_same(task_from_json(task_to_json(task)), task);
}

TEST_CASE("integers are exact")
{
    for (const std::int64_t value :
         {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
          (std::int64_t{1} << 53) + 1, std::numeric_limits<std::int64_t>::max() - 1}) {
        CloneTask task;
        task.estimated_bytes = value;
        task.task_id = std::numeric_limits<std::int32_t>::max();
        task.stage = std::numeric_limits<std::int32_t>::min();
        check_same(task_from_json(task_to_json(task)), task);
    }
}

TEST_CASE("the parts of a table go with it")
{
    CloneTask task = full_task();
    ObjectStatements part;
    part.kind = TaskKind::object;
    part.object_kind = "index";
    part.phase = JobPhase::data;
    part.schema_name = "s";
    part.object_name = "t_pkey \"x\"";
    part.search_path = "s";
    part.statements = {"CREATE INDEX", "COMMENT"};
    task.parts_of_table = {ObjectStatements(), part};
    const CloneTask again = task_from_json(task_to_json(task));
    check_same(again, task);
    REQUIRE(again.parts_of_table.size() == 2);
    part.task_id = task.task_id;
    check_same_object(again.parts_of_table[1], part);
    CHECK(again.parts_of_table[0].task_id == task.task_id);
    for (const char* malformed : {"7", "[7]", "[{\"kind\":\"datum\"}]"})
        expect_error(sqlstate::internal_error, [&] {
            task_from_json(R"({"task_id":1,"stage":1,"kind":"data","phase":"data",)"
                           R"("parts_of_table":)" + std::string(malformed) + "}");
        });
}

TEST_CASE("the row of the ledger has what its columns show")
{
    CloneTask task = full_task();
    task.kind = TaskKind::object;
    task.object_kind = "view";
    task.column_list = {"a", "B c"};
    task.skip_reason.clear();
    const std::string row = ledger_row_json(task);
    CHECK(row.find(R"("kind":"view")") != std::string::npos);
    CHECK(row.find(R"("column_list":["a","B c"])") != std::string::npos);
    CHECK(row.find("skip_reason") == std::string::npos);
    CHECK(row.find(R"("spec":"{\"task_id\":7)") != std::string::npos);
    task.kind = TaskKind::data;
    CHECK(ledger_row_json(task).find(R"("kind":"data")") != std::string::npos);
    task.kind = TaskKind::refresh;
    task.object_kind.clear();
    CHECK(ledger_row_json(task).find(R"("kind":"refresh")") != std::string::npos);
}

TEST_CASE("what jsonb does to a task does no harm")
{
    // It sorts the keys and adds spaces.
    const std::string json = replaced(replaced(task_to_json(full_task()), "\"stage\":3,", ""),
                                      "\"truncate\":", " \"stage\" : 5, \"truncate\": ");
    CHECK(task_from_json(json).stage == 5);
}

TEST_CASE("no statement begins or ends a transaction")
{
    for (const char* text : {"COMMIT", "rollback to x", "End", "START TRANSACTION", "/* */ COMMIT",
                             " ABORT", ";COMMIT", "(SELECT 1)", "Prepare transaction 'x'", ""}) {
        CAPTURE(text);
        CloneTask own;
        own.statements = {"CREATE TABLE t ()", text};
        CloneTask undone;
        undone.cleanup = {text};
        CloneTask whole;
        whole.parts_of_table = {ObjectStatements(), own};
        for (const CloneTask& task : {own, undone, whole})
            expect_error("08P01", [&] { check_statements(task); });
    }
    CloneTask task;
    task.statements = {"CREATE TABLE t ()", "ENDOW x", "comment on x"};
    task.cleanup = {"DROP TABLE t"};
    CHECK_NOTHROW(check_statements(task));
}

TEST_CASE("a malformed task raises XX000")
{
    const std::string good = task_to_json(full_task());
    CHECK_NOTHROW(task_from_json(good));
    const std::string bad[] = {
        "",
        "[]",
        "null",
        "{}",
        "{",
        "[" + good + "]",
        good + "x",
        replaced(good, "\"task_id\":7", "\"task_id\":\"7\""),
        replaced(good, "\"task_id\":7", "\"task_id\":7.5"),
        replaced(good, "\"task_id\":7", "\"task_id\":null"),
        replaced(good, "\"task_id\":7", "\"task_id\":2147483648"),
        replaced(good, "\"task_id\":7,", ""),
        replaced(good, "\"kind\":\"data\"", "\"kind\":\"datum\""),
        replaced(good, "\"kind\":\"data\"", "\"kind\":3"),
        replaced(good, "\"phase\":\"data\"", "\"phase\":\"unknown\""),
        replaced(good, "\"in_table_worker\":true", "\"in_table_worker\":1"),
        replaced(good, "\"truncate\":\"truncate x\"", "\"truncate\":null"),
        replaced(good, "\"column_list\":[\"a\"", "\"column_list\":[1"),
        replaced(good, "\"column_list\":[", "\"column_list\":\"x\",\"other\":["),
        replaced(good, "\"after\":[1", "\"after\":[\"1\""),
        replaced(good, "\"large_objects\":[16384", "\"large_objects\":[-1"),
        replaced(good, "\"source_oid\":4294967295", "\"source_oid\":4294967296"),
        replaced(good, "\"source_oid\":4294967295", "\"source_oid\":-1"),
        replaced(good, "\"unlogged\":true", "\"unlogged\":1"),
    };
    for (const std::string& json : bad) {
        CAPTURE(json);
        expect_error("XX000", [&] { task_from_json(json); });
    }
}
