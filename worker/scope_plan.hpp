// The tasks that clone a schema, a database or the functions of a schema. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "worker/clone_task.hpp"
#include "worker/object_selection.hpp"
#include "worker/source_catalog.hpp"
#include "worker/table_split.hpp"
#include "worker/task_rows.hpp"

namespace pgclone {

// Names on the target.
struct ScopeNaming {
    std::string source_schema; // of a renamed schema; empty = nothing is renamed
    std::string target_schema;
    std::string tag; // of working names: <job id>_<random>

    const std::string& schema_on_target(const std::string& schema) const
    {
        return !source_schema.empty() && schema == source_schema ? target_schema : schema;
    }
    // Of transactions that make what is in the schema; empty if nothing is renamed.
    std::string search_path() const;
};

// An object of the target that has the place of one to be cloned.
struct ExistingObject {
    std::string kind;
    std::string schema;
    std::string name; // plain; only relations and types are named by it alone
    bool is_owner = false;
    ObjectId id;
    std::uint32_t part_of = 0; // of a sequence or an index: the table that it goes with
};

// And why it is wanted.
using MissingObject = std::pair<ObjectRequirement, std::string>;

// What the target has and lacks, as far as it matters: filled by read_scope_target().
struct ScopeTarget {
    int server_version = 0;
    std::string role; // the submitter
    bool is_superuser = false;
    std::set<std::string> schemas;                    // that exist
    std::map<std::string, ExistingObject> existing;   // by object_as
    std::map<std::string, std::string> conflicts;     // object_as -> what is wrong with that
    std::vector<MissingObject> missing;
    std::set<std::string> extensions_in_version; // that can be installed in the source's version
    std::set<std::string> set_aside;                  // object_as of those to be replaced

    // It is there and stays as it is, so the clone does not make it.
    bool keeps(const std::string& object_as) const
    {
        return existing.contains(object_as) && !set_aside.contains(object_as);
    }
};

struct ScopePlan {
    std::vector<CloneTask> tasks;
    std::int64_t rows = 0;  // estimated
    std::int64_t bytes = 0; // of the tables on the source
    int tables = 0;
};

// `selection`: of the catalog's objects, as select_objects() gives it. The catalog is used up.
// `rows`: if given, gets the tasks whole; what only table workers need of theirs, who have it from the
// ledger, is then not among the plan's tasks, unless a new snapshot may change it.
ScopePlan plan_scope(SourceCatalog catalog, const ObjectSelection& selection,
                     const ScopeTarget& target, const ScopeNaming& naming,
                     const CloneOptions& options, const SplitRules& split = {},
                     TaskRows* rows = nullptr);

// What the views call the tasks that set sequences, and their statements by schema, NUL, name (on
// the target).
inline constexpr std::string_view sequence_value_kind = "sequence value";
std::map<std::string, std::string> sequence_values(const SourceCatalog& catalog,
                                                   const ScopeNaming& naming);

// In a catalog that was read with `rename`: the schema itself gets its new name, where statements
// name it.
void rename_schema(SourceCatalog& catalog, const ScopeNaming& naming);

} // namespace pgclone
