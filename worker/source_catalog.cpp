#include "worker/source_catalog.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "shared/error_types.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace {

// Sequences whose values one statement reads.
constexpr std::size_t sequences_a_query = 50;

enum class FileOf { every_scope, schemas, database };

// A query that gives objects, and what is read from its further columns.
struct ObjectFile {
    std::string_view sql;
    FileOf scope;
    bool takes_schemas; // $1 = oid[]
    int first_version = 0;
    void (*read_more)(const ResultSet& rows, SourceCatalog& catalog) = nullptr;
};

ObjectId id_of_row(const ResultSet& rows, std::size_t row)
{
    return {static_cast<std::uint32_t>(rows.integer(row, "classid")),
            static_cast<std::uint32_t>(rows.integer(row, "objid"))};
}

void read_tables(const ResultSet& rows, SourceCatalog& catalog)
{
    for (TableShape& shape : read_table_shapes(rows)) {
        const ObjectId id = shape.id;
        catalog.tables.emplace(id, std::move(shape));
    }
}

void read_index_sizes(const ResultSet& rows, SourceCatalog& catalog)
{
    for (std::size_t row = 0; row < rows.size(); row++)
        catalog.index_bytes[id_of_row(rows, row)] = rows.integer(row, "size_bytes");
}

void read_validations(const ResultSet& rows, SourceCatalog& catalog)
{
    for (std::size_t row = 0; row < rows.size(); row++) {
        if (rows.is_null(row, "add_not_valid"))
            continue;
        const std::string list = "[" + rows.text(row, "add_not_valid") + "]";
        catalog.validations[id_of_row(rows, row)] = {parse_statements(list).front(),
                                                     rows.text(row, "validate_sql")};
    }
}

void read_populated(const ResultSet& rows, SourceCatalog& catalog)
{
    for (std::size_t row = 0; row < rows.size(); row++)
        catalog.populated[id_of_row(rows, row)] = rows.boolean(row, "is_populated");
}

void read_versions(const ResultSet& rows, SourceCatalog& catalog)
{
    for (std::size_t row = 0; row < rows.size(); row++)
        catalog.extension_versions[id_of_row(rows, row)] = rows.text(row, "version");
}

const std::vector<ObjectFile>& object_files()
{
    namespace sql = catalog_sql;
    static const std::vector<ObjectFile> files = {
        {sql::schemas, FileOf::every_scope, true},
        {sql::functions, FileOf::every_scope, true},
        {sql::aggregates, FileOf::every_scope, true},
        {sql::collations, FileOf::schemas, true},
        {sql::types, FileOf::schemas, true},
        {sql::domains, FileOf::schemas, true},
        {sql::domain_constraints, FileOf::schemas, true},
        {sql::operators, FileOf::schemas, true},
        {sql::operator_families, FileOf::schemas, true},
        {sql::operator_classes, FileOf::schemas, true},
        {sql::conversions, FileOf::schemas, true},
        {sql::text_search_parsers, FileOf::schemas, true},
        {sql::text_search_templates, FileOf::schemas, true},
        {sql::text_search_dictionaries, FileOf::schemas, true},
        {sql::text_search_configurations, FileOf::schemas, true},
        {sql::tables, FileOf::schemas, true, 0, read_tables},
        {sql::sequences, FileOf::schemas, true},
        {sql::views, FileOf::schemas, true},
        {sql::materialized_views, FileOf::schemas, true, 0, read_populated},
        {sql::defaults, FileOf::schemas, true},
        {sql::check_constraints, FileOf::schemas, true},
        {sql::constraints, FileOf::schemas, true, 0, read_index_sizes},
        {sql::indexes, FileOf::schemas, true, 0, read_index_sizes},
        {sql::index_attachments, FileOf::schemas, true},
        {sql::index_marks, FileOf::schemas, true},
        {sql::foreign_keys, FileOf::schemas, true, 0, read_validations},
        {sql::rules, FileOf::schemas, true},
        {sql::statistics_objects, FileOf::schemas, true},
        {sql::triggers, FileOf::schemas, true},
        {sql::policies, FileOf::schemas, true},
        {sql::default_privileges, FileOf::schemas, true},
        {sql::global_default_privileges, FileOf::database, false},
        {sql::extensions, FileOf::database, false, 0, read_versions},
        {sql::languages, FileOf::database, false},
        {sql::access_methods, FileOf::database, false},
        {sql::casts, FileOf::database, false},
        {sql::transforms, FileOf::database, false},
        {sql::foreign_data_wrappers, FileOf::database, false},
        {sql::servers, FileOf::database, false},
        {sql::user_mappings, FileOf::database, false},
        {sql::publications, FileOf::database, false},
        {sql::publication_members, FileOf::database, false},
        {sql::publication_members_15, FileOf::database, false, 150000},
        {sql::subscriptions, FileOf::database, false},
        {sql::event_triggers, FileOf::database, false},
        {sql::large_objects, FileOf::database, false},
    };
    return files;
}

