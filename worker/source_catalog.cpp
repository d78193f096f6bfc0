#include "worker/source_catalog.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "shared/error_types.hpp"
#include "worker/catalog_files.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/run_both.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace {

// Sequences whose values one statement reads. More take it longer for each of them.
constexpr std::size_t sequences_a_query = 50;
// From so many tables on it is worth while to open a second session.
constexpr std::int64_t tables_for_helper = 250;

// What takes about half of the time.
bool is_for_helper(const PipelinedQuery& query)
{
    return query.sql == catalog_sql::dependencies || query.sql == catalog_sql::indexes ||
           query.sql == catalog_sql::constraints;
}

// The answers may come in another order than that of the questions, so what they say is put
// together when all are there.
class CatalogReader {
  public:
    CatalogReader(PgSession& source, CatalogRequest request, HelperOpener open_helper)
        : source_(source), request_(std::move(request)), open_helper_(std::move(open_helper)),
          catalog_(request_.scratch_directory), remark_texts_(request_.scratch_directory)
    {
    }

    Async<SourceCatalog> read();

  private:
    using Handler = void (CatalogReader::*)(const ResultSet& rows);
    // Of one object file.
    struct Answer {
        std::vector<std::uint32_t> objects; // their numbers
        std::vector<std::string> notes;
    };
    // What is said of an object in another file than its own.
    enum class RemarkOn { comments, labels, privileges };
    struct Remark {
        ObjectId id;
        RemarkOn what;
        ScratchFile::Place text;
    };

    // Queries that are asked together, one round trip for all of them.
    void ask(std::string_view sql, bool takes_schemas, Handler on_rows);
    void ask(std::string sql);
    Async<void> answer();
    Async<void> answer_with_helper();
    Async<void> ask_helper(std::vector<PipelinedQuery> queries);
    Async<void> read_schemas();
    void take_schemas(const ResultSet& rows);
    void take_absent(const ResultSet& rows);
    void check_hidden(const ResultSet& rows);
    void take_sequences(const ResultSet& rows);
    void ask_sequence_values();
    void take_sequence_values(const ResultSet& rows);
    void ask_files();
    void take_objects(const ResultSet& rows, const ObjectFile& file, Answer& answer);
    void take_comments(const ResultSet& rows);
    void take_labels(const ResultSet& rows);
    void take_privileges(const ResultSet& rows);
    void take_remarks(const ResultSet& rows, RemarkOn what, std::string_view column);
    void take_edges(const ResultSet& rows);
    void take_extension_rows(const ResultSet& rows);
    void put_together();
    void put_remarks();
    void apply(const Remark& remark, CatalogObject& object) const;
    ObjectId extension_class() const;
    Async<void> read_externals();
    void take_externals(const ResultSet& rows);
    std::string set_path() const;

    PgSession& source_;
    CatalogRequest request_;
    HelperOpener open_helper_;
    SourceCatalog catalog_;
    std::string schema_oids_; // as the text of an oid[]
    std::int64_t tables_ = 0;
    std::set<std::string> absent_; // files that would give nothing
    std::vector<PipelinedQuery> asked_;
    std::vector<PipelinedQuery> left_over_; // of a helper that could not be had

    std::vector<Answer> answers_; // in the order of the files
    std::vector<Remark> remarks_;
    ScratchFile remark_texts_;
};

void CatalogReader::ask(std::string_view sql, bool takes_schemas, Handler on_rows)
{
    PipelinedQuery query{std::string(sql)};
    if (takes_schemas)
        query.parameters.emplace_back(schema_oids_);
    query.on_rows = [this, on_rows](const ResultSet& rows) { (this->*on_rows)(rows); };
    query.in_pieces = true;
    asked_.push_back(std::move(query));
}

void CatalogReader::ask(std::string sql)
{
    asked_.push_back({std::move(sql)});
}

Async<void> CatalogReader::answer()
{
    std::vector<PipelinedQuery> queries = std::move(asked_);
    asked_.clear();
    co_await source_.query_all(std::move(queries));
}

// A part of the questions goes to the helper.
Async<void> CatalogReader::answer_with_helper()
{
    const auto theirs =
        std::stable_partition(asked_.begin(), asked_.end(),
                              [](const PipelinedQuery& query) { return !is_for_helper(query); });
    std::vector<PipelinedQuery> queries(std::make_move_iterator(theirs),
                                        std::make_move_iterator(asked_.end()));
    asked_.erase(theirs, asked_.end());
    Async<void> mine = answer();
    Async<void> helpers = ask_helper(std::move(queries));
    co_await run_both(source_.loop(), std::move(mine), std::move(helpers));
    if (left_over_.empty())
        co_return;
    asked_ = std::move(left_over_);
    co_await answer();
}

