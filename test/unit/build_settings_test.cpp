#include "worker/build_settings.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "test/unit/expect_error.hpp"

using namespace pgclone;

namespace {

using Statements = std::vector<std::string>;

BuildLimits machine(int cores, std::int64_t shared_megabytes)
{
    BuildLimits limits;
    limits.cores = cores;
    limits.shared_buffers = shared_megabytes << 20;
    return limits;
}

const std::string memory = "SET LOCAL maintenance_work_mem = ";
const std::string workers = "SET LOCAL max_parallel_maintenance_workers = ";
const std::string no_jit = "SET LOCAL jit = off";

} // namespace

TEST_CASE("builds share the cores and the memory")
{
    SUBCASE("one on two cores: itself and a worker")
    {
        CHECK(build_settings(TaskKind::index, 1, machine(2, 128)) ==
              Statements{memory + "'131072kB'", workers + "1"});
    }
    SUBCASE("a machine with much memory has more for them, up to a limit")
    {
        BuildLimits limits = machine(2, 128);
        limits.machine_memory = std::int64_t{8} << 30;
        CHECK(build_settings(TaskKind::validate, 2, limits) ==
              Statements{memory + "'262144kB'", no_jit});
        limits.machine_memory = std::int64_t{256} << 30;
        CHECK(build_settings(TaskKind::validate, 2, limits) ==
              Statements{memory + "'524288kB'", no_jit});
        limits.machine_memory = std::int64_t{1} << 30; // shared_buffers are more
        CHECK(build_settings(TaskKind::validate, 1, limits) ==
              Statements{memory + "'131072kB'", no_jit});
    }
    SUBCASE("two on two cores: each by itself, with what the server gives")
    {
        CHECK(build_settings(TaskKind::index, 2, machine(2, 128)) == Statements{workers + "0"});
    }
    SUBCASE("one on many cores: as many as the server lets run")
    {
        CHECK(build_settings(TaskKind::constraint, 1, machine(64, 4096)) ==
              Statements{memory + "'2097151kB'", workers + "8"});
    }
    SUBCASE("four on sixteen")
    {
        BuildLimits limits = machine(16, 4096);
        limits.max_parallel_workers = 16;
        limits.max_worker_processes = 32;
        CHECK(build_settings(TaskKind::index, 4, limits) ==
              Statements{memory + "'1048576kB'", workers + "3"});
    }
    SUBCASE("a number that does not divide the cores leaves none idle")
    {
        CHECK(build_settings(TaskKind::index, 3, machine(4, 128)) == Statements{workers + "1"});
    }
}

TEST_CASE("a worker that would get too little memory is not asked for")
{
    // 64 MB are two shares of 32 MB.
    CHECK(build_settings(TaskKind::index, 1, machine(64, 16)) == Statements{workers + "1"});
    BuildLimits limits = machine(64, 16);
    limits.maintenance_work_mem = 1 << 20;
    CHECK(build_settings(TaskKind::index, 1, limits) ==
          Statements{memory + "'16384kB'", workers + "0"});
}

TEST_CASE("a B-tree that is sorted by one process gets what it takes to merge its runs in one pass")
{
    BuildLimits limits = machine(2, 1024);
    const auto memory_for = [&](std::int64_t bytes) {
        return build_settings(TaskKind::index, 2, limits, bytes);
    };
    CHECK(memory_for(0) == Statements{memory + "'8192kB'", workers + "0"});
    CHECK(memory_for(1 << 20) == Statements{memory + "'8192kB'", workers + "0"});
    CHECK(memory_for(std::int64_t{1} << 30) == Statements{memory + "'53405kB'", workers + "0"});
    // As much as there is, but not more; and where more than 500 runs would be merged.
    CHECK(memory_for(std::int64_t{20} << 30) == Statements{memory + "'419430kB'", workers + "0"});
    CHECK(memory_for(std::int64_t{1} << 40) == Statements{memory + "'524288kB'", workers + "0"});
    CHECK(memory_for(std::numeric_limits<std::int64_t>::max()) ==
          Statements{memory + "'524288kB'", workers + "0"});
    CHECK(memory_for(-1) == Statements{memory + "'524288kB'", workers + "0"});
    // With a process to help, each has at least 32 MB.
    CHECK(build_settings(TaskKind::index, 1, limits, 1 << 20) ==
          Statements{memory + "'1048576kB'", workers + "1"});
    limits.temp_files_are_limited = true;
    CHECK(memory_for(1 << 20) == Statements{memory + "'524288kB'", workers + "0"});
}

