#include "worker/database_ddl.hpp"

#include <utility>

#include <boost/json.hpp>

#include "shared/error_types.hpp"
#include "worker/catalog_object.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace {

namespace json = boost::json;

constexpr int first_with_providers = 150000;
constexpr int first_with_icu_rules = 160000;
constexpr int first_with_builtin = 170000;

void append_literal(std::string& statement, std::string_view keyword, const std::string& value)
{
    statement += " " + std::string(keyword) + " " + quote_literal(value);
}

[[noreturn]] void raise_unknown_provider(std::string_view provider)
{
    throw PgError(sqlstate::feature_not_supported,
                  "this server has no locale provider \"" + std::string(provider) + "\"",
                  "It is that of the source's database.",
                  "Create the database with another one, and clone into it.");
}

std::string locale_clauses(const ResultSet& properties, int server_version)
{
    const std::string& provider = properties.text(0, "locale_provider");
    std::string clauses;
    append_literal(clauses, "LC_COLLATE", properties.text(0, "lc_collate"));
    append_literal(clauses, "LC_CTYPE", properties.text(0, "lc_ctype"));
    if (provider == "libc") {
        if (server_version >= first_with_providers)
            clauses += " LOCALE_PROVIDER libc";
    } else if (provider == "icu") {
        if (server_version < first_with_providers)
            raise_unknown_provider("icu");
        clauses += " LOCALE_PROVIDER icu";
        append_literal(clauses, "ICU_LOCALE", properties.text(0, "locale"));
        if (!properties.is_null(0, "icu_rules")) {
            if (server_version < first_with_icu_rules)
                raise_unknown_provider("icu, with rules");
            append_literal(clauses, "ICU_RULES", properties.text(0, "icu_rules"));
        }
    } else if (provider == "builtin") {
        if (server_version < first_with_builtin)
            raise_unknown_provider("builtin");
        clauses += " LOCALE_PROVIDER builtin";
        append_literal(clauses, "BUILTIN_LOCALE", properties.text(0, "locale"));
    } else {
        raise_unknown_provider(provider);
    }
    return clauses;
}

// Whether a statement of the query is wanted, by the words that it begins with.
bool is_wanted(std::string_view beginning, const CloneOptions& options)
{
    const auto is = [beginning](std::string_view words) { return beginning.starts_with(words); };
    if (is("COMMENT "))
        return options.comments;
    if (is("GRANT ") || is("REVOKE ") || is("SET LOCAL ROLE ") || is("RESET ROLE"))
        return options.acls;
    // Settings of a role. Who wants neither owners nor privileges wants nothing of the source's
    // roles.
    if (is("ALTER ROLE "))
        return options.owners || options.acls;
    return true;
}

// The query's statements, as catalog_object.hpp reads them, with `name` in place of the source's.
std::string statements_for(const ResultSet& properties, std::string_view name,
                           const CloneOptions& options)
{
    const std::string& source_name = properties.text(0, "quoted_name");
    json::parse_options limits;
    limits.allow_invalid_utf8 = true; // of a database in SQL_ASCII
    boost::system::error_code error;
    const json::value parsed = json::parse(properties.text(0, "statements"), error, {}, limits);
    if (error || !parsed.is_array())
        throw PgError(sqlstate::internal_error, "unexpected catalog row: malformed \"statements\"");
    json::array wanted;
    for (const json::value& statement : parsed.get_array()) {
        json::array pieces;
        if (statement.is_array())
            pieces = statement.get_array();
        else
            pieces.push_back(statement);
        if (pieces.empty() || !pieces.front().is_string() ||
            !is_wanted(pieces.front().get_string(), options))
            continue;
        for (json::value& piece : pieces) {
            if (piece.is_string() && piece.get_string() == source_name)
                piece = json::string(quote_identifier(name));
        }
        wanted.push_back(std::move(pieces));
    }
    return json::serialize(wanted);
}

} // namespace

std::string create_database_statement(const ResultSet& properties, std::string_view name,
                                      int server_version)
{
    std::string statement = "CREATE DATABASE " + quote_identifier(name) + " TEMPLATE template0";
    append_literal(statement, "ENCODING", properties.text(0, "encoding"));
    statement += locale_clauses(properties, server_version);
    if (!properties.is_null(0, "tablespace"))
        statement += " TABLESPACE " + quote_identifier(properties.text(0, "tablespace"));
    // Superusers are not counted.
    statement += " CONNECTION LIMIT 0";
    return statement;
}

std::vector<std::string> database_statements(const ResultSet& properties, std::string_view name,
                                             const CloneOptions& options)
{
    const std::string alter = "ALTER DATABASE " + quote_identifier(name);
    std::vector<std::string> statements;
    statements.push_back(alter + " CONNECTION LIMIT " +
                         std::to_string(properties.integer(0, "connection_limit")));
    if (options.owners) {
        const std::string owner = map_role(options, properties.text(0, "owner"));
        statements.push_back(alter + " OWNER TO " + quote_identifier(owner));
    }
    for (const StatementTemplate& statement :
         parse_statements(statements_for(properties, name, options)))
        statements.push_back(statement.render(options));
    if (properties.boolean(0, "is_template"))
        statements.push_back(alter + " IS_TEMPLATE true");
    return statements;
}

bool can_be_stored(std::string_view from, std::string_view to) noexcept
{
    // SQL_ASCII takes all bytes, and says nothing about those that it gives.
    return from == to || to == "SQL_ASCII" || (to == "UTF8" && from != "SQL_ASCII");
}

std::string in_ascii(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80)
            result += c;
        else if ((byte & 0xC0) != 0x80)
            result += '?';
    }
    return result;
}

} // namespace pgclone
