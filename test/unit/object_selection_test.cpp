#include "worker/object_selection.hpp"

#include "test/unit/cpu_time.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

using namespace pgclone;

namespace {

// Objects by name; a relation's name is unique, so that it stands for its id.
class Source {
  public:
    Source()
    {
        options.owners = true;
        options.acls = true;
    }

    ObjectId add(ObjectKind kind, const std::string& name, ObjectId of = {})
    {
        CatalogObject object;
        object.id = {1259, static_cast<std::uint32_t>(20000 + objects.size())};
        object.kind = kind;
        object.schema_name = "s";
        object.name = name;
        object.table_oid = of.objid;
        objects.push_back(object);
        if (of.objid != 0)
            needs(object.id, of);
        return object.id;
    }

    void needs(ObjectId object, ObjectId needed, bool of_shell = true)
    {
        edges.push_back({object, needed, of_shell});
    }

    // As pg_depend says it, too.
    void inherits(ObjectId child, ObjectId parent)
    {
        needs(child, parent);
        tables[child].id = child;
        tables[child].parents.push_back({parent.objid, "s.parent"});
    }

    void select(JobScope scope = JobScope::schema)
    {
        ObjectStore stored(std::filesystem::temp_directory_path().string());
        for (const CatalogObject& object : objects)
            stored.add(object);
        TableStore shapes(std::filesystem::temp_directory_path().string());
        for (const auto& [id, table] : tables)
            shapes.add(table);
        selection = select_objects(stored, edges, shapes, options, scope);
        REQUIRE(selection.reasons.size() == objects.size());
        REQUIRE(selection.is_silent.size() == objects.size());
    }

    std::size_t place(ObjectId id) const { return id.objid - 20000; }
    const std::string& reason(ObjectId id) const { return selection.reasons[place(id)]; }
    bool is_silent(ObjectId id) const { return selection.is_silent[place(id)]; }

    std::vector<CatalogObject> objects;
    std::vector<ObjectEdge> edges;
    std::map<ObjectId, TableShape> tables;
    CloneOptions options;
    ObjectSelection selection;
};

} // namespace

TEST_CASE("without options everything is cloned")
{
    Source source;
    for (int kind = 0; kind <= static_cast<int>(ObjectKind::database); kind++)
        source.add(static_cast<ObjectKind>(kind), std::to_string(kind));
    source.select(JobScope::database);
    for (std::size_t i = 0; i < source.objects.size(); i++) {
        CHECK(source.selection.reasons[i].empty());
        CHECK_FALSE(source.selection.is_silent[i]);
    }
    Source empty;
    empty.select();
}

TEST_CASE("options leave out kinds")
{
    using Kind = ObjectKind;
    struct Case {
        bool CloneOptions::*option;
        const char* name;
        std::vector<Kind> kinds;
    };
    const std::vector<Case> cases = {
        {&CloneOptions::views, "views", {Kind::view}},
        {&CloneOptions::matviews, "matviews", {Kind::materialized_view}},
        {&CloneOptions::functions, "functions", {Kind::function, Kind::procedure, Kind::aggregate}},
        {&CloneOptions::indexes, "indexes", {Kind::index}},
        {&CloneOptions::constraints,
         "constraints",
         {Kind::check_constraint, Kind::constraint, Kind::foreign_key}},
        {&CloneOptions::triggers, "triggers", {Kind::trigger, Kind::event_trigger}},
        {&CloneOptions::acls, "acls", {Kind::default_privileges}},
    };
    for (const Case& one : cases) {
        Source source;
        for (int kind = 0; kind <= static_cast<int>(Kind::database); kind++)
            source.add(static_cast<Kind>(kind), std::to_string(kind));
        source.options.*one.option = false;
        source.select(JobScope::database);
        for (std::size_t i = 0; i < source.objects.size(); i++) {
            const bool left_out = std::find(one.kinds.begin(), one.kinds.end(),
                                            source.objects[i].kind) != one.kinds.end();
            CAPTURE(source.objects[i].name);
            CHECK(source.selection.reasons[i] ==
                  (left_out ? "option \"" + std::string(one.name) + "\" is false" : ""));
        }
    }
}

