// PgSession::pipeline(): many statements in one round trip.
#include "worker/pg_session.hpp"

#include <optional>

#include <libpq-fe.h>

namespace pgclone {

namespace {

// In nonblocking mode libpq's buffer grows without limit: this is the limit.
constexpr std::size_t in_flight_bytes = 1024 * 1024;
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

} // namespace

struct PgSession::Pipeline {
    const std::vector<std::string>& statements;
    std::size_t sent = 0;
    std::size_t answered = 0;
    std::size_t in_flight = 0;            // bytes given to libpq since it last had sent all
    bool synced = false;                  // the mark at the end was sent ...
    bool ended = false;                   // ... and answered
    bool answer_has_begun = false;        // of statement `answered`
    std::optional<PipelineError> failure; // the first
};

// Gives statements to libpq as long as there is room. True if all has gone to the socket.
bool PgSession::send_pipeline(Pipeline& pipeline)
{
    // The server skips what comes after a failure.
    const std::size_t count = pipeline.failure ? pipeline.sent : pipeline.statements.size();
    while (pipeline.sent < count && pipeline.in_flight < in_flight_bytes) {
        const std::string& statement = pipeline.statements[pipeline.sent++];
        if (!PQsendQueryParams(connection_, statement.c_str(), 0, nullptr, nullptr, nullptr,
                               nullptr, 0))
            raise_connection_loss();
        pipeline.in_flight += statement.size();
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
    while (!pipeline.ended && !PQisBusy(connection_)) {
        Result result(PQgetResult(connection_));
        if (result) {
            take_pipeline_result(pipeline, std::move(result));
        } else if (pipeline.answer_has_begun) {
            pipeline.answer_has_begun = false;
            pipeline.answered++;
        } else {
            return; // no more was asked so far
        }
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
}

Async<void> PgSession::run_pipeline(Pipeline& pipeline)
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
        if (!PQconsumeInput(connection_))
            raise_connection_loss();
    }
}

Async<void> PgSession::pipeline(std::vector<std::string> statements)
{
    require_open();
    if (!PQenterPipelineMode(connection_))
        raise_connection_loss();
    activity_ = Activity::statement;
    Pipeline pipeline{statements};
    try {
        co_await run_pipeline(pipeline);
    } catch (const PgError&) {
        // The server's last words say more than that it is gone.
        if (!connection_ && pipeline.failure)
            throw PgError(*pipeline.failure);
        throw;
    }
    activity_ = Activity::idle;
    if (!PQexitPipelineMode(connection_))
        raise_connection_loss();
    if (pipeline.failure)
        throw *pipeline.failure;
}

} // namespace pgclone
