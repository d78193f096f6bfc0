// Settings of a transaction that builds an index or validates a foreign key, so that all builds of
// a job together use the machine and none of them more than its share. Pure.
//
// All of these are settings that any session may change for itself, and none has to do with what
// is durable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/clone_task.hpp"
#include "worker/result_set.hpp"

namespace pgclone {

// What the target's session has, and the machine.
struct BuildLimits {
    std::int64_t maintenance_work_mem = 64 << 20; // bytes
    std::int64_t shared_buffers = 128 << 20;      // bytes
    std::int64_t machine_memory = 0;              // bytes, 0 = not known
    int max_parallel_maintenance_workers = 2;
    int max_parallel_workers_per_gather = 2;
    int max_parallel_workers = 8;
    int max_worker_processes = 8;
    int cores = 1;
    bool temp_files_are_limited = false; // by temp_file_limit
};

// Reads the one row of target_checks/build_limits.sql. Raises XX000 if it is malformed.
BuildLimits read_build_limits(const ResultSet& rows, int cores, std::int64_t machine_memory);

// SET LOCAL statements for the transaction of a task that is no data task; none if it is better
// left as it is. `at_once`: table workers that are at work, this one included. `btree_bytes`: of a
// B-tree index, how large it is on the source; -1 = not known, or another kind of index.
//
// * Memory: all builds together take at most shared_buffers once more, or a sixteenth of the machine's
//   memory up to 1 GB if that is more; each at least the server's maintenance_work_mem. (CREATE INDEX
//   and VALIDATE CONSTRAINT use it alike.) A process that sorts alone gets no more than it takes to
//   merge its runs in one pass, if it may write temporary files.
// * Parallel workers: the cores are shared out, each builder's own counts. A server that allows
//   none gets none; CREATE INDEX may get more than it says for one command, up to its share of
//   those that it lets run in all.
// * A validation is not compiled (jit).
std::vector<std::string> build_settings(TaskKind kind, int at_once, const BuildLimits& limits,
                                        std::int64_t btree_bytes = -1);

} // namespace pgclone
