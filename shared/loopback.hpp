// How pgclone connects back to the server that it runs in: as the submitting role, so that
// pg_hba.conf decides. Pure but for the name of the operating-system user.
#pragma once

#include <string>

#include "shared/conninfo.hpp"
#include "shared/error_types.hpp"

namespace pgclone {

struct LoopbackLogin {
    std::string configured;       // pgclone.loopback_conninfo; empty = the default address
    std::string socket_directory; // first entry of unix_socket_directories; empty = localhost
    int port = 5432;
    std::string role;
    std::string database;
};

// Address, role and database. Raises 22023 for what pgclone.loopback_conninfo may not hold.
ConnectionParameters loopback_parameters(const LoopbackLogin& login);

// The same failure, with a hint that shows the lines to add to pg_hba.conf and pg_ident.conf if the
// login was refused (class 28).
PgError explain_loopback_failure(const PgError& failure, const LoopbackLogin& login);

} // namespace pgclone
