// How a worker's main attaches to its slot, and the signal set-up that job and table workers
// share.
#pragma once

#include "shared/shared_memory_pg.hpp"

namespace pgclone {

// Takes over the slot that the supervisor claimed for this process, and arranges that it is
// freed when the process exits, however it does. Exits at once if the slot is no longer ours:
// the supervisor has given up on this process.
void attach_worker(Datum main_argument, WorkerKind kind);

// Installs the handlers of workers that wait in an event loop, unblocks signals.
void install_worker_signals();

// Drops PG* variables that the postmaster's environment may hold: libpq would read them, and no
// connection of ours may depend on how the server was started.
void clean_environment();

// Bounds this process's memory, whatever a source sends: a clean "out of memory" instead of the
// kernel's killer, which would end every session of the server.
void limit_memory();

// When to try again what a ledger worker could not do, after `failures` (from 0) earlier ones:
// 1 s, doubled each time up to 32 s.
TimestampTz ledger_retry_at(int failures);

// A ledger worker calls this when all that it came for is done; an exit without it counts as a
// failure.
void note_ledger_success();

} // namespace pgclone
