// Which parts of a table a clone takes, by its options alone. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "worker/table_definition.hpp"

namespace pgclone {

class TableSelection {
  public:
    TableSelection(const TableDefinition& definition, const CloneOptions& options);

    bool has_column(const std::string& name) const { return columns_.contains(name); }

    // Whether the part is cloned. `kind` is one of column, constraint, index, trigger, policy,
    // statistics, sequence (then `name` is its own name); an index behind a constraint goes with
    // the constraint.
    bool takes(std::string_view kind, const std::string& name) const;

    // Why a part that was not left out by an option cannot be cloned; empty = there is no reason.
    std::string reason(std::string_view kind, const std::string& name) const;

  private:
    using Part = std::pair<std::string, std::string>; // kind, name

    // Notes a part; it is left out, with the reason, if it needs a column that is left out.
    void add(std::string_view kind, const std::string& name, const NameList& needs);

    std::set<std::string> columns_;
    std::set<Part> taken_;
    std::map<Part, std::string> reasons_;
};

} // namespace pgclone
