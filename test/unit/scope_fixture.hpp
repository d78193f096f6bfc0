// A catalog of one schema, put together by hand: for the tests of plans of schemas and databases.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/scope_plan.hpp"

namespace pgclone::test {

inline constexpr std::uint32_t class_relation = 1259;
inline constexpr std::uint32_t class_namespace = 2615;
inline constexpr std::uint32_t class_constraint = 2606;

// What a source's catalogs say, as long as it can still be changed.
struct OpenCatalog {
    int server_version = 0;
    std::vector<std::string> schemas;
    std::vector<CatalogObject> objects;
    std::vector<ObjectEdge> edges;
    std::map<ObjectId, TableShape> tables;
    std::vector<SequenceState> sequences;
    std::vector<ExtensionRows> extension_rows;
    std::vector<std::vector<StatementTemplate>> system_privileges;
    std::vector<std::string> notes;

    CatalogObject& at(ObjectId id)
    {
        const auto found = std::find_if(objects.begin(), objects.end(),
                                        [id](const CatalogObject& object) { return object.id == id; });
        REQUIRE(found != objects.end());
        return *found;
    }

    SourceCatalog close() const
    {
        SourceCatalog catalog(std::filesystem::temp_directory_path().string());
        catalog.server_version = server_version;
        catalog.schemas = schemas;
        for (const CatalogObject& object : objects)
            catalog.objects.add(object);
        catalog.edges = edges;
        for (const auto& [id, table] : tables)
            catalog.tables.add(table);
        catalog.sequences = sequences;
        catalog.extension_rows = extension_rows;
        catalog.system_privileges = system_privileges;
        catalog.notes = notes;
        return catalog;
    }
};

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
        if (kind != ObjectKind::schema && kind != ObjectKind::domain_constraint)
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
        shape.columns = {column};
        shape.has_rows = true;
        shape.copy_columns = {"a"};
        shape.binary_safe = true;
        shape.size_bytes = bytes;
        shape.estimated_rows = 10;
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

    // As a dry run shows it: each step a task.
    ScopePlan plan() const
    {
        CloneOptions shown = options;
        shown.dry_run = true;
        return plan_scope(catalog.close(), selection, target, naming, shown, split);
    }
    // As it is carried out: small tables in one task each.
    ScopePlan folded_plan() const
    {
        return plan_scope(catalog.close(), selection, target, naming, options, split);
    }

    OpenCatalog catalog;
    ObjectSelection selection;
    ScopeTarget target;
    ScopeNaming naming;
    CloneOptions options;
    SplitRules split;
};

inline const CloneTask* find(const ScopePlan& plan, std::string_view kind, std::string_view name)
{
    const auto found =
        std::find_if(plan.tasks.begin(), plan.tasks.end(), [&](const CloneTask& task) {
            const std::string_view own =
                task.object_kind.empty() ? to_text(task.kind) : std::string_view(task.object_kind);
            return own == kind && task.object_name == name;
        });
    return found == plan.tasks.end() ? nullptr : &*found;
}

} // namespace pgclone::test
