#include "test/unit/scope_units_fixture.hpp"

using namespace pgclone;
using namespace pgclone::test;

TEST_CASE("a small table and all that is its own are made one after the other by a table worker")
{
    Fixture fixture = shop();
    fixture.add_table(20, "large", 1 << 30);
    fixture.add(ObjectKind::view, {class_relation, 30}, "zebra", "VIEW s.zebra");
    const ScopePlan plan = fixture.plan();
    const CloneTask* table = find(plan, "table", "orders");
    const CloneTask* sequence = find(plan, "sequence", "orders_id_seq");
    const CloneTask* value = find(plan, sequence_value_kind, "orders_id_seq");
    const CloneTask* identity = find(plan, sequence_value_kind, "orders_no_seq");
    const CloneTask* default_value = find(plan, "default", "id of orders");
    const CloneTask* check = find(plan, "check constraint", "positive");
    const CloneTask* data = find(plan, "data", "orders");
    const CloneTask* index = find(plan, "index", "orders_idx");
    const CloneTask* key = find(plan, "constraint", "orders_pkey");
    const CloneTask* analyze = find(plan, "analyze", "orders");
    const std::vector<const CloneTask*> unit = {table, sequence, default_value, check,    data,
                                                index, key,      value,         identity, analyze};
    Ids ids;
    for (const CloneTask* task : unit) {
        REQUIRE(task);
        CAPTURE(describe(*task));
        ids.push_back(task->task_id);
        CHECK(task->in_table_worker);
        CHECK(task->batched);
        CHECK(task->stage == stage_before_data);
        CHECK(task->due_stage == stage_data);
        CHECK((task == table || waits(task, table) || waits(task, sequence)));
    }
    CHECK(waits(table, find(plan, "schema", "s")));
    CHECK(waits(table, find(plan, "type", "color")));
    CHECK(waits(default_value, sequence));
    for (const CloneTask* part : {table, sequence, default_value, check})
        CHECK(waits(data, part));
    for (const CloneTask* rider : {index, key, analyze})
        CHECK(waits(rider, data));
    CHECK(waits(value, sequence));
    CHECK(waits(identity, table));
    CHECK(table->statements.size() == 1);
    CHECK(data->statements.empty());
    CHECK(data->completes_table);
    CHECK_FALSE(table->completes_table);
    CHECK(value->statements ==
          std::vector<std::string>{
              "SELECT pg_catalog.setval('s.orders_id_seq'::pg_catalog.regclass, 5, true)"});
    CHECK(key->locked_tables == std::vector<std::uint32_t>{10});
    CHECK(key->shared_tables.empty());
    CHECK(index->locked_tables.empty());
    CHECK(index->shared_tables == std::vector<std::uint32_t>{10});
    CHECK(analyze->locked_tables == std::vector<std::uint32_t>{10});
    CHECK(analyze->statements == std::vector<std::string>{"ANALYZE s.orders"});

    // Nothing stands between them, and each comes once.
    const auto [first, last] = std::minmax_element(ids.begin(), ids.end());
    CHECK(*first == table->task_id);
    CHECK(*last == analyze->task_id);
    CHECK(*last - *first + 1 == static_cast<std::int32_t>(unit.size()));
    // All else that comes before the data has been added by then.
    CHECK(find(plan, "view", "zebra")->task_id < *first);
    CHECK(find(plan, "table", "large")->task_id < *first);
    CHECK(find(plan, "data", "large")->task_id > *last);
    CHECK(find(plan, "data", "large")->stage == stage_data);
    CHECK(find(plan, "data", "large")->due_stage == 0);
    CHECK_FALSE(find(plan, "data", "large")->batched);
    CHECK_FALSE(find(plan, "table", "large")->in_table_worker);
    CHECK(plan.tables == 2);
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("a table worker does small tables one by one, many in a transaction")
{
    Fixture fixture;
    fixture.options.analyze = true;
    for (std::uint32_t oid = 10; oid < 60; oid += 10) {
        fixture.add_table(oid, "t" + std::to_string(oid));
        fixture.add_part(ObjectKind::index, {class_relation, oid + 1}, "i" + std::to_string(oid),
                         oid);
        fixture.add_part(ObjectKind::constraint, {class_constraint, oid + 2},
                         "k" + std::to_string(oid), oid);
    }
    const ScopePlan plan = fixture.plan();
    const Ids order = carry_out(plan);
    REQUIRE(order.size() == plan.tasks.size());
    CHECK(std::is_sorted(order.begin(), order.end()));
    for (std::size_t i = 0; i + 1 < order.size(); i++)
        CHECK(order[i] == static_cast<std::int32_t>(i) + 1);
    CHECK(plan.tasks.size() == 1 + 5 * 5 + 1);
}

TEST_CASE("what waits for the data, or for nobody, is no part of a unit")
{
    Fixture fixture = shop();
    fixture.catalog.objects[5].after_data = true; // a check constraint that is not valid
    REQUIRE(fixture.catalog.objects[5].name == "positive");
    fixture.add_part(ObjectKind::trigger, {2620, 40}, "notify", 10);
    fixture.add_part(ObjectKind::index_mark, {2610, 41}, "mark", 10);
    fixture.needs({2610, 41}, {class_constraint, 15});
    fixture.add(ObjectKind::sequence, {class_relation, 42}, "free_seq", "SEQUENCE s.free_seq");
    fixture.catalog.sequences.push_back(
        {{class_relation, 42}, {"s", "free_seq"}, "s.free_seq", "7", true});
    const ScopePlan plan = fixture.plan();
    CHECK(is_unit(plan, "orders"));
    CHECK(find(plan, "check constraint", "positive")->stage == stage_after_data);
    CHECK(find(plan, "trigger", "notify")->stage == stage_after_data);
    const CloneTask* mark = find(plan, "index mark", "mark");
    CHECK(mark->stage == stage_after_data);
    CHECK(waits(mark, find(plan, "constraint", "orders_pkey")));
    // None of these is looked at by ANALYZE.
    CHECK(find(plan, "analyze", "orders")->stage == stage_before_data);
    const CloneTask* sequence = find(plan, "sequence", "free_seq");
    const CloneTask* value = find(plan, sequence_value_kind, "free_seq");
    CHECK_FALSE(sequence->in_table_worker);
    CHECK(value->stage == stage_sequence_values);
    CHECK(value->in_table_worker);
    CHECK(value->batched);
    CHECK(value->after == Ids{sequence->task_id});
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("without ANALYZE, and without data")
{
    Fixture fixture = shop();
    SUBCASE("without ANALYZE")
    {
        fixture.options.analyze = false;
        const ScopePlan plan = fixture.plan();
        CHECK(is_unit(plan, "orders"));
        CHECK(find(plan, "analyze", "orders") == nullptr);
    }
    SUBCASE("without data")
    {
        fixture.options.data = false;
        const ScopePlan plan = fixture.plan();
        for (const CloneTask& task : plan.tasks)
            CHECK_FALSE(task.in_table_worker);
    }
}

TEST_CASE("a table that something else needs before the data is made by itself")
{
    Fixture fixture = shop();
    const auto needed_by = [&](ObjectKind kind, ObjectId id, ObjectId needed) {
        fixture.add(kind, id, "user", "USER s.user");
        fixture.needs(id, needed);
    };
    SUBCASE("a view")
    {
        needed_by(ObjectKind::view, {class_relation, 70}, orders);
    }
    SUBCASE("a function")
    {
        needed_by(ObjectKind::function, {class_proc, 70}, orders);
    }
    SUBCASE("a view of its sequence")
    {
        needed_by(ObjectKind::view, {class_relation, 70}, {class_relation, 11});
    }
    SUBCASE("another table")
    {
        fixture.add_table(70, "child").name = "user";
        fixture.needs({class_relation, 70}, orders);
    }
    const ScopePlan plan = fixture.plan();
    CHECK_FALSE(is_unit(plan, "orders"));
    const CloneTask* data = find(plan, "data", "orders");
    CHECK(data->stage == stage_data);
    CHECK(data->batched);
    // Each by itself, but as soon as the rows are there.
    for (const CloneTask* rider :
         {find(plan, "index", "orders_idx"), find(plan, "constraint", "orders_pkey")}) {
        CHECK(rider->stage == stage_data);
        CHECK(rider->due_stage == 0);
        CHECK(rider->in_table_worker);
        CHECK(rider->batched);
        CHECK(waits(rider, data));
    }
    for (const char* name : {"orders_id_seq", "orders_no_seq"})
        CHECK(find(plan, sequence_value_kind, name)->stage == stage_sequence_values);
    CHECK(find(plan, "analyze", "orders")->stage == stage_validation);
    CHECK_FALSE(find(plan, "sequence", "orders_id_seq")->in_table_worker);
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("a view that comes after the data does not keep a table from being a unit")
{
    Fixture fixture = shop();
    fixture.add(ObjectKind::view, {class_relation, 70}, "groups", "VIEW s.groups");
    fixture.needs({class_relation, 70}, orders);
    fixture.needs({class_relation, 70}, {class_constraint, 15}); // it groups by the key
    const ScopePlan plan = fixture.plan();
    CHECK(is_unit(plan, "orders"));
    const CloneTask* view = find(plan, "view", "groups");
    CHECK(view->stage == stage_after_data);
    CHECK(waits(view, find(plan, "constraint", "orders_pkey")));
}

TEST_CASE("tables of which kinds are no units")
{
    Fixture fixture = shop();
    TableShape& shape = fixture.catalog.tables.at(orders);
    SUBCASE("large")
    {
        shape.size_bytes = large_table_bytes;
    }
    SUBCASE("inherits")
    {
        shape.parents = {{99, "s.parent"}};
    }
    SUBCASE("filled through another")
    {
        shape.load_through = {"s", "root"};
    }
    SUBCASE("waits for its children")
    {
        shape.after_children = {"ALTER"};
    }
    const ScopePlan plan = fixture.plan();
    CHECK_FALSE(is_unit(plan, "orders"));
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("a table that calls functions of the clone is no unit")
{
    Fixture fixture = shop();
    add_function(fixture);
    bool has_unit = false;
    SUBCASE("in a check")
    {
        fixture.needs({class_constraint, 13}, function);
    }
    SUBCASE("in a default")
    {
        fixture.needs({class_attrdef, 12}, function);
    }
    SUBCASE("in a generated column")
    {
        fixture.needs(orders, function);
    }
    SUBCASE("in a type's input")
    {
        fixture.needs({class_type, 80}, function);
    }
    SUBCASE("in a type of a type")
    {
        fixture.add(ObjectKind::type, {class_type, 81}, "inner", "TYPE s.inner");
        fixture.needs({class_type, 80}, {class_type, 81});
        fixture.needs({class_type, 81}, function);
    }
    SUBCASE("but functions that are there already count for nothing")
    {
        fixture.needs({class_constraint, 13}, function);
        fixture.catalog.objects.back().object_as = "FUNCTION s.f()";
        fixture.target.existing["FUNCTION s.f()"] = {"function", "s", "f", true, {}};
        has_unit = true;
    }
    SUBCASE("nor do those that are left out")
    {
        fixture.needs({class_constraint, 13}, function);
        fixture.selection.reasons.back() = "option \"exclude\"";
        has_unit = true;
    }
    SUBCASE("in a trigger they have to wait anyway")
    {
        fixture.add_part(ObjectKind::trigger, {2620, 40}, "notify", 10);
        fixture.needs({2620, 40}, function);
        has_unit = true;
    }
    const ScopePlan plan = fixture.plan();
    CHECK(is_unit(plan, "orders") == has_unit);
    if (!has_unit)
        CHECK(find(plan, "data", "orders")->stage == stage_data);
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("an index with a function of the clone waits, and ANALYZE waits for it")
{
    Fixture fixture = shop();
    add_function(fixture);
    std::string kind = "index";
    std::string name = "orders_idx";
    SUBCASE("an expression")
    {
        fixture.needs({class_relation, 14}, function);
    }
    SUBCASE("an operator class")
    {
        fixture.add(ObjectKind::operator_class, {class_opclass, 91}, "c", "OPERATOR CLASS s.c");
        fixture.needs({class_relation, 14}, {class_opclass, 91});
    }
    SUBCASE("an exclusion constraint")
    {
        kind = "constraint";
        name = "orders_pkey";
        fixture.needs({class_constraint, 15}, function);
    }
    SUBCASE("extended statistics, whatever they need")
    {
        kind = "statistics object";
        name = "together";
        fixture.add_part(ObjectKind::statistics, {3381, 50}, name, 10);
    }
    const ScopePlan plan = fixture.plan();
    CHECK(is_unit(plan, "orders"));
    const CloneTask* late = find(plan, kind, name);
    REQUIRE(late);
    CHECK(late->stage == stage_after_data);
    CHECK_FALSE(late->in_table_worker);
    const CloneTask* analyze = find(plan, "analyze", "orders");
    REQUIRE(analyze);
    CHECK(analyze->stage == stage_validation);
    CHECK(analyze->due_stage == stage_statistics);
    CHECK(analyze->in_table_worker);
    CHECK(analyze->batched);
    // The others ride with the data.
    int riders = 0;
    for (const char* other : {"orders_idx", "orders_pkey"})
        for (const char* its_kind : {"index", "constraint"})
            if (const CloneTask* task = find(plan, its_kind, other))
                riders += task->stage == stage_before_data ? 1 : 0;
    CHECK(riders == (kind == "statistics object" ? 2 : 1));
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("the index of a table that is no unit waits, too, if it calls a function of the clone")
{
    Fixture fixture = shop();
    add_function(fixture);
    fixture.catalog.tables.at(orders).size_bytes = 1 << 30;
    fixture.needs({class_relation, 14}, function);
    const ScopePlan plan = fixture.plan();
    CHECK(find(plan, "index", "orders_idx")->stage == stage_after_data);
    CHECK(find(plan, "constraint", "orders_pkey")->stage == stage_data);
    CHECK(find(plan, "analyze", "orders")->stage == stage_validation);
    CHECK_FALSE(find(plan, "analyze", "orders")->batched);
}

TEST_CASE("a domain whose check calls a function of the clone")
{
    constexpr ObjectId domain{class_type, 82};
    constexpr ObjectId domain_check{class_constraint, 83};
    Fixture fixture = shop();
    add_function(fixture);
    fixture.add(ObjectKind::domain, domain, "d", "DOMAIN s.d");
    fixture.add(ObjectKind::domain_constraint, domain_check, "d_check", "CONSTRAINT c ON DOMAIN d");
    fixture.needs(domain_check, domain);
    fixture.add(ObjectKind::domain, {class_type, 84}, "other", "DOMAIN s.other");
    fixture.add_table(20, "others");
    fixture.needs({class_relation, 20}, {class_type, 84});
    bool has_unit = false;
    SUBCASE("of a column")
    {
        fixture.needs(orders, domain);
        fixture.needs(domain_check, function);
    }
    SUBCASE("below another domain")
    {
        fixture.add(ObjectKind::domain, {class_type, 85}, "upper", "DOMAIN s.upper");
        fixture.needs({class_type, 85}, domain);
        fixture.needs(orders, {class_type, 85});
        fixture.needs(domain_check, function);
    }
    SUBCASE("in a composite type")
    {
        fixture.needs({class_type, 80}, domain);
        fixture.needs(domain_check, function);
    }
    SUBCASE("in a default of the domain")
    {
        fixture.needs(orders, domain);
        fixture.needs(domain, function);
    }
    SUBCASE("a check of nothing but built-in functions is no obstacle")
    {
        fixture.needs(orders, domain);
        has_unit = true;
    }
    const ScopePlan plan = fixture.plan();
    CHECK(is_unit(plan, "orders") == has_unit);
    CHECK(is_unit(plan, "others"));
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("a sequence that two tables use is made first, its value is set once")
{
    Fixture fixture = shop();
    fixture.add_table(20, "others");
    fixture.add_part(ObjectKind::default_, {class_attrdef, 21}, "id of others", 20);
    fixture.needs({class_attrdef, 21}, {class_relation, 11});
    const ScopePlan plan = fixture.plan();
    CHECK_FALSE(is_unit(plan, "orders")); // it owns the sequence
    CHECK(is_unit(plan, "others"));
    const CloneTask* sequence = find(plan, "sequence", "orders_id_seq");
    CHECK_FALSE(sequence->in_table_worker);
    CHECK(waits(find(plan, "default", "id of others"), sequence));
    CHECK(sequence->task_id < find(plan, "table", "others")->task_id);
    CHECK(std::count_if(plan.tasks.begin(), plan.tasks.end(), [](const CloneTask& task) {
              return task.object_kind == sequence_value_kind;
          }) == 2); // this one's, and the identity's
    CHECK(find(plan, sequence_value_kind, "orders_id_seq")->stage == stage_sequence_values);
    CHECK(carry_out(plan).size() == plan.tasks.size());
}

TEST_CASE("a sequence of nobody's that tables use does not keep them from being units")
{
    Fixture fixture = shop();
    fixture.add(ObjectKind::sequence, {class_relation, 42}, "free_seq", "SEQUENCE s.free_seq");
    fixture.needs({class_attrdef, 12}, {class_relation, 42});
    const ScopePlan plan = fixture.plan();
    CHECK(is_unit(plan, "orders"));
    CHECK(waits(find(plan, "default", "id of orders"), find(plan, "sequence", "free_seq")));
}

TEST_CASE("a renamed schema: units are made there")
{
    Fixture fixture = shop();
    fixture.naming.source_schema = "s";
    fixture.naming.target_schema = "t";
    const ScopePlan plan = fixture.plan();
    CHECK(is_unit(plan, "orders"));
    for (const CloneTask& task : plan.tasks)
        if (task.in_table_worker)
            CHECK(task.schema_name == "t");
    CHECK(find(plan, "analyze", "orders")->search_path == "\"t\"");
    CHECK(find(plan, sequence_value_kind, "orders_id_seq")->search_path == "\"t\"");
    CHECK(find(plan, "data", "orders")->search_path.empty());
}
