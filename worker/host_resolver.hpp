// Name resolution, the one thing that blocks: done once, short, and away from libpq.
#pragma once

#include <string>
#include <vector>

#include "shared/conninfo.hpp"

namespace pgclone {

// The addresses of a single `host` that is a name, to be tried in their order as `hostaddr`; empty if
// there is nothing to resolve: an address, a socket path, a list. Raises 08001 if the name is
// unknown.
std::vector<std::string> resolve_host(const ConnectionParameters& parameters);

} // namespace pgclone
