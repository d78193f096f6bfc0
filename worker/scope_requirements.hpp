// What a schema, database or functions clone needs on the target and does not bring along. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "shared/cpp_only.hpp"
#include "worker/scope_plan.hpp"

namespace pgclone {

struct ScopeRequirement {
    ObjectRequirement requirement;
    std::string needed_by; // an object, as messages show it
    std::string extension; // that would provide it, or empty
};

// Each once, with the first object that needs it. `selection` as in plan_scope().
std::vector<ScopeRequirement> list_scope_requirements(const SourceCatalog& catalog,
                                                      const ObjectSelection& selection,
                                                      const ScopeTarget& target,
                                                      const CloneOptions& options);

// Those of the requirements that are missing, with the reason why they are wanted.
std::vector<MissingObject> explain_missing(const std::vector<ScopeRequirement>& requirements,
                                           const std::set<ObjectRequirement>& missing);

// Objects whose definition a server of that version does not understand (server_version_num).
std::vector<MissingObject> newer_than_target(const SourceCatalog& catalog,
                                             const ObjectSelection& selection, int server_version);

// Raises 42501 if only memberships are missing, else 42704. The hint names the options that would do
// without.
[[noreturn]] void raise_missing(const std::vector<MissingObject>& missing);

} // namespace pgclone
