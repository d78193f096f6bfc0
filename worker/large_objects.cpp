#include "worker/large_objects.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "worker/catalog_sql.hpp"
#include "worker/wait_report.hpp"

namespace pgclone {

namespace {

// Objects at a time, and what is read of each at first: most are smaller.
constexpr std::size_t group_size = 100;
constexpr std::size_t start_bytes = 8 * 1024;
// Of larger ones. The pieces of a round trip are in memory a few times, as hexadecimal text.
constexpr std::int64_t piece_bytes = 256 * 1024;
constexpr int pieces_at_a_time = 4;

// The length of a bytea in its text form, \x and two digits a byte.
std::size_t byte_count(const std::string& hex)
{
    return hex.size() < 2 ? 0 : (hex.size() - 2) / 2;
}

// An array of values that need no escapes but for the backslash of \x.
std::string array_text(const std::vector<std::string>& elements)
{
    std::string text = "{";
    for (const std::string& element : elements) {
        text += text.size() > 1 ? ",\"" : "\"";
        text += element.starts_with('\\') ? "\\" + element : element;
        text += '"';
    }
    return text + "}";
}

class LargeObjectCopy {
  public:
    LargeObjectCopy(PgSession& source, PgSession& target, WorkerCounters& counters, CopyPace* pace)
        : source_(source), target_(target), counters_(counters), pace_(pace)
    {
    }

    // Writes the first bytes of the objects, and all of those that have no more.
    Async<void> copy_group(std::vector<std::uint32_t> objects)
    {
        std::vector<std::string> ids;
        ids.reserve(objects.size());
        for (const std::uint32_t object : objects)
            ids.push_back(std::to_string(object));
        PgSession::Parameters which{array_text(ids), std::to_string(start_bytes)};
        ResultSet starts;
        co_await wait_for_pace();
        co_await ask(source_, result_.wait_source, read_starts_, std::move(which), starts);
        ids.clear();
        std::vector<std::string> contents;
        std::vector<std::string> large;
        for (std::size_t row = 0; row < starts.size(); row++) {
            const std::string& data = starts.text(row, "data");
            if (byte_count(data) == start_bytes) {
                large.push_back(starts.text(row, "id"));
                continue;
            }
            ids.push_back(starts.text(row, "id"));
            contents.push_back(data);
            count(byte_count(data));
        }
        PgSession::Parameters what{array_text(ids), array_text(contents)};
        ResultSet nothing;
        co_await ask(target_, result_.wait_target, put_objects_, std::move(what), nothing);
        count_objects(ids.size());
        for (const std::string& id : large)
            co_await copy_object(id);
    }

    const CopyResult& result() const { return result_; }

  private:
    Async<void> copy_object(std::string id)
    {
        std::int64_t offset = 0;
        std::int64_t written = 0; // up to where
        bool ended = false;
        while (!ended) {
            PgSession::Parameters which{id, std::to_string(offset), std::to_string(piece_bytes),
                                        std::to_string(pieces_at_a_time)};
            ResultSet pieces;
            co_await wait_for_pace();
            co_await ask(source_, result_.wait_source, read_pieces_, std::move(which), pieces);
            ended = pieces.empty();
            for (std::size_t row = 0; row < pieces.size() && !ended; row++) {
                const std::int64_t bytes = pieces.integer(row, "bytes");
                if (bytes > 0 && !pieces.is_null(row, "data")) {
                    PgSession::Parameters what{id, std::to_string(offset),
                                               pieces.text(row, "data")};
                    ResultSet nothing;
                    co_await ask(target_, result_.wait_target, put_piece_, std::move(what),
                                 nothing);
                    written = offset + bytes;
                }
                offset += bytes;
                count(static_cast<std::size_t>(bytes));
                ended = bytes < piece_bytes;
            }
        }
        if (written < offset) {
            // It ends with a hole.
            PgSession::Parameters size{id, std::to_string(offset)};
            ResultSet nothing;
            co_await ask(target_, result_.wait_target, set_size_, std::move(size), nothing);
        }
        count_objects(1);
    }

    Async<void> ask(PgSession& session, microseconds& waited, std::string sql,
                    PgSession::Parameters parameters, ResultSet& answer)
    {
        const Clock::time_point start = Clock::now();
        answer = co_await session.query(std::move(sql), std::move(parameters));
        const Clock::time_point end = Clock::now();
        waited += std::chrono::duration_cast<microseconds>(end - start);
        waits_.add(&session == &source_ ? WaitKind::source : WaitKind::target, start, end);
    }

    Async<void> wait_for_pace()
    {
        if (!pace_)
            co_return;
        const Clock::time_point start = Clock::now();
        co_await pace_->wait();
        waits_.add(WaitKind::throttle, start, Clock::now());
    }

    void count(std::size_t bytes)
    {
        result_.bytes += static_cast<std::int64_t>(bytes);
        counters_.bytes.fetch_add(bytes, std::memory_order_relaxed);
        if (pace_)
            pace_->count(bytes);
    }
    void count_objects(std::size_t objects)
    {
        result_.rows_source += static_cast<std::int64_t>(objects);
        result_.rows_target += static_cast<std::int64_t>(objects);
        counters_.rows.fetch_add(objects, std::memory_order_relaxed);
    }

    PgSession& source_;
    PgSession& target_;
    WorkerCounters& counters_;
    CopyPace* pace_;
    CopyWaits waits_{Clock::now()};
    CopyResult result_;

    const std::string read_starts_{catalog_sql::large_object_starts};
    const std::string read_pieces_{catalog_sql::large_object_pieces};
    const std::string put_objects_{catalog_sql::put_large_objects};
    const std::string put_piece_{
        "SELECT pg_catalog.lo_put($1::pg_catalog.oid, $2::pg_catalog.int8, $3::pg_catalog.bytea)"};
    // 131072 is INV_WRITE.
    const std::string set_size_{"SELECT pg_catalog.lo_truncate64(pg_catalog.lo_open("
                                "$1::pg_catalog.oid, 131072), $2::pg_catalog.int8)"};
};

} // namespace

Async<CopyResult> copy_large_objects(PgSession& source, PgSession& target,
                                     std::vector<std::uint32_t> objects, WorkerCounters& counters,
                                     CopyPace* pace)
{
    const PacedCopy paced(pace);
    LargeObjectCopy copy(source, target, counters, pace);
    const std::span<const std::uint32_t> all(objects);
    for (std::size_t next = 0; next < all.size(); next += group_size) {
        const auto group = all.subspan(next, std::min(group_size, all.size() - next));
        std::vector<std::uint32_t> ids(group.begin(), group.end());
        co_await copy.copy_group(std::move(ids));
    }
    const CopyResult result = copy.result();
    if (result.rows_source != static_cast<std::int64_t>(objects.size()))
        throw PgError(sqlstate::data_corrupted, "the source did not send all large objects");
    co_return result;
}

} // namespace pgclone
