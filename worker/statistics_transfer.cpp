#include "worker/statistics_transfer.hpp"

#include <algorithm>
#include <array>
#include <iterator>
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
    {"column_number", "int2"},
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

// Relations whose statistics are in memory at the same time.
constexpr std::size_t relations_at_once = 20;

// The call for one column, whose values are parameters.
std::string call_for_column(const StatisticsRelation& relation, const std::string& schema)
{
    std::string call = "SELECT " + schema + ".pgclone_restore_statistics(" +
                       std::to_string(relation.target_oid);
    for (std::size_t i = 0; i < fields.size(); i++)
        call += ", $" + std::to_string(i + 1) + "::pg_catalog." + std::string(fields[i].type);
    return call + ") AS is_taken";
}

struct TargetRelation {
    std::uint32_t oid = 0;
    bool is_empty = false;
};

QualifiedName name_in(const ResultSet& rows, std::size_t row)
{
    return {rows.text(row, "relation_schema"), rows.text(row, "relation_name")};
}

using Relations = std::vector<StatisticsRelation>;

// In one transaction with what has said that they are good.
Async<Relations> find_relations(PgSession& source, PgSession& target, CloneTask task,
                                milliseconds age)
{
    const std::string state_query(catalog_sql::statistics_state);
    PgSession::Parameters table;
    table.emplace_back(std::to_string(task.source_oid));
    table.emplace_back(std::to_string(static_cast<double>(age.count()) / 1000));
    const ResultSet state = co_await source.query(state_query, table);
    const std::string relations_query(catalog_sql::statistics_relations);
    PgSession::Parameters name;
    name.emplace_back(quote_qualified({task.schema_name, task.object_name}));
    const ResultSet there = co_await target.query(relations_query, name);
    auto found = match_statistics(state, there, {task.source_schema, task.source_table},
                                  task.schema_name);
    co_return found ? std::move(*found) : Relations();
}

// False if the target could not use some of it.
Async<bool> transfer(PgSession& source, PgSession& target, Relations relations,
                     std::string extension_schema)
{
    std::vector<ResultSet> columns(relations.size());
    std::vector<PipelinedQuery> questions;
    for (std::size_t i = 0; i < relations.size(); i++)
        questions.push_back(
            {.sql = std::string(catalog_sql::column_statistics),
             .parameters = {relations[i].source.schema, relations[i].source.name, relations[i].kind},
             .on_rows = [&columns, i](const ResultSet& rows) { columns[i] = rows; }});
    co_await source.query_all(questions);
    bool are_taken = true;
    std::vector<PipelinedQuery> statements;
    for (std::size_t i = 0; i < relations.size(); i++) {
        std::vector<PipelinedQuery> own =
            statistics_queries(relations[i], columns[i], extension_schema, are_taken);
        statements.insert(statements.end(), std::make_move_iterator(own.begin()),
                          std::make_move_iterator(own.end()));
    }
    co_await target.query_all(statements);
    co_return are_taken;
}

} // namespace

std::optional<std::vector<StatisticsRelation>> match_statistics(const ResultSet& source,
                                                                const ResultSet& target,
                                                                const QualifiedName& table,
                                                                const std::string& target_schema)
{
    std::map<std::pair<std::string, std::string>, TargetRelation> there;
    for (std::size_t row = 0; row < target.size(); row++) {
        const QualifiedName name = name_in(target, row);
        there[{name.schema, name.name}] = {static_cast<std::uint32_t>(target.integer(row, "oid")),
                                           target.boolean(row, "is_empty")};
    }
    Relations relations;
    bool has_table = false;
    for (std::size_t row = 0; row < source.size(); row++) {
        StatisticsRelation relation;
        relation.source = name_in(source, row);
        relation.kind = source.text(row, "kind");
        relation.row_count = source.text(row, "row_count");
        has_table = has_table || relation.source == table;
        const std::string& schema =
            relation.source.schema == table.schema ? target_schema : relation.source.schema;
        const auto found = there.find({schema, relation.source.name});
        // Indexes may have been left out.
        if (found == there.end() && relation.kind == "i")
            continue;
        if (found == there.end())
            return std::nullopt;
        relation.target_oid = found->second.oid;
        const bool is_empty = found->second.is_empty;
        there.erase(found);
        if (is_empty)
            continue;
        if (!source.boolean(row, "is_usable"))
            return std::nullopt;
        relations.push_back(std::move(relation));
    }
    if (!has_table || !there.empty() || relations.empty())
        return std::nullopt;
    std::sort(relations.begin(), relations.end(),
              [](const StatisticsRelation& a, const StatisticsRelation& b) {
                  return a.target_oid < b.target_oid;
              });
    return relations;
}

std::vector<PipelinedQuery> statistics_queries(const StatisticsRelation& relation,
                                               const ResultSet& columns,
                                               const std::string& extension_schema,
                                               bool& are_taken)
{
    const std::string schema = quote_identifier(extension_schema);
    const std::string call = call_for_column(relation, schema);
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
    if (relation.kind != "i")
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

Async<bool> take_statistics(PgSession& source, PgSession& target, CloneTask task, milliseconds age,
                            std::string extension_schema)
{
    // Nothing of this waits for the source's other sessions for long: it is not worth it.
    const std::string begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                              "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s'";
    co_await source.execute(begin);
    const Relations relations = co_await find_relations(source, target, task, age);
    bool are_taken = !relations.empty();
    for (std::size_t first = 0; are_taken && first < relations.size(); first += relations_at_once) {
        const std::size_t end = std::min(first + relations_at_once, relations.size());
        const Relations some(relations.begin() + static_cast<std::ptrdiff_t>(first),
                             relations.begin() + static_cast<std::ptrdiff_t>(end));
        are_taken = co_await transfer(source, target, some, extension_schema);
    }
    const std::string commit("COMMIT");
    co_await source.execute(commit);
    co_return are_taken;
}

} // namespace pgclone
