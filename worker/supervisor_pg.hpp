// The supervisor: the one static background worker. It owns the queue and starts all others.
#pragma once

namespace pgclone {

// Registers it with the postmaster; call from _PG_init while libraries are preloaded.
void register_supervisor();

} // namespace pgclone
