#include "worker/machine.hpp"

#include <algorithm>
#include <cstdio>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace pgclone {

namespace {

// The number in a file of the kernel's; `otherwise` if there is none.
std::int64_t read_number(const char* path, std::int64_t otherwise) noexcept
{
    std::FILE* file = std::fopen(path, "re");
    if (file == nullptr)
        return otherwise;
    long long number = 0;
    const bool found = std::fscanf(file, "%lld", &number) == 1 && number > 0; // "max": no limit
    std::fclose(file);
    return found ? number : otherwise;
}

// Enough not to push the session on the target off its core at each wake-up. More leaves the pump
// too little where all cores are busy.
constexpr int niceness = 5;

} // namespace

void give_way() noexcept
{
    const int before = getpriority(PRIO_PROCESS, 0);
    if (before < niceness)
        (void)setpriority(PRIO_PROCESS, 0, niceness);
}

int machine_cores() noexcept
{
    return static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

std::int64_t machine_memory() noexcept
{
    const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
    const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);
    std::int64_t memory = pages > 0 && page_bytes > 0 ? pages * page_bytes : 0;
    // Within a container these show its own limit: version 2 of control groups, and version 1.
    for (const char* path :
         {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
        memory = std::min(memory, read_number(path, memory));
    return memory;
}

std::int64_t heap_bytes() noexcept
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    return static_cast<std::int64_t>(mallinfo2().uordblks);
#else
    return 0;
#endif
}

void return_free_memory() noexcept
{
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

} // namespace pgclone
