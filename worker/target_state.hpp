// What the planner must know of the place where the clone goes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "worker/table_definition.hpp"

namespace pgclone {

struct TargetNaming {
    QualifiedName final_name;
    // Tells the objects of this job from all others: letters, digits and underscores, such as
    // job number and random hex digits.
    std::string tag;
};

// An object that belongs to the old table and has a name of its own.
struct TablePart {
    std::string kind; // INDEX, SEQUENCE, STATISTICS
    QualifiedName name;
};

struct TargetState {
    int server_version = 0;
    std::string server_encoding;
    std::string role; // of the session
    bool is_superuser = false;
    bool schema_exists = true;
    // There is something of the final name, and the options say to leave it.
    bool skip = false;
    std::uint32_t old_table = 0;      // oid of the table to be replaced or renamed; 0 = none
    std::vector<TablePart> old_parts; // of that
    // Names that are in use, of those that the clone might want. The old table's are among them.
    std::set<std::string> taken_relations;                          // in the final schema
    std::set<std::pair<std::string, std::string>> taken_statistics; // schema, name
    // What is missing (kind, name) that only triggers, policies and statistics objects need.
    std::set<std::pair<std::string, std::string>> missing;
    std::map<std::string, std::string> unusable_foreign_keys; // name -> reason
    // Who has privileges on new tables and sequences by default: kind, role (nullopt = PUBLIC).
    std::vector<std::pair<std::string, std::optional<std::string>>> default_grantees;
};

// Looks at the target and raises what would stop the clone there:
//   42P07  the name is taken (conflict = error)
//   42809  replace or rename of what is no ordinary table
//   2BP01  replace of a table that others depend on; the detail lists them
//   42501  no CREATE on schema or database; not the owner of the old table; not a member of the
//          role that is to own the clone
//   42704  types, functions, collations, operator classes, sequences, roles, tablespaces, ... that
//          the clone needs and the target lacks; the detail lists all of them
//   0A000  a column of a kind that the target's version does not have
// It runs read-only queries, in any transaction with an empty search_path.
Async<TargetState> read_target_state(PgSession& target, TableDefinition definition,
                                     TargetNaming naming, CloneOptions options);

// The role on the target that stands for `role` of the source.
std::string map_role(const CloneOptions& options, const std::string& role);

// What the clone needs from the target: kind and name as missing_objects.sql knows them.
struct Requirement {
    std::string kind;
    std::string name;
    std::string extension; // that provides it on the source; may be empty
    bool is_soft = false;  // without it only a part is left out

    bool operator==(const Requirement&) const = default;
};
std::vector<Requirement> list_requirements(const TableDefinition& definition,
                                           const CloneOptions& options);

// Elements as the text of a text[] parameter.
std::string array_literal(const std::vector<std::string>& elements);

} // namespace pgclone
