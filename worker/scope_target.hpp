// The target of a schema, database or functions clone: what is there already, what is missing.
#pragma once

#include "worker/pg_session.hpp"
#include "worker/scope_plan.hpp"

namespace pgclone {

// Looks at the target, with read-only queries, and compares. `selection` as in plan_scope(); parts
// of relations that stay as they are on the target are left out here. Unless it is a dry run, whose
// findings are in the answer, raises
//   42P07 / 42710  objects exist and option "conflict" is "error", or cannot be replaced
//   2BP01  others depend on what is to be replaced
//   42704  roles, tablespaces, extensions, collations, ... are missing; all are listed, with the
//          options that would do without
//   42501  no right to create what is to be created
Async<ScopeTarget> read_scope_target(PgSession& target, const SourceCatalog& catalog,
                                     ObjectSelection& selection,
                                     const ScopeNaming& naming, const CloneOptions& options);

} // namespace pgclone
