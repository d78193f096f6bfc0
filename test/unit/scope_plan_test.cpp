#include "worker/scope_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pgclone;

namespace {

constexpr std::uint32_t class_relation = 1259;
constexpr std::uint32_t class_namespace = 2615;
constexpr std::uint32_t class_constraint = 2606;

// A catalog put together by hand: schema s, and what a test adds.
class Fixture {
  public:
    Fixture()
    {
        catalog.schemas = {"s"};
        CatalogObject& schema = add(ObjectKind::schema, {class_namespace, 1}, "s", "SCHEMA s");
        schema.schema_name.clear();
        schema.create = {StatementTemplate("CREATE SCHEMA s")};
        schema.drop = "DROP SCHEMA IF EXISTS s";
        target.role = "me";
        target.is_superuser = true;
    }

    CatalogObject& add(ObjectKind kind, ObjectId id, std::string name, std::string object_as)
    {
        CatalogObject& object = catalog.objects.emplace_back();
        object.id = id;
        object.kind = kind;
        object.schema_name = "s";
        object.name = name;
        object.object_as = object_as;
        object.create = {StatementTemplate("CREATE " + object_as)};
        object.drop = "DROP " + object_as;
        selection.reasons.emplace_back();
        selection.is_silent.push_back(false);
        if (kind != ObjectKind::schema)
            needs(id, {class_namespace, 1});
        return object;
    }

    CatalogObject& add_table(std::uint32_t oid, std::string name, std::int64_t bytes = 8192)
    {
        CatalogObject& object =
            add(ObjectKind::table, {class_relation, oid}, name, "TABLE s." + name);
        object.create.clear();
        TableShape shape;
        shape.id = object.id;
        shape.relation = "s." + name;
        shape.head = "CREATE TABLE";
        ShapeColumn column;
        column.name = "a";
        column.type = "integer";
        column.definition = "integer";
        shape.columns = {column};
        shape.has_rows = true;
        shape.copy_columns = {"a"};
        shape.binary_safe = true;
        shape.size_bytes = bytes;
        shape.estimated_rows = 10;
        shape.filenode = oid;
        catalog.tables[object.id] = shape;
        return object;
    }

    CatalogObject& add_part(ObjectKind kind, ObjectId id, std::string name, std::uint32_t table)
    {
        CatalogObject& object = add(kind, id, name, "PART " + name);
        object.table_oid = table;
        needs(id, {class_relation, table});
        return object;
    }

    void needs(ObjectId object, ObjectId needed)
    {
        catalog.edges.push_back({object, needed, true});
    }

    ScopePlan plan() const { return plan_scope(catalog, selection, target, naming, options); }

    SourceCatalog catalog;
    ObjectSelection selection;
    ScopeTarget target;
    ScopeNaming naming;
    CloneOptions options;
};

const CloneTask* find(const ScopePlan& plan, std::string_view kind, std::string_view name)
{
    const auto found =
        std::find_if(plan.tasks.begin(), plan.tasks.end(), [&](const CloneTask& task) {
            const std::string_view own =
                task.object_kind.empty() ? to_text(task.kind) : std::string_view(task.object_kind);
            return own == kind && task.object_name == name;
        });
    return found == plan.tasks.end() ? nullptr : &*found;
}

} // namespace

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
    CHECK_FALSE(index->in_table_worker);
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
    CHECK(large->task_id < index->task_id);
    CHECK(index->task_id < small->task_id);
    CHECK(index->in_table_worker);
    CHECK(index->stage == large->stage);
    CHECK(std::binary_search(index->after.begin(), index->after.end(), large->task_id));
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
    CHECK_FALSE(index->in_table_worker);
    CHECK(index->stage > key->stage);
}

TEST_CASE("a foreign key of a large table is validated by a task of its own")
{
    Fixture fixture;
    fixture.add_table(10, "small");
    fixture.add_table(20, "large", 1 << 30);
    const ObjectId key{class_constraint, 30};
    fixture.add_part(ObjectKind::foreign_key, key, "fk on large", 20);
    fixture.needs(key, {class_relation, 10});
    fixture.catalog.validations[key] = {StatementTemplate("ADD NOT VALID"), "VALIDATE"};
    const ScopePlan plan = fixture.plan();
    const CloneTask* add = find(plan, "foreign key", "fk on large");
    const CloneTask* validate = find(plan, "validation", "fk on large");
    REQUIRE(add);
    REQUIRE(validate);
    CHECK(add->statements == std::vector<std::string>{"ADD NOT VALID"});
    CHECK(validate->statements == std::vector<std::string>{"VALIDATE"});
    CHECK(validate->after == std::vector<std::int32_t>{add->task_id});
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
    fixture.catalog.populated = {{upper, true}, {lower, true}, {{class_relation, 14}, false}};
    const ScopePlan plan = fixture.plan();
    const CloneTask* first = find(plan, "refresh", "lower");
    const CloneTask* second = find(plan, "refresh", "upper");
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->statements == std::vector<std::string>{"REFRESH MATERIALIZED VIEW s.lower"});
    CHECK(std::binary_search(second->after.begin(), second->after.end(), first->task_id));
    CHECK(find(plan, "refresh", "empty") == nullptr);
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
    rename_schema(fixture.catalog, fixture.naming);
    const ScopePlan plan = fixture.plan();
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