bool is_read(FileOf of, JobScope scope)
{
    switch (of) {
    case FileOf::every_scope:
        return true;
    case FileOf::schemas:
        return scope != JobScope::functions;
    case FileOf::database:
        return scope == JobScope::database;
    }
    return false;
}

class CatalogReader {
  public:
    CatalogReader(PgSession& source, CatalogRequest request)
        : source_(source), request_(std::move(request))
    {
    }

    Async<SourceCatalog> read();

  private:
    Async<ResultSet> ask(std::string_view sql, bool takes_schemas);
    Async<void> read_schemas();
    Async<void> check_hidden();
    Async<void> read_sequences();
    Async<void> read_sequence_values(std::size_t from, std::size_t to);
    Async<void> read_files();
    Async<void> read_remarks(std::string_view sql, bool takes_schemas,
                             std::vector<std::string> CatalogObject::*list);
    Async<void> read_privileges(std::string_view sql, bool takes_schemas);
    Async<void> read_edges();
    Async<void> read_extension_rows();
    ObjectId extension_class() const;
    Async<void> read_externals();
    CatalogObject* find(ObjectId id);

    PgSession& source_;
    CatalogRequest request_;
    SourceCatalog catalog_;
    std::string schema_oids_; // as the text of an oid[]
    std::map<ObjectId, std::size_t> positions_;
};

Async<ResultSet> CatalogReader::ask(std::string_view sql, bool takes_schemas)
{
    const std::string text(sql);
    PgSession::Parameters parameters;
    if (takes_schemas)
        parameters.emplace_back(schema_oids_);
    ResultSet rows = co_await source_.query(text, parameters);
    co_return rows;
}

Async<SourceCatalog> CatalogReader::read()
{
    catalog_.server_version = source_.server_version();
    catalog_.server_encoding = source_.parameter_status("server_encoding");
    co_await read_schemas();
    const std::string empty_path("SELECT pg_catalog.set_config('search_path', '', true)");
    if (request_.rename) {
        const std::string path = quote_literal(quote_identifier(request_.schema));
        const std::string set = "SELECT pg_catalog.set_config('search_path', " + path + ", true)";
        co_await source_.query(set);
        co_await check_hidden();
    }
    const bool has_relations = request_.scope != JobScope::functions;
    if (has_relations)
        co_await read_sequences();
    co_await read_files();
    co_await read_edges();
    co_await read_remarks(catalog_sql::comments, true, &CatalogObject::comments);
    co_await read_remarks(catalog_sql::security_labels, true, &CatalogObject::labels);
    co_await read_privileges(catalog_sql::privileges, true);
    if (request_.scope == JobScope::database) {
        co_await read_remarks(catalog_sql::database_comments, false, &CatalogObject::comments);
        co_await read_remarks(catalog_sql::database_security_labels, false, &CatalogObject::labels);
        co_await read_privileges(catalog_sql::database_privileges, false);
        if (request_.data)
            co_await read_extension_rows();
    }
    co_await read_externals();
    if (request_.rename)
        co_await source_.query(empty_path);
    co_return std::move(catalog_);
}

