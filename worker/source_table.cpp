#include "worker/source_table.hpp"

#include "worker/catalog_sql.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace {

Async<void> take_locks(PgSession& source, std::vector<SourceTable> tables, std::string savepoint)
{
    std::vector<std::string> statements;
    if (!savepoint.empty())
        statements.push_back("ROLLBACK TO SAVEPOINT " + quote_identifier(savepoint));
    const std::size_t first = statements.size();
    // Not LOCK TABLE, which asks for more than the right to read some of the columns.
    for (const SourceTable& table : tables)
        statements.push_back("SELECT FROM ONLY " + quote_qualified(table.name) + " LIMIT 0");
    try {
        co_await source.pipeline(std::move(statements));
    } catch (const PipelineError& error) {
        if (error.statement() < first)
            throw PgError(error);
        throw PipelineError(error, error.statement() - first);
    }
}

} // namespace

Async<void> lock_source_tables(PgSession& source, std::vector<SourceTable> tables,
                               std::string savepoint)
{
    co_await take_locks(source, tables, std::move(savepoint));
    std::vector<std::string> names;
    names.reserve(tables.size());
    for (const SourceTable& table : tables)
        names.push_back(quote_qualified(table.name));
    const std::string identities(catalog_sql::source_table_identity);
    PgSession::Parameters parameters;
    parameters.emplace_back(array_literal(names));
    const ResultSet rows = co_await source.query(identities, parameters);
    for (std::size_t i = 0; i < tables.size(); i++) {
        const SourceTable& table = tables[i];
        const bool same = i < rows.size() && rows.integer(i, "oid") == table.oid &&
                          rows.boolean(i, "is_same");
        if (same)
            continue;
        const PgError error(sqlstate::object_not_in_prerequisite_state,
                            "table " + names[i] +
                                " was truncated, rewritten or replaced on the source",
                            "The job's snapshot sees another table than the one that is there now.",
                            "Submit the job again.");
        throw PipelineError(error, i);
    }
}

} // namespace pgclone
