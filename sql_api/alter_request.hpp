// The arguments of pgclone_alter, checked. Plain data on both sides of the boundary.
#pragma once

#include <cstdint>

namespace pgclone {

// As in a JobSlot; 0 = stays as it is.
struct JobAlteration {
    std::int32_t parallel;
    std::int64_t rate_limit;
};

// Null = not given. Raises 22023 that names the argument.
void read_alteration(const std::int32_t* parallel, const char* rate_limit,
                     JobAlteration& alteration);

} // namespace pgclone
