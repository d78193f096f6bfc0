// A libpq connection in the event loop. The one class (in pg_session.cpp and pg_pipeline.cpp) that
// calls libpq for traffic; everything above it is typed. Nothing here blocks but the name resolution that
// resolve_host() does and PQcancel on the loopback socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/conninfo.hpp"
#include "shared/error_types.hpp"
#include "worker/event_loop.hpp"
#include "worker/result_set.hpp"

struct pg_conn;
struct pg_result;

namespace pgclone {

// Which server a session talks to; it names the server in errors.
enum class SessionSide { source, target };
std::string_view side_name(SessionSide side);

// The server's error about one of the statements of a pipeline. The session is open; if a
// transaction was begun, it has failed and is to be rolled back.
class PipelineError : public PgError {
  public:
    PipelineError(const PgError& error, std::size_t statement)
        : PgError(error), statement_(statement)
    {
    }

    std::size_t statement() const noexcept { return statement_; } // its index, from 0

  private:
    std::size_t statement_;
};

enum class CopyRead { row, would_block, end };

// One of the queries of PgSession::query_all(), and who gets its rows.
struct PipelinedQuery {
    std::string sql;
    std::vector<std::optional<std::string>> parameters = {};
    std::function<void(const ResultSet& rows)> on_rows = nullptr; // null: they are thrown away
    // The rows come in pieces of about a thousand, the last of which may be empty.
    bool in_pieces = false;
};

class PgSession {
  public:
    using Parameters = std::vector<std::optional<std::string>>;

    PgSession(EventLoop& loop, SessionSide side);
    ~PgSession();
    PgSession(const PgSession&) = delete;
    PgSession& operator=(const PgSession&) = delete;

    // Connects; raises the server's SQLSTATE if it refused (28P01, 3D000, 53300, ...), else 08001,
    // also at the timeout.
    Async<void> connect(ConnectionParameters parameters, milliseconds timeout);
    bool is_open() const noexcept;
    void close() noexcept; // cancels a running statement on the target first

    int backend_pid() const noexcept;
    int server_version() const noexcept; // as PQserverVersion: 150004
    bool used_password() const noexcept;
    std::string_view parameter_status(const char* name) const noexcept;

    // One statement with parameters (text format). Raises the server's error, and 54000 if the
    // answer is larger than any catalog query's.
    Async<ResultSet> query(std::string sql, Parameters parameters = {});
    // One or more statements, simple protocol; returns the rows affected by the last one.
    Async<std::int64_t> execute(std::string sql);

    // Statements without parameters, sent together and answered together: one round trip. None is
    // carried out after one that fails. Unless they say BEGIN, they are one transaction. Rows are
    // read and thrown away. Raises PipelineError, and what a lost connection raises.
    Async<void> pipeline(std::vector<std::string> statements);
    // The same for queries, each answered as by query(). Each handler is called once, in their
    // order, when its query is answered and while the server works on those after it. After a
    // failure none is called any more; what a handler throws is raised when the session is free
    // again (so a query that most likely fails the whole had better not stand before slow ones).
    Async<void> query_all(std::vector<PipelinedQuery> queries);

    // COPY ... TO STDOUT: start_copy_out, read_row until `end`, finish_copy_out. Statements may
    // stand before the COPY; what they return is thrown away. Of several COPYs, separated by
    // semicolons, the next begins after end_copy_out with next_copy_out; the last is ended with
    // finish_copy_out.
    Async<void> start_copy_out(std::string sql);
    Async<void> next_copy_out();
    // The next row without waiting. `row` is valid until the next call.
    CopyRead read_row(std::span<const char>& row);
    Async<std::int64_t> end_copy_out();    // rows, by the command tag
    Async<std::int64_t> finish_copy_out(); // the same

    // COPY ... FROM STDIN: start_copy_in, put and flush, finish_copy_in. As above.
    Async<void> start_copy_in(std::string sql);
    void put(std::span<const char> data); // queues; never waits
    bool flush();                         // true if everything has gone to the socket
    Async<std::int64_t> finish_copy_in(); // rows, by the command tag
    // Ends a COPY IN whose target seems to have failed, and raises why.
    Async<void> raise_copy_in_error();

    // Reads what has arrived, without waiting; raises if the connection is lost. During COPY IN,
    // where a server has nothing to say but notices, true means that it did say something: most
    // likely an error, which libpq shows only when the COPY is ended.
    bool consume_input();

    DescriptorWatch& watch() noexcept { return watch_; }
    EventLoop& loop() noexcept { return loop_; }
    // Silence of the server after which a wait raises 08006; zero = none.
    void set_stall_timeout(milliseconds timeout) noexcept { stall_timeout_ = timeout; }

  private:
    // What the server is doing for us.
    enum class Activity { idle, statement, copy_out, copy_in };
    struct ResultDeleter {
        void operator()(pg_result* result) const noexcept;
    };
    using Result = std::unique_ptr<pg_result, ResultDeleter>;

    void require_open() const;
    static void require_no_zero_byte(const std::string& sql, const Parameters& parameters = {});
    void free_row() noexcept;
    bool has_input() const noexcept; // bytes that consume_input() has not read
    void read_input();
    void limit_heap(std::int64_t growth) noexcept; // bytes from now on; 0 = no limit
    void check_heap();
    void cancel_statement() noexcept;
    Async<void> poll_connection(Clock::time_point deadline);
    Async<void> wait_for_server();
    Async<void> flush_all();
    Async<Result> next_result();
    using RowHandler = std::function<bool(const pg_result*)>;
    Async<Result> last_result(RowHandler on_rows = nullptr);
    Async<void> last_result_ignored();
    Async<void> start_copy(std::string sql, Activity direction);
    Async<void> enter_copy(Activity direction);
    struct Pipeline; // one that is under way; pg_pipeline.cpp
    Async<void> run_pipeline(Pipeline& pipeline);
    Async<void> carry_pipeline(Pipeline& pipeline);
    void send_query(const PipelinedQuery& query);
    bool send_pipeline(Pipeline& pipeline);
    void read_pipeline(Pipeline& pipeline);
    void take_pipeline_result(Pipeline& pipeline, Result result);
    void collect_rows(Pipeline& pipeline, const pg_result* result);
    void end_answer(Pipeline& pipeline);
    [[noreturn]] void raise_connection_failure();
    [[noreturn]] void raise_connection_loss();
    PgError result_error(const pg_result* result) const;
    [[noreturn]] void raise_result_error(const pg_result* result);

    EventLoop& loop_;
    SessionSide side_;
    DescriptorWatch watch_;
    pg_conn* connection_ = nullptr;
    char* row_ = nullptr;
    milliseconds stall_timeout_{0};
    Activity activity_ = Activity::idle;
    int notices_ = 0;
    unsigned reads_ = 0;
    std::int64_t heap_limit_ = 0; // of heap_bytes(); 0 = none
};

} // namespace pgclone
