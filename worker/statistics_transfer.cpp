#include "worker/statistics_transfer.hpp"

#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "worker/catalog_sql.hpp"

namespace pgclone {

namespace {

// Columns of column_statistics.sql, in the order of pgclone_restore_statistics' arguments, whose
// types they get.
struct StatisticsField {
    std::string_view column;
    std::string_view type;
};
constexpr auto fields = std::to_array<StatisticsField>({
    {"column_name", "name"},
    {"inherited", "bool"},
    {"null_frac", "float4"},
    {"avg_width", "int4"},
    {"n_distinct", "float4"},
    {"most_common_vals", "text"},
    {"most_common_freqs", "float4[]"},
    {"histogram_bounds", "text"},
    {"correlation", "float4"},
    {"most_common_elems", "text"},
    {"most_common_elem_freqs", "float4[]"},
    {"elem_count_histogram", "float4[]"},
});

// The call for one column, whose values are parameters.
std::string call_for_columns(const StatisticsRelation& relation, const std::string& schema)
{
    std::string call = "SELECT " + schema + ".pgclone_restore_statistics(" +
                       std::to_string(relation.target_oid);
    for (std::size_t i = 0; i < fields.size(); i++)
        call += ", $" + std::to_string(i + 1) + "::pg_catalog." + std::string(fields[i].type);
    return call + ") AS is_taken";
}

} // namespace

std::optional<std::vector<StatisticsRelation>>
match_statistics(const ResultSet& source, const ResultSet& target, const std::string& source_schema,
                 const std::string& target_schema)
{
    std::map<std::pair<std::string, std::string>, std::uint32_t> oids;
    for (std::size_t row = 0; row < target.size(); row++)
        oids[{target.text(row, "relation_schema"), target.text(row, "relation_name")}] =
            static_cast<std::uint32_t>(target.integer(row, "oid"));
    std::vector<StatisticsRelation> relations;
    for (std::size_t row = 0; row < source.size(); row++) {
        StatisticsRelation relation;
        relation.source = {source.text(row, "relation_schema"), source.text(row, "relation_name")};
        const std::string& schema =
            relation.source.schema == source_schema ? target_schema : relation.source.schema;
        const auto found = oids.find({schema, relation.source.name});
        if (found == oids.end() || !source.boolean(row, "is_usable"))
            return std::nullopt;
        relation.target_oid = found->second;
        relation.is_index = source.text(row, "kind") == "i";
        relation.is_partitioned = source.text(row, "kind") == "p";
        relation.is_empty = source.boolean(row, "is_empty");
        relation.row_count = source.text(row, "row_count");
        relations.push_back(std::move(relation));
    }
    // A table that the source does not have any more is none to know anything about.
    if (relations.empty() || relations.size() != oids.size())
        return std::nullopt;
    return relations;
}

std::vector<PipelinedQuery> statistics_queries(const StatisticsRelation& relation,
                                               const ResultSet& columns,
                                               const std::string& extension_schema,
                                               bool& are_taken)
{
    const std::string schema = quote_identifier(extension_schema);
    const std::string call = call_for_columns(relation, schema);
    std::vector<PipelinedQuery> queries;
    for (std::size_t row = 0; row < columns.size(); row++) {
        PipelinedQuery query{.sql = call};
        for (const StatisticsField& field : fields)
            query.parameters.push_back(columns.value(row, field.column));
        query.on_rows = [&are_taken](const ResultSet& rows) {
            are_taken = are_taken && rows.boolean(0, "is_taken");
        };
        queries.push_back(std::move(query));
    }
    // An index has counted its rows when it was made.
    if (!relation.is_index)
        queries.push_back({.sql = "SELECT " + schema + ".pgclone_restore_row_count(" +
                                  std::to_string(relation.target_oid) +
                                  ", $1::pg_catalog.float4)",
                           .parameters = {relation.row_count}});
    return queries;
}

bool may_take_statistics(const CloneTask& task)
{
    return task.kind == TaskKind::analyze && task.source_oid != 0;
}

Async<bool> take_statistics(PgSession& source, PgSession& target, CloneTask task,
                            std::string extension_schema)
{
    const std::string state_query(catalog_sql::statistics_state);
    PgSession::Parameters table;
    table.emplace_back(std::to_string(task.source_oid));
    const ResultSet state = co_await source.query(state_query, std::move(table));
    const std::string relations_query(catalog_sql::statistics_relations);
    PgSession::Parameters name;
    name.emplace_back(quote_qualified({task.schema_name, task.object_name}));
    const ResultSet there = co_await target.query(relations_query, std::move(name));
    const auto relations =
        match_statistics(state, there, task.source_schema, task.schema_name);
    if (!relations)
        co_return false;
    const std::string columns_query(catalog_sql::column_statistics);
    // One after the other: together they may be larger than a worker should be.
    for (const StatisticsRelation& relation : *relations) {
        ResultSet columns;
        if (!relation.is_empty) {
            PgSession::Parameters parameters;
            parameters.emplace_back(relation.source.schema);
            parameters.emplace_back(relation.source.name);
            parameters.emplace_back(relation.is_partitioned ? "true" : "false");
            columns = co_await source.query(columns_query, std::move(parameters));
        }
        bool are_taken = true;
        std::vector<PipelinedQuery> queries =
            statistics_queries(relation, columns, extension_schema, are_taken);
        if (!queries.empty())
            co_await target.query_all(std::move(queries));
        if (!are_taken)
            co_return false;
    }
    co_return true;
}

} // namespace pgclone
