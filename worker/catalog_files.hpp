// The files of worker/catalog that give objects, in the order in which they are read.
#pragma once

#include <string_view>
#include <vector>

#include "shared/clone_options.hpp"
#include "worker/source_catalog.hpp"

namespace pgclone {

enum class FileOf { every_scope, schemas, database };

// A query that gives objects, and what is read from its further columns.
struct ObjectFile {
    std::string_view name; // as source_queries/absent_kinds.sql has it
    std::string_view sql;
    FileOf scope;
    bool takes_schemas; // $1 = oid[]
    int first_version = 0;
    void (*read_more)(const ResultSet& rows, std::size_t row, CatalogObject& object) = nullptr;
    bool has_tables = false; // a TableShape in each row
};

const std::vector<ObjectFile>& object_files();

// Whether a job of that scope reads it from a server of that version.
bool is_read(const ObjectFile& file, JobScope scope, int server_version);

// The columns classid and objid.
ObjectId id_of_row(const ResultSet& rows, std::size_t row);

} // namespace pgclone
