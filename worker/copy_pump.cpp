#include "worker/copy_pump.hpp"

#include <algorithm>

#include "worker/wait_report.hpp"

namespace pgclone {

namespace {

constexpr std::size_t batch_bytes = 64 * 1024;
// In nonblocking mode libpq's buffer grows without limit: this is the limit. libpq moves what is
// left in it after each piece that the socket has taken, so more is slower.
constexpr std::size_t in_flight_bytes = 128 * 1024;
// With TLS, decrypted bytes may wait inside libpq while the socket is silent.
constexpr milliseconds look_again{1000};

microseconds between(Clock::time_point start, Clock::time_point end)
{
    return std::chrono::duration_cast<microseconds>(end - start);
}

} // namespace

LoopbackSink::LoopbackSink(PgSession& session, std::string copy_statement)
    : session_(session), copy_statement_(std::move(copy_statement))
{
    batch_.reserve(batch_bytes);
}

Async<void> LoopbackSink::begin() { co_await session_.start_copy_in(copy_statement_); }

void LoopbackSink::send_batch()
{
    if (batch_.empty())
        return;
    session_.put(batch_);
    in_flight_ += batch_.size();
    batch_.clear();
}

// A row that is larger than the batch passes in pieces, so that libpq never holds a second copy
// of it: COPY's messages need not end where rows end.
std::size_t LoopbackSink::write(std::span<const char> data)
{
    if (in_flight_ >= in_flight_bytes)
        return 0;
    const std::size_t taken = std::min(data.size(), batch_bytes - batch_.size());
    batch_.insert(batch_.end(), data.begin(), data.begin() + taken);
    if (batch_.size() == batch_bytes)
        send_batch();
    return taken;
}

bool LoopbackSink::flush()
{
    send_batch();
    const bool all_sent = session_.flush();
    if (all_sent)
        in_flight_ = 0;
    return all_sent;
}

Async<void> LoopbackSink::raise_error() { co_await session_.raise_copy_in_error(); }

Async<std::int64_t> LoopbackSink::finish()
{
    const std::int64_t rows = co_await session_.finish_copy_in();
    co_return rows;
}

Async<void> SourceCopies::begin_next()
{
    begun_++;
    if (begun_ > 1) {
        co_await session_.next_copy_out();
        co_return;
    }
    std::string sql;
    for (const std::string& statement : statements_)
        sql += (sql.empty() ? "" : ";\n") + statement;
    co_await session_.start_copy_out(std::move(sql));
}

Async<std::int64_t> SourceCopies::end()
{
    const bool is_last = begun_ == statements_.size();
    std::int64_t rows = 0;
    if (is_last)
        rows = co_await session_.finish_copy_out();
    else
        rows = co_await session_.end_copy_out();
    co_return rows;
}

Async<CopyResult> run_copy(EventLoop& loop, SourceCopies& copies, CopySink& sink,
                           std::vector<CopyStage*> stages, milliseconds stall_timeout,
                           CopyPace* pace)
{
    PgSession& source = copies.session();
    co_await copies.begin_next();
    co_await sink.begin();

    CopyResult result;
    std::span<const char> rest; // of the row that is on its way
    bool ended = false;
    Clock::time_point source_spoke = Clock::now();
    const PacedCopy paced(pace);
    CopyWaits waits(source_spoke);

    for (;;) {
        // Move rows until the source has none, the sink has no room, or the limit is reached.
        bool sink_full = false;
        bool source_silent = true;
        bool throttled = pace && !ended && !pace->may_read(Clock::now());
        while (!ended && !sink_full && !throttled) {
            if (rest.empty()) {
                const CopyRead read = source.read_row(rest);
                if (read == CopyRead::would_block)
                    break;
                source_silent = false;
                if (read == CopyRead::end) {
                    ended = true;
                    break;
                }
                result.bytes += static_cast<std::int64_t>(rest.size());
                if (pace)
                    pace->count(rest.size());
                for (CopyStage* stage : stages)
                    stage->on_row(rest);
            }
            const std::size_t taken = sink.write(rest);
            rest = rest.subspan(taken);
            sink_full = taken == 0;
            throttled = pace && rest.empty() && pace->is_exhausted();
        }
        for (CopyStage* stage : stages)
            stage->on_pause();
        const bool all_sent = sink.flush();
        if (ended && all_sent)
            break;
        if (sink_full && all_sent)
            continue;

        // Stop reading the source while the sink is full or the limit is reached, so that it feels
        // the back-pressure; watch the sink always: it may fail.
        const bool want_source = !ended && !sink_full && !throttled;
        const Clock::time_point now = Clock::now();
        if (!source_silent || !want_source)
            source_spoke = now;
        const Interest source_interest{&source.watch(), want_source, false};
        const Interest sink_interest{&sink.watch(), true, !all_sent};
        const Clock::time_point wait_end = throttled ? pace->next_read() : now + look_again;
        co_await loop.wait(source_interest, sink_interest, wait_end);
        const Clock::time_point woken = Clock::now();
        if (!throttled)
            (all_sent ? result.wait_source : result.wait_target) += between(now, woken);
        waits.add(throttled  ? WaitKind::throttle
                  : all_sent ? WaitKind::source
                             : WaitKind::target,
                  now, woken);

        if (want_source) {
            // Part of a large row is a sign of life, too.
            if (source.watch().was_readable())
                source_spoke = woken;
            source.consume_input();
            if (stall_timeout.count() > 0 && between(source_spoke, woken) >= stall_timeout)
                throw PgError(sqlstate::connection_failure,
                              "the source server has sent nothing for " +
                                  std::to_string(stall_timeout.count()) + " ms",
                              "", "The limit is the configuration parameter pgclone.stall_timeout.");
        }
        const bool sink_spoke = sink.watch().was_readable() && sink.consume_input();
        if (sink_spoke)
            co_await sink.raise_error();
    }

    // The source first: what it says now tells a complete COPY from one that was cut off.
    result.rows_source = co_await copies.end();
    result.rows_target = co_await sink.finish();
    co_return result;
}

} // namespace pgclone
