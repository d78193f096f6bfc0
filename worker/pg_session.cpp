#include "worker/pg_session.hpp"

#include <charconv>
#include <cstring>
#include <new>

#include <poll.h>
#include <sys/socket.h>

#include <libpq-fe.h>

#include "shared/boundary.hpp"
#include "shared/server_message.hpp"
#include "worker/machine.hpp"
#include "worker/row_collector.hpp"
#include "worker/wait_report.hpp"

namespace pgclone {

std::string_view side_name(SessionSide side)
{
    return side == SessionSide::source ? "source" : "target";
}

namespace {

// Decrypted bytes may wait inside the library while the socket is silent.
constexpr milliseconds encrypted_look_again{1000};
constexpr auto never = Clock::time_point::max();
// After an error the statement is over. libpq keeps the text of each that comes all the same.
constexpr int most_results_after_error = 100;
// What libpq keeps of what a server tells unasked, settings above all, may grow by so much. While
// rows of a query are read there is no such limit, since they are kept, too.
constexpr std::int64_t heap_growth_of_login = 64 * 1024 * 1024;
constexpr std::int64_t heap_growth_of_copy = 256 * 1024 * 1024;
constexpr unsigned reads_between_looks = 256;

// What a server says may repeat the password that it was given.
std::string told(const PGconn* connection, const char* text)
{
    return without_secret(text ? text : "", connection ? PQpass(connection) : "");
}

bool is_ready(int socket, PostgresPollingStatusType wanted)
{
    pollfd descriptor = {};
    descriptor.fd = socket;
    descriptor.events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    return poll(&descriptor, 1, 0) > 0;
}

std::int64_t affected_rows(PGresult* result)
{
    const char* text = PQcmdTuples(result);
    std::int64_t rows = 0;
    std::from_chars(text, text + std::strlen(text), rows);
    return rows;
}

} // namespace

void PgSession::ResultDeleter::operator()(pg_result* result) const noexcept { PQclear(result); }

PgSession::PgSession(EventLoop& loop, SessionSide side) : loop_(loop), side_(side), watch_(loop) {}

PgSession::~PgSession() { close(); }

bool PgSession::is_open() const noexcept
{
    return connection_ && PQstatus(connection_) == CONNECTION_OK;
}

int PgSession::backend_pid() const noexcept { return connection_ ? PQbackendPID(connection_) : 0; }

int PgSession::server_version() const noexcept
{
    return connection_ ? PQserverVersion(connection_) : 0;
}

bool PgSession::used_password() const noexcept
{
    return connection_ && PQconnectionUsedPassword(connection_);
}

std::string_view PgSession::parameter_status(const char* name) const noexcept
{
    const char* value = connection_ ? PQparameterStatus(connection_, name) : nullptr;
    return value ? value : std::string_view();
}

void PgSession::require_open() const
{
    if (!connection_)
        throw PgError(sqlstate::connection_failure,
                      "not connected to the " + std::string(side_name(side_)) + " server");
}

// libpq would send what stands before it, which may be a whole statement, too.
void PgSession::require_no_zero_byte(const std::string& sql, const Parameters& parameters)
{
    bool found = sql.find('\0') != std::string::npos;
    for (const auto& parameter : parameters)
        found = found || (parameter && parameter->find('\0') != std::string::npos);
    if (found)
        throw PgError(sqlstate::character_not_in_repertoire, "a statement has a zero byte in it");
}

// Reads what has arrived. Notifications are kept by libpq until somebody asks for them.
void PgSession::read_input()
{
    if (!PQconsumeInput(connection_))
        raise_connection_loss();
    while (PGnotify* notification = PQnotifies(connection_))
        PQfreemem(notification);
    check_heap();
}

void PgSession::limit_heap(std::int64_t growth) noexcept
{
    heap_limit_ = growth > 0 ? heap_bytes() + growth : 0;
}

void PgSession::check_heap()
{
    if (heap_limit_ == 0 || ++reads_ % reads_between_looks != 0 || heap_bytes() <= heap_limit_)
        return;
    close();
    throw PgError(sqlstate::protocol_violation, "the " + std::string(side_name(side_)) +
                                                    " server sends settings without an end");
}

void PgSession::free_row() noexcept
{
    if (row_)
        PQfreemem(row_);
    row_ = nullptr;
}

// A statement of ours on the target would run on after the connection is closed: CREATE INDEX
// looks at its client only now and then. PQcancel blocks, which is fine with a server that is
// this one, and never done to a source.
void PgSession::cancel_statement() noexcept
{
    if (side_ != SessionSide::target || activity_ != Activity::statement || !is_open())
        return;
    if (PGcancel* cancel = PQgetCancel(connection_)) {
        char reason[256];
        PQcancel(cancel, reason, sizeof(reason));
        PQfreeCancel(cancel);
    }
}

void PgSession::close() noexcept
{
    free_row();
    if (!connection_)
        return;
    cancel_statement();
    if (activity_ == Activity::copy_in && is_open()) {
        // Else the server's log calls the end of the connection a breach of the protocol.
        PQputCopyEnd(connection_, "the copy was given up");
        PQflush(connection_);
    }
    watch_.release(); // before libpq closes the descriptor
    PQfinish(connection_);
    connection_ = nullptr;
    activity_ = Activity::idle;
    heap_limit_ = 0;
}

void PgSession::raise_connection_failure()
{
    PgError failure = parse_connection_failure(told(connection_, PQerrorMessage(connection_)));
    close();
    throw PgError(failure.sqlstate(),
                  "could not connect to the " + std::string(side_name(side_)) +
                      " server: " + failure.message(),
                  failure.detail(), failure.hint());
}

void PgSession::raise_connection_loss()
{
    const PgError failure = parse_connection_failure(told(connection_, PQerrorMessage(connection_)));
    // Not a failure to connect, unless the server's last words had an SQLSTATE.
    const bool said_why = failure.sqlstate() != sqlstate::unable_to_connect;
    const std::string text = failure.message();
    close();
    throw PgError(said_why ? failure.sqlstate() : sqlstate::connection_failure,
                  "connection to the " + std::string(side_name(side_)) +
                      " server was lost" + (text.empty() ? "" : ": " + text));
}

void PgSession::raise_result_error(const pg_result* result) { throw result_error(result); }

PgError PgSession::result_error(const pg_result* result) const
{
    const auto error_field = [this, result](int field) {
        return clean_text(told(connection_, PQresultErrorField(result, field)));
    };
    const char* sqlstate_text = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string state = sqlstate_text ? clean_text(sqlstate_text) : std::string();
    std::string message = error_field(PG_DIAG_MESSAGE_PRIMARY);
    std::string detail = error_field(PG_DIAG_MESSAGE_DETAIL);
    const std::string hint = error_field(PG_DIAG_MESSAGE_HINT);
    const std::string context = error_field(PG_DIAG_CONTEXT);
    if (state.empty()) {
        // Made by libpq: the connection broke, or the server does not speak the protocol.
        message = parse_connection_failure(told(connection_, PQresultErrorMessage(result))).message();
        return PgError(sqlstate::connection_failure,
                       "connection to the " + std::string(side_name(side_)) +
                           " server was lost: " + message);
    }
    if (message.empty())
        message = "the " + std::string(side_name(side_)) +
                  " server raised an error without a message";
    // COPY's context names the line and column that failed.
    if (context.starts_with("COPY "))
        detail += (detail.empty() ? "" : " ") + context.substr(0, context.find('\n'));
    if (side_ == SessionSide::source)
        detail += std::string(detail.empty() ? "" : " ") + "The source server raised this error.";
    return PgError(state, message, detail, hint);
}

Async<void> PgSession::connect(ConnectionParameters parameters, milliseconds timeout)
{
    close();
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& parameter : parameters) {
        keywords.push_back(parameter.keyword.c_str());
        values.push_back(parameter.value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);

    loop_.check_interrupts();
    connection_ = PQconnectStartParams(keywords.data(), values.data(), 0);
    if (!connection_)
        throw std::bad_alloc();
    PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(
        connection_, [](void* session, const PGresult*) { static_cast<PgSession*>(session)->notices_++; },
        this);
    if (PQstatus(connection_) == CONNECTION_BAD)
        raise_connection_failure();
    limit_heap(heap_growth_of_login);
    co_await poll_connection(Clock::now() + timeout);
    limit_heap(0);
    if (PQsetnonblocking(connection_, 1) != 0)
        raise_connection_failure();
    watch_.assign(PQsocket(connection_));
}

// The protocol's dance: wait as libpq says, writable first; it may have another socket after each
// step, so the watch lets go before and takes the new one after.
Async<void> PgSession::poll_connection(Clock::time_point deadline)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        watch_.assign(PQsocket(connection_));
        const Interest interest{&watch_, status == PGRES_POLLING_READING,
                                status == PGRES_POLLING_WRITING};
        const Interest none;
        const bool ready = co_await loop_.wait(interest, none, deadline);
        // A server may talk for ever, too.
        if (!ready || Clock::now() >= deadline) {
            close();
            throw PgError(sqlstate::unable_to_connect,
                          "could not connect to the " + std::string(side_name(side_)) +
                              " server: timeout expired",
                          "", "The limit is the configuration parameter pgclone.connect_timeout.");
        }
        // A signal ends the wait, too. To poll before the socket is ready would take libpq to a
        // step that blocks.
        if (!is_ready(PQsocket(connection_), status))
            continue;
        watch_.release();
        status = PQconnectPoll(connection_);
        if (status == PGRES_POLLING_FAILED)
            raise_connection_failure();
        check_heap();
    }
}

