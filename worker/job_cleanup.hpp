// Undoing what a job made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/event_loop.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

// Runs the statements in their order, many in a transaction. One that fails is tried again after the
// others, as long as that gets any further or a lock was in the way, and is written to the server's log then. Raises what a lost connection raises, and 57014 at
// the deadline of held interrupts.
// Returns why what is left could not be undone.
Async<std::vector<std::string>> run_cleanup(EventLoop& loop, PgSession& target, std::vector<std::string> statements,
                        std::int64_t job_id);

} // namespace pgclone