TEST_CASE("what needs something that is left out is left out, too")
{
    Source source;
    const ObjectId view = source.add(ObjectKind::view, "v");
    const ObjectId function = source.add(ObjectKind::function, "f");
    const ObjectId check = source.add(ObjectKind::check_constraint, "c on t");
    const ObjectId matview = source.add(ObjectKind::materialized_view, "m");
    const ObjectId other = source.add(ObjectKind::table, "t");
    source.needs(function, view);
    source.needs(check, function);
    source.needs(check, other);
    source.needs(matview, view, false);
    source.needs(other, {1, 1}); // of nothing that is known
    source.needs({1, 1}, view);
    source.needs(view, view);
    source.options.views = false;
    source.select();
    CHECK(source.reason(view) == R"(option "views" is false)");
    CHECK(source.reason(function) == R"(it needs view "s"."v", which is left out)");
    CHECK(source.reason(check) == R"(it needs function "s"."f", which is left out)");
    CHECK(source.reason(matview) == R"(it needs view "s"."v", which is left out)");
    CHECK(source.reason(other).empty());
    for (const ObjectId id : {view, function, check, matview})
        CHECK_FALSE(source.is_silent(id));
}

TEST_CASE("a circle of needs ends")
{
    Source source;
    const ObjectId a = source.add(ObjectKind::view, "a");
    const ObjectId b = source.add(ObjectKind::view, "b");
    const ObjectId f = source.add(ObjectKind::function, "f");
    source.needs(a, b, false);
    source.needs(b, a, false);
    source.needs(b, f, false);
    source.options.functions = false;
    source.select();
    CHECK(source.reason(a) == R"(it needs view "s"."b", which is left out)");
    CHECK(source.reason(b) == R"(it needs function "s"."f", which is left out)");
}

TEST_CASE("include and exclude")
{
    Source source;
    const ObjectId orders = source.add(ObjectKind::table, "orders");
    const ObjectId old_orders = source.add(ObjectKind::table, "orders_old");
    const ObjectId people = source.add(ObjectKind::foreign_table, "people");
    const ObjectId view = source.add(ObjectKind::view, "people_view");
    const ObjectId free_view = source.add(ObjectKind::view, "now_view");
    const ObjectId sequence = source.add(ObjectKind::sequence, "free_seq");
    source.needs(view, people, false);

    SUBCASE("include")
    {
        source.options.include = {{"", "orders*"}};
        source.select();
        CHECK(source.reason(orders).empty());
        CHECK(source.reason(old_orders).empty());
        CHECK(source.reason(people) == R"(it does not match option "include")");
        CHECK(source.reason(view) == R"(it needs foreign table "s"."people", which is left out)");
        CHECK(source.reason(free_view).empty());
        CHECK(source.reason(sequence).empty());
    }
    SUBCASE("exclude")
    {
        source.options.exclude = {{"s", "*_old"}, {"other", "people"}};
        source.select();
        CHECK(source.reason(orders).empty());
        CHECK(source.reason(old_orders) == R"(it matches option "exclude")");
        CHECK(source.reason(people).empty());
        CHECK(source.reason(view).empty());
    }
    SUBCASE("both")
    {
        source.options.include = {{"s", "orders*"}};
        source.options.exclude = {{"", "*_old"}};
        source.select();
        CHECK(source.reason(orders).empty());
        CHECK(source.reason(old_orders) == R"(it matches option "exclude")");
        CHECK(source.reason(people) == R"(it does not match option "include")");
    }
}

