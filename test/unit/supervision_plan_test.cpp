#include "worker/supervision_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <ostream>
#include <vector>

using namespace pgclone;

namespace {

using Action = SupervisorActionKind;

constexpr std::int64_t second = 1'000'000;

// What is in shared memory, and the time; plan() looks at it once.
struct Scene {
    std::vector<JobBrief> jobs;
    std::vector<WorkerBrief> workers;
    SupervisionInput input = {};
    SupervisionLimits limits;
    std::int64_t next_wake = 0;

    explicit Scene(int worker_slots)
    {
        input.now = 1000 * second;
        for (int i = 0; i < worker_slots; i++)
            workers.push_back({i, 1, WorkerState::free, WorkerKind::none, 0});
    }

    // Jobs get queue positions in the order in which they are added.
    JobBrief& add_job(JobSlotState state)
    {
        JobBrief job = {};
        job.index = static_cast<std::int32_t>(jobs.size());
        job.generation = 7;
        job.state = state;
        job.source_resolved = true;
        job.job_worker_alive = state == JobSlotState::running;
        job.wanted_table_workers = 1;
        job.database = 5;
        job.queue_position = jobs.size() + 1;
        jobs.push_back(job);
        return jobs.back();
    }

    // A running job that has its job worker and `table_workers` of `wanted`.
    JobBrief& add_running_job(int table_workers, int wanted)
    {
        JobBrief& job = add_job(JobSlotState::running);
        occupy(WorkerKind::job);
        for (int i = 0; i < table_workers; i++)
            occupy(WorkerKind::table);
        job.table_workers = table_workers;
        job.wanted_table_workers = wanted;
        return job;
    }

    WorkerBrief& occupy(WorkerKind kind, WorkerState state = WorkerState::attached)
    {
        const auto slot = std::find_if(workers.begin(), workers.end(), [](const WorkerBrief& each) {
            return each.state == WorkerState::free;
        });
        REQUIRE(slot != workers.end());
        slot->state = state;
        slot->kind = kind;
        slot->registered_at = input.now;
        return *slot;
    }

    std::vector<SupervisorAction> plan(int max_actions = 64)
    {
        input.jobs = jobs.data();
        input.job_count = static_cast<int>(jobs.size());
        input.workers = workers.data();
        input.worker_count = static_cast<int>(workers.size());
        std::vector<SupervisorAction> actions(static_cast<std::size_t>(max_actions));
        const int count = plan_supervision(input, limits, actions.data(), max_actions, next_wake);
        REQUIRE(count >= 0);
        REQUIRE(count <= max_actions);
        actions.resize(static_cast<std::size_t>(count));
        return actions;
    }
};

struct Expected {
    Action kind;
    std::int32_t index;
};

void check_plan(Scene& scene, std::initializer_list<Expected> expected)
{
    const std::vector<SupervisorAction> actions = scene.plan();
    REQUIRE(actions.size() == expected.size());
    std::size_t i = 0;
    for (const Expected& each : expected) {
        CAPTURE(i);
        CHECK(static_cast<int>(actions[i].kind) == static_cast<int>(each.kind));
        CHECK(actions[i].index == each.index);
        i++;
    }
}

} // namespace

TEST_CASE("nothing to do: asleep until the safety tick")
{
    Scene scene(8);
    check_plan(scene, {});
    CHECK(scene.next_wake == scene.input.now + scene.limits.safety_tick);

    scene.add_running_job(2, 2);
    check_plan(scene, {});
    CHECK(scene.next_wake == scene.input.now + scene.limits.safety_tick);
}

TEST_CASE("a job starts when there is room for two workers and the ledger worker's slot")
{
    Scene roomy(3);
    roomy.add_job(JobSlotState::queued);
    check_plan(roomy, {{Action::start_job, 0}});
    CHECK(roomy.plan().front().generation == 7);

    Scene narrow(3);
    narrow.add_job(JobSlotState::queued);
    narrow.occupy(WorkerKind::table); // a left-over of a job that has ended
    check_plan(narrow, {{Action::report_no_slot, 0}});
    // What frees a slot wakes the supervisor.
    CHECK(narrow.next_wake == narrow.input.now + narrow.limits.safety_tick);
}

