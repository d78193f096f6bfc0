// Connection strings of sources: parsing, redaction, and what a non-superuser may say. Pure but
// for PQconninfoParse, which touches no network.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/cpp_only.hpp"

namespace pgclone {

struct ConnectionParameter {
    std::string keyword;
    std::string value;

    bool operator==(const ConnectionParameter&) const = default;
};
using ConnectionParameters = std::vector<ConnectionParameter>;

// True if `source` is a connection string or URI, false if it can only be a name.
bool is_conninfo(std::string_view source) noexcept;

// Parses a keyword/value string or URI. Raises 22023 without repeating any of `text`, since
// libpq's own message would echo the password.
ConnectionParameters parse_conninfo(std::string_view text);

// A keyword='value' string that parse_conninfo reads back.
std::string render_conninfo(const ConnectionParameters& parameters);

// The same without secrets (password, sslpassword and whatever libpq marks as such).
std::string redact_conninfo(const ConnectionParameters& parameters);

// True if `keyword` is one that libpq knows (foreign servers carry others, too).
bool is_libpq_keyword(std::string_view keyword) noexcept;

// The value of `keyword`, empty if it is not set.
std::string_view find_parameter(const ConnectionParameters& parameters,
                                std::string_view keyword) noexcept;
void set_parameter(ConnectionParameters& parameters, std::string_view keyword, std::string value);

// The rules for a submitter who is no superuser (those of dblink and postgres_fdw): a password,
// a host that is neither a socket path nor a list, and allow-listed parameters only. Raises 42501,
// 2F003 ("password is required", as dblink) or 22023 with the parameter's name.
void check_unprivileged_source(const ConnectionParameters& parameters);

// Raises 22023 naming the argument "source" if `rendered` (render_conninfo) does not fit into a job
// slot's field of conninfo_bytes.
void check_conninfo_length(std::string_view rendered);

// What pgclone.loopback_conninfo may hold: raises 22023 for user, dbname, or a syntax error.
void check_loopback_conninfo(const ConnectionParameters& parameters);

} // namespace pgclone
