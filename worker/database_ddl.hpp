// The statements that make a database like the source's. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/clone_options.hpp"
#include "worker/result_set.hpp"

namespace pgclone {

// CREATE DATABASE `name` for a server of `server_version` (150004), from the source's answer to
// database_properties.sql. Only superusers can connect to it. Raises 0A000 if the server does not
// know the source's locale provider.
std::string create_database_statement(const ResultSet& properties, std::string_view name,
                                      int server_version);

// What makes the database `name`, just created, like the source's: connection limit, owner,
// comment, security labels, settings, privileges, template mark. To be run in one transaction.
std::vector<std::string> database_statements(const ResultSet& properties, std::string_view name,
                                             const CloneOptions& options);

// Whether any text of a database with the encoding `from` can be stored in one with `to`, as it
// comes in a session whose client encoding is UTF8.
bool can_be_stored(std::string_view from, std::string_view to) noexcept;

// UTF-8 text with each character beyond ASCII replaced by '?'.
std::string in_ascii(std::string_view text);

} // namespace pgclone
