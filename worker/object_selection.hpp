// Which objects of the source are cloned, and why the others are not: what the options leave out,
// and what cannot be without that. Pure.
#pragma once

#include <string>
#include <vector>

#include "shared/clone_options.hpp"
#include "shared/job_state.hpp"
#include "worker/catalog_store.hpp"
#include "worker/object_graph.hpp"

namespace pgclone {

// Element i belongs to the object i.
struct ObjectSelection {
    // Why it is left out, to follow "skipped: "; empty = it is cloned.
    std::vector<std::string> reasons;
    // It is left out with something that it is a part of, and needs no mention of its own.
    std::vector<bool> is_silent;
};

// What is left out:
// * kinds, by the options `views`, `matviews`, `functions`, `indexes`, `constraints`, `triggers`
//   and `acls` (default privileges), or by scope `functions`, which takes functions, procedures and
//   aggregates only and expects all else on the target;
// * tables that `exclude` matches, or that `include`, if it is given, does not. A partition or
//   child, that is, a table of which `tables` has a parent among the objects, goes with its parent:
//   `include` asks for the parent instead, and only `exclude` sees the child itself;
// * what belongs to a relation that is left out (CatalogObject::table_oid);
// * what needs something that is left out, whether its shell needs it or not.
// Takes time in proportion to objects and edges.
ObjectSelection select_objects(const ObjectStore& objects, const std::vector<ObjectEdge>& edges,
                               const TableStore& tables, const CloneOptions& options,
                               JobScope scope);

} // namespace pgclone
