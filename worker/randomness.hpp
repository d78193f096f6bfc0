// The dice: everything that decides takes its throws as arguments.
#pragma once

#include <string>

#include "shared/cpp_only.hpp"

namespace pgclone {

// Eight hexadecimal digits that nobody can foresee.
std::string random_tag();

// 0 to 1, for jitter.
double random_fraction();

} // namespace pgclone
