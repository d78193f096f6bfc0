// The `options` argument of pgclone_submit, and object names as users write them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/cpp_only.hpp"
#include "shared/job_state.hpp"

namespace pgclone {

// What to do when the target table exists already.
enum class ConflictAction { error, skip, replace, rename };

// What to do when an object cannot be cloned.
enum class OnError { stop, continue_ };

// Which snapshots the rows may come from, when the first one is lost.
enum class Consistency {
    strict,  // one for all: what was done is undone, and done again with another
    relaxed, // tables that are done stay
};

// Of `include` and `exclude`: patterns as in psql, * for any characters and ? for one; a character
// after a backslash stands for itself.
struct TablePattern {
    std::string schema; // empty = any
    std::string name;

    bool operator==(const TablePattern&) const = default;
};

struct CloneOptions {
    bool data = true;
    bool indexes = true; // those of constraints come with these
    bool constraints = true;
    bool triggers = true;
    bool comments = true;
    bool owners = false; // default in scope table; true in all others
    bool acls = false;   // the same
    bool views = true;
    bool matviews = true;
    bool functions = true; // and procedures and aggregates
    bool analyze = true;   // not in scopes table and functions: false there
    bool always_analyze = false; // also what the source has good statistics of
    OnError on_error = OnError::stop;
    Consistency consistency = Consistency::strict;
    bool dry_run = false;        // no option: pgclone_ledger_start says it of jobs of pgclone_plan
    bool keep_extension = false; // pgclone stays in a database that the job created
    std::vector<TablePattern> include; // empty = all
    std::vector<TablePattern> exclude;
    std::optional<std::string> target_database; // to create; for superusers
    ConflictAction conflict = ConflictAction::error;
    std::optional<int> parallel; // default: pgclone.default_parallel
    std::optional<int> retries;  // default: pgclone.retry_limit
    std::int64_t rate_limit = no_rate_limit; // bytes a second
    std::optional<std::string> target_schema; // default: the source's
    std::optional<std::string> target_name;   // default: the source's
    std::optional<std::string> where;         // an SQL expression; its syntax is checked at submit
    std::optional<std::string> unique_key;
    std::vector<std::string> columns;            // empty = all
    std::map<std::string, std::string> role_map; // source role -> target role
};

// Reads `json` (the text of a jsonb value) with the defaults of `scope`. Raises PgError 22023 that
// names the option for an unknown option, a wrong type, a value out of range or a contradiction;
// 0A000 for one that cannot be honoured in `scope`. Nothing is ignored.
CloneOptions parse_options(std::string_view json, JobScope scope);

struct QualifiedName {
    std::string schema;
    std::string name;

    bool operator==(const QualifiedName&) const = default;
};

// Parses `text` as schema.name with SQL's quoting rules: unquoted parts are folded to lower case
// (ASCII), "quoted" parts taken as they are. Raises 22023 naming `argument` if it is malformed,
// unqualified, has empty parts or one longer than 63 bytes.
QualifiedName parse_qualified_name(std::string_view text, std::string_view argument);

// `name` as a quoted SQL identifier; always quoted, so that no list of keywords is needed.
std::string quote_identifier(std::string_view name);

// `text` as an SQL literal, valid whatever standard_conforming_strings says.
std::string quote_literal(std::string_view text);

// A schema's name alone, by the same rules.
std::string parse_schema_name(std::string_view text, std::string_view argument);

// `schema.name` or `name`, each part of quoted and unquoted pieces: unquoted ones are folded to
// lower case (ASCII) and may have * and ?, quoted ones stand for themselves. Raises 22023 naming
// `option`.
TablePattern parse_table_pattern(std::string_view text, std::string_view option);

// Whether a relation matches one of the patterns. Names are UTF-8, or of a one-byte encoding.
bool matches_any(const std::vector<TablePattern>& patterns, std::string_view schema,
                 std::string_view name);

// pg_catalog, information_schema, and all others that only the server may make.
bool is_system_schema(std::string_view name) noexcept;

// schema.name, both quoted.
std::string quote_qualified(const QualifiedName& name);

} // namespace pgclone