Async<void> CatalogReader::read_schemas()
{
    const std::string sql(catalog_sql::namespaces);
    PgSession::Parameters parameters;
    if (request_.schema.empty())
        parameters.emplace_back(std::nullopt);
    else
        parameters.emplace_back(request_.schema);
    const ResultSet rows = co_await source_.query(sql, parameters);
    if (rows.empty() && !request_.schema.empty())
        throw PgError(sqlstate::undefined_schema,
                      "schema \"" + request_.schema + "\" does not exist on the source");
    std::vector<std::string> oids;
    for (std::size_t row = 0; row < rows.size(); row++) {
        oids.push_back(rows.text(row, "oid"));
        catalog_.schemas.push_back(rows.text(row, "name"));
    }
    schema_oids_ = array_literal(oids);
}

// What has the name of one of the server's objects would be printed with its schema.
Async<void> CatalogReader::check_hidden()
{
    const ResultSet rows = co_await ask(catalog_sql::hidden_objects, true);
    if (rows.empty())
        co_return;
    std::string list;
    for (std::size_t row = 0; row < rows.size(); row++)
        list += (row > 0 ? ", " : "") + rows.text(row, "description");
    throw PgError(sqlstate::feature_not_supported,
                  "cannot clone schema \"" + request_.schema + "\" under another name",
                  "It has objects with names of the server's own: " + list + ".",
                  "Clone it under its own name, and rename it then.");
}

Async<void> CatalogReader::read_sequences()
{
    const ResultSet rows = co_await ask(catalog_sql::sequence_names, true);
    for (std::size_t row = 0; row < rows.size(); row++) {
        SequenceState sequence;
        sequence.node = id_of_row(rows, row);
        sequence.source = {rows.text(row, "source_schema"), rows.text(row, "source_name")};
        sequence.target_as = rows.text(row, "relation");
        if (request_.data && !rows.boolean(row, "can_select"))
            throw PgError(sqlstate::insufficient_privilege, "permission denied for sequence " +
                                                                quote_qualified(sequence.source) +
                                                                " on the source");
        catalog_.sequences.push_back(std::move(sequence));
    }
    if (!request_.data)
        co_return;
    // The locks on the sequences need not last as long as the snapshot, and may be too many.
    const std::string savepoint("SAVEPOINT sequences");
    const std::string back("ROLLBACK TO sequences");
    for (std::size_t from = 0; from < catalog_.sequences.size(); from += sequences_a_query) {
        const std::size_t to = std::min(from + sequences_a_query, catalog_.sequences.size());
        co_await source_.execute(savepoint);
        co_await read_sequence_values(from, to);
        co_await source_.execute(back);
    }
}

Async<void> CatalogReader::read_sequence_values(std::size_t from, std::size_t to)
{
    std::string sql;
    for (std::size_t i = from; i < to; i++)
        sql += std::string(i > from ? " UNION ALL " : "") + "SELECT " + std::to_string(i) +
               " AS number, last_value, is_called FROM " +
               quote_qualified(catalog_.sequences[i].source);
    const ResultSet rows = co_await source_.query(sql);
    for (std::size_t row = 0; row < rows.size(); row++) {
        SequenceState& sequence =
            catalog_.sequences.at(static_cast<std::size_t>(rows.integer(row, "number")));
        sequence.last_value = rows.text(row, "last_value");
        sequence.is_called = rows.boolean(row, "is_called");
    }
}

Async<void> CatalogReader::read_files()
{
    for (const ObjectFile& file : object_files()) {
        if (!is_read(file.scope, request_.scope) || catalog_.server_version < file.first_version)
            continue;
        const ResultSet rows = co_await ask(file.sql, file.takes_schemas);
        const bool has_notes = rows.has_column("note");
        std::size_t row = 0;
        for (CatalogObject& object : read_objects(rows)) {
            const std::string note = has_notes ? rows.text(row, "note") : "";
            row++;
            if (!note.empty()) {
                catalog_.notes.push_back(describe(object) + ": " + note);
                if (object.create.empty())
                    continue; // it could not be read
            }
            positions_.emplace(object.id, catalog_.objects.size());
            catalog_.objects.push_back(std::move(object));
        }
        if (file.read_more != nullptr)
            file.read_more(rows, catalog_);
    }
}

CatalogObject* CatalogReader::find(ObjectId id)
{
    const auto found = positions_.find(id);
    return found == positions_.end() ? nullptr : &catalog_.objects[found->second];
}

