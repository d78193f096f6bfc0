#include "sql_api/loopback_address.hpp"

#include <cstring>
#include <string>
#include <string_view>

#include "shared/cpp_only.hpp"
#include "shared/loopback.hpp"
#include "shared/server_message.hpp"

namespace pgclone {

namespace {

LoopbackLogin to_login(const LoopbackTarget& target)
{
    LoopbackLogin login;
    login.configured = target.configured ? target.configured : "";
    login.socket_directory = target.socket_directory;
    login.port = target.port;
    login.role = target.role;
    login.database = target.database;
    return login;
}

void append(LoopbackAddress& address, std::string_view keyword, std::string_view value)
{
    const std::size_t needed = keyword.size() + value.size() + 2;
    if (address.count + 1 >= max_loopback_parameters ||
        needed > sizeof(address.text) - address.used_bytes)
        throw PgError(sqlstate::program_limit_exceeded, "pgclone.loopback_conninfo is too long");
    char* const keyword_start = address.text + address.used_bytes;
    std::memcpy(keyword_start, keyword.data(), keyword.size());
    keyword_start[keyword.size()] = '\0';
    char* const value_start = keyword_start + keyword.size() + 1;
    if (!value.empty())
        std::memcpy(value_start, value.data(), value.size());
    value_start[value.size()] = '\0';
    address.used_bytes += needed;
    address.keywords[address.count] = keyword_start;
    address.values[address.count] = value_start;
    address.count++;
    address.keywords[address.count] = nullptr;
    address.values[address.count] = nullptr;
}

} // namespace

void write_loopback_address(const LoopbackTarget& target, LoopbackAddress& address)
{
    address.count = 0;
    address.used_bytes = 0;

    ConnectionParameters parameters = loopback_parameters(to_login(target));
    set_parameter(parameters, "client_encoding", target.encoding);
    set_parameter(parameters, "application_name", "pgclone submit");
    set_parameter(parameters, "options", loopback_options);
    for (const ConnectionParameter& parameter : parameters)
        append(address, parameter.keyword, parameter.value);
}

void describe_loopback_failure(const char* libpq_text, const LoopbackTarget& target,
                               ErrorRecord& error) noexcept
{
    try {
        const PgError cause = explain_loopback_failure(parse_connection_failure(libpq_text),
                                                       to_login(target));
        fill_record(error, cause.sqlstate(), "could not connect to this server: " + cause.message(),
                    cause.detail(), cause.hint());
    } catch (...) {
        record_current_exception(error);
    }
}

} // namespace pgclone
