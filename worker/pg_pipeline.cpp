// PgSession::pipeline() and query_all(): many statements in one round trip.
#include "worker/pg_session.hpp"

#include <exception>
#include <optional>

#include <libpq-fe.h>

#include "shared/boundary.hpp"
#include "worker/row_collector.hpp"

namespace pgclone {

namespace {

// In nonblocking mode libpq's buffer grows without limit: this is the limit.
constexpr std::size_t in_flight_bytes = 1024 * 1024;
constexpr std::size_t rows_of_piece = 1000;
constexpr auto never = Clock::time_point::max();

bool is_failure(ExecStatusType status)
{
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE ||
           status == PGRES_NONFATAL_ERROR;
}

bool is_copy(ExecStatusType status)
{
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

bool has_rows(ExecStatusType status)
{
    return status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK;
}

std::size_t size_of(const PipelinedQuery& query)
{
    std::size_t size = query.sql.size();
    for (const auto& parameter : query.parameters)
        size += parameter ? parameter->size() : 0;
    return size;
}

} // namespace

struct PgSession::Pipeline {
    const std::vector<PipelinedQuery>& queries;
    std::size_t sent = 0;
    std::size_t answered = 0;
    std::size_t in_flight = 0;            // bytes given to libpq since it last had sent all
    bool synced = false;                  // the mark at the end was sent ...
    bool ended = false;                   // ... and answered
    bool answer_has_begun = false;        // of query `answered`
    std::optional<RowCollector> rows;     // of that answer
    std::optional<PipelineError> failure; // the first
    std::exception_ptr handler_failure;   // the first

    bool has_failed() const { return failure || handler_failure; }
    // Whether the rows of query `answered` are wanted.
    bool is_read() const
    {
        return !has_failed() && answered < queries.size() && queries[answered].on_rows;
    }

    RowCollector& collector()
    {
        if (!rows)
            rows.emplace(queries[answered].in_pieces ? RowCollector::max_pieces_bytes
                                                     : RowCollector::max_answer_bytes);
        return *rows;
    }

    // To whoever wants the rows of query `answered`.
    void hand_over()
    {
        const ResultSet piece = collector().take();
        try {
            queries[answered].on_rows(piece);
        } catch (...) {
            handler_failure = std::current_exception();
        }
    }
};

void PgSession::send_query(const PipelinedQuery& query)
{
    require_no_zero_byte(query.sql, query.parameters);
    std::vector<const char*> values;
    values.reserve(query.parameters.size());
    for (const auto& parameter : query.parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    if (!PQsendQueryParams(connection_, query.sql.c_str(), static_cast<int>(values.size()), nullptr,
                           values.data(), nullptr, nullptr, 0))
        raise_connection_loss();
}

// Gives queries to libpq as long as there is room. True if all has gone to the socket.
bool PgSession::send_pipeline(Pipeline& pipeline)
{
    // The server skips what comes after a failure.
    const std::size_t count = pipeline.has_failed() ? pipeline.sent : pipeline.queries.size();
    while (pipeline.sent < count && pipeline.in_flight < in_flight_bytes) {
        const PipelinedQuery& query = pipeline.queries[pipeline.sent++];
        send_query(query);
        pipeline.in_flight += size_of(query);
    }
    if (pipeline.sent == count && !pipeline.synced) {
        if (!PQpipelineSync(connection_))
            raise_connection_loss();
        pipeline.synced = true;
    }
    const bool all_sent = flush();
    if (all_sent)
        pipeline.in_flight = 0;
    return all_sent;
}

// Reads the answers that have arrived, without waiting.
void PgSession::read_pipeline(Pipeline& pipeline)
{
    while (!pipeline.ended) {
        // libpq wants to be told anew for each answer, before it looks at the first of it.
        if (!pipeline.answer_has_begun && pipeline.is_read())
            PQsetSingleRowMode(connection_);
        if (PQisBusy(connection_))
            return;
        Result result(PQgetResult(connection_));
        if (result)
            take_pipeline_result(pipeline, std::move(result));
        else if (pipeline.answer_has_begun)
            end_answer(pipeline);
        else
            return; // no more was asked so far
    }
}

void PgSession::take_pipeline_result(Pipeline& pipeline, Result result)
{
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_PIPELINE_SYNC) {
        pipeline.ended = true;
        return;
    }
    if (is_copy(status)) {
        close();
        throw PgError(sqlstate::protocol_violation,
                      "the " + std::string(side_name(side_)) +
                          " server started a COPY that was not asked for");
    }
    pipeline.answer_has_begun = true;
    if (is_failure(status) && !pipeline.failure)
        pipeline.failure.emplace(result_error(result.get()), pipeline.answered);
    if (PQstatus(connection_) == CONNECTION_BAD)
        raise_connection_loss();
    if (has_rows(status) && pipeline.is_read())
        collect_rows(pipeline, result.get());
}

void PgSession::collect_rows(Pipeline& pipeline, const pg_result* result)
{
    ErrorRecord reason;
    const bool in_pieces = pipeline.queries[pipeline.answered].in_pieces;
    RowCollector& rows = pipeline.collector();
    if (!run_catching([&] { rows.add(result, side_); }, reason)) {
        close(); // rather than read the rest
        throw PgError(reason);
    }
    if (!in_pieces || rows.size() < rows_of_piece)
        return;
    pipeline.hand_over();
    if (pipeline.handler_failure) {
        close();
        std::rethrow_exception(pipeline.handler_failure);
    }
}

void PgSession::end_answer(Pipeline& pipeline)
{
    const bool is_read = pipeline.is_read();
    if (is_read)
        pipeline.hand_over();
    pipeline.rows.reset();
    pipeline.answered++;
    pipeline.answer_has_begun = false;
}

Async<void> PgSession::carry_pipeline(Pipeline& pipeline)
{
    while (!pipeline.ended) {
        const bool all_sent = send_pipeline(pipeline);
        read_pipeline(pipeline);
        if (pipeline.ended || (all_sent && !pipeline.synced))
            continue;
        if (all_sent) {
            co_await wait_for_server();
            continue;
        }
        // Readable too: the server reads no more when its answers are not read.
        const Interest interest{&watch_, true, true};
        const Interest none;
        co_await loop_.wait(interest, none, never);
        read_input();
    }
}

Async<void> PgSession::run_pipeline(Pipeline& pipeline)
{
    require_open();
    if (!PQenterPipelineMode(connection_))
        raise_connection_loss();
    activity_ = Activity::statement;
    try {
        co_await carry_pipeline(pipeline);
    } catch (const PgError&) {
        // The server's last words say more than that it is gone.
        if (!connection_ && pipeline.failure)
            throw PgError(*pipeline.failure);
        throw;
    }
    activity_ = Activity::idle;
    if (!PQexitPipelineMode(connection_))
        raise_connection_loss();
    if (pipeline.handler_failure)
        std::rethrow_exception(pipeline.handler_failure);
    if (pipeline.failure)
        throw *pipeline.failure;
}

Async<void> PgSession::pipeline(std::vector<std::string> statements)
{
    std::vector<PipelinedQuery> queries;
    queries.reserve(statements.size());
    for (std::string& statement : statements)
        queries.push_back({std::move(statement)});
    Pipeline pipeline{queries};
    co_await run_pipeline(pipeline);
}

Async<void> PgSession::query_all(std::vector<PipelinedQuery> queries)
{
    Pipeline pipeline{queries};
    co_await run_pipeline(pipeline);
}

} // namespace pgclone
