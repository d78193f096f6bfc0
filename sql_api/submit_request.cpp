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
        throw PgError(sqlstate::invalid_parameter_value,
                      "argument \"scope\" is not a known scope: \"" + std::string(text) + "\"", {},
                      "Valid scopes are \"table\", \"schema\", \"database\" and \"functions\".");
    if (request.scope != JobScope::table)
        throw PgError(sqlstate::feature_not_supported,
                      "scope \"" + std::string(text) + "\" is not supported yet", {},
                      "Use scope \"table\", once for each table.");
}

void read_object(const char* text, SubmitRequest& request)
{
    if (!text)
        throw PgError(sqlstate::null_value_not_allowed,
                      "argument \"object\" must not be null in scope \"table\"", {},
                      "Name the table as schema.table, with identifiers quoted as in SQL.");
    const QualifiedName name = parse_qualified_name(text, "object");
    copy_text(request.schema_name, name.schema);
    copy_text(request.table_name, name.name);
}

void read_options(const char* json, SubmitRequest& request)
{
    const CloneOptions options = parse_options(json, request.scope);
    if (!copy_text(request.target_schema,
                   options.target_schema.value_or(std::string(request.schema_name))))
        raise_too_long("option \"target_schema\"", name_bytes - 1);
    if (!copy_text(request.target_name,
                   options.target_name.value_or(std::string(request.table_name))))
        raise_too_long("option \"target_name\"", name_bytes - 1);
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
    if (std::strlen(table_name) >= name_bytes)
        raise_too_long("argument \"table_name\"", name_bytes - 1);
    copy_text(object, quote_qualified({schema_name, table_name}));
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
