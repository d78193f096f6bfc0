// Name resolution, the one thing that blocks: done once, short, and away from libpq.
#pragma once

#include "shared/conninfo.hpp"

namespace pgclone {

// Adds `hostaddr` for a single `host` that is a name, so that libpq need not resolve it. Leaves
// everything else as it is: addresses, socket paths, lists. Raises 08001 if the name is unknown.
void resolve_host(ConnectionParameters& parameters);

} // namespace pgclone
