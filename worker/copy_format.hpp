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

// The rows to copy: of the table alone, not of its children.
struct CopySource {
    QualifiedName table;
    // Those that hold data (generated ones do not), in one order for both sides; empty if the table
    // has none, and then rows without columns are copied.
    std::vector<std::string> columns;
    std::string where; // empty = the whole table
    // Of the columns: those of a type character(n) whose padding need not be sent, since the target
    // puts it there by itself. Only a binary COPY does without it.
    std::vector<std::string> padded = {};
};

// `freeze`: the target's transaction truncates the table, which is not partitioned, first.
CopyPlan plan_copy(const CopySource& source, const QualifiedName& target, bool binary,
                   bool freeze = true);

// A CopyPlan's target_copy for a transaction that does not truncate the table.
std::string without_freeze(std::string target_copy);

// SELECT columns FROM ONLY table [WHERE (...)]. The expression stands on lines of its own, since
// it may end in a comment.
std::string select_statement(const QualifiedName& table, const std::vector<std::string>& columns,
                             const std::string& where);

} // namespace pgclone
