// What is submitted, as plain bytes: filled on the C++ side by the parsers of shared/, read on the
// server side by submit_pg.cpp. No std types, no server types.
#pragma once

#include <cstddef>

#include "shared/job_state.hpp"

namespace pgclone {

inline constexpr int where_bytes = 16384;
inline constexpr int unique_key_bytes = 1024;
inline constexpr int quoted_object_bytes = 4 * name_bytes + 8;

// Names that the scope does not have are empty.
struct SubmitRequest {
    JobScope scope;
    bool has_where;
    bool has_unique_key;
    bool has_secret; // conninfo says more than redacted
    char schema_name[name_bytes];
    char table_name[name_bytes];
    char target_schema[name_bytes];
    char target_name[name_bytes];
    char target_database[name_bytes]; // to be created
    char where[where_bytes];
    char unique_key[unique_key_bytes];
    char conninfo[conninfo_bytes]; // secret
    char redacted[conninfo_bytes]; // the same without secrets
};

// Each of these raises PgError, with the argument's or option's name in its message, and is to be
// called through call_cpp().

// 22023 for an unknown scope.
void read_scope(const char* text, SubmitRequest& request);

// Needs the scope. `text` is null if the argument is: 22004 where the scope needs it, 22023 if the
// scope has no object.
void read_object(const char* text, SubmitRequest& request);

// Needs scope and object. `json` is the text of a jsonb value.
void read_options(const char* json, SubmitRequest& request);

// True if `text` can be a connection string; if not, it can only be the name of a foreign server.
bool looks_like_conninfo(const char* text) noexcept;

// Parses a connection string; `unprivileged` applies the rules for non-superusers.
void read_conninfo(const char* text, bool unprivileged, SubmitRequest& request);

// Writes "schema"."name", quoted, for pgclone_submit's argument `object`, or "schema" alone if
// `table_name` is null; 22023 if a name is too long.
void write_object(const char* schema_name, const char* table_name,
                  char (&object)[quoted_object_bytes]);

// Whether `text` may be the value of pgclone.loopback_conninfo; if not, `reason` says why.
bool validate_loopback_conninfo(const char* text, char* reason, std::size_t reason_bytes) noexcept;

} // namespace pgclone
