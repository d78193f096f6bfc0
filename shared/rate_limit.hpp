// A limit of the bytes a second that a job reads from its source, as users write it. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "shared/cpp_only.hpp"
#include "shared/job_state.hpp"

namespace pgclone {

// Reads '50MB/s', '1.5 GB', '0' or 'none': bytes a second, or no_rate_limit. Units are those of
// PostgreSQL's configuration parameters, B, kB, MB, GB and TB, of 1024 each; "/s" may be left out,
// a unit may not. Raises 22023 that begins with `what` (as in `argument "rate_limit"`).
std::int64_t parse_rate_limit(std::string_view text, std::string_view what);

} // namespace pgclone
