#include "worker/copy_format.hpp"

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
                   const std::vector<std::string>& columns, const std::string& where, bool binary)
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
    plan.target_copy = "COPY " + quote_qualified(target) + list + " FROM STDIN WITH (FREEZE" +
                       (binary ? ", FORMAT binary)" : ")");
    plan.format = binary ? "binary" : "text";
    return plan;
}

} // namespace pgclone
