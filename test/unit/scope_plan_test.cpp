#include "test/unit/scope_fixture.hpp"

#include "worker/scope_tasks.hpp"

using namespace pgclone;
using namespace pgclone::test;

TEST_CASE("tasks are numbered in order of their stages, and wait for earlier ones only")
{
    Fixture fixture;
    fixture.add_table(10, "orders");
    fixture.add_part(ObjectKind::index, {class_relation, 11}, "orders_idx", 10);
    fixture.add(ObjectKind::view, {class_relation, 12}, "totals", "VIEW s.totals");
    fixture.needs({class_relation, 12}, {class_relation, 10});
    const ScopePlan plan = fixture.plan();

    std::int32_t stage = 0;
    for (std::size_t i = 0; i < plan.tasks.size(); i++) {
        const CloneTask& task = plan.tasks[i];
        CHECK(task.task_id == static_cast<std::int32_t>(i) + 1);
        CHECK(task.stage >= stage);
        stage = task.stage;
        CHECK(std::is_sorted(task.after.begin(), task.after.end()));
        for (const std::int32_t other : task.after)
            CHECK(other < task.task_id);
    }
    REQUIRE(!plan.tasks.empty());
    CHECK(plan.tasks.back().kind == TaskKind::publish);
    CHECK(plan.tables == 1);
    CHECK(plan.rows == 10);
    CHECK(plan.bytes == 8192);
    const CloneTask* data = find(plan, "data", "orders");
    const CloneTask* index = find(plan, "index", "orders_idx");
    const CloneTask* view = find(plan, "view", "totals");
    REQUIRE(data);
    REQUIRE(index);
    REQUIRE(view);
    CHECK(data->in_table_worker);
    CHECK(data->completes_table);
    CHECK(data->format == "binary");
    CHECK(data->source_copy == "COPY \"s\".\"orders\" (\"a\") TO STDOUT WITH (FORMAT binary)");
    CHECK(data->truncate == "TRUNCATE TABLE ONLY \"s\".\"orders\"");
    CHECK(index->task_id > data->task_id);
    // Small, but made as soon as the rows are there, and with them.
    CHECK(index->in_table_worker);
    CHECK(index->batched);
    CHECK(index->stage == data->stage);
    CHECK(std::binary_search(index->after.begin(), index->after.end(), data->task_id));
    CHECK(view->task_id < data->task_id);
}

TEST_CASE("indexes of a large table follow its data in table workers, the largest first")
{
    Fixture fixture;
    fixture.add_table(10, "small");
    fixture.add_table(20, "large", 1 << 30);
    fixture.add_part(ObjectKind::index, {class_relation, 21}, "large_idx", 20);
    const ScopePlan plan = fixture.plan();
    const CloneTask* small = find(plan, "data", "small");
    const CloneTask* large = find(plan, "data", "large");
    const CloneTask* index = find(plan, "index", "large_idx");
    REQUIRE(small);
    REQUIRE(large);
    REQUIRE(index);
    // The small one is made and filled with others of its size, when nothing larger can be done.
    CHECK(small->stage < large->stage);
    CHECK(small->batched);
    CHECK_FALSE(large->batched);
    CHECK_FALSE(index->batched);
    CHECK(large->task_id < index->task_id);
    CHECK(index->in_table_worker);
    CHECK(index->stage == large->stage);
    CHECK(std::binary_search(index->after.begin(), index->after.end(), large->task_id));
}

