#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "worker/catalog_store.hpp"

using namespace pgclone;

namespace {

std::string directory()
{
    return std::filesystem::temp_directory_path().string();
}

// With something in each field.
CatalogObject full_object()
{
    using Role = StatementTemplate::Role;
    CatalogObject object;
    object.id = {2606, 4711};
    object.kind = ObjectKind::constraint;
    object.table_oid = 20000;
    object.needs_version = 170000;
    object.after_data = true;
    object.is_populated = true;
    object.index_bytes = 5'000'000'000;
    object.schema_name = "s";
    object.name = std::string("a\0b", 3);
    object.object_as = "CONSTRAINT c ON s.t";
    object.owner = "alice";
    object.create = {StatementTemplate("ADD"),
                     StatementTemplate({"GRANT TO ", Role{"bob"}, ", ", Role{}}, 160000)};
    object.complete = {StatementTemplate("OR REPLACE")};
    object.shell = "SHELL";
    object.drop = "DROP";
    object.requirements = {{"tablespace", "fast"}};
    object.key_index = {"k", "CREATE UNIQUE INDEX", "USING INDEX", "DROP INDEX"};
    object.late_validation = LateValidation{StatementTemplate("NOT VALID"), "VALIDATE", {1259, 7}};
    object.version = "1.2";
    object.comments = {"COMMENT", ""};
    object.labels = {"LABEL"};
    object.privileges = {StatementTemplate("GRANT"), StatementTemplate({"GRANT MAINTAIN"}, 170000)};
    return object;
}

void check_equal(const CatalogObject& a, const CatalogObject& b)
{
    CHECK(a.id == b.id);
    CHECK(a.kind == b.kind);
    CHECK(a.table_oid == b.table_oid);
    CHECK(a.needs_version == b.needs_version);
    CHECK(a.after_data == b.after_data);
    CHECK(a.is_populated == b.is_populated);
    CHECK(a.index_bytes == b.index_bytes);
    CHECK(a.schema_name == b.schema_name);
    CHECK(a.name == b.name);
    CHECK(a.object_as == b.object_as);
    CHECK(a.owner == b.owner);
    CHECK(a.create == b.create);
    CHECK(a.complete == b.complete);
    CHECK(a.shell == b.shell);
    CHECK(a.drop == b.drop);
    CHECK(a.requirements == b.requirements);
    CHECK(a.key_index.has_value() == b.key_index.has_value());
    CHECK(a.late_validation.has_value() == b.late_validation.has_value());
    CHECK(a.version == b.version);
    CHECK(a.comments == b.comments);
    CHECK(a.labels == b.labels);
    CHECK(a.privileges == b.privileges);
}

} // namespace

TEST_CASE("an object comes back as it was put away")
{
    ObjectStore store(directory());
    const CatalogObject object = full_object();
    CatalogObject bare;
    bare.id = {1259, 1};
    store.add(bare);
    store.add(object);
    check_equal(store.load(0), bare);
    check_equal(store.load(1), object);
    const CatalogObject back = store.load(1);
    CHECK(back.key_index->name == "k");
    CHECK(back.key_index->create == "CREATE UNIQUE INDEX");
    CHECK(back.key_index->use == "USING INDEX");
    CHECK(back.key_index->drop == "DROP INDEX");
    CHECK(back.late_validation->add == StatementTemplate("NOT VALID"));
    CHECK(back.late_validation->validate == "VALIDATE");
    CHECK(back.late_validation->index == ObjectId{1259, 7});
    CHECK(store.head(1).has_shell);
    CHECK(store.head(1).has_key_index);
    CHECK(store.head(1).has_late_validation);
    CHECK(store.head(1).newest_privilege == 170000);
    CHECK(store.schema_name(1) == "s");
    CHECK(store.schema_name(0).empty());
    CHECK_FALSE(store.head(0).has_shell);
}

TEST_CASE("objects are found by their ids, whatever became of their order")
{
    ObjectStore store(directory());
    for (std::uint32_t i = 0; i < 5; i++) {
        CatalogObject object;
        object.id = {1259, 50 - i};
        object.name = "o" + std::to_string(i);
        store.add(object);
    }
    CHECK(store.find({1259, 48}) == 2);
    CHECK_FALSE(store.find({1259, 51}).has_value());
    store.reorder({4, 2, 0, 1, 3});
    CHECK(store.find({1259, 48}) == 1);
    CHECK(store.load(1).name == "o2");
    CHECK(store.load(0).name == "o4");
    CatalogObject changed = store.load(3);
    changed.comments = {"COMMENT"};
    changed.shell = "SHELL";
    store.replace(3, changed);
    CHECK(store.load(3).name == "o1");
    CHECK(store.load(3).comments.size() == 1);
    CHECK(store.head(3).has_shell);
}

TEST_CASE("a table comes back as it was put away")
{
    TableShape table;
    table.id = {1259, 20000};
    table.parents = {{19000, "s.parent"}};
    table.is_partition = true;
    table.has_rows = true;
    table.can_select = false;
    table.is_heap = true;
    table.heap_pages = 1;
    table.size_bytes = 2;
    table.estimated_rows = 3;
    table.load_through = {"s", "root"};
    table.relation = "s.t";
    table.head = "CREATE TABLE";
    table.of_type = "s.type";
    table.columns = {{"a", "integer", "g", "n", "o", "i", false, 2}, {}};
    table.tail = "WITH";
    table.helper = "s.h";
    table.after = {"AFTER"};
    table.after_children = {"CHILDREN"};
    table.copy_columns = {"a", "b"};
    table.padded_columns = {"b"};
    table.binary_safe = true;
    table.own_types = {{1247, 5}};
    TableStore store(directory());
    CHECK(store.table_class() == 0);
    store.add(table);
    CHECK(store.table_class() == 1259);
    CHECK(store.find({1259, 1}) == nullptr);
    REQUIRE(store.find(table.id) != nullptr);
    CHECK(store.find(table.id)->has_after_children);
    const TableShape back = store.load(table.id);
    CHECK(back.parents.at(0).relation == "s.parent");
    CHECK(back.is_partition);
    CHECK(back.has_rows);
    CHECK_FALSE(back.can_select);
    CHECK(back.is_heap);
    CHECK(back.heap_pages == 1);
    CHECK(back.size_bytes == 2);
    CHECK(back.estimated_rows == 3);
    CHECK(back.load_through.name == "root");
    CHECK(back.relation == "s.t");
    CHECK(back.head == "CREATE TABLE");
    CHECK(back.of_type == "s.type");
    REQUIRE(back.columns.size() == 2);
    CHECK(back.columns[0].name == "a");
    CHECK(back.columns[0].type == "integer");
    CHECK(back.columns[0].generation == "g");
    CHECK(back.columns[0].not_null == "n");
    CHECK(back.columns[0].own_not_null == "o");
    CHECK(back.columns[0].identity == "i");
    CHECK_FALSE(back.columns[0].is_local);
    CHECK(back.columns[0].parents == 2);
    CHECK(back.columns[1].is_local);
    CHECK(back.tail == "WITH");
    CHECK(back.helper == "s.h");
    CHECK(back.after == table.after);
    CHECK(back.after_children == table.after_children);
    CHECK(back.copy_columns == table.copy_columns);
    CHECK(back.padded_columns == table.padded_columns);
    CHECK(back.binary_safe);
    CHECK(back.own_types == table.own_types);
}
