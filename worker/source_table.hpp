// The lock on a table of the source, and the proof that it is still the one that was planned for.
#pragma once

#include <cstdint>
#include <string>

#include "shared/clone_options.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

// Locks the table ACCESS SHARE until the end of the session's transaction, and compares what it is
// now with what the transaction's snapshot sees: a table that was truncated, rewritten or replaced
// in between would give other rows than the snapshot's. `filenode`: 0 = not compared. Raises
// 55000 if it is another one, 42P01 if it is gone, 42501 if no column may be read. `savepoint`, if
// given: locks that were taken since then are let go first.
Async<void> lock_source_table(PgSession& source, QualifiedName name, std::uint32_t oid,
                              std::int64_t filenode, std::string savepoint = {});

} // namespace pgclone