TEST_CASE("a table above the threshold is copied in pieces, and its indexes wait for all of them")
{
    Fixture fixture;
    fixture.catalog.server_version = 140000;
    fixture.add_table(20, "large", 1 << 30);
    fixture.add_part(ObjectKind::index, {class_relation, 21}, "large_idx", 20);
    TableShape& shape = fixture.catalog.tables.at({class_relation, 20});
    shape.is_heap = true;
    shape.heap_pages = 100000;
    const auto plan_with = [&](const SplitRules& rules) {
        return plan_scope(fixture.catalog.close(), fixture.selection, fixture.target,
                          fixture.naming, fixture.options, rules);
    };
    SUBCASE("pieces")
    {
        const ScopePlan plan = plan_with({800 << 20, 2});
        CHECK(plan.tables == 1);
        CHECK(plan.bytes == 1 << 30);
        CHECK(plan.rows == 10);
        std::vector<std::int32_t> ids;
        std::int64_t bytes = 0;
        for (const CloneTask& task : plan.tasks) {
            if (task.kind != TaskKind::data)
                continue;
            ids.push_back(task.task_id);
            bytes += task.estimated_bytes;
            CHECK(task.object_name == "large");
            CHECK(task.part == static_cast<int>(ids.size()));
            CHECK(task.parts == 4);
            CHECK(task.completes_table);
            CHECK(task.truncate.empty());
            CHECK(task.filled_table == "\"s\".\"large\"");
            CHECK(task.format == "binary");
            CHECK(task.target_copy ==
                  "COPY \"s\".\"large\" (\"a\") FROM STDIN WITH (FORMAT binary)");
            CHECK(task.source_copy == "COPY (SELECT \"a\" FROM ONLY \"s\".\"large\" WHERE (\n" +
                                          task.predicate + "\n)) TO STDOUT WITH (FORMAT binary)");
        }
        CHECK(bytes == 1 << 30);
        REQUIRE(ids.size() == 4);
        CHECK(plan.tasks[static_cast<std::size_t>(ids[3]) - 1].predicate == "ctid >= '(75000,0)'");
        const CloneTask* index = find(plan, "index", "large_idx");
        REQUIRE(index);
        for (const std::int32_t id : ids)
            CHECK(std::binary_search(index->after.begin(), index->after.end(), id));
    }
    SUBCASE("not below the threshold")
    {
        const ScopePlan plan = plan_with({2LL << 30, 2});
        CHECK(find(plan, "data", "large")->parts == 0);
    }
    SUBCASE("not one whose rows may go to other tables")
    {
        shape.load_through = {"s", "root"};
        const ScopePlan plan = plan_with({1 << 20, 2});
        const CloneTask* data = find(plan, "data", "large");
        CHECK(data->parts == 0);
        CHECK(data->truncate.empty());
        CHECK(data->filled_table == "\"s\".\"root\"");
    }
}

