// Texts that a server sent, made fit for a ledger, a log and a terminal. Pure.
#pragma once

#include <string>
#include <string_view>

#include "shared/cpp_only.hpp"
#include "shared/error_types.hpp"

namespace pgclone {

// `text` as valid UTF-8 without control characters but for newline and tab: a foreign server may
// send anything, and a ledger that refuses an error text would hide the error.
std::string clean_text(std::string_view text);

// `text` with the secret replaced wherever a server repeats it. One of less than three bytes stays:
// it is no secret, and the text would be nothing but stars.
std::string without_secret(std::string_view text, std::string_view secret);

// Reads libpq's text about a failed connection, written with PQERRORS_VERBOSE: what the server
// said has its SQLSTATE in it ("... FATAL:  28P01: password authentication failed ..."). Without
// one it is 08001.
PgError parse_connection_failure(std::string_view text);

} // namespace pgclone
