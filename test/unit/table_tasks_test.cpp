#include "test/unit/table_fixture.hpp"

using namespace pgclone;
using namespace pgclone::test;

TEST_CASE("stages follow one another, ids count from 1")
{
    const auto tasks = plan(orders());
    int stage = 1;
    for (std::size_t i = 0; i < tasks.size(); i++) {
        CHECK(tasks[i].task_id == static_cast<int>(i) + 1);
        CHECK(tasks[i].stage >= stage);
        CHECK(tasks[i].stage <= stage + 1);
        stage = tasks[i].stage;
        CHECK(tasks[i].schema_name == "shop");
        CHECK(tasks[i].skip_reason.empty());
    }
    const TaskKind order[] = {TaskKind::sequence,       TaskKind::table,      TaskKind::data,
                              TaskKind::index,          TaskKind::constraint, TaskKind::foreign_key,
                              TaskKind::sequence_value, TaskKind::publish};
    int before = 0;
    for (const TaskKind kind : order) {
        CHECK(find(tasks, kind).stage > before);
        before = find(tasks, kind).stage;
    }
    CHECK(tasks.back().kind == TaskKind::publish);
    CHECK(!has(tasks, TaskKind::schema));
    CHECK(find(tasks, TaskKind::data).in_table_worker);
    CHECK(find(tasks, TaskKind::index).in_table_worker);
    CHECK(!find(tasks, TaskKind::constraint).in_table_worker);
}

TEST_CASE("nothing before publish has a final name")
{
    for (const CloneTask& task : plan(orders())) {
        if (task.kind == TaskKind::publish)
            continue;
        CHECK(!says(task.statements, "\"orders"));
        CHECK(task.target_copy.find("\"orders") == std::string::npos);
    }
}

TEST_CASE("table, sequence and publish")
{
    const auto tasks = plan(orders());
    const Statements& table = find(tasks, TaskKind::table).statements;
    CHECK(says(table, "CREATE TABLE \"shop\".\"pgclone_7_ab12_1\" ("));
    CHECK(says(table, "DEFAULT nextval('\"shop\".\"pgclone_7_ab12_2\"'::regclass) NOT NULL"));
    CHECK(says(table, "GENERATED ALWAYS AS ((total * (2)::numeric)) STORED"));
    CHECK(says(table, "CONSTRAINT \"positive\" CHECK ((total > 0))"));
    CHECK(says(table, "OWNED BY \"shop\".\"pgclone_7_ab12_1\".\"id\""));
    CHECK(says(find(tasks, TaskKind::sequence_value).statements, ", 42, true)"));
    const Statements expected = {
        "ALTER TABLE \"shop\".\"pgclone_7_ab12_1\" RENAME TO \"orders\"",
        "ALTER SEQUENCE \"shop\".\"pgclone_7_ab12_2\" RENAME TO \"orders_id_seq\"",
        "ALTER INDEX \"shop\".\"pgclone_7_ab12_3\" RENAME TO \"orders_pkey\"",
        "ALTER INDEX \"shop\".\"pgclone_7_ab12_4\" RENAME TO \"orders_total\""};
    CHECK(find(tasks, TaskKind::publish).statements == expected);
}

