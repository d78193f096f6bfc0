// How the library reaches the ledger: as the extension's owner, through SQL functions of the
// extension script; and who may do what with a job.
#pragma once

#include "shared/server_pg.hpp"

extern "C" {
#include "executor/spi.h"
}

namespace pgclone {

// Of this library. Its SQL objects must have the same one: it calls them, and they call it.
inline constexpr const char* library_version = "1.1";

// Schema and owner of the extension in the current database. Raises 55000 if there is none, or one
// of another version.
struct ExtensionIdentity {
    Oid owner;
    char schema[NAMEDATALEN];
};
void find_extension(ExtensionIdentity& extension);

// Arguments of a call, in order. A null pointer of `nulls` means that none is null.
struct LedgerArguments {
    int count;
    const Oid* types;
    const Datum* values;
    const bool* nulls;
};

// Runs SELECT * FROM <extension schema>.<function>(...) as the extension's owner and leaves the
// rows in SPI_tuptable; returns their number. The caller is connected to SPI. With `read_only`
// the query sees the active snapshot, else a new one.
uint64 call_ledger(const char* function, const LedgerArguments& arguments, bool read_only);

// The same with a fresh snapshot, whatever the isolation level: what other sessions have committed
// by now.
uint64 read_ledger_now(const char* function, const LedgerArguments& arguments);

// Value of a column of the first row; `is_null` may be null if the column never is.
Datum ledger_value(uint64 row, int column, bool* is_null);
// The same as text in the caller's SPI memory; null if it is NULL.
char* ledger_text(uint64 row, int column);

// What pg_signal_backend's rules say: members of the submitting role and of pg_signal_backend,
// and of jobs that superusers submitted superusers only.
bool may_signal(Oid viewer, Oid submitter);

// What pg_stat_activity's rules say: members of the submitting role and of pg_read_all_stats.
bool may_see(Oid viewer, Oid submitter);

// Hides what was sent by the client (it may hold a password) from pg_stat_activity and from the
// STATEMENT lines of the log. First thing in every function that takes a connection string.
void redact_activity(const char* replacement);

// Raises 22004 / 22023 that name the argument.
[[noreturn]] void raise_null_argument(const char* argument);
[[noreturn]] void raise_empty_argument(const char* argument);
[[noreturn]] void raise_no_such_job(int64 job_id);

} // namespace pgclone