TEST_CASE("the index of a large table's key is built with the others, the key is made of it later")
{
    Fixture fixture;
    fixture.options.comments = true;
    fixture.add_table(20, "large", 1 << 30);
    const ObjectId key{class_constraint, 30};
    CatalogObject& object = fixture.add_part(ObjectKind::constraint, key, "k on large", 20);
    object.comments = {"COMMENT ON CONSTRAINT k"};
    fixture.catalog.at(key).key_index = {"k", "CREATE UNIQUE INDEX k", "USING INDEX k",
                                        "DROP INDEX IF EXISTS s.k"};
    fixture.add_part(ObjectKind::index, {class_relation, 21}, "large_idx", 20);
    fixture.catalog.at(key).index_bytes = 10;
    fixture.catalog.at({class_relation, 21}).index_bytes = 11;
    fixture.add_part(ObjectKind::index_mark, {2610, 22}, "k mark", 20);
    fixture.needs({2610, 22}, key);
    SUBCASE("in two steps")
    {
        const ScopePlan plan = fixture.plan();
        const CloneTask* data = find(plan, "data", "large");
        const CloneTask* index = find(plan, "index", "k");
        const CloneTask* other = find(plan, "index", "large_idx");
        const CloneTask* constraint = find(plan, "constraint", "k on large");
        const CloneTask* mark = find(plan, "index mark", "k mark");
        REQUIRE(data);
        REQUIRE(index);
        REQUIRE(other);
        REQUIRE(constraint);
        REQUIRE(mark);
        CHECK(index->kind == TaskKind::index);
        CHECK(index->in_table_worker);
        CHECK(index->stage == data->stage);
        CHECK(index->statements == std::vector<std::string>{"CREATE UNIQUE INDEX k"});
        CHECK(index->cleanup.empty());
        CHECK(std::binary_search(index->after.begin(), index->after.end(), data->task_id));
        // Both may be built at once. The larger one comes first.
        CHECK(index->shared_tables == std::vector<std::uint32_t>{20});
        CHECK(other->shared_tables == std::vector<std::uint32_t>{20});
        CHECK(index->locked_tables.empty());
        CHECK(other->locked_tables.empty());
        CHECK(other->task_id < index->task_id);
        CHECK_FALSE(constraint->in_table_worker);
        CHECK(constraint->stage > index->stage);
        CHECK(constraint->statements ==
              std::vector<std::string>{"USING INDEX k", "COMMENT ON CONSTRAINT k"});
        CHECK(
            std::binary_search(constraint->after.begin(), constraint->after.end(), index->task_id));
        CHECK(mark->after.back() == constraint->task_id);
    }
    SUBCASE("at once if the table is small, or no rows are copied")
    {
        if (fixture.options.data)
            fixture.catalog.tables.at({class_relation, 20}).size_bytes = 8192;
        SUBCASE("small") {}
        SUBCASE("no rows")
        {
            fixture.options.data = false;
        }
        const ScopePlan plan = fixture.plan();
        CHECK(find(plan, "index", "k") == nullptr);
        const CloneTask* constraint = find(plan, "constraint", "k on large");
        REQUIRE(constraint);
        CHECK(constraint->statements ==
              std::vector<std::string>{"CREATE PART k on large", "COMMENT ON CONSTRAINT k"});
    }
}

TEST_CASE("an index that needs something made after the data waits for it")
{
    Fixture fixture;
    fixture.add_table(20, "large", 1 << 30);
    fixture.add_part(ObjectKind::constraint, {class_constraint, 30}, "key on large", 20);
    fixture.add_part(ObjectKind::index, {class_relation, 21}, "large_idx", 20);
    fixture.needs({class_relation, 21}, {class_constraint, 30});
    const ScopePlan plan = fixture.plan();
    const CloneTask* key = find(plan, "constraint", "key on large");
    const CloneTask* index = find(plan, "index", "large_idx");
    REQUIRE(key);
    REQUIRE(index);
    CHECK(key->in_table_worker);
    CHECK(index->in_table_worker);
    CHECK(index->stage > key->stage);
}

TEST_CASE("rows of own types are copied in binary form if the clone makes the types")
{
    const ObjectId type{1247, 50};
    Fixture fixture;
    fixture.add(ObjectKind::type, type, "state", "TYPE s.state");
    fixture.add_table(10, "orders");
    fixture.needs({class_relation, 10}, type);
    TableShape& table = fixture.catalog.tables.at({class_relation, 10});
    table.own_types = {type};
    CHECK(find(fixture.plan(), "data", "orders")->format == "binary");
    table.own_types.push_back({1247, 51}); // of an extension, or of the target's own
    CHECK(find(fixture.plan(), "data", "orders")->format == "text");
}

TEST_CASE("a foreign key of a large table is validated by a task of its own")
{
    Fixture fixture;
    fixture.add_table(10, "small");
    fixture.add_table(20, "large", 1 << 30);
    const ObjectId key{class_constraint, 30};
    fixture.add_part(ObjectKind::foreign_key, key, "fk on large", 20);
    fixture.needs(key, {class_relation, 10});
    fixture.catalog.at(key).late_validation = LateValidation{StatementTemplate("ADD NOT VALID"), "VALIDATE"};
    const ScopePlan plan = fixture.plan();
    const CloneTask* add = find(plan, "foreign key", "fk on large");
    const CloneTask* validate = find(plan, "validation", "fk on large");
    REQUIRE(add);
    REQUIRE(validate);
    CHECK(add->stage < validate->stage);
    CHECK(add->statements == std::vector<std::string>{"ADD NOT VALID"});
    CHECK(validate->statements == std::vector<std::string>{"VALIDATE"});
    CHECK(validate->after == std::vector<std::int32_t>{add->task_id});
}

