// What a table is on its source: read from the catalogs, kept as plain texts.
//
// Names are unquoted; expressions, types and definitions are as PostgreSQL's own functions print
// them under an empty search_path, so they are qualified and quoted already. A source may be
// hostile: whatever is kept here may hold any text, and the planner puts each definition into a
// statement of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/clone_options.hpp"
#include "worker/event_loop.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

using NameList = std::vector<std::string>;

struct ColumnDefinition {
    std::string name;
    std::string type;      // with modifiers: numeric(10,2)
    std::string type_name; // without
    std::string collation; // qualified; empty = the type's own
    bool not_null = false;
    std::string not_null_name; // of sources from 18 on
    bool not_null_no_inherit = false;
    bool not_null_valid = true;
    std::string default_expression; // or that of a generated column
    std::string generated;          // "" | "s" stored | "v" virtual
    std::string identity;           // "" | "a" always | "d" by default
    std::string storage;            // PLAIN, ...; empty = the type's own
    std::string compression;        // pglz, lz4; empty = the default
    std::string statistics_target;  // empty = the default
    NameList options;               // n_distinct=5
    NameList default_sequences;     // that the default uses, as regclass prints them
    NameList needs;                 // columns that a generated one is made of
    bool binary_safe = false;
    bool is_padded = false; // of a type character(n): see CopySource
    bool can_select = true;
};

struct SequenceDefinition {
    std::string name;
    std::string regclass_text; // as a regclass constant prints it
    std::string column;
    bool is_identity = false;
    std::string persistence = "p";
    std::string type;
    std::string start_value;
    std::string increment;
    std::string minimum;
    std::string maximum;
    std::string cache;
    bool cycle = false;
    bool can_select = true;
    // Read right after the snapshot; empty if data is not cloned.
    std::string last_value;
    bool is_called = false;
};

struct ConstraintDefinition {
    std::string name;
    std::string type; // c, p, u, x, f
    std::string definition;
    bool is_valid = true;
    bool is_deferrable = false;
    bool is_deferred = false;
    bool has_period = false; // WITHOUT OVERLAPS, PERIOD (18)
    std::string index_name;  // of p, u, x
    int needs_version = 0;   // of the target; 0 = any
    bool has_whole_row = false;
    NameList needs; // columns
    // Of a foreign key:
    bool is_self_reference = false;
    std::string referenced_table; // qualified, quoted
    NameList referenced_columns;
    NameList referenced_types;
    std::string referenced_index;            // of a self-reference
    std::optional<std::string> foreign_head; // FOREIGN KEY (...)
    std::optional<std::string> foreign_tail; // (...) ON DELETE ...
};

struct IndexDefinition {
    std::string name;
    std::optional<std::string> definition_tail; // from USING on
    bool is_unique = false;
    bool is_valid = true;
    bool is_clustered = false;
    bool is_replica_identity = false;
    std::string constraint_name; // empty = none
    std::string tablespace;      // empty = the database's
    int needs_version = 0;       // of the target; 0 = any
    bool has_whole_row = false;
    NameList statistics_columns; // numbers, parallel to statistics_targets
    NameList statistics_targets;
    NameList needs; // columns
};

struct TriggerDefinition {
    std::string name;
    std::string enabled;                        // O, D, R, A
    std::optional<std::string> definition_head; // up to " ON "
    std::optional<std::string> definition_tail; // after the table
    NameList needs;                             // columns
};

struct PolicyDefinition {
    std::string name;
    std::string command;
    bool is_permissive = true;
    NameList roles; // empty = PUBLIC
    std::string using_expression;
    std::string check_expression;
    bool names_table = false; // the expressions may hold the table's name
    NameList needs;           // columns
};

struct StatisticsDefinition {
    std::string name; // qualified and quoted, as comments and dependencies have it
    std::string schema;
    std::string object_name;
    bool in_schema_of_table = true;
    std::string owner;
    std::optional<std::string> definition_middle; // (kinds) ON columns
    std::string statistics_target;                // empty = the default
    bool has_whole_row = false;
    NameList needs; // columns
};

struct CommentDefinition {
    std::string kind; // table, column, constraint, index, trigger, policy, statistics, sequence
    std::string name; // empty for the table
    std::string comment;
};

struct PrivilegeDefinition {
    std::string action; // grant, revoke
    std::string kind;   // table, column, sequence
    std::string name;   // empty for the table
    std::string privilege;
    bool is_grantable = false;
    std::optional<std::string> grantee; // nullopt = PUBLIC
};

// An object that a part of the table needs and that does not come with it.
struct Dependency {
    std::string part_kind; // column, constraint, index, trigger, policy, statistics
    std::string part_name;
    std::string kind; // type, function, operator, collation, ... (missing_objects.sql)
    std::string name;
    std::string extension; // that provides it; may be empty
};

// What belongs to the table and is not cloned.
struct Leftover {
    std::string kind;
    std::string name;
    std::string reason;
};

struct TableDefinition {
    QualifiedName name; // on the source
    std::uint32_t oid = 0;
    int server_version = 0; // 150004
    std::string server_encoding;
    std::string persistence = "p"; // p, u
    std::int64_t heap_pages = 0;
    std::int64_t size_bytes = 0; // with TOAST
    std::int64_t estimated_rows = -1; // of what is to be copied; -1 = unknown
    std::string owner;
    std::string tablespace;    // empty = the database's
    std::string access_method; // empty before 12
    NameList storage_options;  // fillfactor=70
    NameList toast_options;
    bool row_security = false;
    bool force_row_security = false;
    std::string replica_identity = "d"; // d, n, f, i

    std::vector<ColumnDefinition> columns; // all of them, in physical order
    std::vector<SequenceDefinition> sequences;
    std::vector<ConstraintDefinition> constraints;
    std::vector<IndexDefinition> indexes;
    std::vector<TriggerDefinition> triggers;
    std::vector<PolicyDefinition> policies;
    std::vector<StatisticsDefinition> statistics;
    std::vector<CommentDefinition> comments;
    std::vector<PrivilegeDefinition> privileges;
    std::vector<Dependency> dependencies;
    std::vector<Leftover> leftovers;
};

// Reads the definition of `name` in the session's transaction, which must be REPEATABLE READ,
// READ ONLY, with an empty search_path; the first thing read after the snapshot, if data is
// cloned, are the values of its sequences. Raises 42P01 if there is no such table, 42809 for what
// is no ordinary table, 42703 for one of options.columns that it lacks, 42501 if SELECT on what
// is to be copied is missing (the columns are named).
Async<TableDefinition> read_table_definition(PgSession& source, QualifiedName name,
                                             CloneOptions options);

// The steps of the above that decide: pure, for the tests.
TableDefinition table_of_row(const ResultSet& rows, const QualifiedName& name);
void check_columns(const TableDefinition& definition, const CloneOptions& options);

// The number of rows that EXPLAIN (FORMAT JSON) expects; -1 if `plan` does not say.
std::int64_t rows_of_plan(std::string_view plan);

} // namespace pgclone
