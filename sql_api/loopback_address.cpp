#include "sql_api/loopback_address.hpp"

#include <cstring>
#include <string>
#include <string_view>

#include "shared/clone_options.hpp"
#include "shared/conninfo.hpp"
#include "shared/cpp_only.hpp"
#include "worker/server_message.hpp"

namespace pgclone {

namespace {

// Whatever ALTER ROLE and ALTER DATABASE say, this session submits and commits, as its own role.
constexpr const char* session_options =
    "-c role=none -c default_transaction_read_only=off -c default_transaction_isolation=read\\ "
    "committed -c statement_timeout=0 -c lock_timeout=0 "
    "-c idle_in_transaction_session_timeout=0 -c client_connection_check_interval=1000 "
    "-c search_path=";

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

    ConnectionParameters parameters;
    if (target.configured && *target.configured) {
        parameters = parse_conninfo(target.configured);
        check_loopback_conninfo(parameters);
    } else {
        set_parameter(parameters, "host",
                      *target.socket_directory ? target.socket_directory : "localhost");
    }
    if (find_parameter(parameters, "port").empty())
        set_parameter(parameters, "port", std::to_string(target.port));
    set_parameter(parameters, "user", target.role);
    set_parameter(parameters, "dbname", target.database);
    set_parameter(parameters, "client_encoding", target.encoding);
    set_parameter(parameters, "application_name", "pgclone submit");
    set_parameter(parameters, "options", session_options);
    for (const ConnectionParameter& parameter : parameters)
        append(address, parameter.keyword, parameter.value);
}

void describe_loopback_failure(const char* libpq_text, const LoopbackTarget& target,
                               const char* system_user, ErrorRecord& error) noexcept
{
    try {
        const PgError cause = parse_connection_failure(libpq_text);
        std::string hint = cause.hint();
        if (cause.sqlstate().starts_with("28"))
            hint = "Workers log in as the submitting role. To allow it, add this line before the "
                   "others of pg_hba.conf: local " +
                   quote_identifier(target.database) + " " + quote_identifier(target.role) +
                   " peer map=pgclone -- and this line to pg_ident.conf: pgclone " + system_user +
                   " " + quote_identifier(target.role) + " -- then reload the configuration.";
        fill_record(error, cause.sqlstate(), "could not connect to this server: " + cause.message(),
                    cause.detail(), hint);
    } catch (...) {
        record_current_exception(error);
    }
}

} // namespace pgclone