TEST_CASE("what the server forbids or gives stays")
{
    BuildLimits limits = machine(64, 128);
    limits.max_parallel_maintenance_workers = 0;
    limits.maintenance_work_mem = std::int64_t{1} << 30;
    CHECK(build_settings(TaskKind::index, 1, limits).empty());
    limits.max_parallel_maintenance_workers = 2;
    limits.max_parallel_workers = 0;
    CHECK(build_settings(TaskKind::index, 1, limits) == Statements{workers + "0"});
    limits.max_parallel_workers = 2;
    CHECK(build_settings(TaskKind::index, 1, limits).empty());
}

TEST_CASE("a validation takes memory, a materialized view processes, all else nothing")
{
    const BuildLimits limits = machine(2, 512);
    CHECK(build_settings(TaskKind::validate, 2, limits) ==
          Statements{memory + "'262144kB'", no_jit});
    CHECK(build_settings(TaskKind::refresh, 2, limits) ==
          Statements{"SET LOCAL max_parallel_workers_per_gather = 0"});
    CHECK(build_settings(TaskKind::refresh, 1, machine(3, 512)).empty());
    CHECK(build_settings(TaskKind::refresh, 1, machine(64, 512)).empty());
    CHECK(build_settings(TaskKind::analyze, 1, limits).empty());
    CHECK(build_settings(TaskKind::data, 1, limits).empty());
}

TEST_CASE("never more than its share of memory, whatever the numbers are")
{
    for (int cores = 1; cores <= 96; cores++)
        for (int at_once = 1; at_once <= 64; at_once++) {
            const BuildLimits limits = machine(cores, 1024);
            int processes = 1;
            std::int64_t kilobytes = limits.maintenance_work_mem / 1024;
            const Statements statements = build_settings(TaskKind::index, at_once, limits);
            bool says_workers = false;
            for (const std::string& statement : statements) {
                if (statement.starts_with(memory))
                    kilobytes = std::stoll(statement.substr(memory.size() + 1));
                else {
                    processes += std::stoi(statement.substr(workers.size()));
                    says_workers = true;
                }
            }
            if (!says_workers)
                processes += limits.max_parallel_maintenance_workers;
            CHECK((kilobytes == 64 * 1024 || kilobytes * at_once <= 1024 * 1024));
            CHECK(processes * 32 * 1024 <= std::max<std::int64_t>(kilobytes, 32 * 1024));
            // No more than one process too many for each builder.
            CHECK(processes * at_once < cores + at_once);
        }
}

TEST_CASE("the limits are read from the session's answer")
{
    const std::vector<std::string> names = {"maintenance_work_mem",
                                            "shared_buffers",
                                            "temp_files_are_limited",
                                            "max_parallel_maintenance_workers",
                                            "max_parallel_workers_per_gather",
                                            "max_parallel_workers",
                                            "max_worker_processes"};
    const BuildLimits limits =
        read_build_limits(ResultSet(names, {{"1048576", "8589934592", "t", "3", "4", "5", "6"}}), 0,
                          7);
    CHECK(limits.temp_files_are_limited);
    CHECK(limits.maintenance_work_mem == 1048576);
    CHECK(limits.shared_buffers == std::int64_t{8} << 30);
    CHECK(limits.max_parallel_maintenance_workers == 3);
    CHECK(limits.max_parallel_workers_per_gather == 4);
    CHECK(limits.max_parallel_workers == 5);
    CHECK(limits.max_worker_processes == 6);
    CHECK(limits.cores == 1);
    test::expect_error("XX000", [&] { read_build_limits(ResultSet(names, {}), 2, 0); });
}
