// The one snapshot that all data of a job comes from: the session that exported it stays open as
// long as there is data to copy.
#pragma once

#include <string>

#include "worker/pg_session.hpp"

namespace pgclone {

struct SourceIdentity {
    std::string system_identifier; // empty if the role may not read it
    std::string database_oid;
    std::string lsn;
};

class SourceSnapshot {
  public:
    explicit SourceSnapshot(EventLoop& loop) : loop_(loop), session_(loop, SessionSide::source) {}

    // Whose snapshot it is. `retries`: further attempts after a transient error.
    void describe(std::int64_t job_id, bool unprivileged, int retries);

    // Connects, begins a read-only transaction, exports its snapshot and publishes it in the job
    // slot as that of `epoch`. Raises what the last attempt raised.
    Async<void> open(int epoch);

    // Whether the session is still there, without waiting.
    bool is_lost() noexcept;
    void close() noexcept { session_.close(); }

    PgSession& session() noexcept { return session_; }
    const SourceIdentity& identity() const noexcept { return identity_; }
    int epoch() const noexcept { return epoch_; }

  private:
    Async<void> open_once();
    Async<void> read_identity();

    EventLoop& loop_;
    PgSession session_;
    SourceIdentity identity_;
    std::int64_t job_id_ = 0;
    bool unprivileged_ = true;
    int retries_ = 0;
    int epoch_ = 0;
};

} // namespace pgclone
