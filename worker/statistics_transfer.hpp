// The planner's statistics of a table, taken over from the source in place of ANALYZE, which would
// read a sample of the clone's rows to find out the same. Free of the server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/clone_options.hpp"
#include "worker/clone_task.hpp"
#include "worker/pg_session.hpp"
#include "worker/result_set.hpp"

namespace pgclone {

// A relation that has statistics of its own: a table, a partition, or an index with expressions.
struct StatisticsRelation {
    QualifiedName source;
    std::string kind;            // as in pg_class
    std::string row_count;       // a number, as the source has it
    std::uint32_t target_oid = 0;
};

// Of the rows of source_queries/statistics_state.sql and target_checks/statistics_relations.sql: those
// that get statistics, in the order in which the server locks the relations of a tree. None if the
// source's statistics are not good for one of them, or if `table` is no more what the job has copied.
// What is empty on the target needs none. The schema of `table` is called `target_schema` there.
std::optional<std::vector<StatisticsRelation>> match_statistics(const ResultSet& source,
                                                                const ResultSet& target,
                                                                const QualifiedName& table,
                                                                const std::string& target_schema);

// Queries that set what is known about the relation on the target: `columns` are rows of
// source_queries/column_statistics.sql. Values are parameters, not part of the statements, which
// servers log with an error. The handlers make `are_taken` false if the target cannot use some of it.
std::vector<PipelinedQuery> statistics_queries(const StatisticsRelation& relation,
                                               const ResultSet& columns,
                                               const std::string& extension_schema,
                                               bool& are_taken);

// Whether the plan says that the source's statistics may take the place of this task's ANALYZE.
bool may_take_statistics(const CloneTask& task);

// Takes over the statistics for such a task of a job whose snapshots are all younger than `age`. `source`
// is in no transaction; `target` is in one, which the caller rolls back to where it was if this is
// false: the source's statistics are not good enough, or the target cannot use them, because it sorts
// texts in another order. Raises what either side raises, and then both may be in the middle of anything.
Async<bool> take_statistics(PgSession& source, PgSession& target, CloneTask task, milliseconds age,
                            std::string extension_schema);

} // namespace pgclone
