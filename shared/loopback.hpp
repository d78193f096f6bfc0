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

// Of every loopback session, from its first moment on, whatever ALTER ROLE and ALTER DATABASE say:
// that it is its own role's, which names are found, that no time-out ends it, and that its
// parameters (one is a connection string) are not logged if a statement fails.
inline constexpr const char* loopback_options =
    "-c role=none -c search_path= -c default_transaction_read_only=off "
    "-c default_transaction_isolation=read\\ committed -c statement_timeout=0 -c lock_timeout=0 "
    "-c idle_session_timeout=0 -c idle_in_transaction_session_timeout=0 "
    "-c client_connection_check_interval=1000 -c log_parameter_max_length_on_error=0";

} // namespace pgclone