TEST_CASE("data task")
{
    TableDefinition table = orders();
    CloneOptions options;
    auto tasks = plan(table);
    const CloneTask data = find(tasks, TaskKind::data);
    CHECK(data.format == "binary");
    CHECK(data.source_copy ==
          "COPY \"shop\".\"orders\" (\"id\", \"customer\", \"total\") TO STDOUT "
          "WITH (FORMAT binary)");
    CHECK(data.target_copy == "COPY \"shop\".\"pgclone_7_ab12_1\" (\"id\", \"customer\", "
                              "\"total\") FROM STDIN WITH (FREEZE, FORMAT binary)");
    CHECK(data.truncate == "TRUNCATE TABLE \"shop\".\"pgclone_7_ab12_1\"");
    CHECK(data.source_oid == 4711);
    CHECK(data.column_list == NameList{"id", "customer", "total"});

    SUBCASE("where")
    {
        options.where = "total > 5 -- much";
        tasks = plan(table, options);
        CHECK(find(tasks, TaskKind::data).source_copy ==
              "COPY (SELECT \"id\", \"customer\", \"total\" FROM ONLY \"shop\".\"orders\" WHERE "
              "(\ntotal > 5 -- much\n)) TO STDOUT WITH (FORMAT binary)");
        CHECK(find(tasks, TaskKind::data).predicate == "total > 5 -- much");
    }
    SUBCASE("in pieces")
    {
        table.server_version = 140000;
        table.heap_pages = 9;
        table.size_bytes = 101;
        table.estimated_rows = 33;
        options.where = "total > 5 -- much";
        const CloneTask whole = data;
        tasks = plan_table_tasks(table, empty_target(), naming, options, {100, 2});
        std::vector<CloneTask> pieces;
        for (const CloneTask& task : tasks)
            if (task.kind == TaskKind::data)
                pieces.push_back(task);
        REQUIRE(pieces.size() == 4);
        std::int64_t rows = 0;
        for (std::size_t i = 0; i < pieces.size(); i++) {
            CHECK(pieces[i].part == static_cast<int>(i) + 1);
            CHECK(pieces[i].parts == 4);
            CHECK(pieces[i].stage == pieces[0].stage);
            CHECK(pieces[i].truncate.empty());
            CHECK(pieces[i].target_copy == without_freeze(whole.target_copy));
            CHECK(pieces[i].filled_table == whole.filled_table);
            CHECK_FALSE(pieces[i].completes_table);
            rows += pieces[i].estimated_rows;
        }
        CHECK(rows == 33);
        CHECK(pieces[1].predicate ==
              "(\ntotal > 5 -- much\n) AND ctid >= '(3,0)' AND ctid < '(5,0)'");
        CHECK(pieces[1].source_copy ==
              "COPY (SELECT \"id\", \"customer\", \"total\" FROM ONLY \"shop\".\"orders\" WHERE "
              "(\n" + pieces[1].predicate + "\n)) TO STDOUT WITH (FORMAT binary)");
        // What comes after the data comes after all of it.
        CHECK(find(tasks, TaskKind::index).stage > pieces[3].stage);
    }
    SUBCASE("one unsafe column makes it text")
    {
        table.columns[1].binary_safe = false;
        tasks = plan(table, options);
        CHECK(find(tasks, TaskKind::data).format == "text");
        CHECK(find(tasks, TaskKind::data).source_copy.find("binary") == std::string::npos);
    }
    SUBCASE("so does SQL_ASCII on a side")
    {
        TargetState state = empty_target();
        state.server_encoding = "SQL_ASCII";
        CHECK(find(plan(table, options, state), TaskKind::data).format == "text");
        table.server_encoding = "SQL_ASCII";
        CHECK(find(plan(table, options), TaskKind::data).format == "text");
    }
    SUBCASE("no column that holds data")
    {
        const CopyPlan copy = plan_copy({{"s", "t"}, {}, ""}, {"s", "w"}, true);
        CHECK(copy.format == "text");
        CHECK(copy.source_copy == "COPY (SELECT  FROM ONLY \"s\".\"t\") TO STDOUT");
        CHECK(copy.target_copy == "COPY \"s\".\"w\" FROM STDIN WITH (FREEZE)");
    }
    SUBCASE("without data there are no sequence values either")
    {
        options.data = false;
        table.sequences[0].last_value.clear();
        tasks = plan(table, options);
        CHECK(!has(tasks, TaskKind::data));
        CHECK(!has(tasks, TaskKind::sequence_value));
        CHECK(has(tasks, TaskKind::index));
    }
}

TEST_CASE("keys are built as indexes first")
{
    TableDefinition table = orders();
    table.constraints[0].is_deferrable = true;
    table.constraints[0].is_deferred = true;
    const auto tasks = plan(table);
    CHECK(says(find(tasks, TaskKind::index, "orders_pkey").statements,
               "CREATE UNIQUE INDEX \"pgclone_7_ab12_3\" ON \"shop\".\"pgclone_7_ab12_1\" "
               "USING btree (id)"));
    CHECK(says(find(tasks, TaskKind::constraint, "orders_pkey").statements,
               "ADD CONSTRAINT \"pgclone_7_ab12_3\" PRIMARY KEY USING INDEX \"pgclone_7_ab12_3\" "
               "DEFERRABLE INITIALLY DEFERRED"));
    CHECK(find(tasks, TaskKind::constraint).stage > find(tasks, TaskKind::index).stage);
}