TEST_CASE("a foreign key is validated by a merge if both tables are frozen and have the indexes")
{
    const ObjectId key{class_constraint, 30};
    const ObjectId index{class_relation, 21};
    const auto merges = [&](auto&& change) {
        Fixture fixture;
        fixture.add_table(10, "referenced", 1 << 20);
        fixture.add_table(20, "large", 1 << 30);
        fixture.add_part(ObjectKind::index, index, "large_idx", 20);
        fixture.add_part(ObjectKind::foreign_key, key, "fk on large", 20);
        fixture.needs(key, {class_relation, 10});
        fixture.catalog.at(key).late_validation = LateValidation{StatementTemplate("ADD"), "VALIDATE", index};
        change(fixture);
        const ScopePlan plan = fixture.plan();
        const CloneTask* validate = find(plan, "validation", "fk on large");
        REQUIRE(validate);
        CHECK(validate->statements.back() == "VALIDATE");
        return validate->statements.size() == 2 &&
               validate->statements.front() == "SET LOCAL enable_hashjoin = off";
    };
    const auto cut = [](Fixture& fixture, std::uint32_t oid) {
        TableShape& table = fixture.catalog.tables.at({class_relation, oid});
        fixture.catalog.server_version = 150000;
        fixture.split = {1 << 16, 2};
        table.is_heap = true;
        table.heap_pages = 1000;
    };
    CHECK(merges([](Fixture&) {}));
    CHECK_FALSE(merges([&](Fixture& fixture) { fixture.catalog.at(key).late_validation->index = {}; }));
    CHECK_FALSE(merges([&](Fixture& fixture) { cut(fixture, 20); }));
    CHECK_FALSE(merges([&](Fixture& fixture) { cut(fixture, 10); }));
    // One that is not cloned.
    CHECK_FALSE(merges([&](Fixture& fixture) {
        fixture.catalog.at(key).late_validation->index = {class_relation, 99};
    }));
}

TEST_CASE("foreign keys lock both tables, and partitions as their topmost one")
{
    Fixture fixture;
    fixture.add_table(10, "orders");
    fixture.add_table(20, "others");
    const auto add_key = [&](std::uint32_t id, std::uint32_t table, std::uint32_t referenced) {
        const std::string name = "fk" + std::to_string(id);
        fixture.add_part(ObjectKind::foreign_key, {class_constraint, id}, name, table);
        fixture.needs({class_constraint, id}, {class_relation, referenced});
        return name;
    };
    const auto add_partition = [&](std::uint32_t oid, std::string name, std::uint32_t parent) {
        fixture.add_table(oid, std::move(name));
        TableShape& shape = fixture.catalog.tables.at({class_relation, oid});
        shape.is_partition = true;
        shape.parents = {{parent, "s.parent"}};
        fixture.needs({class_relation, oid}, {class_relation, parent});
    };
    fixture.add_table(30, "root");
    fixture.catalog.tables.at({class_relation, 30}).has_rows = false;
    add_partition(31, "middle", 30);
    fixture.catalog.tables.at({class_relation, 31}).has_rows = false;
    add_partition(32, "leaf", 31);
    fixture.add_table(35, "heir");
    fixture.catalog.tables.at({class_relation, 35}).parents = {{20, "s.others"}};
    fixture.add_table(40, "large", 1 << 30);

    using Tables = std::vector<std::uint32_t>;
    struct Case {
        std::uint32_t table;
        std::uint32_t referenced;
        Tables locked;
    };
    const std::vector<Case> cases = {
        {10, 20, {10, 20}}, {10, 10, {10}},     {32, 10, {30, 10}}, {10, 32, {10, 30}},
        {32, 31, {30}},     {35, 10, {35, 10}}, {40, 10, {40, 10}}, {40, 32, {40, 30}},
    };
    std::uint32_t id = 100;
    for (const Case& each : cases) {
        id++;
        const std::string name = add_key(id, each.table, each.referenced);
        if (each.table == 40)
            fixture.catalog.at({class_constraint, id}).late_validation = LateValidation{StatementTemplate("ADD"),
                                                                   "VALIDATE"};
    }
    const ScopePlan plan = fixture.plan();
    // Keys are between the data and the last of all: they keep no table from being a unit.
    CHECK(find(plan, "table", "orders")->in_table_worker);
    CHECK_FALSE(find(plan, "table", "leaf")->in_table_worker);
    id = 100;
    for (const Case& each : cases) {
        const std::string name = "fk" + std::to_string(++id);
        CAPTURE(name);
        const CloneTask* key = find(plan, "foreign key", name);
        REQUIRE(key);
        CHECK(key->stage == stage_foreign_keys);
        CHECK(key->in_table_worker);
        CHECK(key->batched);
        CHECK(key->locked_tables == each.locked);
        CHECK(key->shared_tables.empty());
        const CloneTask* validation = find(plan, "validation", name);
        CHECK((validation != nullptr) == (each.table == 40));
        if (!validation)
            continue;
        CHECK(validation->stage == stage_validation);
        CHECK(validation->in_table_worker);
        CHECK_FALSE(validation->batched);
        CHECK(validation->locked_tables == Tables{each.table});
        CHECK(validation->shared_tables.empty()); // others may refer to it
        CHECK(validation->after == std::vector<std::int32_t>{key->task_id});
    }
}

