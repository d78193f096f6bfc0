#include "worker/table_selection.hpp"

#include <algorithm>

namespace pgclone {

TableSelection::TableSelection(const TableDefinition& definition, const CloneOptions& options)
{
    const auto is_wanted = [&](const ColumnDefinition& column) {
        return options.columns.empty() || std::find(options.columns.begin(), options.columns.end(),
                                                    column.name) != options.columns.end();
    };
    // Generated columns are not made of one another, so ordinary ones first is enough.
    for (const ColumnDefinition& column : definition.columns)
        if (is_wanted(column) && column.generated.empty())
            columns_.insert(column.name);
    std::set<std::string> generated;
    for (const ColumnDefinition& column : definition.columns) {
        if (!is_wanted(column))
            continue;
        add("column", column.name, column.needs);
        if (takes("column", column.name))
            generated.insert(column.name);
    }
    columns_.insert(generated.begin(), generated.end());

    for (const SequenceDefinition& sequence : definition.sequences)
        if (has_column(sequence.column))
            taken_.emplace("sequence", sequence.name);
    // A whole row is all columns.
    NameList all_columns;
    for (const ColumnDefinition& column : definition.columns)
        all_columns.push_back(column.name);
    const auto needs_of = [&](const auto& part) -> const NameList& {
        return part.has_whole_row ? all_columns : part.needs;
    };
    if (options.constraints)
        for (const ConstraintDefinition& constraint : definition.constraints)
            add("constraint", constraint.name, needs_of(constraint));
    for (const IndexDefinition& index : definition.indexes) {
        const bool is_plain = index.constraint_name.empty();
        if (is_plain && options.indexes) {
            if (index.is_valid)
                add("index", index.name, needs_of(index));
            else
                reasons_[{"index", index.name}] = "the index is invalid on the source";
        } else if (!is_plain && takes("constraint", index.constraint_name)) {
            taken_.emplace("index", index.name);
        }
    }
    if (options.triggers)
        for (const TriggerDefinition& trigger : definition.triggers)
            add("trigger", trigger.name, trigger.needs);
    for (const PolicyDefinition& policy : definition.policies)
        add("policy", policy.name, policy.needs);
    for (const StatisticsDefinition& object : definition.statistics)
        add("statistics", object.name, needs_of(object));
}

void TableSelection::add(std::string_view kind, const std::string& name, const NameList& needs)
{
    std::string absent;
    for (const std::string& column : needs)
        if (!has_column(column))
            absent += (absent.empty() ? "" : ", ") + quote_identifier(column);
    if (absent.empty())
        taken_.emplace(kind, name);
    else
        reasons_[{std::string(kind), name}] = "it needs columns that are not cloned: " + absent;
}

bool TableSelection::takes(std::string_view kind, const std::string& name) const
{
    return taken_.contains({std::string(kind), name});
}

std::string TableSelection::reason(std::string_view kind, const std::string& name) const
{
    const auto found = reasons_.find({std::string(kind), name});
    return found == reasons_.end() ? std::string() : found->second;
}

} // namespace pgclone