// Waits until the server has sent something, and reads it.
Async<void> PgSession::wait_for_server()
{
    const auto deadline =
        stall_timeout_.count() > 0 ? Clock::now() + stall_timeout_ : never;
    const ReportedWait reported(side_ == SessionSide::source ? WaitKind::source : WaitKind::target);
    for (;;) {
        const bool encrypted = PQsslInUse(connection_) || PQgssEncInUse(connection_);
        const auto look_again = encrypted ? std::min(deadline, Clock::now() + encrypted_look_again) : deadline;
        const Interest interest{&watch_, true, false};
        const Interest none;
        const bool ready = co_await loop_.wait(interest, none, look_again);
        read_input();
        if (ready || !PQisBusy(connection_))
            co_return;
        if (Clock::now() >= deadline) {
            close();
            throw PgError(sqlstate::connection_failure,
                          "the " + std::string(side_name(side_)) + " server has sent nothing for " +
                              std::to_string(stall_timeout_.count()) + " ms",
                          "",
                          "The limit is the configuration parameter pgclone.stall_timeout.");
        }
    }
}

Async<void> PgSession::flush_all()
{
    for (;;) {
        const int status = PQflush(connection_);
        if (status < 0)
            raise_connection_loss();
        if (status == 0)
            co_return;
        // Readable too: the server may be unable to read before we have read.
        const Interest interest{&watch_, true, true};
        const Interest none;
        co_await loop_.wait(interest, none, never);
        read_input();
    }
}

