#include "worker/catalog_object.hpp"

#include <limits>
#include <utility>

#include <boost/json.hpp>

#include "shared/error_types.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace json = boost::json;

namespace {

// The queries are ours, so an answer of another form is a bug of ours or a server that is none.
[[noreturn]] void raise_malformed(std::string_view column, std::string detail)
{
    throw PgError(sqlstate::internal_error,
                  "unexpected catalog row: malformed \"" + std::string(column) + "\"",
                  std::move(detail));
}

std::string copy(const json::string& text)
{
    return std::string(text.data(), text.size());
}

json::array parse_array(std::string_view column, std::string_view text)
{
    json::parse_options limits;
    // A database in SQL_ASCII hands out any bytes.
    limits.allow_invalid_utf8 = true;
    boost::system::error_code error;
    json::value parsed = json::parse({text.data(), text.size()}, error, {}, limits);
    if (error || !parsed.is_array())
        raise_malformed(column, "It is not a JSON array.");
    return std::move(parsed.get_array());
}

// The member `key` of `value`, which must be an object with it.
const json::value& member(std::string_view column, const json::value& value, std::string_view key)
{
    const json::object* object = value.if_object();
    const json::value* found =
        object != nullptr ? object->if_contains({key.data(), key.size()}) : nullptr;
    if (found == nullptr)
        raise_malformed(column, "An element is not an object with \"" + std::string(key) + "\".");
    return *found;
}

StatementTemplate::Piece read_piece(std::string_view column, const json::value& value)
{
    if (const json::string* text = value.if_string())
        return copy(*text);
    const json::value& role = member(column, value, "role");
    if (role.is_null())
        return StatementTemplate::Role{};
    if (const json::string* name = role.if_string())
        return StatementTemplate::Role{copy(*name)};
    raise_malformed(column, "A role is neither a name nor null.");
}

// {"since": 170000} as the first element.
int read_since(const json::array& elements)
{
    const json::object* first = elements.empty() ? nullptr : elements.front().if_object();
    const json::value* since = first != nullptr ? first->if_contains("since") : nullptr;
    const std::int64_t* version = since != nullptr ? since->if_int64() : nullptr;
    return version != nullptr && *version > 0 && *version < 10'000'000
               ? static_cast<int>(*version)
               : 0;
}

StatementTemplate read_statement(std::string_view column, const json::value& value)
{
    std::vector<StatementTemplate::Piece> pieces;
    int since = 0;
    if (const json::array* elements = value.if_array()) {
        since = read_since(*elements);
        for (std::size_t i = since != 0 ? 1 : 0; i < elements->size(); i++)
            pieces.push_back(read_piece(column, (*elements)[i]));
    } else if (const json::string* text = value.if_string(); text != nullptr && !text->empty()) {
        pieces.emplace_back(copy(*text));
    }
    if (pieces.empty())
        raise_malformed(column, "A statement is neither a text nor a list of pieces.");
    return StatementTemplate(std::move(pieces), since);
}

std::vector<StatementTemplate> read_statements(std::string_view column, std::string_view text)
{
    std::vector<StatementTemplate> statements;
    for (const json::value& value : parse_array(column, text))
        statements.push_back(read_statement(column, value));
    return statements;
}

std::uint32_t to_oid(std::string_view column, std::int64_t number)
{
    if (number < 0 || number > std::numeric_limits<std::uint32_t>::max())
        raise_malformed(column, std::to_string(number) + " is not an OID.");
    return static_cast<std::uint32_t>(number);
}

// An oid gets into jsonb as a string, unless it was made a number.
std::uint32_t read_oid(std::string_view column, const json::value& value)
{
    if (value.is_int64())
        return to_oid(column, value.get_int64());
    const json::string* text = value.if_string();
    if (text == nullptr || text->empty() || text->size() > 10)
        raise_malformed(column, "An OID is neither a number nor its digits.");
    std::int64_t number = 0;
    for (const char digit : *text) {
        if (digit < '0' || digit > '9')
            raise_malformed(column, "An OID is neither a number nor its digits.");
        number = number * 10 + (digit - '0');
    }
    return to_oid(column, number);
}

std::string read_string(std::string_view column, const json::value& value)
{
    const json::string* text = value.if_string();
    if (text == nullptr)
        raise_malformed(column, "An element is not a string.");
    return copy(*text);
}

// Reads one query's rows; columns that its file may leave out are looked for once.
class ObjectReader {
  public:
    explicit ObjectReader(const ResultSet& rows)
        : rows_(rows), has_table_oid_(rows.has_column("table_oid")),
          has_owner_(rows.has_column("owner")), has_drop_(rows.has_column("drop_sql")),
          has_needs_(rows.has_column("needs")), has_requires_(rows.has_column("requires")),
          has_needs_version_(rows.has_column("needs_version")),
          has_shell_(rows.has_column("shell_sql")), has_complete_(rows.has_column("complete_sql")),
          has_after_data_(rows.has_column("after_data"))
    {
    }

