// From a foreign server's options to a connection string. Plain types only: called by the ledger
// worker through call_cpp().
#pragma once

namespace pgclone {

// One option of the server or of the user mapping.
struct ForeignOption {
    const char* name;
    const char* value;
};

// Writes the connection string that the options give into `conninfo` (conninfo_bytes of it).
// Options that libpq does not know (those of the wrapper itself) are left out; later ones win.
// `unprivileged`: the rules of check_unprivileged_source hold. Raises what they raise, and 22023
// if the string is too long.
void write_server_conninfo(const ForeignOption* options, int count, bool unprivileged,
                           char* conninfo);

} // namespace pgclone