TEST_CASE("while the ledger worker runs, its slot need not be kept free")
{
    Scene scene(3);
    scene.occupy(WorkerKind::ledger);
    scene.add_job(JobSlotState::queued);
    check_plan(scene, {{Action::start_job, 0}});
}

TEST_CASE("six jobs and eight slots: as many as fit with both workers, the others wait")
{
    Scene scene(8);
    for (int i = 0; i < 6; i++)
        scene.add_job(JobSlotState::queued);
    check_plan(scene, {{Action::start_job, 0},
                       {Action::start_job, 1},
                       {Action::start_job, 2},
                       {Action::report_no_slot, 3},
                       {Action::report_no_slot, 4},
                       {Action::report_no_slot, 5}});
}

TEST_CASE("the server has fewer processes than there are slots: the ledger's is kept free all the same")
{
    Scene scene(8);
    scene.input.usable_workers = 6;
    for (int i = 0; i < 3; i++)
        scene.add_job(JobSlotState::queued);
    check_plan(scene, {{Action::start_job, 0}, {Action::start_job, 1}, {Action::report_no_slot, 2}});
    Scene full(8);
    full.input.usable_workers = 6;
    full.add_running_job(4, 6);
    check_plan(full, {});
    full.add_job(JobSlotState::ending);
    check_plan(full, {{Action::start_ledger_worker, -1}});
}

TEST_CASE("a wait is reported once")
{
    Scene scene(3);
    scene.add_running_job(1, 1);
    scene.add_job(JobSlotState::queued).wait_reported = true;
    scene.add_job(JobSlotState::queued);
    check_plan(scene, {{Action::report_no_slot, 2}});
    scene.jobs[2].wait_reported = true;
    check_plan(scene, {});
}

TEST_CASE("jobs start in the order of the queue, whatever slots they are in")
{
    Scene scene(8);
    scene.add_job(JobSlotState::queued).queue_position = 30;
    scene.add_job(JobSlotState::queued).queue_position = 10;
    scene.add_job(JobSlotState::queued).queue_position = 20;
    check_plan(scene, {{Action::start_job, 1}, {Action::start_job, 2}, {Action::start_job, 0}});
}

TEST_CASE("a job in back-off waits and lets others pass")
{
    Scene scene(8);
    scene.add_job(JobSlotState::queued).not_before = scene.input.now + 3 * second;
    scene.add_job(JobSlotState::queued).not_before = scene.input.now + 2 * second;
    scene.add_job(JobSlotState::queued).not_before = scene.input.now;
    check_plan(scene, {{Action::start_job, 2}});
    CHECK(scene.next_wake == scene.input.now + 2 * second);
    scene.jobs.pop_back();
    scene.input.now += 2 * second;
    check_plan(scene, {{Action::start_job, 1}});
}

TEST_CASE("a job that waits for slots is not overtaken by running jobs that grow")
{
    Scene scene(8);
    scene.add_running_job(1, 8);
    scene.add_running_job(1, 8);
    scene.add_running_job(1, 8);
    scene.add_job(JobSlotState::queued);
    // Two slots are free, one of them for the ledger worker: no job fits, nobody grows.
    check_plan(scene, {{Action::report_no_slot, 3}});
    // A job that waits for the clock or for its source holds nobody up.
    scene.jobs[3].not_before = scene.input.now + second;
    check_plan(scene, {{Action::start_table_worker, 0}});
    scene.jobs[3].not_before = 0;
    scene.jobs[3].source_resolved = false;
    check_plan(scene, {{Action::start_ledger_worker, -1}, {Action::start_table_worker, 0}});
}

TEST_CASE("running jobs grow evenly, one worker at a time")
{
    Scene scene(10);
    scene.add_running_job(2, 4);
    scene.add_running_job(1, 2);
    scene.add_running_job(1, 1);
    // 7 slots are taken, so two can be given away: to the narrowest first.
    check_plan(scene, {{Action::start_table_worker, 1}, {Action::start_table_worker, 0}});
}

TEST_CASE("a job gets no more table workers than it wants")
{
    Scene scene(8);
    scene.add_running_job(2, 2);
    scene.add_running_job(1, 0);
    check_plan(scene, {});
}

