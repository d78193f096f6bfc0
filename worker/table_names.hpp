// Which names a clone's objects have while it is built, and which in the end. Pure.
//
// A clone is built under working names, and takes its final names in one transaction. Indexes
// (and the constraints behind which they stand), sequences and statistics objects share a schema
// with those of other tables, so their final names may be taken: then, and only then, they get
// others than on the source.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/table_selection.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

struct PartNames {
    std::string schema;
    std::string working;
    std::string final;
};

struct OldName {
    std::string kind; // TABLE, INDEX, SEQUENCE, STATISTICS
    QualifiedName from;
    std::string to;
};

struct TableNames {
    QualifiedName working;
    QualifiedName final;
    // By the name on the source:
    std::map<std::string, PartNames> sequences;
    std::map<std::string, PartNames> indexes; // a constraint has its index's name
    std::map<std::string, PartNames> statistics;
    // The old table and its parts, if they are to be kept under other names.
    std::vector<OldName> old_names;
};

// The `number`-th working name of a job, from 1: the table, its serial sequences, all others.
std::string working_name(const TargetNaming& naming, int number);

TableNames choose_names(const TableDefinition& definition, const TableSelection& selection,
                        const TargetState& state, const TargetNaming& naming,
                        const CloneOptions& options);

// The names whose use on the target matters to choose_names(): also what begins like them does.
std::vector<std::string> name_candidates(const TableDefinition& definition,
                                         const TargetState& state, const std::string& final_name);

// `name` followed by `suffix`, `name` cut (at a UTF-8 character) so that both fit into the 63
// bytes of an identifier.
std::string fit_name(std::string_view name, std::string_view suffix);

// The name that PostgreSQL gives by itself: table_column_label, the longer of the two cut first.
std::string default_name(std::string_view table, std::string_view column, std::string_view label);

} // namespace pgclone
