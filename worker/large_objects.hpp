// The content of large objects, from the source to the target, in bounded memory.
#pragma once

#include <cstdint>
#include <vector>

#include "shared/job_state.hpp"
#include "worker/copy_pump.hpp"
#include "worker/pg_session.hpp"

namespace pgclone {

// `source` is in a transaction whose snapshot has the objects; `target` is in one in which they
// are empty. Small objects are copied many at a time, large ones in pieces; holes of sparse ones
// stay holes. The result's rows are objects. Moves `counters` as it goes. `pace`: how fast to read,
// null = as fast as it goes. Raises what either side raises: 42704 if there is no such object.
Async<CopyResult> copy_large_objects(PgSession& source, PgSession& target,
                                     std::vector<std::uint32_t> objects, WorkerCounters& counters,
                                     CopyPace* pace = nullptr);

} // namespace pgclone
