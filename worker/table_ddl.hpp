// The text of a table's DDL on the target, from its definition. Pure: each function gives whole
// statements, one an element.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/table_names.hpp"

namespace pgclone {

using Statements = std::vector<std::string>;

// CREATE SEQUENCE under its working name.
Statements create_sequence_ddl(const SequenceDefinition& sequence, const PartNames& names);

// CREATE TABLE under its working name, with the check constraints in `inline_checks`, and what
// CREATE TABLE has no words for (storage, statistics targets, ownership of sequences).
Statements create_table_ddl(const TableDefinition& definition, const TableSelection& selection,
                            const TableNames& names, int target_version,
                            const std::vector<const ConstraintDefinition*>& inline_checks);

// CREATE INDEX as `name` on `table`, and its statistics targets.
Statements create_index_ddl(const IndexDefinition& index, const QualifiedName& table,
                            const std::string& name);

// SET LOCAL default_tablespace, so that no setting of the role or database decides.
std::string set_tablespace(const std::string& tablespace);

Statements create_trigger_ddl(const TriggerDefinition& trigger, const QualifiedName& table);

// CREATE POLICY with roles as they are called on the target.
std::string create_policy_ddl(const PolicyDefinition& policy, const QualifiedName& table,
                              const CloneOptions& options);

// FOREIGN KEY (...) REFERENCES ..., with `working` in place of the table itself.
std::string foreign_key_text(const ConstraintDefinition& constraint, const QualifiedName& working);

// `expression` with the regclass constants that are keys of `sequences` ('shop.s'::regclass)
// replaced by others. It reads string literals and quoted identifiers as the server does.
std::string replace_sequences(std::string_view expression,
                              const std::map<std::string, QualifiedName>& sequences);

// (name='value', ...) for WITH and SET; `toast` ones come as toast.name.
std::string option_list(const NameList& options, const NameList& toast_options);

} // namespace pgclone