TEST_CASE("ANALYZE of a partitioned table locks it, and its partitions need none of their own")
{
    Fixture fixture;
    fixture.options.analyze = true;
    fixture.add_table(30, "root");
    fixture.catalog.tables.at({class_relation, 30}).has_rows = false;
    fixture.add_table(31, "leaf");
    TableShape& shape = fixture.catalog.tables.at({class_relation, 31});
    shape.is_partition = true;
    shape.parents = {{30, "s.root"}};
    fixture.needs({class_relation, 31}, {class_relation, 30});
    const ScopePlan plan = fixture.plan();
    CHECK(find(plan, "analyze", "leaf") == nullptr);
    const CloneTask* analyze = find(plan, "analyze", "root");
    REQUIRE(analyze);
    CHECK(analyze->stage == stage_validation); // beside those of other tables
    CHECK(analyze->due_stage == stage_statistics);
    CHECK(analyze->in_table_worker);
    CHECK_FALSE(analyze->batched); // it is as long as its partitions are large
    CHECK(analyze->locked_tables == std::vector<std::uint32_t>{30});
}

TEST_CASE("materialized views are refreshed after those that they read, through views")
{
    Fixture fixture;
    fixture.add_table(10, "orders");
    const ObjectId upper{class_relation, 11};
    const ObjectId between{class_relation, 12};
    const ObjectId lower{class_relation, 13};
    fixture.add(ObjectKind::materialized_view, upper, "upper", "MATERIALIZED VIEW s.upper");
    fixture.add(ObjectKind::view, between, "between", "VIEW s.between");
    fixture.add(ObjectKind::materialized_view, lower, "lower", "MATERIALIZED VIEW s.lower");
    fixture.add(ObjectKind::materialized_view, {class_relation, 14}, "empty",
                "MATERIALIZED VIEW s.empty");
    fixture.needs(upper, between);
    fixture.needs(between, lower);
    fixture.needs(lower, {class_relation, 10});
    fixture.catalog.at(upper).is_populated = true;
    fixture.catalog.at(lower).is_populated = true;
    const ScopePlan plan = fixture.plan();
    const CloneTask* first = find(plan, "refresh", "lower");
    const CloneTask* second = find(plan, "refresh", "upper");
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->statements == std::vector<std::string>{"REFRESH MATERIALIZED VIEW s.lower"});
    CHECK(std::binary_search(second->after.begin(), second->after.end(), first->task_id));
    CHECK(find(plan, "refresh", "empty") == nullptr);
}