    CatalogObject read(std::size_t row) const
    {
        CatalogObject object;
        object.id = {oid(row, "classid"), oid(row, "objid")};
        object.kind = kind(row);
        object.schema_name = rows_.text(row, "schema_name");
        object.name = rows_.text(row, "name");
        object.object_as = rows_.text(row, "object_as");
        object.create = read_statements("create_sql", rows_.text(row, "create_sql"));
        if (is_given(has_table_oid_, row, "table_oid"))
            object.table_oid = oid(row, "table_oid");
        if (has_owner_)
            object.owner = rows_.value(row, "owner");
        if (has_after_data_)
            object.after_data = rows_.boolean(row, "after_data");
        if (has_drop_)
            object.drop = rows_.text(row, "drop_sql");
        if (has_shell_)
            object.shell = rows_.text(row, "shell_sql");
        if (is_given(has_complete_, row, "complete_sql"))
            object.complete = read_statements("complete_sql", rows_.text(row, "complete_sql"));
        if (is_given(has_needs_, row, "needs"))
            object.needs = needs(row);
        if (is_given(has_requires_, row, "requires"))
            object.requirements = requirements(row);
        if (is_given(has_needs_version_, row, "needs_version"))
            object.needs_version = static_cast<int>(rows_.integer(row, "needs_version"));
        return object;
    }

  private:
    bool is_given(bool has_column, std::size_t row, std::string_view column) const
    {
        return has_column && !rows_.is_null(row, column);
    }

    std::uint32_t oid(std::size_t row, std::string_view column) const
    {
        return to_oid(column, rows_.integer(row, column));
    }

    ObjectKind kind(std::size_t row) const
    {
        const std::optional<ObjectKind> known = parse_object_kind(rows_.text(row, "kind"));
        if (!known)
            raise_malformed("kind", "\"" + rows_.text(row, "kind") + "\" is no kind of object.");
        return *known;
    }

    std::vector<ObjectId> needs(std::size_t row) const
    {
        std::vector<ObjectId> ids;
        for (const json::value& value : parse_array("needs", rows_.text(row, "needs")))
            ids.push_back({read_oid("needs", member("needs", value, "classid")),
                           read_oid("needs", member("needs", value, "objid"))});
        return ids;
    }

    std::vector<ObjectRequirement> requirements(std::size_t row) const
    {
        std::vector<ObjectRequirement> list;
        for (const json::value& value : parse_array("requires", rows_.text(row, "requires")))
            list.push_back({read_string("requires", member("requires", value, "kind")),
                            read_string("requires", member("requires", value, "name"))});
        return list;
    }

    const ResultSet& rows_;
    const bool has_table_oid_;
    const bool has_owner_;
    const bool has_drop_;
    const bool has_needs_;
    const bool has_requires_;
    const bool has_needs_version_;
    const bool has_shell_;
    const bool has_complete_;
    const bool has_after_data_;
};

} // namespace

std::string StatementTemplate::render(const CloneOptions& options) const
{
    std::string statement;
    for (const Piece& piece : pieces_) {
        if (const auto* text = std::get_if<std::string>(&piece)) {
            statement += *text;
            continue;
        }
        const std::optional<std::string>& role = std::get<Role>(piece).name;
        statement += role ? quote_identifier(map_role(options, *role)) : "PUBLIC";
    }
    return statement;
}

std::vector<std::string> StatementTemplate::roles() const
{
    std::vector<std::string> names;
    for (const Piece& piece : pieces_) {
        const auto* role = std::get_if<Role>(&piece);
        if (role != nullptr && role->name)
            names.push_back(*role->name);
    }
    return names;
}

std::vector<CatalogObject> read_objects(const ResultSet& rows)
{
    const ObjectReader reader(rows);
    std::vector<CatalogObject> objects;
    objects.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); row++) {
        try {
            objects.push_back(reader.read(row));
        } catch (const PgError& error) {
            if (!rows.has_column("kind") || !rows.has_column("name"))
                throw;
            throw PgError(error.sqlstate(), error.message(),
                          error.detail() + " It is of " + rows.text(row, "kind") + " \"" +
                              rows.text(row, "name") + "\".");
        }
    }
    return objects;
}

std::vector<StatementTemplate> parse_statements(std::string_view json)
{
    return read_statements("statements", json);
}

std::string describe(const CatalogObject& object)
{
    std::string text(to_text(object.kind));
    text += ' ';
    if (!object.schema_name.empty())
        text += quote_identifier(object.schema_name) + ".";
    return text + quote_identifier(object.name);
}

} // namespace pgclone
