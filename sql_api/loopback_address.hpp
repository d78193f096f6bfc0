// How a session of this server connects back to it, as plain bytes: made on the C++ side, used on
// the server side (loopback_session_pg.cpp). No std types, no server types.
#pragma once

#include <cstddef>

#include "shared/error_types.hpp"

namespace pgclone {

inline constexpr int max_loopback_parameters = 64;

// Keywords and values for PQconnectStartParams, which point into `text`.
struct LoopbackAddress {
    int count;
    const char* keywords[max_loopback_parameters];
    const char* values[max_loopback_parameters];
    std::size_t used_bytes;
    char text[8192];
};

// What the address is made of. `configured` is pgclone.loopback_conninfo; if it is empty,
// socket_directory and port are used.
struct LoopbackTarget {
    const char* configured;
    const char* socket_directory; // may be empty: then localhost
    int port;
    const char* role;
    const char* database;
    const char* encoding;
};

// To be called through call_cpp(); raises 22023 or 54000.
void write_loopback_address(const LoopbackTarget& target, LoopbackAddress& address);

// Turns libpq's text about a failed connection into an error with its SQLSTATE, and a hint that
// says what to write into which file if the login was refused.
void describe_loopback_failure(const char* libpq_text, const LoopbackTarget& target,
                               ErrorRecord& error) noexcept;

} // namespace pgclone