Async<void> CatalogReader::ask_helper(std::vector<PipelinedQuery> queries)
{
    PgSession helper(source_.loop(), SessionSide::source);
    bool is_open = false;
    try {
        co_await open_helper_(helper);
        is_open = true;
    } catch (const PgError&) {
        source_.loop().check_interrupts(); // else it may be that no more connections are allowed
    }
    if (!is_open) {
        left_over_ = std::move(queries);
        co_return;
    }
    if (request_.rename)
        queries.insert(queries.begin(), PipelinedQuery{set_path()});
    co_await helper.query_all(std::move(queries));
}

std::string CatalogReader::set_path() const
{
    return "SELECT pg_catalog.set_config('search_path', " +
           quote_literal(quote_identifier(request_.schema)) + ", true)";
}

// Each round trip asks for all that can be asked with what is known by then.
Async<SourceCatalog> CatalogReader::read()
{
    catalog_.server_version = source_.server_version();
    catalog_.server_encoding = source_.parameter_status("server_encoding");
    co_await read_schemas();
    if (request_.rename) {
        ask(set_path());
        ask(catalog_sql::hidden_objects, true, &CatalogReader::check_hidden);
    }
    if (request_.scope != JobScope::functions)
        ask(catalog_sql::sequence_names, true, &CatalogReader::take_sequences);
    co_await answer();
    if (request_.data)
        ask_sequence_values();
    ask_files();
    ask(catalog_sql::dependencies, true, &CatalogReader::take_edges);
    ask(catalog_sql::comments, true, &CatalogReader::take_comments);
    ask(catalog_sql::security_labels, true, &CatalogReader::take_labels);
    ask(catalog_sql::privileges, true, &CatalogReader::take_privileges);
    if (request_.scope == JobScope::database) {
        ask(catalog_sql::database_comments, false, &CatalogReader::take_comments);
        ask(catalog_sql::database_security_labels, false, &CatalogReader::take_labels);
        ask(catalog_sql::database_privileges, false, &CatalogReader::take_privileges);
        if (request_.data)
            ask(catalog_sql::extension_data, true, &CatalogReader::take_extension_rows);
    }
    if (open_helper_ && tables_ >= tables_for_helper)
        co_await answer_with_helper();
    else
        co_await answer();
    put_together();
    co_await read_externals();
    co_return std::move(catalog_);
}

Async<void> CatalogReader::read_schemas()
{
    PipelinedQuery query{std::string(catalog_sql::namespaces)};
    query.parameters.emplace_back(std::nullopt);
    if (!request_.schema.empty())
        query.parameters.front() = request_.schema;
    query.on_rows = [this](const ResultSet& rows) { take_schemas(rows); };
    asked_.push_back(std::move(query));
    ask(catalog_sql::absent_kinds, false, &CatalogReader::take_absent);
    co_await answer();
}

void CatalogReader::take_absent(const ResultSet& rows)
{
    for (std::size_t row = 0; row < rows.size(); row++)
        absent_.insert(rows.text(row, "file"));
}

void CatalogReader::take_schemas(const ResultSet& rows)
{
    if (rows.empty() && !request_.schema.empty())
        throw PgError(sqlstate::undefined_schema,
                      "schema \"" + request_.schema + "\" does not exist on the source");
    std::vector<std::string> oids;
    for (std::size_t row = 0; row < rows.size(); row++) {
        oids.push_back(rows.text(row, "oid"));
        catalog_.schemas.push_back(rows.text(row, "name"));
        tables_ += rows.integer(row, "tables");
    }
    schema_oids_ = array_literal(oids);
}

// What has the name of one of the server's objects would be printed with its schema.
void CatalogReader::check_hidden(const ResultSet& rows)
{
    if (rows.empty())
        return;
    std::string list;
    for (std::size_t row = 0; row < rows.size(); row++)
        list += (row > 0 ? ", " : "") + rows.text(row, "description");
    throw PgError(sqlstate::feature_not_supported,
                  "cannot clone schema \"" + request_.schema + "\" under another name",
                  "It has objects with names of the server's own: " + list + ".",
                  "Clone it under its own name, and rename it then.");
}

