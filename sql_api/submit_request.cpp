#include "sql_api/submit_request.hpp"

#include <cstring>
#include <string>
#include <string_view>

#include <string.h>

#include "shared/clone_options.hpp"
#include "shared/conninfo.hpp"
#include "shared/cpp_only.hpp"
#include "shared/error_types.hpp"

namespace pgclone {

namespace {

[[noreturn]] void raise_too_long(const char* what, std::size_t limit)
{
    throw PgError(sqlstate::invalid_parameter_value, std::string(what) + " is too long",
                  "The limit is " + std::to_string(limit) + " bytes.");
}

// Overwrites what a string holds, its spare room included, before it is freed.
class WipeAtExit {
  public:
    explicit WipeAtExit(std::string& text) : text_(text) {}
    ~WipeAtExit() { explicit_bzero(text_.data(), text_.capacity()); }
    WipeAtExit(const WipeAtExit&) = delete;
    WipeAtExit& operator=(const WipeAtExit&) = delete;

  private:
    std::string& text_;
};

void wipe_values(ConnectionParameters& parameters) noexcept
{
    for (ConnectionParameter& parameter : parameters)
        explicit_bzero(parameter.value.data(), parameter.value.capacity());
}

} // namespace

void read_scope(const char* text, SubmitRequest& request)
{
    if (!parse_scope(text, request.scope))
        // Not repeated: with the arguments in a wrong order it is a connection string.
        throw PgError(sqlstate::invalid_parameter_value, "argument \"scope\" is not a known scope",
                      {},
                      "Valid scopes are \"table\", \"schema\", \"database\" and \"functions\".");
}

void read_object(const char* text, SubmitRequest& request)
{
    const std::string scope = "in scope \"" + std::string(to_text(request.scope)) + "\"";
    if (request.scope == JobScope::database) {
        if (text)
            throw PgError(sqlstate::invalid_parameter_value,
                          "argument \"object\" must be null " + scope, {},
                          "The source names the database.");
        return;
    }
    if (!text)
        throw PgError(sqlstate::null_value_not_allowed,
                      "argument \"object\" must not be null " + scope, {},
                      request.scope == JobScope::table
                          ? "Name the table as schema.table, with identifiers quoted as in SQL."
                          : "Name the schema, quoted as in SQL.");
    if (request.scope == JobScope::table) {
        const QualifiedName name = parse_qualified_name(text, "object");
        copy_text(request.schema_name, name.schema);
        copy_text(request.table_name, name.name);
        return;
    }
    const std::string schema = parse_schema_name(text, "object");
    if (is_system_schema(schema))
        throw PgError(sqlstate::invalid_parameter_value,
                      "argument \"object\" must not name a system schema");
    copy_text(request.schema_name, schema);
}

namespace {

// A pattern for tables of another schema would never match.
void check_patterns(const std::vector<TablePattern>& patterns, const char* option,
                    const char* schema)
{
    for (const TablePattern& pattern : patterns) {
        const std::vector<TablePattern> of_schema{TablePattern{"", pattern.schema}};
        if (!pattern.schema.empty() && !matches_any(of_schema, "", schema))
            throw PgError(sqlstate::invalid_parameter_value,
                          "option \"" + std::string(option) + "\" has a pattern for another schema",
                          "Only schema \"" + std::string(schema) + "\" is cloned.");
    }
}

} // namespace

void read_options(const char* json, SubmitRequest& request)
{
    const CloneOptions options = parse_options(json, request.scope);
    if (request.scope == JobScope::schema) {
        check_patterns(options.include, "include", request.schema_name);
        check_patterns(options.exclude, "exclude", request.schema_name);
    }
    copy_text(request.target_schema,
              options.target_schema.value_or(std::string(request.schema_name)));
    copy_text(request.target_name, options.target_name.value_or(std::string(request.table_name)));
    copy_text(request.target_database, options.target_database.value_or(std::string()));
    request.has_where = options.where.has_value();
    if (request.has_where && !copy_text(request.where, *options.where))
        raise_too_long("option \"where\"", where_bytes - 1);
    request.has_unique_key = options.unique_key.has_value();
    if (request.has_unique_key && !copy_text(request.unique_key, *options.unique_key))
        raise_too_long("option \"unique_key\"", unique_key_bytes - 1);
}

bool looks_like_conninfo(const char* text) noexcept
{
    return is_conninfo(text);
}

void read_conninfo(const char* text, bool unprivileged, SubmitRequest& request)
{
    ConnectionParameters parameters;
    std::string whole;
    try {
        parameters = parse_conninfo(text);
        if (unprivileged)
            check_unprivileged_source(parameters);
        WipeAtExit wipe(whole);
        whole = render_conninfo(parameters);
        if (!copy_text(request.conninfo, whole) ||
            !copy_text(request.redacted, redact_conninfo(parameters)))
            raise_too_long("the connection string", conninfo_bytes - 1);
        request.has_secret = whole != request.redacted;
    } catch (const PgError& error) {
        wipe_values(parameters);
        throw PgError(error.sqlstate(), "argument \"source\": " + error.message(), error.detail(),
                      error.hint());
    }
    wipe_values(parameters);
}

void write_object(const char* schema_name, const char* table_name,
                  char (&object)[quoted_object_bytes])
{
    if (std::strlen(schema_name) >= name_bytes)
        raise_too_long("argument \"schema_name\"", name_bytes - 1);
    if (table_name && std::strlen(table_name) >= name_bytes)
        raise_too_long("argument \"table_name\"", name_bytes - 1);
    copy_text(object, table_name ? quote_qualified({schema_name, table_name})
                                 : quote_identifier(schema_name));
}

bool validate_loopback_conninfo(const char* text, char* reason, std::size_t reason_bytes) noexcept
{
    ErrorRecord error;
    try {
        check_loopback_conninfo(parse_conninfo(text));
        return true;
    } catch (...) {
        record_current_exception(error);
    }
    // A message of ours made into a sentence, since it becomes the detail of another error.
    if (error.message[0] >= 'a' && error.message[0] <= 'z')
        error.message[0] = static_cast<char>(error.message[0] - 'a' + 'A');
    copy_text(reason, reason_bytes, std::string_view(error.message));
    return false;
}

} // namespace pgclone