TEST_CASE("objects that need each other to any depth are planned without a deep stack")
{
    constexpr std::uint32_t depth = 60000;
    Fixture fixture;
    fixture.add_table(10, "orders");
    ObjectId top{class_relation, 10};
    for (std::uint32_t i = 0; i < depth; i++) {
        const ObjectId view{class_relation, 100 + i};
        fixture.add(ObjectKind::view, view, "v", "VIEW s.v");
        fixture.needs(view, top);
        top = view;
    }
    const ObjectId rows{class_relation, 11};
    fixture.add(ObjectKind::materialized_view, rows, "rows", "MATERIALIZED VIEW s.rows");
    fixture.needs(rows, top);
    fixture.catalog.at(rows).is_populated = true;
    fixture.add_table(12, "typed");
    fixture.needs({class_relation, 12}, top); // as by a column of the view's row type
    const ScopePlan plan = fixture.plan();
    CHECK(find(plan, "refresh", "rows") != nullptr);
    CHECK(plan.tasks.size() > depth);
}

TEST_CASE("without data there is nothing to copy, refresh, set or analyze")
{
    Fixture fixture;
    fixture.options.data = false;
    fixture.add_table(10, "orders");
    fixture.catalog.sequences.push_back({{class_relation, 10}, {"s", "q"}, "s.q", "5", true});
    const ScopePlan plan = fixture.plan();
    CHECK(plan.tables == 1);
    CHECK(find(plan, "data", "orders") == nullptr);
    CHECK(find(plan, "analyze", "orders") == nullptr);
    CHECK(find(plan, sequence_value_kind, "q") == nullptr);
    const CloneTask* table = find(plan, "table", "orders");
    REQUIRE(table);
    CHECK(table->completes_table);
}

TEST_CASE("owners are set where they differ from the role, after all else is made")
{
    Fixture fixture;
    fixture.options.owners = true;
    fixture.options.acls = true;
    fixture.options.role_map = {{"bob", "robert"}};
    fixture.add_table(10, "mine").owner = "me";
    CatalogObject& theirs = fixture.add_table(20, "theirs");
    theirs.owner = "bob";
    theirs.privileges = {StatementTemplate("GRANT SELECT ON TABLE s.theirs TO PUBLIC")};
    const ScopePlan plan = fixture.plan();
    CHECK(find(plan, "owner and privileges", "mine") == nullptr);
    const CloneTask* task = find(plan, "owner and privileges", "theirs");
    REQUIRE(task);
    CHECK(task->statements == std::vector<std::string>{"ALTER TABLE s.theirs OWNER TO \"robert\"",
                                                       "GRANT SELECT ON TABLE s.theirs TO PUBLIC"});
    CHECK(task->stage > find(plan, "data", "theirs")->stage);
}

TEST_CASE("a privilege that the target does not know is left out, and said so")
{
    Fixture fixture;
    fixture.options.acls = true;
    CatalogObject& table = fixture.add_table(20, "t");
    table.privileges = {StatementTemplate("GRANT SELECT ON TABLE s.t TO PUBLIC"),
                        StatementTemplate({std::string("GRANT MAINTAIN ON TABLE s.t TO PUBLIC")},
                                          170000)};
    fixture.target.server_version = 160004;
    const ScopePlan plan = fixture.plan();
    const CloneTask* task = find(plan, "owner and privileges", "t");
    REQUIRE(task);
    CHECK(task->statements.size() == 1);
    const CloneTask* left_out = find(plan, "privileges", "GRANT MAINTAIN ON TABLE s.t TO PUBLIC");
    REQUIRE(left_out);
    CHECK(left_out->skip_reason == "it needs PostgreSQL 17");
    CHECK(left_out->statements.empty());
    fixture.target.server_version = 170000;
    const ScopePlan newer = fixture.plan();
    task = find(newer, "owner and privileges", "t");
    REQUIRE(task);
    CHECK(task->statements.size() == 2);
    CHECK(find(newer, "privileges", "GRANT MAINTAIN ON TABLE s.t TO PUBLIC") == nullptr);
    fixture.target.server_version = 150000;
    fixture.options.acls = false;
    CHECK(find(fixture.plan(), "privileges", "GRANT MAINTAIN ON TABLE s.t TO PUBLIC") == nullptr);
}