TEST_CASE("jobs that end get no more workers")
{
    for (const int table_workers : {0, 1}) {
        Scene scene(16);
        scene.add_running_job(table_workers, 4).drain = true;
        scene.add_running_job(table_workers, 4).cancel_requested = true;
        scene.add_running_job(table_workers, 4).state = JobSlotState::ending;
        const std::vector<SupervisorAction> actions = scene.plan();
        for (const SupervisorAction& action : actions)
            CHECK(action.kind == Action::start_ledger_worker);
    }
}

TEST_CASE("a running job without any table worker goes before the queue")
{
    Scene scene(5);
    scene.add_job(JobSlotState::queued);
    scene.add_running_job(0, 2);
    scene.add_running_job(1, 2);
    check_plan(scene, {{Action::start_table_worker, 1}, {Action::report_no_slot, 0}});
}

TEST_CASE("a running job takes no worker from the ledger's slot")
{
    Scene scene(3);
    scene.add_running_job(0, 1);
    scene.occupy(WorkerKind::table);
    check_plan(scene, {});
}

TEST_CASE("a worker that never attached is reaped after its time")
{
    Scene scene(4);
    WorkerBrief& worker = scene.occupy(WorkerKind::table, WorkerState::registered);
    scene.occupy(WorkerKind::table, WorkerState::attached);
    worker.generation = 42;
    const std::int64_t due = worker.registered_at + scene.limits.attach_timeout;
    check_plan(scene, {});
    CHECK(scene.next_wake == due);

    scene.input.now = due - 1;
    check_plan(scene, {});
    CHECK(scene.next_wake == due);

    scene.input.now = due;
    check_plan(scene, {{Action::reap_worker, 0}});
    CHECK(scene.plan().front().generation == 42);
    // Attached ones are left alone however long they live.
    scene.input.now = due + 1000 * second;
    check_plan(scene, {{Action::reap_worker, 0}});
}

TEST_CASE("reaping frees a slot for the next plan, not for this one")
{
    Scene scene(3);
    scene.occupy(WorkerKind::job, WorkerState::registered);
    scene.add_job(JobSlotState::queued);
    scene.input.now += scene.limits.attach_timeout;
    check_plan(scene, {{Action::reap_worker, 0}, {Action::report_no_slot, 0}});
}

TEST_CASE("jobs that are cancelled in the queue end without starting")
{
    Scene scene(8);
    scene.add_job(JobSlotState::queued).cancel_requested = true;
    JobBrief& second_job = scene.add_job(JobSlotState::queued);
    second_job.cancel_requested = true;
    second_job.source_resolved = false;
    JobBrief& third_job = scene.add_job(JobSlotState::queued);
    third_job.cancel_requested = true;
    third_job.not_before = scene.input.now + 100 * second;
    check_plan(scene, {{Action::end_cancelled_job, 0},
                       {Action::end_cancelled_job, 1},
                       {Action::end_cancelled_job, 2}});
}

TEST_CASE("a cancelled job in the queue ends also when there is no slot")
{
    Scene scene(3);
    scene.add_running_job(1, 1);
    scene.add_job(JobSlotState::queued).cancel_requested = true;
    check_plan(scene, {{Action::end_cancelled_job, 1}});
}

TEST_CASE("a running job that is cancelled is left to its job worker")
{
    Scene scene(8);
    scene.add_running_job(1, 1).cancel_requested = true;
    check_plan(scene, {});
}

TEST_CASE("a job whose worker is gone is noticed")
{
    Scene scene(8);
    scene.add_running_job(1, 1).job_worker_alive = false;
    check_plan(scene, {{Action::end_abandoned_job, 0}});
    scene.jobs[0].cancel_requested = true;
    check_plan(scene, {{Action::end_abandoned_job, 0}});
}

TEST_CASE("a job that is to be cleaned up waits for the end of the worker that could not do it")
{
    Scene scene(8);
    scene.add_job(JobSlotState::queued).interrupted = true;
    scene.jobs[0].cancel_requested = true;
    scene.jobs[0].job_worker_alive = true;
    check_plan(scene, {});
    scene.jobs[0].job_worker_alive = false;
    check_plan(scene, {{Action::start_job, 0}});
}

