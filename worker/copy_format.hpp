// The COPY statements of a data task, and which format they may use. Pure.
#pragma once

#include <string>
#include <vector>

#include "shared/clone_options.hpp"

namespace pgclone {

struct CopyPlan {
    std::string source_copy; // COPY ... TO STDOUT
    std::string target_copy; // COPY ... FROM STDIN
    std::string format;      // text | binary
};

// `columns` are those that hold data (generated ones do not), in one order for both sides; empty
// if the table has none, and then rows without columns are copied. `where` empty = the whole
// table. COPY reads the table alone, not its children. `freeze`: the target's transaction
// truncates the table, which is not partitioned, first.
CopyPlan plan_copy(const QualifiedName& source, const QualifiedName& target,
                   const std::vector<std::string>& columns, const std::string& where, bool binary,
                   bool freeze = true);

// A CopyPlan's target_copy for a transaction that does not truncate the table.
std::string without_freeze(std::string target_copy);

// SELECT columns FROM ONLY table [WHERE (...)]. The expression stands on lines of its own, since
// it may end in a comment.
std::string select_statement(const QualifiedName& table, const std::vector<std::string>& columns,
                             const std::string& where);

} // namespace pgclone
