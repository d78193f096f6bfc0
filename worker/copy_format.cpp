#include "worker/copy_format.hpp"

#include <string_view>

namespace pgclone {

namespace {

std::string column_list(const std::vector<std::string>& columns)
{
    std::string list;
    for (const std::string& column : columns)
        list += (list.empty() ? "" : ", ") + quote_identifier(column);
    return list;
}

} // namespace

std::string select_statement(const QualifiedName& table, const std::vector<std::string>& columns,
                             const std::string& where)
{
    std::string sql = "SELECT " + column_list(columns) + " FROM ONLY " + quote_qualified(table);
    if (!where.empty())
        sql += " WHERE (\n" + where + "\n)";
    return sql;
}

CopyPlan plan_copy(const QualifiedName& source, const QualifiedName& target,
                   const std::vector<std::string>& columns, const std::string& where, bool binary,
                   bool freeze)
{
    CopyPlan plan;
    // Rows without columns: COPY has no empty column list. The SELECT gives an empty line for
    // each row, and a target whose columns are all generated (or that has none) takes these
    // when no list is given.
    const std::string list = columns.empty() ? "" : " (" + column_list(columns) + ")";
    if (columns.empty())
        binary = false;
    if (where.empty() && !columns.empty())
        plan.source_copy = "COPY " + quote_qualified(source) + list + " TO STDOUT";
    else
        plan.source_copy = "COPY (" + select_statement(source, columns, where) + ") TO STDOUT";
    if (binary)
        plan.source_copy += " WITH (FORMAT binary)";
    std::string how = freeze ? "FREEZE" : "";
    if (binary)
        how += std::string(freeze ? ", " : "") + "FORMAT binary";
    plan.target_copy = "COPY " + quote_qualified(target) + list + " FROM STDIN" +
                       (how.empty() ? "" : " WITH (" + how + ")");
    plan.format = binary ? "binary" : "text";
    return plan;
}

std::string without_freeze(std::string target_copy)
{
    constexpr std::string_view alone = " WITH (FREEZE)";
    constexpr std::string_view first = "FREEZE, FORMAT binary)";
    if (target_copy.ends_with(alone))
        target_copy.resize(target_copy.size() - alone.size());
    else if (target_copy.ends_with(first))
        target_copy.replace(target_copy.size() - first.size(), first.size(), "FORMAT binary)");
    return target_copy;
}

} // namespace pgclone
