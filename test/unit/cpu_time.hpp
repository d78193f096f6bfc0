// Bounds of tests that compute: not of the time that passes, which on a busy machine says nothing.
#pragma once

#include <chrono>
#include <ctime>

// CPU time of this process, with its threads.
inline std::chrono::duration<double> cpu_time()
{
    return std::chrono::duration<double>(static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
}