TEST_CASE("options leave parts out without a word")
{
    CloneOptions options;
    SUBCASE("constraints")
    {
        options.constraints = false;
        const auto tasks = plan(orders(), options);
        CHECK(!has(tasks, TaskKind::constraint));
        CHECK(!has(tasks, TaskKind::foreign_key));
        CHECK(!has(tasks, TaskKind::index, "orders_pkey"));
        CHECK(has(tasks, TaskKind::index, "orders_total"));
        CHECK(!says(find(tasks, TaskKind::table).statements, "CHECK"));
        CHECK(says(find(tasks, TaskKind::table).statements, "NOT NULL"));
    }
    SUBCASE("indexes")
    {
        options.indexes = false;
        const auto tasks = plan(orders(), options);
        CHECK(has(tasks, TaskKind::index, "orders_pkey"));
        CHECK(!has(tasks, TaskKind::index, "orders_total"));
    }
    SUBCASE("triggers")
    {
        options.triggers = false;
        TableDefinition table = orders();
        table.triggers = {
            {"t", "O", "CREATE TRIGGER t AFTER INSERT ON ", "EXECUTE FUNCTION s.f()", {}}};
        CHECK(!has(plan(table, options), TaskKind::trigger));
        CHECK(has(plan(table), TaskKind::trigger));
    }
}

TEST_CASE("a subset of the columns")
{
    CloneOptions options;
    options.columns = {"customer", "twice"};
    const auto tasks = plan(orders(), options);
    // in the source's order, and no sequence of a column that is not there
    CHECK(find(tasks, TaskKind::data).column_list == NameList{"customer"});
    CHECK(!has(tasks, TaskKind::sequence));
    CHECK(!has(tasks, TaskKind::sequence_value));
    const auto skipped = [&](TaskKind kind, const std::string& name) {
        return find(tasks, kind, name).skip_reason;
    };
    CHECK(skipped(TaskKind::table, "column twice").find("\"total\"") != std::string::npos);
    CHECK(skipped(TaskKind::constraint, "orders_pkey").find("\"id\"") != std::string::npos);
    CHECK(skipped(TaskKind::constraint, "positive").find("\"total\"") != std::string::npos);
    CHECK(skipped(TaskKind::index, "orders_total").find("\"total\"") != std::string::npos);
    CHECK(skipped(TaskKind::foreign_key, "to_customer").empty());
    CHECK(!has(tasks, TaskKind::index, "orders_pkey"));
}

TEST_CASE("foreign keys")
{
    TableDefinition table = orders();
    SUBCASE("to another table")
    {
        const auto tasks = plan(table);
        const Statements& key = find(tasks, TaskKind::foreign_key).statements;
        REQUIRE(key.size() == 2);
        CHECK(key[0] == "ALTER TABLE \"shop\".\"pgclone_7_ab12_1\" ADD CONSTRAINT \"to_customer\" "
                        "FOREIGN KEY (customer) REFERENCES shop.customers(id) ON DELETE CASCADE "
                        "NOT VALID");
        CHECK(key[1] == "ALTER TABLE \"shop\".\"pgclone_7_ab12_1\" VALIDATE CONSTRAINT "
                        "\"to_customer\"");
    }
    SUBCASE("not valid on the source")
    {
        table.constraints[2].is_valid = false;
        table.constraints[2].foreign_tail = "(id) NOT VALID";
        const auto tasks = plan(table);
        const Statements& key = find(tasks, TaskKind::foreign_key).statements;
        REQUIRE(key.size() == 1);
        CHECK(key[0].ends_with("shop.customers(id) NOT VALID"));
    }
    SUBCASE("to itself")
    {
        table.constraints[2].is_self_reference = true;
        table.constraints[2].referenced_index = "orders_pkey";
        CHECK(says(find(plan(table), TaskKind::foreign_key).statements,
                   "REFERENCES \"shop\".\"pgclone_7_ab12_1\"(id)"));
        // the key that it refers to must be there
        table.constraints[2].referenced_index = "orders_total";
        CloneOptions options;
        options.indexes = false;
        CHECK(!find(plan(table, options), TaskKind::foreign_key).skip_reason.empty());
    }
    SUBCASE("to a table that the target does not have")
    {
        TargetState state = empty_target();
        state.unusable_foreign_keys["to_customer"] = "referenced table does not exist";
        const auto tasks = plan(table, {}, state);
        CHECK(find(tasks, TaskKind::foreign_key).skip_reason == "referenced table does not exist");
        CHECK(find(tasks, TaskKind::foreign_key).statements.empty());
    }
}

TEST_CASE("checks that are not valid come after the data")
{
    TableDefinition table = orders();
    table.constraints[1].is_valid = false;
    table.constraints[1].definition = "CHECK ((total > 0)) NOT VALID";
    const auto tasks = plan(table);
    CHECK(!says(find(tasks, TaskKind::table).statements, "CHECK"));
    CHECK(says(find(tasks, TaskKind::constraint, "positive").statements, "NOT VALID"));
    CHECK(find(tasks, TaskKind::constraint, "positive").stage > find(tasks, TaskKind::data).stage);
}

