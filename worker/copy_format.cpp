#include "worker/copy_format.hpp"

#include <algorithm>
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

// The same without the padding, as expressions of a binary COPY: the bytes that the server would
// send, but for the blanks at their end. (A cast to text takes several times as long in multi-byte
// encodings: it looks at each character, and this at none but the blanks. In no encoding is the
// blank's byte the last one of another character.)
std::string trimmed_list(const CopySource& source)
{
    std::string list;
    for (const std::string& column : source.columns) {
        const std::string name = quote_identifier(column);
        const bool is_padded = std::find(source.padded.begin(), source.padded.end(), column) !=
                               source.padded.end();
        list += (list.empty() ? "" : ", ") +
                (is_padded ? "pg_catalog.rtrim(pg_catalog.bpcharsend(" + name +
                                 "), ' '::pg_catalog.bytea)"
                           : name);
    }
    return list;
}

std::string select_list(const QualifiedName& table, const std::string& list,
                        const std::string& where)
{
    std::string sql = "SELECT " + list + " FROM ONLY " + quote_qualified(table);
    if (!where.empty())
        sql += " WHERE (\n" + where + "\n)";
    return sql;
}

} // namespace

std::string select_statement(const QualifiedName& table, const std::vector<std::string>& columns,
                             const std::string& where)
{
    return select_list(table, column_list(columns), where);
}

CopyPlan plan_copy(const CopySource& source, const QualifiedName& target, bool binary, bool freeze)
{
    CopyPlan plan;
    // Rows without columns: COPY has no empty column list. The SELECT gives an empty line for
    // each row, and a target whose columns are all generated (or that has none) takes these
    // when no list is given.
    const bool has_columns = !source.columns.empty();
    const std::string list = has_columns ? " (" + column_list(source.columns) + ")" : "";
    binary = binary && has_columns;
    const bool trims = binary && !source.padded.empty();
    if (source.where.empty() && has_columns && !trims)
        plan.source_copy = "COPY " + quote_qualified(source.table) + list + " TO STDOUT";
    else
        plan.source_copy =
            "COPY (" +
            select_list(source.table, trims ? trimmed_list(source) : column_list(source.columns),
                        source.where) +
            ") TO STDOUT";
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