void CatalogReader::take_sequences(const ResultSet& rows)
{
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
}

// By SELECT, and not by pg_sequence_last_value(), which would be quicker: what that function locks
// stays locked to the end of the transaction, whatever becomes of the savepoint (sequence.c,
// lock_and_open_sequence). That is the end of the job's data, the lock is one against ALTER SEQUENCE,
// and the server has no room for 100,000 of them.
void CatalogReader::ask_sequence_values()
{
    std::string sql;
    ask("SAVEPOINT sequences");
    for (std::size_t i = 0; i < catalog_.sequences.size(); i++) {
        sql += std::string(sql.empty() ? "" : " UNION ALL ") + "SELECT " + std::to_string(i) +
               " AS number, last_value, is_called FROM " +
               quote_qualified(catalog_.sequences[i].source);
        if ((i + 1) % sequences_a_query != 0 && i + 1 < catalog_.sequences.size())
            continue;
        PipelinedQuery query{std::exchange(sql, "")};
        query.on_rows = [this](const ResultSet& rows) { take_sequence_values(rows); };
        asked_.push_back(std::move(query));
        ask("ROLLBACK TO sequences");
    }
    ask("RELEASE sequences");
}

void CatalogReader::take_sequence_values(const ResultSet& rows)
{
    for (std::size_t row = 0; row < rows.size(); row++) {
        SequenceState& sequence =
            catalog_.sequences.at(static_cast<std::size_t>(rows.integer(row, "number")));
        sequence.last_value = std::to_string(rows.integer(row, "last_value"));
        sequence.is_called = rows.boolean(row, "is_called");
    }
}

void CatalogReader::ask_files()
{
    for (const ObjectFile& file : object_files()) {
        if (!is_read(file, request_.scope, catalog_.server_version) ||
            absent_.contains(std::string(file.name)))
            continue;
        PipelinedQuery query{std::string(file.sql)};
        if (file.takes_schemas)
            query.parameters.emplace_back(schema_oids_);
        query.on_rows = [this, &file, number = answers_.size()](const ResultSet& rows) {
            take_objects(rows, file, answers_[number]);
        };
        query.in_pieces = true;
        asked_.push_back(std::move(query));
        answers_.emplace_back();
    }
}

void CatalogReader::take_objects(const ResultSet& rows, const ObjectFile& file, Answer& answer)
{
    const bool has_notes = rows.has_column("note");
    std::size_t row = 0;
    for (CatalogObject& object : read_objects(rows)) {
        if (file.read_more != nullptr)
            file.read_more(rows, row, object);
        const std::string note = has_notes ? rows.text(row, "note") : "";
        row++;
        if (!note.empty()) {
            answer.notes.push_back(describe(object) + ": " + note);
            if (object.create.empty())
                continue; // it could not be read
        }
        for (const ObjectId& needed : object.needs)
            catalog_.edges.push_back({object.id, needed, true});
        answer.objects.push_back(static_cast<std::uint32_t>(catalog_.objects.size()));
        catalog_.objects.add(object);
    }
    if (file.has_tables)
        for (const TableShape& table : read_table_shapes(rows))
            catalog_.tables.add(table);
}

void CatalogReader::take_comments(const ResultSet& rows)
{
    take_remarks(rows, RemarkOn::comments, "statement");
}

void CatalogReader::take_labels(const ResultSet& rows)
{
    take_remarks(rows, RemarkOn::labels, "statement");
}

void CatalogReader::take_privileges(const ResultSet& rows)
{
    take_remarks(rows, RemarkOn::privileges, "statements");
}

void CatalogReader::take_remarks(const ResultSet& rows, RemarkOn what, std::string_view column)
{
    for (std::size_t row = 0; row < rows.size(); row++)
        remarks_.push_back(
            {id_of_row(rows, row), what, remark_texts_.append(rows.text(row, column))});
}

void CatalogReader::take_edges(const ResultSet& rows)
{
    for (std::size_t row = 0; row < rows.size(); row++) {
        ObjectEdge edge;
        edge.object = id_of_row(rows, row);
        edge.needs = {static_cast<std::uint32_t>(rows.integer(row, "ref_classid")),
                      static_cast<std::uint32_t>(rows.integer(row, "ref_objid"))};
        edge.of_shell = rows.boolean(row, "of_shell");
        catalog_.edges.push_back(edge);
    }
}