Async<void> CatalogReader::read_remarks(std::string_view sql, bool takes_schemas,
                                        std::vector<std::string> CatalogObject::*list)
{
    const ResultSet rows = co_await ask(sql, takes_schemas);
    for (std::size_t row = 0; row < rows.size(); row++) {
        CatalogObject* object = find(id_of_row(rows, row));
        if (object != nullptr)
            (object->*list).push_back(rows.text(row, "statement"));
    }
}

Async<void> CatalogReader::read_privileges(std::string_view sql, bool takes_schemas)
{
    const ResultSet rows = co_await ask(sql, takes_schemas);
    for (std::size_t row = 0; row < rows.size(); row++) {
        std::vector<StatementTemplate> statements = parse_statements(rows.text(row, "statements"));
        CatalogObject* object = find(id_of_row(rows, row));
        if (object == nullptr) {
            catalog_.system_privileges.push_back(std::move(statements));
            continue;
        }
        for (StatementTemplate& statement : statements)
            object->privileges.push_back(std::move(statement));
    }
}

Async<void> CatalogReader::read_edges()
{
    const ResultSet rows = co_await ask(catalog_sql::dependencies, true);
    for (std::size_t row = 0; row < rows.size(); row++) {
        ObjectEdge edge;
        edge.object = id_of_row(rows, row);
        edge.needs = {static_cast<std::uint32_t>(rows.integer(row, "ref_classid")),
                      static_cast<std::uint32_t>(rows.integer(row, "ref_objid"))};
        edge.of_shell = rows.boolean(row, "of_shell");
        if (positions_.contains(edge.object))
            catalog_.edges.push_back(edge);
    }
    for (const CatalogObject& object : catalog_.objects)
        for (const ObjectId& needed : object.needs)
            catalog_.edges.push_back({object.id, needed, true});
}

ObjectId CatalogReader::extension_class() const
{
    for (const CatalogObject& object : catalog_.objects)
        if (object.kind == ObjectKind::extension)
            return object.id;
    return {};
}

Async<void> CatalogReader::read_extension_rows()
{
    const ResultSet rows = co_await ask(catalog_sql::extension_data, true);
    const ObjectId pg_extension = extension_class();
    for (std::size_t row = 0; row < rows.size(); row++) {
        ExtensionRows table;
        table.extension = {pg_extension.classid,
                           static_cast<std::uint32_t>(rows.integer(row, "extension_oid"))};
        table.oid = static_cast<std::uint32_t>(rows.integer(row, "table_oid"));
        table.name = {rows.text(row, "schema_name"), rows.text(row, "name")};
        table.condition = rows.text(row, "condition");
        table.columns = rows.list(row, "copy_columns");
        table.binary_safe = rows.boolean(row, "binary_safe");
        table.filenode = rows.integer(row, "filenode");
        for (const std::string& oid : rows.list(row, "references_oids"))
            table.references.push_back(static_cast<std::uint32_t>(std::stoul(oid)));
        catalog_.extension_rows.push_back(std::move(table));
    }
}

// What stands outside of what is cloned must be on the target already: named by kind and name.
Async<void> CatalogReader::read_externals()
{
    std::set<ObjectId> outside;
    for (const ObjectEdge& edge : catalog_.edges)
        if (!positions_.contains(edge.needs))
            outside.insert(edge.needs);
    if (outside.empty())
        co_return;
    std::vector<std::string> classes;
    std::vector<std::string> objects;
    for (const ObjectId& id : outside) {
        classes.push_back(std::to_string(id.classid));
        objects.push_back(std::to_string(id.objid));
    }
    const std::string sql(catalog_sql::external_objects);
    PgSession::Parameters parameters{array_literal(classes), array_literal(objects)};
    const ResultSet rows = co_await source_.query(sql, parameters);
    for (std::size_t row = 0; row < rows.size(); row++)
        catalog_.externals.push_back({id_of_row(rows, row),
                                      {rows.text(row, "kind"), rows.text(row, "name")},
                                      rows.text(row, "extension")});
}

} // namespace

Async<SourceCatalog> read_source_catalog(PgSession& source, CatalogRequest request)
{
    CatalogReader reader(source, std::move(request));
    SourceCatalog catalog = co_await reader.read();
    co_return catalog;
}

} // namespace pgclone
