// The copy pump: source -> stages -> sink, full duplex, in bounded memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/copy_pace.hpp"
#include "worker/event_loop.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

// Where rows go. The pump calls begin, then write and flush until all is through, then finish.
class CopySink {
  public:
    virtual ~CopySink() = default;

    virtual Async<void> begin() = 0;
    // Takes as much of `data` as it has room for and says how much; 0 = flush first.
    virtual std::size_t write(std::span<const char> data) = 0;
    // Sends what it can without waiting; true if nothing is left.
    virtual bool flush() = 0;
    // What to wait for: room to write, or news that the sink has failed.
    virtual DescriptorWatch& watch() = 0;
    // Reads what arrived; true if the sink seems to have failed: then raise_error() tells how.
    virtual bool consume_input() = 0;
    virtual Async<void> raise_error() = 0;
    // Ends the COPY; returns the rows that have arrived.
    virtual Async<std::int64_t> finish() = 0;
};

// COPY ... FROM STDIN on a loopback session. Rows are batched, since each message costs the
// server a round of its protocol loop.
class LoopbackSink final : public CopySink {
  public:
    LoopbackSink(PgSession& session, std::string copy_statement);

    Async<void> begin() override;
    std::size_t write(std::span<const char> data) override;
    bool flush() override;
    DescriptorWatch& watch() override { return session_.watch(); }
    bool consume_input() override { return session_.consume_input(); }
    Async<void> raise_error() override;
    Async<std::int64_t> finish() override;

  private:
    void send_batch();

    PgSession& session_;
    std::string copy_statement_;
    std::vector<char> batch_;
    std::size_t in_flight_ = 0; // bytes given to libpq since it last had sent all
};

// COPY ... TO STDOUT statements for one session, asked for at once, so that a small table costs no
// round trip; read one after the other with run_copy.
class SourceCopies {
  public:
    SourceCopies(PgSession& session, std::vector<std::string> statements)
        : session_(session), statements_(std::move(statements))
    {
    }

    PgSession& session() noexcept { return session_; }
    Async<void> begin_next();
    Async<std::int64_t> end(); // rows, by the source's command tag

  private:
    PgSession& session_;
    std::vector<std::string> statements_;
    std::size_t begun_ = 0;
};

// Looks at every row on its way.
class CopyStage {
  public:
    virtual ~CopyStage() = default;
    virtual void on_row(std::span<const char> row) = 0;
    // After a burst of rows, before the pump waits.
    virtual void on_pause() {}
};

struct CopyResult {
    std::int64_t rows_source = 0; // by the source's command tag
    std::int64_t rows_target = 0; // by the sink
    std::int64_t bytes = 0;
    microseconds wait_source{0}; // time spent waiting for the source
    microseconds wait_target{0}; // time spent waiting for room in the sink
};

// Copies what the next of `copies` yields into `sink`, through `stages` in their order.
// `stall_timeout`: longest silence of the source, zero = no limit. `pace`: how fast to read; null =
// as fast as it goes. Raises what either side raises, 08006 at the time-out; the sessions are then
// in the middle of a COPY: close them.
Async<CopyResult> run_copy(EventLoop& loop, SourceCopies& copies, CopySink& sink,
                           std::vector<CopyStage*> stages, milliseconds stall_timeout,
                           CopyPace* pace = nullptr);

} // namespace pgclone
