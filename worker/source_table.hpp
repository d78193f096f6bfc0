// The locks on tables of the source, and the proof that they are still those that were planned for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/clone_options.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

struct SourceTable {
    QualifiedName name;
    std::uint32_t oid = 0;
};

// Locks the tables ACCESS SHARE until the end of the session's transaction, and compares what they
// are now with what the transaction's snapshot sees: a table that was truncated, rewritten or
// replaced in between would give other rows than the snapshot's. `savepoint`, if given: locks that
// were taken since then are let go first. Raises 55000 if one is not the same, 42P01 if it is gone,
// 42501 if no column may be read; as a PipelineError that has the table's index.
Async<void> lock_source_tables(PgSession& source, std::vector<SourceTable> tables,
                               std::string savepoint = {});

} // namespace pgclone