TEST_CASE("whole rows wait for the final name")
{
    TableDefinition table = orders();
    table.constraints[1].has_whole_row = true;
    table.constraints[1].definition = "CHECK (orders.* IS NOT NULL)";
    auto tasks = plan(table);
    CHECK(!says(find(tasks, TaskKind::table).statements, "CHECK"));
    CHECK(!has(tasks, TaskKind::constraint, "positive"));
    const Statements& publish = find(tasks, TaskKind::publish).statements;
    CHECK(position(publish, "CHECK (orders.*") > position(publish, "RENAME TO \"orders\""));

    tasks = plan(table, {}, empty_target(), {{"shop", "copy"}, "7_ab12"});
    CHECK(!find(tasks, TaskKind::constraint, "positive").skip_reason.empty());
    CHECK(!says(find(tasks, TaskKind::publish).statements, "CHECK"));
}

TEST_CASE("conflict")
{
    TargetState state = empty_target();
    CloneOptions options;
    SUBCASE("skip")
    {
        state.skip = true;
        CHECK(plan(orders(), options, state).empty());
    }
    SUBCASE("schema to be made")
    {
        state.schema_exists = false;
        const auto tasks = plan(orders(), options, state);
        CHECK(tasks[0].kind == TaskKind::schema);
        CHECK(tasks[0].stage < tasks[1].stage);
    }
    state.old_table = 99;
    state.old_parts = {{"INDEX", {"shop", "orders_pkey"}}, {"SEQUENCE", {"shop", "old_seq"}}};
    state.taken_relations = {"orders", "orders_pkey", "old_seq", "orders_old"};
    SUBCASE("replace")
    {
        options.conflict = ConflictAction::replace;
        const auto tasks = plan(orders(), options, state);
        const Statements& publish = find(tasks, TaskKind::publish).statements;
        CHECK(publish[0] == "LOCK TABLE \"shop\".\"orders\" IN ACCESS EXCLUSIVE MODE");
        CHECK(publish[1] == "DROP TABLE \"shop\".\"orders\" RESTRICT");
        // the old table's names are free again
        CHECK(says(publish, "RENAME TO \"orders_pkey\""));
        for (const CloneTask& task : tasks)
            if (task.kind != TaskKind::publish)
                CHECK(!says(task.statements, "DROP"));
    }
    SUBCASE("rename")
    {
        options.conflict = ConflictAction::rename;
        const auto tasks = plan(orders(), options, state);
        const Statements& publish = find(tasks, TaskKind::publish).statements;
        CHECK(publish[0] == "LOCK TABLE \"shop\".\"orders\" IN ACCESS EXCLUSIVE MODE");
        CHECK(publish[1] == "ALTER TABLE \"shop\".\"orders\" RENAME TO \"orders_old_2\"");
        CHECK(publish[2] == "ALTER INDEX \"shop\".\"orders_pkey\" RENAME TO \"orders_pkey_old\"");
        CHECK(publish[3] == "ALTER SEQUENCE \"shop\".\"old_seq\" RENAME TO \"old_seq_old\"");
        CHECK(position(publish, "_1\" RENAME TO \"orders\"") == 4);
        CHECK(!says(publish, "DROP"));
    }
}

TEST_CASE("triggers")
{
    TableDefinition table = orders();
    table.triggers = {{"log",
                       "D",
                       "CREATE TRIGGER log AFTER INSERT ON ",
                       "FOR EACH ROW EXECUTE FUNCTION shop.log()",
                       {}}};
    table.dependencies = {{"trigger", "log", "function", "shop.log()", ""}};
    const Statements expected = {
        "CREATE TRIGGER log AFTER INSERT ON \"shop\".\"pgclone_7_ab12_1\" FOR EACH ROW EXECUTE "
        "FUNCTION shop.log()",
        "ALTER TABLE \"shop\".\"pgclone_7_ab12_1\" DISABLE TRIGGER \"log\""};
    CHECK(find(plan(table), TaskKind::trigger).statements == expected);

    TargetState state = empty_target();
    state.missing = {{"function", "shop.log()"}};
    const auto tasks = plan(table, {}, state);
    CHECK(find(tasks, TaskKind::trigger).skip_reason.find("shop.log()") != std::string::npos);
}

TEST_CASE("clean-up drops working names only")
{
    const auto tasks = plan(orders());
    const Statements expected = {"DROP TABLE IF EXISTS \"shop\".\"pgclone_7_ab12_1\"",
                                 "DROP SEQUENCE IF EXISTS \"shop\".\"pgclone_7_ab12_2\""};
    CHECK(cleanup_statements(tasks, naming) == expected);
}
