// All that the catalogs of the source say about a schema or a database: the objects, what needs
// what, and what is known of tables, sequences and large objects beyond their DDL.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "worker/catalog_object.hpp"
#include "worker/catalog_store.hpp"
#include "worker/object_graph.hpp"
#include "worker/pg_session.hpp"
#include "worker/table_shape.hpp"

namespace pgclone {

// Where a sequence stands.
struct SequenceState {
    ObjectId node;         // itself, or the table of an identity column
    QualifiedName source;  // plain
    std::string target_as; // as setval() on the target takes it
    std::string last_value;
    bool is_called = false;
};

// Rows of an extension's configuration table that are not the extension's own.
struct ExtensionRows {
    ObjectId extension;
    std::uint32_t oid = 0; // of the table
    QualifiedName name;
    std::string condition; // WHERE and an expression; empty = all rows
    std::vector<std::string> columns;
    bool binary_safe = false;
    bool can_select = true;
    std::vector<std::uint32_t> references; // such tables whose rows must be there before
};

struct SourceCatalog {
    // `scratch_directory`: for what need not be in memory.
    explicit SourceCatalog(const std::string& scratch_directory)
        : objects(scratch_directory), tables(scratch_directory)
    {
    }

    int server_version = 0; // 150004
    std::string server_encoding;
    std::vector<std::string> schemas; // plain names of those cloned
    ObjectStore objects;
    std::vector<ObjectEdge> edges; // with those that objects name themselves
    TableStore tables;
    std::vector<SequenceState> sequences;
    std::vector<ExtensionRows> extension_rows;
    // Privileges changed on what is no node: objects that the server itself brought; one element
    // for each object.
    std::vector<std::vector<StatementTemplate>> system_privileges;
    std::vector<std::string> notes; // what is not cloned, or not whole, for people

    // Objects that cloned ones need, outside of what is cloned: as missing_objects.sql takes them.
    struct External {
        ObjectId id;
        ObjectRequirement requirement;
        std::string extension; // that provides it, or empty
    };
    std::vector<External> externals;
};

struct CatalogRequest {
    JobScope scope = JobScope::database;
    std::string schema; // of scopes schema and functions
    bool rename = false; // print names of that schema's objects without it
    bool data = true;
    std::string scratch_directory; // of the SourceCatalog
};

// Opens one more session on the source, in a transaction with the same snapshot.
using HelperOpener = std::function<Async<void>(PgSession& helper)>;

// Reads it in the session's transaction, which must be REPEATABLE READ, READ ONLY, with an empty
// search_path; the values of sequences are read first. With many tables a helper, if there is an
// opener for it, reads some of it at the same time; without one, or if it fails to open, the session
// reads all. Raises 3F000 if there is no such schema, and what the server raises.
Async<SourceCatalog> read_source_catalog(PgSession& source, CatalogRequest request,
                                         HelperOpener open_helper = nullptr);

} // namespace pgclone