TEST_CASE("what belongs to a table goes with it, silently")
{
    Source source;
    const ObjectId customers = source.add(ObjectKind::table, "customers");
    const ObjectId orders = source.add(ObjectKind::table, "orders");
    const ObjectId sequence = source.add(ObjectKind::sequence, "orders_id_seq", orders);
    const ObjectId default_ = source.add(ObjectKind::default_, "id on orders", orders);
    const ObjectId index = source.add(ObjectKind::index, "orders_index", orders);
    const ObjectId mark = source.add(ObjectKind::index_mark, "orders_index", orders);
    const ObjectId trigger = source.add(ObjectKind::trigger, "t on orders", orders);
    const ObjectId key = source.add(ObjectKind::foreign_key, "fk on orders", orders);
    const ObjectId incoming = source.add(ObjectKind::foreign_key, "fk on customers", customers);
    const ObjectId shared = source.add(ObjectKind::default_, "id on customers", customers);
    const ObjectId view = source.add(ObjectKind::view, "v");
    const ObjectId rule = source.add(ObjectKind::rule, "r on v", view);
    source.needs(key, customers);
    source.needs(incoming, orders);
    source.needs(shared, sequence);
    source.needs(view, orders, false);
    source.options.exclude = {{"", "orders"}};
    source.options.triggers = false;
    source.select();
    for (const ObjectId part : {sequence, default_, index, mark, trigger, key}) {
        CHECK(source.reason(part) == R"(it belongs to table "s"."orders", which is left out)");
        CHECK(source.is_silent(part));
    }
    CHECK(source.reason(customers).empty());
    CHECK(source.reason(incoming) == R"(it needs table "s"."orders", which is left out)");
    CHECK(source.reason(shared) == R"(it needs sequence "s"."orders_id_seq", which is left out)");
    CHECK(source.reason(rule) == R"(it belongs to view "s"."v", which is left out)");
    CHECK_FALSE(source.is_silent(orders));
    CHECK_FALSE(source.is_silent(incoming));
    CHECK_FALSE(source.is_silent(shared));
    CHECK_FALSE(source.is_silent(view));
}

TEST_CASE("a part needs no edge to the table that it belongs to")
{
    Source source;
    const ObjectId table = source.add(ObjectKind::table, "t");
    const ObjectId index = source.add(ObjectKind::index, "i", table);
    const ObjectId mark = source.add(ObjectKind::index_mark, "m");
    source.edges.clear();
    source.needs(mark, index);
    source.options.exclude = {{"", "t"}};
    source.select();
    CHECK(source.reason(index) == R"(it belongs to table "s"."t", which is left out)");
    CHECK(source.reason(mark) == R"(it needs index "s"."i", which is left out)");
    CHECK(source.is_silent(mark));
}

TEST_CASE("a relation is never a part of itself")
{
    Source source;
    const ObjectId table = source.add(ObjectKind::table, "t");
    source.objects[0].table_oid = table.objid;
    source.options.exclude = {{"", "t"}};
    source.select();
    CHECK(source.reason(table) == R"(it matches option "exclude")");
    CHECK_FALSE(source.is_silent(table));
}

TEST_CASE("without indexes those of constraints stay, and attachments and marks follow")
{
    Source source;
    const ObjectId table = source.add(ObjectKind::table, "t");
    const ObjectId part = source.add(ObjectKind::table, "t1");
    source.inherits(part, table);
    const ObjectId index = source.add(ObjectKind::index, "t_a", table);
    const ObjectId part_index = source.add(ObjectKind::index, "t1_a", part);
    const ObjectId attachment = source.add(ObjectKind::index_attachment, "t1_a", part);
    const ObjectId mark = source.add(ObjectKind::index_mark, "t1_a", part);
    const ObjectId key = source.add(ObjectKind::constraint, "t_pkey", table);
    const ObjectId part_key = source.add(ObjectKind::constraint, "t1_pkey", part);
    const ObjectId key_attachment = source.add(ObjectKind::index_attachment, "t1_pkey", part);
    source.needs(attachment, index);
    source.needs(attachment, part_index);
    source.needs(mark, part_index);
    source.needs(key_attachment, key);
    source.needs(key_attachment, part_key);

    source.options.indexes = false;
    source.select();
    CHECK(source.reason(index) == R"(option "indexes" is false)");
    CHECK(source.reason(attachment) == R"(it needs index "s"."t_a", which is left out)");
    CHECK(source.reason(mark) == R"(it needs index "s"."t1_a", which is left out)");
    CHECK(source.is_silent(attachment));
    CHECK(source.is_silent(mark));
    for (const ObjectId id : {key, part_key, key_attachment, table, part})
        CHECK(source.reason(id).empty());

    source.options.indexes = true;
    source.options.constraints = false;
    source.select();
    CHECK(source.reason(key) == R"(option "constraints" is false)");
    CHECK(source.is_silent(key_attachment));
    for (const ObjectId id : {index, part_index, attachment, mark})
        CHECK(source.reason(id).empty());
}

