#include "shared/conninfo.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include <libpq-fe.h>

#include "shared/error_types.hpp"
#include "shared/job_state.hpp"

namespace pgclone {

namespace {

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
struct FreeText {
    void operator()(char* text) const noexcept { PQfreemem(text); }
};
using OptionsPointer = std::unique_ptr<PQconninfoOption, FreeOptions>;
using TextPointer = std::unique_ptr<char, FreeText>;

// libpq's list of keywords, without looking at the environment or at files (PQconndefaults does).
OptionsPointer libpq_keywords() noexcept
{
    return OptionsPointer(PQconninfoParse("", nullptr));
}

// Secrets by name, for libpq versions that do not mark them as such.
constexpr std::array<std::string_view, 5> secret_keywords = {
    "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"};

// What may stand in the string of a submitter who is no superuser. Everything else can name files
// of the server's user, or change what kind of session it is.
constexpr std::array<std::string_view, 16> unprivileged_keywords = {"host",
                                                                    "hostaddr",
                                                                    "port",
                                                                    "dbname",
                                                                    "user",
                                                                    "password",
                                                                    "sslmode",
                                                                    "connect_timeout",
                                                                    "keepalives",
                                                                    "keepalives_idle",
                                                                    "keepalives_interval",
                                                                    "keepalives_count",
                                                                    "tcp_user_timeout",
                                                                    "application_name",
                                                                    "channel_binding",
                                                                    "target_session_attrs"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) noexcept
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool has_uri_prefix(std::string_view text) noexcept
{
    return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

std::string called(std::string_view keyword)
{
    return "connection parameter \"" + std::string(keyword) + "\"";
}

[[noreturn]] void raise_not_allowed(std::string message, std::string detail)
{
    throw PgError(sqlstate::insufficient_privilege, std::move(message), std::move(detail),
                  "Use the name of a foreign server that a superuser has set up.");
}

void check_unprivileged_parameter(const ConnectionParameter& parameter)
{
    const std::string& keyword = parameter.keyword;
    const std::string& value = parameter.value;
    // An unknown keyword is not repeated: it may be a part of a password.
    if (!is_libpq_keyword(keyword))
        raise_not_allowed("unknown connection parameter", "libpq does not know it.");
    if (!contains(unprivileged_keywords, keyword))
        raise_not_allowed(called(keyword) + " is not allowed",
                          "Only superusers may use it in a connection string.");
    const bool names_host = keyword == "host" || keyword == "hostaddr";
    if (names_host && (value.starts_with('/') || value.starts_with('@')))
        raise_not_allowed(called(keyword) + " must not be a socket path",
                          "Only superusers may connect through a socket.");
    if ((names_host || keyword == "port") && value.find(',') != std::string::npos)
        raise_not_allowed(called(keyword) + " must not be a list",
                          "Only superusers may name several hosts.");
    if (keyword == "dbname" && is_conninfo(value))
        raise_not_allowed(called(keyword) + " must not be a connection string",
                          "Only a database name is allowed there.");
}

} // namespace

bool is_conninfo(std::string_view source) noexcept
{
    return has_uri_prefix(source) || source.find('=') != std::string_view::npos;
}

ConnectionParameters parse_conninfo(std::string_view text)
{
    const std::string terminated(text);
    char* raw_message = nullptr;
    OptionsPointer options;
    if (text.find('\0') == std::string_view::npos)
        options.reset(PQconninfoParse(terminated.c_str(), &raw_message));
    // Owned only to be freed: it repeats parts of the text, possibly the password.
    const TextPointer message(raw_message);
    if (options == nullptr) {
        throw PgError(sqlstate::invalid_parameter_value, "invalid connection string",
                      "What is wrong in it is not shown, since it may hold a password.",
                      "Write keyword='value' pairs with \\' and \\\\ for quotes and backslashes in "
                      "a value, or a URI with special characters percent-encoded.");
    }
    ConnectionParameters parameters;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; option++) {
        // libpq takes an empty value for one that is not set, and so do all rules here.
        if (option->val != nullptr && option->val[0] != '\0')
            parameters.push_back({option->keyword, option->val});
    }
    return parameters;
}

std::string render_conninfo(const ConnectionParameters& parameters)
{
    std::string text;
    for (const ConnectionParameter& parameter : parameters) {
        if (!text.empty())
            text += ' ';
        text += parameter.keyword;
        text += "='";
        for (const char c : parameter.value) {
            if (c == '\'' || c == '\\')
                text += '\\';
            text += c;
        }
        text += '\'';
    }
    return text;
}

std::string redact_conninfo(const ConnectionParameters& parameters)
{
    const OptionsPointer options = libpq_keywords();
    if (options == nullptr)
        throw std::bad_alloc();
    ConnectionParameters harmless;
    for (const ConnectionParameter& parameter : parameters) {
        if (contains(secret_keywords, parameter.keyword))
            continue;
        const PQconninfoOption* option = options.get();
        while (option->keyword != nullptr && parameter.keyword != option->keyword)
            option++;
        // What libpq does not know can be anything, so it is left out as well.
        if (option->keyword == nullptr || option->dispchar[0] == '*')
            continue;
        harmless.push_back(parameter);
    }
    return render_conninfo(harmless);
}

bool is_libpq_keyword(std::string_view keyword) noexcept
{
    const OptionsPointer options = libpq_keywords();
    if (options == nullptr)
        return false;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; option++) {
        if (keyword == option->keyword)
            return true;
    }
    return false;
}

