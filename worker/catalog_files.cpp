#include "worker/catalog_files.hpp"

#include "worker/catalog_sql.hpp"

namespace pgclone {

ObjectId id_of_row(const ResultSet& rows, std::size_t row)
{
    return {static_cast<std::uint32_t>(rows.integer(row, "classid")),
            static_cast<std::uint32_t>(rows.integer(row, "objid"))};
}

namespace {

void read_index_size(const ResultSet& rows, std::size_t row, CatalogObject& object)
{
    object.index_bytes = rows.integer(row, "size_bytes");
}

void read_key(const ResultSet& rows, std::size_t row, CatalogObject& object)
{
    read_index_size(rows, row, object);
    if (!rows.is_null(row, "index_sql"))
        object.key_index = {rows.text(row, "index_name"), rows.text(row, "index_sql"),
                            rows.text(row, "use_index_sql"), rows.text(row, "drop_index_sql")};
}

void read_validation(const ResultSet& rows, std::size_t row, CatalogObject& object)
{
    if (rows.is_null(row, "add_not_valid"))
        return;
    const std::string list = "[" + rows.text(row, "add_not_valid") + "]";
    LateValidation& validation = object.late_validation.emplace();
    validation.add = parse_statements(list).front();
    validation.validate = rows.text(row, "validate_sql");
    if (!rows.is_null(row, "index_objid"))
        validation.index = {static_cast<std::uint32_t>(rows.integer(row, "index_classid")),
                            static_cast<std::uint32_t>(rows.integer(row, "index_objid"))};
}

void read_populated(const ResultSet& rows, std::size_t row, CatalogObject& object)
{
    object.is_populated = rows.boolean(row, "is_populated");
}

void read_version(const ResultSet& rows, std::size_t row, CatalogObject& object)
{
    object.version = rows.text(row, "version");
}

} // namespace

const std::vector<ObjectFile>& object_files()
{
    namespace sql = catalog_sql;
    static const std::vector<ObjectFile> files = {
        {"schemas", sql::schemas, FileOf::every_scope, true},
        {"functions", sql::functions, FileOf::every_scope, true},
        {"aggregates", sql::aggregates, FileOf::every_scope, true},
        {"collations", sql::collations, FileOf::schemas, true},
        {"types", sql::types, FileOf::schemas, true},
        {"domains", sql::domains, FileOf::schemas, true},
        {"domain_constraints", sql::domain_constraints, FileOf::schemas, true},
        {"operators", sql::operators, FileOf::schemas, true},
        {"operator_families", sql::operator_families, FileOf::schemas, true},
        {"operator_classes", sql::operator_classes, FileOf::schemas, true},
        {"conversions", sql::conversions, FileOf::schemas, true},
        {"text_search_parsers", sql::text_search_parsers, FileOf::schemas, true},
        {"text_search_templates", sql::text_search_templates, FileOf::schemas, true},
        {"text_search_dictionaries", sql::text_search_dictionaries, FileOf::schemas, true},
        {"text_search_configurations", sql::text_search_configurations, FileOf::schemas, true},
        {"tables", sql::tables, FileOf::schemas, true, 0, nullptr, true},
        {"sequences", sql::sequences, FileOf::schemas, true},
        {"views", sql::views, FileOf::schemas, true},
        {"materialized_views", sql::materialized_views, FileOf::schemas, true, 0, read_populated},
        {"defaults", sql::defaults, FileOf::schemas, true},
        {"check_constraints", sql::check_constraints, FileOf::schemas, true},
        {"constraints", sql::constraints, FileOf::schemas, true, 0, read_key},
        {"indexes", sql::indexes, FileOf::schemas, true, 0, read_index_size},
        {"index_attachments", sql::index_attachments, FileOf::schemas, true},
        {"index_marks", sql::index_marks, FileOf::schemas, true},
        {"foreign_keys", sql::foreign_keys, FileOf::schemas, true, 0, read_validation},
        {"rules", sql::rules, FileOf::schemas, true},
        {"statistics_objects", sql::statistics_objects, FileOf::schemas, true},
        {"triggers", sql::triggers, FileOf::schemas, true},
        {"policies", sql::policies, FileOf::schemas, true},
        {"default_privileges", sql::default_privileges, FileOf::schemas, true},
        {"global_default_privileges", sql::global_default_privileges, FileOf::database, false},
        {"extensions", sql::extensions, FileOf::database, false, 0, read_version},
        {"languages", sql::languages, FileOf::database, false},
        {"access_methods", sql::access_methods, FileOf::database, false},
        {"casts", sql::casts, FileOf::database, false},
        {"transforms", sql::transforms, FileOf::database, false},
        {"foreign_data_wrappers", sql::foreign_data_wrappers, FileOf::database, false},
        {"servers", sql::servers, FileOf::database, false},
        {"user_mappings", sql::user_mappings, FileOf::database, false},
        {"publications", sql::publications, FileOf::database, false},
        {"publication_members", sql::publication_members, FileOf::database, false},
        {"publication_members_15", sql::publication_members_15, FileOf::database, false, 150000},
        {"subscriptions", sql::subscriptions, FileOf::database, false},
        {"event_triggers", sql::event_triggers, FileOf::database, false},
        {"large_objects", sql::large_objects, FileOf::database, false},
    };
    return files;
}

bool is_read(const ObjectFile& file, JobScope scope, int server_version)
{
    if (server_version < file.first_version)
        return false;
    switch (file.scope) {
    case FileOf::every_scope:
        return true;
    case FileOf::schemas:
        return scope != JobScope::functions;
    case FileOf::database:
        return scope == JobScope::database;
    }
    return false;
}

} // namespace pgclone