TEST_CASE("partitions and children go with their parents")
{
    // Children stand before their parents here.
    Source source;
    const ObjectId leaf = source.add(ObjectKind::table, "leaf");
    const ObjectId branch = source.add(ObjectKind::table, "branch");
    const ObjectId foreign = source.add(ObjectKind::foreign_table, "far");
    const ObjectId root = source.add(ObjectKind::table, "root");
    const ObjectId other = source.add(ObjectKind::table, "other");
    const ObjectId typed = source.add(ObjectKind::table, "typed"); // has a column of root's type
    source.inherits(leaf, branch);
    source.inherits(branch, root);
    source.inherits(foreign, root);
    source.needs(typed, root);
    source.tables[other].parents.push_back({1, "elsewhere.parent"});

    SUBCASE("a parent is excluded")
    {
        source.options.exclude = {{"", "root"}};
        source.select();
        CHECK(source.reason(root) == R"(it matches option "exclude")");
        CHECK(source.reason(branch) == R"(it needs table "s"."root", which is left out)");
        CHECK(source.reason(leaf) == R"(it needs table "s"."branch", which is left out)");
        CHECK(source.reason(foreign) == R"(it needs table "s"."root", which is left out)");
        CHECK(source.reason(typed) == R"(it needs table "s"."root", which is left out)");
        CHECK(source.reason(other).empty());
    }
    SUBCASE("a parent is included")
    {
        source.options.include = {{"", "root"}};
        source.select();
        for (const ObjectId id : {root, branch, leaf, foreign})
            CHECK(source.reason(id).empty());
        CHECK(source.reason(typed) == R"(it does not match option "include")");
        CHECK(source.reason(other) == R"(it does not match option "include")");
    }
    SUBCASE("a child is excluded")
    {
        source.options.include = {{"", "root"}};
        source.options.exclude = {{"", "branch"}};
        source.select();
        CHECK(source.reason(root).empty());
        CHECK(source.reason(foreign).empty());
        CHECK(source.reason(branch) == R"(it matches option "exclude")");
        CHECK(source.reason(leaf) == R"(it needs table "s"."branch", which is left out)");
    }
    SUBCASE("only a child is included")
    {
        source.options.include = {{"", "leaf"}, {"", "other"}};
        source.select();
        CHECK(source.reason(root) == R"(it does not match option "include")");
        CHECK(source.reason(leaf) == R"(it needs table "s"."branch", which is left out)");
        // (Its parent is in no schema that is cloned.)
        CHECK(source.reason(other).empty());
    }
    SUBCASE("one of two parents is included")
    {
        const ObjectId child = source.add(ObjectKind::table, "child");
        source.inherits(child, root);
        source.inherits(child, other);
        source.options.include = {{"", "root"}};
        source.select();
        CHECK(source.reason(child) == R"(it needs table "s"."other", which is left out)");
        source.options.include = {{"", "root"}, {"", "other"}};
        source.select();
        CHECK(source.reason(child).empty());
    }
}

TEST_CASE("scope functions takes functions, and asks nothing of what they need")
{
    Source source;
    const ObjectId table = source.add(ObjectKind::table, "t");
    const ObjectId function = source.add(ObjectKind::function, "f(t)");
    const ObjectId aggregate = source.add(ObjectKind::aggregate, "sum(t)");
    const ObjectId procedure = source.add(ObjectKind::procedure, "p()");
    source.needs(function, table);
    source.needs(aggregate, function);
    source.select(JobScope::functions);
    for (const ObjectId id : {function, aggregate, procedure})
        CHECK(source.reason(id).empty());
    CHECK(source.reason(table) == R"(it is not in scope "functions")");
    CHECK(source.is_silent(table));
}

TEST_CASE("100,000 objects")
{
    Source source;
    const ObjectId first = source.add(ObjectKind::table, "first");
    ObjectId last = first;
    for (int i = 0; i < 50000; i++) {
        const ObjectId table = source.add(ObjectKind::table, "t");
        source.inherits(table, last);
        source.add(ObjectKind::index, "i", table);
        last = table;
    }
    for (int i = 0; i < 300000; i++)
        source.needs(last, first);
    source.options.exclude = {{"", "first"}};
    const auto start = cpu_time();
    source.select();
    CHECK(cpu_time() - start < std::chrono::seconds(60));
    std::size_t left_out = 0;
    for (const std::string& reason : source.selection.reasons)
        left_out += reason.empty() ? 0 : 1;
    CHECK(left_out == source.objects.size());
}