TEST_CASE("the ledger worker: for jobs that end and for sources to be resolved")
{
    Scene scene(8);
    scene.add_job(JobSlotState::queued);
    scene.jobs[0].source_resolved = false;
    scene.jobs[0].database = 11;
    scene.add_job(JobSlotState::ending).database = 12;
    std::vector<SupervisorAction> actions = scene.plan();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].kind == Action::start_ledger_worker);
    CHECK(actions[0].database == 11);
    scene.jobs[0].queue_position = 9;
    CHECK(scene.plan().at(0).database == 12);
}

TEST_CASE("there is one ledger worker at a time")
{
    for (const WorkerState state : {WorkerState::registered, WorkerState::attached}) {
        Scene scene(8);
        scene.occupy(WorkerKind::ledger, state);
        scene.add_job(JobSlotState::ending);
        scene.input.scan_pending = true;
        check_plan(scene, {});
    }
}

TEST_CASE("the ledger worker gets the last slot")
{
    Scene scene(3);
    scene.add_running_job(1, 2);
    scene.add_job(JobSlotState::ending);
    check_plan(scene, {{Action::start_ledger_worker, -1}});
    scene.occupy(WorkerKind::table);
    check_plan(scene, {});
}

TEST_CASE("ledgers are searched after a start, jobs first")
{
    Scene scene(8);
    scene.input.scan_pending = true;
    scene.input.scan_next = 77;
    CHECK(scene.plan().at(0).database == 77);
    scene.add_job(JobSlotState::ending).database = 12;
    CHECK(scene.plan().at(0).database == 12);
    scene.input.check_databases = true;
    CHECK(scene.plan().at(0).database == 0);
}

TEST_CASE("a ledger worker that failed is tried again after its back-off")
{
    Scene scene(8);
    scene.add_job(JobSlotState::ending).not_before = scene.input.now + 4 * second;
    check_plan(scene, {});
    CHECK(scene.next_wake == scene.input.now + 4 * second);
    // Nor does the ledger of another database.
    scene.add_job(JobSlotState::ending).database = 12;
    CHECK(scene.plan().at(0).database == 12);
    scene.jobs.pop_back();
    // Jobs do not wait for it.
    scene.add_job(JobSlotState::queued);
    check_plan(scene, {{Action::start_job, 1}});
    scene.jobs.pop_back();
    scene.input.now += 4 * second;
    check_plan(scene, {{Action::start_ledger_worker, -1}});
}

TEST_CASE("an interrupted job is started to be cleaned up, even if it is cancelled")
{
    Scene scene(8);
    JobBrief& job = scene.add_job(JobSlotState::queued);
    job.cancel_requested = true;
    check_plan(scene, {{Action::end_cancelled_job, 0}});
    job.interrupted = true;
    check_plan(scene, {{Action::start_job, 0}});
}

TEST_CASE("the list of databases has a back-off of its own")
{
    Scene scene(8);
    scene.input.check_databases = true;
    scene.input.ledger_not_before = scene.input.now + 4 * second;
    check_plan(scene, {});
    CHECK(scene.next_wake == scene.input.now + 4 * second);
    scene.input.now += 4 * second;
    CHECK(scene.plan().at(0).database == 0);
}

TEST_CASE("a server without worker slots is asked again later")
{
    Scene scene(16);
    scene.add_job(JobSlotState::queued);
    scene.add_job(JobSlotState::ending);
    scene.add_running_job(0, 1);
    scene.add_running_job(1, 2);
    scene.input.workers_not_before = scene.input.now + second;
    check_plan(scene, {{Action::report_no_slot, 0}});
    CHECK(scene.next_wake == scene.input.now + second);
    scene.input.now += second;
    check_plan(scene, {{Action::start_ledger_worker, -1},
                       {Action::start_table_worker, 2},
                       {Action::start_job, 0},
                       {Action::start_table_worker, 3}});
}

TEST_CASE("a plan that does not fit goes on at once")
{
    Scene scene(64);
    for (int i = 0; i < 10; i++)
        scene.add_job(JobSlotState::queued);
    CHECK(scene.plan(4).size() == 4);
    CHECK(scene.next_wake == scene.input.now);
    CHECK(scene.plan(10).size() == 10);
    CHECK(scene.next_wake == scene.input.now + scene.limits.safety_tick);
    CHECK(scene.plan(0).empty());
    CHECK(scene.next_wake == scene.input.now);
}