TEST_CASE("what is left out is a task with the reason, its parts are not named")
{
    Fixture fixture;
    fixture.add_table(10, "orders");
    fixture.add_part(ObjectKind::index, {class_relation, 11}, "orders_idx", 10);
    fixture.selection.reasons[1] = "it does not match option \"include\"";
    fixture.selection.reasons[2] = "it belongs to table \"s\".\"orders\", which is left out";
    fixture.selection.is_silent[2] = true;
    const ScopePlan plan = fixture.plan();
    const CloneTask* task = find(plan, "table", "orders");
    REQUIRE(task);
    CHECK(task->skip_reason == fixture.selection.reasons[1]);
    CHECK(task->statements.empty());
    CHECK(find(plan, "index", "orders_idx") == nullptr);
    CHECK(plan.tables == 0);
}

TEST_CASE("what the target has and may keep is left out, too")
{
    Fixture fixture;
    fixture.target.schemas = {"s"};
    fixture.add_table(10, "orders");
    fixture.target.existing["TABLE s.orders"] = {"table", "s", "orders", true, {}};
    const ScopePlan plan = fixture.plan();
    CHECK(find(plan, "schema", "s")->skip_reason == "it exists on the target");
    CHECK(find(plan, "table", "orders")->skip_reason == "it exists on the target");
    CHECK(find(plan, "data", "orders") == nullptr);
}

TEST_CASE("a renamed schema: statements that name it, and where rows go")
{
    Fixture fixture;
    fixture.naming.source_schema = "s";
    fixture.naming.target_schema = "t";
    fixture.catalog.objects[0].comments = {"COMMENT ON SCHEMA s IS 'the SCHEMA s of it'"};
    fixture.catalog.objects[0].privileges = {
        StatementTemplate(std::vector<StatementTemplate::Piece>{"GRANT USAGE ON SCHEMA s TO ",
                                                                StatementTemplate::Role{"bob"}})};
    fixture.options.acls = true;
    fixture.add_table(10, "orders");
    SourceCatalog catalog = fixture.catalog.close();
    rename_schema(catalog, fixture.naming);
    fixture.options.dry_run = true;
    const ScopePlan plan = plan_scope(std::move(catalog), fixture.selection, fixture.target,
                                      fixture.naming, fixture.options, fixture.split);
    const CloneTask* schema = find(plan, "schema", "s");
    REQUIRE(schema);
    CHECK(schema->statements ==
          std::vector<std::string>{"CREATE SCHEMA \"t\"",
                                   "COMMENT ON SCHEMA \"t\" IS 'the SCHEMA s of it'"});
    CHECK(schema->cleanup == std::vector<std::string>{"DROP SCHEMA IF EXISTS \"t\""});
    CHECK(find(plan, "owner and privileges", "s")->statements ==
          std::vector<std::string>{"GRANT USAGE ON SCHEMA \"t\" TO \"bob\""});
    const CloneTask* data = find(plan, "data", "orders");
    REQUIRE(data);
    CHECK(data->source_schema == "s");
    CHECK(data->schema_name == "t");
    CHECK(data->target_copy ==
          "COPY \"t\".\"orders\" (\"a\") FROM STDIN WITH (FREEZE, FORMAT binary)");
    CHECK(find(plan, "table", "orders")->search_path == "\"t\"");
}