// The next result of the statement, null after the last.
Async<PgSession::Result> PgSession::next_result()
{
    while (PQisBusy(connection_))
        co_await wait_for_server();
    Result result(PQgetResult(connection_));
    co_return result;
}

// Reads all results of the statement and returns the last; raises the first error among them.
// `on_rows` sees those that have rows; false from it ends the reading.
Async<PgSession::Result> PgSession::last_result(RowHandler on_rows)
{
    Result kept;
    bool failed = false;
    int after_error = 0;
    for (;;) {
        Result result = co_await next_result();
        if (!result)
            break;
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            // libpq would hand out this result for ever.
            close();
            throw PgError(sqlstate::protocol_violation,
                          "the " + std::string(side_name(side_)) +
                              " server started a COPY that was not asked for");
        }
        if (failed && ++after_error > most_results_after_error) {
            const PgError error = result_error(kept.get());
            close();
            throw PgError(error);
        }
        if (failed)
            continue;
        const bool has_rows = status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK;
        if (has_rows && on_rows && !on_rows(result.get()))
            co_return result;
        failed = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE ||
                 status == PGRES_NONFATAL_ERROR;
        kept = std::move(result);
        if (PQstatus(connection_) == CONNECTION_BAD)
            break; // at a server's shutdown the results may never end
    }
    activity_ = Activity::idle;
    if (failed)
        raise_result_error(kept.get());
    if (!kept)
        raise_connection_loss();
    co_return kept;
}

Async<ResultSet> PgSession::query(std::string sql, Parameters parameters)
{
    require_open();
    require_no_zero_byte(sql, parameters);
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const auto& parameter : parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    if (!PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr,
                           values.data(), nullptr, nullptr, 0))
        raise_connection_loss();
    activity_ = Activity::statement;
    PQsetSingleRowMode(connection_);
    co_await flush_all();
    RowCollector rows;
    bool oversized = false;
    ErrorRecord reason;
    co_await last_result([&](const PGresult* result) {
        if (!oversized)
            oversized = !run_catching([&] { rows.add(result, side_); }, reason);
        return !oversized;
    });
    if (oversized) {
        close(); // rather than read the rest
        throw PgError(reason);
    }
    ResultSet set = rows.take();
    co_return set;
}

Async<std::int64_t> PgSession::execute(std::string sql)
{
    require_open();
    require_no_zero_byte(sql);
    if (!PQsendQuery(connection_, sql.c_str()))
        raise_connection_loss();
    activity_ = Activity::statement;
    co_await flush_all();
    Result result = co_await last_result();
    const std::int64_t rows = affected_rows(result.get());
    co_return rows;
}

Async<void> PgSession::start_copy(std::string sql, Activity direction)
{
    require_open();
    require_no_zero_byte(sql);
    if (!PQsendQuery(connection_, sql.c_str()))
        raise_connection_loss();
    activity_ = Activity::statement;
    co_await flush_all();
    co_await enter_copy(direction);
}

