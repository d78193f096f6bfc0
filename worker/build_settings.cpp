#include "worker/build_settings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pgclone {

namespace {

// CREATE INDEX leaves a parallel worker out for which it has less than this.
constexpr std::int64_t memory_a_participant = 32 << 20;
// A server whose settings nobody has touched shall not sort on disk what memory could hold.
constexpr std::int64_t most_of_machine = std::int64_t{1} << 30;
// What maintenance_work_mem can be on every platform.
constexpr std::int64_t most_memory = (std::int64_t{1} << 31) - 1024;

// A sort's run should stay near the core: see sort_memory().
constexpr std::int64_t least_sort_memory = 8 << 20;
// What a run costs while runs are merged, and how many may be merged at once (tuplesort.c:
// tuplesort_merge_order).
constexpr std::int64_t merge_buffer = 272 * 1024;
constexpr std::int64_t most_merged_runs = 500;
// In memory a key takes some times as much as in an index: most for small ones of which the index
// keeps each but once.
constexpr std::int64_t sorted_to_stored = 10;

int to_int(std::int64_t number)
{
    return static_cast<int>(std::clamp<std::int64_t>(number, 0, std::numeric_limits<int>::max()));
}

// How many further processes a command may use. `allowed`: what the server says for one.
int parallel_workers(int at_once, int allowed, const BuildLimits& limits)
{
    if (allowed <= 0)
        return 0;
    const int own_cores = (limits.cores + at_once - 1) / at_once;
    const int free = std::min(limits.max_parallel_workers, limits.max_worker_processes) / at_once;
    return std::clamp(own_cores - 1, 0, std::max(free, 0));
}

// A large sort in memory misses the caches at each comparison; runs that are sorted one after the
// other, and merged in one pass, take a fifth less time (measured: 12 indexes of up to 3,000,000
// rows, 8 MB against 512 MB). So this is the least memory that makes one pass do.
std::int64_t sort_memory(std::int64_t btree_bytes)
{
    const double sorted = static_cast<double>(btree_bytes) * sorted_to_stored;
    const double one_pass = std::max(std::sqrt(sorted * merge_buffer), sorted / most_merged_runs);
    return std::max(least_sort_memory,
                    static_cast<std::int64_t>(std::min(one_pass, double(most_memory))));
}

std::string set_local(const char* setting, const std::string& value)
{
    return std::string("SET LOCAL ") + setting + " = " + value;
}

} // namespace

BuildLimits read_build_limits(const ResultSet& rows, int cores, std::int64_t machine_memory)
{
    BuildLimits limits;
    limits.maintenance_work_mem = rows.integer(0, "maintenance_work_mem");
    limits.shared_buffers = rows.integer(0, "shared_buffers");
    limits.max_parallel_maintenance_workers =
        to_int(rows.integer(0, "max_parallel_maintenance_workers"));
    limits.temp_files_are_limited = rows.boolean(0, "temp_files_are_limited");
    limits.max_parallel_workers_per_gather =
        to_int(rows.integer(0, "max_parallel_workers_per_gather"));
    limits.max_parallel_workers = to_int(rows.integer(0, "max_parallel_workers"));
    limits.max_worker_processes = to_int(rows.integer(0, "max_worker_processes"));
    limits.cores = std::max(cores, 1);
    limits.machine_memory = machine_memory;
    return limits;
}

std::vector<std::string> build_settings(TaskKind kind, int at_once, const BuildLimits& limits,
                                        std::int64_t btree_bytes)
{
    at_once = std::max(at_once, 1);
    std::vector<std::string> statements;
    if (kind == TaskKind::refresh) {
        // A query: each process may take work_mem several times over, so not more of them.
        const int allowed = limits.max_parallel_workers_per_gather;
        const int workers = std::min(allowed, parallel_workers(at_once, allowed, limits));
        if (workers != limits.max_parallel_workers_per_gather)
            statements.push_back(
                set_local("max_parallel_workers_per_gather", std::to_string(workers)));
        return statements;
    }
    const bool builds_index = kind == TaskKind::index || kind == TaskKind::constraint;
    if (!builds_index && kind != TaskKind::validate && kind != TaskKind::foreign_key)
        return statements;
    const std::int64_t of_machine = std::min(limits.machine_memory / 16, most_of_machine);
    const std::int64_t budget = std::max(limits.shared_buffers, of_machine);
    const std::int64_t share = std::min(budget / at_once, most_memory);
    std::int64_t memory = std::max(limits.maintenance_work_mem, share);
    const int workers =
        std::min<int>(parallel_workers(at_once, limits.max_parallel_maintenance_workers, limits),
                      to_int(memory / memory_a_participant - 1));
    if (builds_index && workers <= 0 && btree_bytes >= 0 && !limits.temp_files_are_limited)
        memory = std::min(memory, sort_memory(btree_bytes));
    if (memory != limits.maintenance_work_mem)
        statements.push_back(
            set_local("maintenance_work_mem", "'" + std::to_string(memory / 1024) + "kB'"));
    if (!builds_index)
        // One pass over keys: to compile it takes longer than it saves.
        statements.push_back(set_local("jit", "off"));
    else if (workers != limits.max_parallel_maintenance_workers)
        statements.push_back(
            set_local("max_parallel_maintenance_workers", std::to_string(workers)));
    return statements;
}

} // namespace pgclone
