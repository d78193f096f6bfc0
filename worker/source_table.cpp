#include "worker/source_table.hpp"

#include "worker/catalog_sql.hpp"

namespace pgclone {

Async<void> lock_source_table(PgSession& source, QualifiedName name, std::uint32_t oid,
                              std::int64_t filenode, std::string savepoint)
{
    std::string lock;
    if (!savepoint.empty())
        lock = "ROLLBACK TO SAVEPOINT " + quote_identifier(savepoint) + "; ";
    // Not LOCK TABLE, which asks for more than the right to read some of the columns.
    lock += "SELECT FROM ONLY " + quote_qualified(name) + " LIMIT 0";
    co_await source.execute(lock);
    const std::string identity(catalog_sql::source_table_identity);
    PgSession::Parameters parameters;
    parameters.emplace_back(quote_qualified(name));
    const ResultSet row = co_await source.query(identity, parameters);
    const bool same = !row.empty() && row.integer(0, "oid") == oid &&
                      (filenode == 0 || row.integer(0, "filenode") == filenode);
    if (!same)
        throw PgError(sqlstate::object_not_in_prerequisite_state,
                      "table " + quote_qualified(name) +
                          " was truncated, rewritten or replaced on the source",
                      "The job's snapshot sees another table than the one that is there now.",
                      "Submit the job again.");
}

} // namespace pgclone