void CatalogReader::put_together()
{
    std::vector<std::uint32_t> order;
    order.reserve(catalog_.objects.size());
    for (Answer& answer : answers_) {
        order.insert(order.end(), answer.objects.begin(), answer.objects.end());
        for (std::string& note : answer.notes)
            catalog_.notes.push_back(std::move(note));
        answer = {};
    }
    catalog_.objects.reorder(order);
    std::erase_if(catalog_.edges, [this](const ObjectEdge& edge) {
        return !catalog_.objects.find(edge.object).has_value();
    });
    put_remarks();
    const ObjectId pg_extension = extension_class();
    for (ExtensionRows& table : catalog_.extension_rows)
        table.extension.classid = pg_extension.classid;
}

// All of one object together: a table may have as many comments as columns.
void CatalogReader::put_remarks()
{
    std::erase_if(remarks_, [this](const Remark& remark) {
        const bool is_of_none = !catalog_.objects.find(remark.id).has_value();
        if (is_of_none && remark.what == RemarkOn::privileges)
            catalog_.system_privileges.push_back(
                parse_statements(remark_texts_.read(remark.text)));
        return is_of_none;
    });
    std::stable_sort(remarks_.begin(), remarks_.end(),
                     [](const Remark& a, const Remark& b) { return a.id < b.id; });
    for (auto next = remarks_.begin(); next != remarks_.end();) {
        const std::size_t number = catalog_.objects.find(next->id).value();
        CatalogObject object = catalog_.objects.load(number);
        for (; next != remarks_.end() && next->id == object.id; ++next)
            apply(*next, object);
        catalog_.objects.replace(number, object);
    }
    std::vector<Remark>().swap(remarks_);
}

void CatalogReader::apply(const Remark& remark, CatalogObject& object) const
{
    std::string text = remark_texts_.read(remark.text);
    if (remark.what == RemarkOn::comments)
        object.comments.push_back(std::move(text));
    else if (remark.what == RemarkOn::labels)
        object.labels.push_back(std::move(text));
    else
        for (StatementTemplate& statement : parse_statements(text))
            object.privileges.push_back(std::move(statement));
}

ObjectId CatalogReader::extension_class() const
{
    for (std::size_t i = 0; i < catalog_.objects.size(); i++)
        if (catalog_.objects.head(i).kind == ObjectKind::extension)
            return catalog_.objects.head(i).id;
    return {};
}

void CatalogReader::take_extension_rows(const ResultSet& rows)
{
    for (std::size_t row = 0; row < rows.size(); row++) {
        ExtensionRows table;
        table.extension.objid = static_cast<std::uint32_t>(rows.integer(row, "extension_oid"));
        table.oid = static_cast<std::uint32_t>(rows.integer(row, "table_oid"));
        table.name = {rows.text(row, "schema_name"), rows.text(row, "name")};
        table.condition = rows.text(row, "condition");
        table.columns = rows.list(row, "copy_columns");
        table.binary_safe = rows.boolean(row, "binary_safe");
        table.can_select = rows.boolean(row, "can_select");
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
        if (!catalog_.objects.find(edge.needs))
            outside.insert(edge.needs);
    if (!outside.empty()) {
        std::vector<std::string> classes;
        std::vector<std::string> objects;
        for (const ObjectId& id : outside) {
            classes.push_back(std::to_string(id.classid));
            objects.push_back(std::to_string(id.objid));
        }
        ask(catalog_sql::external_objects, false, &CatalogReader::take_externals);
        asked_.back().parameters = {array_literal(classes), array_literal(objects)};
    }
    if (request_.rename)
        ask("SELECT pg_catalog.set_config('search_path', '', true)");
    co_await answer();
}

void CatalogReader::take_externals(const ResultSet& rows)
{
    for (std::size_t row = 0; row < rows.size(); row++)
        catalog_.externals.push_back({id_of_row(rows, row),
                                      {rows.text(row, "kind"), rows.text(row, "name")},
                                      rows.text(row, "extension")});
}

} // namespace

Async<SourceCatalog> read_source_catalog(PgSession& source, CatalogRequest request,
                                         HelperOpener open_helper)
{
    CatalogReader reader(source, std::move(request), std::move(open_helper));
    SourceCatalog catalog = co_await reader.read();
    co_return catalog;
}

} // namespace pgclone
