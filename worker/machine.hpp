// What this process may use of the machine, and when.
#pragma once

#include <cstdint>

#include "shared/cpp_only.hpp"

namespace pgclone {

int machine_cores() noexcept; // at least 1

// Raises the niceness of this process, for good, so that others go first where they want the same
// core. Does nothing if it is that nice already; fails silently, since nothing depends on it.
void give_way() noexcept;

// Physical memory in bytes, or the limit of the control group if that is less. 0 = not known.
std::int64_t machine_memory() noexcept;

// Bytes that this process has allocated, but for very large pieces. 0 = not known.
std::int64_t heap_bytes() noexcept;

// Gives the kernel back what lies free between allocations: after much was freed for good.
void return_free_memory() noexcept;

} // namespace pgclone