std::string_view find_parameter(const ConnectionParameters& parameters,
                                std::string_view keyword) noexcept
{
    // As libpq reads its arrays: the last one that is not empty counts.
    const auto found = std::find_if(
        parameters.rbegin(), parameters.rend(), [&](const ConnectionParameter& parameter) {
            return parameter.keyword == keyword && !parameter.value.empty();
        });
    return found == parameters.rend() ? std::string_view() : std::string_view(found->value);
}

void set_parameter(ConnectionParameters& parameters, std::string_view keyword, std::string value)
{
    std::erase_if(parameters, [&](const ConnectionParameter& parameter) {
        return parameter.keyword == keyword;
    });
    if (!value.empty())
        parameters.push_back({std::string(keyword), std::move(value)});
}

void check_unprivileged_source(const ConnectionParameters& parameters)
{
    for (const ConnectionParameter& parameter : parameters)
        check_unprivileged_parameter(parameter);
    if (find_parameter(parameters, "host").empty() &&
        find_parameter(parameters, "hostaddr").empty())
        throw PgError(sqlstate::invalid_parameter_value,
                      "connection parameter \"host\" or \"hostaddr\" is required",
                      "Without it libpq connects through a socket, which only superusers may do.");
    if (find_parameter(parameters, "password").empty())
        throw PgError("2F003", "password is required",
                      "Non-superusers must give a password in the connection string.",
                      "Use the name of a foreign server to keep the password in a user mapping.");
}

void check_loopback_conninfo(const ConnectionParameters& parameters)
{
    for (const ConnectionParameter& parameter : parameters) {
        if (!is_libpq_keyword(parameter.keyword))
            throw PgError(sqlstate::invalid_parameter_value, "unknown connection parameter");
        if (parameter.keyword == "user" || parameter.keyword == "dbname")
            throw PgError(sqlstate::invalid_parameter_value,
                          called(parameter.keyword) + " is not allowed",
                          "User and database of a loopback session are those of its job.");
    }
}

void check_conninfo_length(std::string_view rendered)
{
    if (rendered.size() < conninfo_bytes)
        return;
    throw PgError(sqlstate::invalid_parameter_value, "argument \"source\" is too long",
                  "The connection string takes " + std::to_string(rendered.size()) +
                      " bytes; there is room for " + std::to_string(conninfo_bytes - 1) + ".",
                  "Use the name of a foreign server.");
}

} // namespace pgclone
