// How a table of a schema or database clone is made so that the columns stand in the source's
// physical order and are inherited or local as there, which CREATE TABLE ... INHERITS alone does
// not give when a parent or child was altered after it was made. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "worker/catalog_object.hpp"

namespace pgclone {

// Further columns of tables.sql.
struct TableParent {
    std::uint32_t oid = 0;
    std::string relation; // as a regclass prints it
};

struct ShapeColumn {
    std::string name;       // plain
    std::string type;       // with COLLATE; empty in a typed table
    std::string generation; // GENERATED ALWAYS AS (...) STORED; empty = none
    std::string not_null;   // NOT NULL with its name; empty = none, or inherited
    std::string own_not_null; // NOT NULL column, beside the one that it inherits; empty = none
    std::string identity;   // GENERATED ... AS IDENTITY (...); empty = none
    bool is_local = true;
    int parents = 0; // from how many it is inherited
};

// What is asked of a table all the time: the rest of it is in a file (see TableStore).
struct TableHead {
    ObjectId id;
    std::vector<TableParent> parents; // in their order
    bool is_partition = false;
    bool has_after_children = false; // see TableShape
    bool has_rows = false; // an ordinary table, whose rows are to be copied
    bool can_select = true;
    bool is_heap = false; // its rows are in a heap, whose pages have numbers
    std::int64_t heap_pages = 0;
    std::int64_t size_bytes = 0; // with TOAST
    std::int64_t estimated_rows = 0;
    // Rows go in through the topmost table, since the target may route them elsewhere (hash
    // partitions by an enum's value): schema and name of that; empty = no.
    QualifiedName load_through;
};

struct TableShape : TableHead {
    std::string relation;             // as a regclass prints it
    std::string head;                 // CREATE UNLOGGED TABLE, CREATE FOREIGN TABLE
    std::string of_type;              // of a typed table
    std::vector<ShapeColumn> columns;        // all, in physical order
    std::string tail;                        // PARTITION BY, USING, WITH, TABLESPACE, SERVER
    std::string helper;                      // a name in its schema that no table has
    std::vector<std::string> after;          // statements that follow: attachment, settings
    std::vector<std::string> after_children; // when its children are there, which inherit it else

    // Of its rows:
    std::vector<std::string> copy_columns;
    std::vector<std::string> padded_columns; // of these: see CopySource
    bool binary_safe = false; // if the clone makes these:
    std::vector<ObjectId> own_types; // enums and domains
};

// Reads what tables.sql gives beyond read_objects(). Raises XX000 if it is malformed.
std::vector<TableShape> read_table_shapes(const ResultSet& rows);

// How the tables of a plan are made.
//
// CREATE TABLE ... INHERITS has the columns of the parents first, so it cannot make a table whose
// parent got a column later. Such a table is made with one more parent before the others: a helper
// that has its columns in its order, and that it leaves at once (NO INHERIT). What it inherits
// from the others stays inherited.
class TableMaker {
  public:
    // The table at a place in `tables`, whole.
    using Loader = std::function<TableShape(std::size_t)>;

    TableMaker() = default;
    // `tables` has parents before children.
    TableMaker(const std::vector<const TableHead*>& tables, Loader load, int target_version);

    // The statements that make tables[i]. What a table waits for its children with stands with the
    // last of them.
    std::vector<std::string> statements(std::size_t i) const;

  private:
    struct Parents;
    Parents load_parents(std::size_t i) const;

    Loader load_;
    int target_version_ = 0;
    // By INHERITS, not by partitioning; empty for most.
    std::unordered_map<std::size_t, std::vector<std::size_t>> parents_;
    std::unordered_set<std::size_t> has_unknown_parents_; // that are not among the tables
    // Tables whose last child is the key, in ascending order.
    std::unordered_map<std::size_t, std::vector<std::size_t>> parents_of_last_;
    std::unordered_set<std::size_t> has_children_;
};

} // namespace pgclone