// Waits until the server says that the COPY has begun.
Async<void> PgSession::enter_copy(Activity direction)
{
    Result result;
    ExecStatusType status = PGRES_COMMAND_OK;
    // The statements before the COPY.
    while (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        result = co_await next_result();
        status = PQresultStatus(result.get());
    }
    const ExecStatusType expected = direction == Activity::copy_out ? PGRES_COPY_OUT : PGRES_COPY_IN;
    if (status == expected) {
        activity_ = direction;
        limit_heap(direction == Activity::copy_out ? heap_growth_of_copy : 0);
        co_return;
    }
    if (result && status == PGRES_FATAL_ERROR) {
        activity_ = Activity::idle;
        if (is_open())
            co_await last_result_ignored();
        raise_result_error(result.get());
    }
    close();
    throw PgError(sqlstate::protocol_violation,
                  "the " + std::string(side_name(side_)) + " server did not start the COPY");
}

// Reads what follows an error that is about to be raised.
Async<void> PgSession::last_result_ignored()
{
    for (int i = 0; i < most_results_after_error; i++) {
        Result result = co_await next_result();
        if (!result || PQstatus(connection_) == CONNECTION_BAD)
            co_return;
    }
    close();
}

Async<void> PgSession::start_copy_out(std::string sql)
{
    co_await start_copy(std::move(sql), Activity::copy_out);
}

Async<void> PgSession::next_copy_out()
{
    co_await enter_copy(Activity::copy_out);
}

CopyRead PgSession::read_row(std::span<const char>& row)
{
    free_row();
    const int length = PQgetCopyData(connection_, &row_, 1);
    if (length > 0) {
        row = std::span<const char>(row_, length);
        return CopyRead::row;
    }
    if (length == 0)
        return CopyRead::would_block;
    if (length == -1)
        return CopyRead::end; // of the data, or of the server: finish_copy_out() tells
    raise_connection_loss();
}

// As finish_copy_out(), when other statements follow.
Async<std::int64_t> PgSession::end_copy_out()
{
    free_row();
    limit_heap(0);
    activity_ = Activity::statement;
    Result result = co_await next_result();
    if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) {
        const std::int64_t rows = affected_rows(result.get());
        co_return rows;
    }
    if (!result || PQresultStatus(result.get()) != PGRES_FATAL_ERROR) {
        close();
        throw PgError(sqlstate::protocol_violation, "the source server did not end the COPY");
    }
    activity_ = Activity::idle;
    if (is_open())
        co_await last_result_ignored();
    raise_result_error(result.get());
}

// PQgetCopyData says "end" at whatever message is no data, so only the final result tells a
// complete COPY from one that was cut off.
Async<std::int64_t> PgSession::finish_copy_out()
{
    free_row();
    limit_heap(0);
    activity_ = Activity::statement;
    Result result = co_await last_result();
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK)
        throw PgError(sqlstate::protocol_violation, "the source server did not end the COPY");
    const std::int64_t rows = affected_rows(result.get());
    co_return rows;
}

Async<void> PgSession::start_copy_in(std::string sql)
{
    co_await start_copy(std::move(sql), Activity::copy_in);
}

void PgSession::put(std::span<const char> data)
{
    if (PQputCopyData(connection_, data.data(), static_cast<int>(data.size())) != 1)
        raise_connection_loss();
}

bool PgSession::flush()
{
    const int status = PQflush(connection_);
    if (status < 0)
        raise_connection_loss();
    return status == 0;
}

bool PgSession::has_input() const noexcept
{
    char first;
    return connection_ && recv(PQsocket(connection_), &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool PgSession::consume_input()
{
    const int notices_before = notices_;
    // Under encryption, readable bytes need not be a message.
    bool watching = activity_ == Activity::copy_in && !PQsslInUse(connection_) && !PQgssEncInUse(connection_);
    watching = watching && has_input();
    read_input();
    PQisBusy(connection_); // makes libpq read the notices
    return watching && notices_ == notices_before;
}

Async<std::int64_t> PgSession::finish_copy_in()
{
    if (PQputCopyEnd(connection_, nullptr) != 1)
        raise_connection_loss();
    activity_ = Activity::statement;
    co_await flush_all();
    Result result = co_await last_result();
    const std::int64_t rows = affected_rows(result.get());
    co_return rows;
}

Async<void> PgSession::raise_copy_in_error()
{
    if (PQputCopyEnd(connection_, "the target server interrupted the COPY") != 1)
        raise_connection_loss();
    activity_ = Activity::statement;
    co_await flush_all();
    [[maybe_unused]] const Result result = co_await last_result(); // raises what it says
    throw PgError(sqlstate::protocol_violation, "the target server ended the COPY by itself");
}

} // namespace pgclone
