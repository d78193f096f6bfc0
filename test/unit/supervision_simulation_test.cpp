// The supervision plan in a made-up server with virtual time: jobs come, workers start late or
// never, die and finish as the dice say. Whatever happens, the rules below must hold, and when
// the faults stop, every job must end.
//
// The seed is printed when a run fails. PGCLONE_TEST_SEED=n repeats it.
#include "worker/supervision_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <utility>
#include <vector>

using namespace pgclone;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr int max_actions = 5; // few, so that plans that do not fit occur

struct Job {
    JobBrief brief = {};
    std::int64_t id = 0;
    int job_worker = -1; // index of the worker slot
    int next_worker_number = 0;
    int work = 0; // what is left for the table workers to do
    bool is_put_back = false; // by the plan that is being carried out
};

struct Worker {
    WorkerBrief brief = {};
    std::int64_t attaches_at = 0;
    bool attaches = false;    // else it was lost at fork
    std::int64_t ends_at = 0; // of a ledger worker
    int job = -1;
    std::uint32_t job_generation = 0;
    std::int64_t job_id = 0;
    int number = 0;
    std::uint32_t database = 0;
};

class World {
  public:
    World(std::uint64_t seed, int job_slots, int worker_slots) : dice_(seed)
    {
        jobs_.resize(static_cast<std::size_t>(job_slots));
        workers_.resize(static_cast<std::size_t>(worker_slots));
        for (int i = 0; i < job_slots; i++)
            job(i).brief.index = i;
        for (int i = 0; i < worker_slots; i++)
            worker(i).brief.index = i;
    }

    // One moment of the server's life, with new jobs, cancels and faults if `chaos`.
    void step(bool chaos)
    {
        chaos_ = chaos;
        now_ += roll(2 * second);
        if (chaos) {
            submit_jobs();
            cancel_a_job();
        }
        for (int i = 0; i < static_cast<int>(workers_.size()); i++)
            live(i);
        if (latch_set_ || now_ >= next_wake_)
            supervise();
        else
            check_nothing_is_missed();
        check_rules();
    }

    bool all_jobs_ended() const
    {
        return std::all_of(jobs_.begin(), jobs_.end(),
                           [](const Job& job) { return job.brief.state == JobSlotState::free; });
    }

    bool is_empty() const
    {
        return all_jobs_ended() &&
               std::all_of(workers_.begin(), workers_.end(), [](const Worker& worker) {
                   return worker.brief.state == WorkerState::free;
               });
    }

    int submitted() const { return submitted_; }
    int ended() const { return ended_; }

  private:
    Job& job(int index) { return jobs_[static_cast<std::size_t>(index)]; }
    Worker& worker(int index) { return workers_[static_cast<std::size_t>(index)]; }

    std::int64_t roll(std::int64_t below)
    {
        return static_cast<std::int64_t>(dice_() % static_cast<std::uint64_t>(below));
    }
    bool chance(int percent) { return roll(100) < percent; }
    bool fault(int percent) { return chaos_ && chance(percent); }

    // --- Users

    void submit_jobs()
    {
        for (Job& each : jobs_) {
            if (each.brief.state != JobSlotState::free || !chance(10))
                continue;
            const JobBrief old = each.brief;
            each = {};
            each.brief.index = old.index;
            each.brief.generation = old.generation;
            each.brief.state = JobSlotState::queued;
            each.brief.source_resolved = chance(70);
            each.brief.wanted_table_workers = 1;
            each.brief.database = static_cast<std::uint32_t>(1 + roll(3));
            each.brief.queue_position = next_position_++;
            each.id = ++submitted_;
            each.work = static_cast<int>(roll(30));
            latch_set_ = true;
        }
    }

    void cancel_a_job()
    {
        Job& each = job(static_cast<int>(roll(static_cast<std::int64_t>(jobs_.size()))));
        if (each.brief.state == JobSlotState::free || !chance(5))
            return;
        each.brief.cancel_requested = true;
        latch_set_ = true;
    }

    // --- Workers

    void live(int index)
    {
        Worker& self = worker(index);
        if (self.brief.state == WorkerState::registered && self.attaches &&
            now_ >= self.attaches_at)
            self.brief.state = WorkerState::attached;
        if (self.brief.state != WorkerState::attached)
            return;
        if (self.brief.kind == WorkerKind::ledger)
            live_as_ledger_worker(self);
        else if (fault(1) || !owns_job(self))
            exit_worker(self);
        else if (self.brief.kind == WorkerKind::job)
            live_as_job_worker(self);
        else
            live_as_table_worker(self);
    }

    bool owns_job(const Worker& self)
    {
        const Job& own = job(self.job);
        return own.brief.generation == self.job_generation &&
               own.brief.state == JobSlotState::running;
    }

    void live_as_job_worker(Worker& self)
    {
        Job& own = job(self.job);
        if (own.brief.wanted_table_workers == 1 && chance(30)) {
            own.brief.wanted_table_workers = static_cast<int>(1 + roll(6));
            latch_set_ = true;
        }
        if (own.work > 0 && !own.brief.cancel_requested)
            return;
        own.brief.drain = true;
        if (!chance(50))
            return;
        if (chance(20))
            own.brief.state = JobSlotState::ending; // its role may not log in any more
        else if (chance(10))
            leave_cleanup(own); // its memory is gone
        else
            end_job(own);
        exit_worker(self);
    }

    void live_as_table_worker(Worker& self)
    {
        Job& own = job(self.job);
        const bool has_leader =
            own.job_worker >= 0 && worker(own.job_worker).brief.state == WorkerState::attached;
        if (own.brief.drain) {
            if (chance(50))
                exit_worker(self);
        } else if (has_leader && own.work > 0) {
            own.work--;
        }
    }

    void live_as_ledger_worker(Worker& self)
    {
        if (fault(20)) {
            ledger_not_before_ = now_ + roll(10 * second);
            check_databases_ = chance(50);
            exit_worker(self);
            return;
        }
        if (now_ < self.ends_at)
            return;
        if (self.database == 0) {
            check_databases_ = false;
            scan_next_ = ++scanned_;
            scan_pending_ = scan_pending_ && scanned_ < 4;
        }
        for (Job& each : jobs_) {
            if (each.brief.database != self.database)
                continue;
            if (each.brief.state == JobSlotState::ending)
                end_job(each);
            else if (each.brief.state == JobSlotState::queued)
                each.brief.source_resolved = true;
        }
        if (scan_pending_ && self.database == scan_next_)
            scan_next_ = 0;
        exit_worker(self);
    }

    void exit_worker(Worker& self)
    {
        if (self.brief.kind == WorkerKind::job &&
            job(self.job).brief.generation == self.job_generation)
            job(self.job).job_worker = -1;
        release(self);
        latch_set_ = true;
    }

    static void release(Worker& self)
    {
        const WorkerBrief old = self.brief;
        self = {};
        self.brief.index = old.index;
        self.brief.generation = old.generation + 1;
    }

    void end_job(Job& each)
    {
        each.brief.state = JobSlotState::free;
        each.brief.generation++;
        each.job_worker = -1;
        ended_++;
        latch_set_ = true;
    }

    // As leave_cleanup_to_next_worker(): once in the life of a job.
    static void leave_cleanup(Job& each)
    {
        each.brief.state =
            each.brief.interrupted ? JobSlotState::ending : JobSlotState::queued;
        each.brief.interrupted = true;
        each.brief.source_resolved = true;
    }

    // --- The supervisor

    std::vector<SupervisorAction> plan()
    {
        std::vector<JobBrief> jobs;
        for (Job& each : jobs_) {
            each.is_put_back = false;
            if (each.brief.state == JobSlotState::free)
                continue;
            jobs.push_back(each.brief);
            jobs.back().job_worker_alive = each.job_worker >= 0;
            jobs.back().table_workers = table_workers_of(each);
        }
        std::vector<WorkerBrief> workers;
        for (const Worker& each : workers_)
            workers.push_back(each.brief);
        SupervisionInput input = {};
        input.jobs = jobs.data();
        input.job_count = static_cast<int>(jobs.size());
        input.workers = workers.data();
        input.worker_count = static_cast<int>(workers.size());
        input.scan_pending = scan_pending_;
        input.scan_next = scan_next_;
        input.check_databases = check_databases_;
        input.ledger_not_before = ledger_not_before_;
        input.workers_not_before = workers_not_before_;
        input.now = now_;
        std::vector<SupervisorAction> actions(max_actions);
        const int count =
            plan_supervision(input, SupervisionLimits{}, actions.data(), max_actions, next_wake_);
        actions.resize(static_cast<std::size_t>(count));
        return actions;
    }

    int table_workers_of(const Job& each) const
    {
        return static_cast<int>(
            std::count_if(workers_.begin(), workers_.end(), [&](const Worker& worker) {
                return worker.brief.kind == WorkerKind::table && worker.job == each.brief.index &&
                       worker.job_generation == each.brief.generation;
            }));
    }

    void supervise()
    {
        int rounds = 0;
        bool look_again = true;
        while (look_again) {
            latch_set_ = false;
            look_again = false;
            for (const SupervisorAction& action : plan()) {
                check_turn(action);
                carry_out(action);
                look_again = true;
            }
            REQUIRE(++rounds < 200); // it must come to rest
        }
        CHECK(next_wake_ > now_);
        CHECK(next_wake_ <= now_ + SupervisionLimits{}.safety_tick);
    }

    void carry_out(const SupervisorAction& action)
    {
        switch (action.kind) {
        case SupervisorActionKind::reap_worker:
            reap(worker(action.index), action.generation);
            break;
        case SupervisorActionKind::end_cancelled_job:
            REQUIRE(job(action.index).brief.generation == action.generation);
            job(action.index).brief.state = JobSlotState::ending;
            break;
        case SupervisorActionKind::end_abandoned_job:
            REQUIRE(job(action.index).brief.generation == action.generation);
            leave_cleanup(job(action.index));
            job(action.index).is_put_back = true;
            break;
        case SupervisorActionKind::start_job:
            start_job(job(action.index), action.generation);
            break;
        case SupervisorActionKind::start_table_worker:
            REQUIRE(job(action.index).brief.generation == action.generation);
            // Reaping its job worker in the same plan has put the job back on the queue.
            if (job(action.index).brief.state == JobSlotState::running && server_has_room())
                claim(WorkerKind::table, &job(action.index));
            break;
        case SupervisorActionKind::start_ledger_worker:
            if (server_has_room()) {
                Worker& started = worker(claim(WorkerKind::ledger, nullptr));
                started.database = action.database;
                started.ends_at = now_ + roll(4 * second);
            }
            break;
        case SupervisorActionKind::report_no_slot:
            CHECK_FALSE(job(action.index).brief.wait_reported);
            job(action.index).brief.wait_reported = true;
            break;
        }
    }

    // False: max_worker_processes are all taken.
    bool server_has_room()
    {
        if (!fault(10))
            return true;
        workers_not_before_ = now_ + second;
        return false;
    }

    void start_job(Job& each, std::uint32_t generation)
    {
        REQUIRE(each.brief.generation == generation);
        REQUIRE(each.brief.state == JobSlotState::queued);
        REQUIRE((!each.brief.cancel_requested || each.brief.interrupted));
        REQUIRE(each.job_worker < 0);
        REQUIRE(each.brief.source_resolved);
        REQUIRE(each.brief.not_before <= now_);
        if (!server_has_room())
            return;
        each.brief.state = JobSlotState::running;
        each.brief.wait_reported = false;
        each.job_worker = claim(WorkerKind::job, &each);
        claim(WorkerKind::table, &each);
    }

    int claim(WorkerKind kind, Job* owner)
    {
        const auto found = std::find_if(workers_.begin(), workers_.end(), [](const Worker& each) {
            return each.brief.state == WorkerState::free;
        });
        REQUIRE(found != workers_.end());
        found->brief.state = WorkerState::registered;
        found->brief.kind = kind;
        found->brief.registered_at = now_;
        found->attaches = !fault(5);
        found->attaches_at = now_ + roll(second);
        if (owner) {
            found->job = owner->brief.index;
            found->job_generation = owner->brief.generation;
            found->job_id = owner->id;
            if (kind == WorkerKind::table)
                found->number = ++owner->next_worker_number;
        }
        return found->brief.index;
    }

    void reap(Worker& each, std::uint32_t generation)
    {
        REQUIRE(each.brief.generation == generation);
        REQUIRE(each.brief.state == WorkerState::registered);
        REQUIRE(now_ - each.brief.registered_at >= SupervisionLimits{}.attach_timeout);
        if (each.brief.kind == WorkerKind::job) {
            Job& owner = job(each.job);
            if (owner.brief.generation == each.job_generation &&
                owner.brief.state == JobSlotState::running) {
                owner.job_worker = -1;
                owner.brief.state = JobSlotState::queued;
                owner.brief.not_before = now_ + second;
            }
        }
        release(each);
    }

    // --- Rules

    // Nobody is overtaken: a job starts after all that were queued before it and could start,
    // and running jobs grow only when no job in the queue could start.
    void check_turn(const SupervisorAction& action)
    {
        if (action.kind == SupervisorActionKind::start_job) {
            for (const Job& other : jobs_)
                CHECK_FALSE((other.brief.queue_position < job(action.index).brief.queue_position &&
                             could_start(other)));
        }
        if (action.kind == SupervisorActionKind::start_table_worker) {
            const Job& grown = job(action.index);
            const int width = table_workers_of(grown);
            CHECK(width < grown.brief.wanted_table_workers);
            CHECK_FALSE((width > 0 && now_ >= workers_not_before_ &&
                         std::any_of(jobs_.begin(), jobs_.end(),
                                     [&](const Job& each) { return could_start(each); })));
        }
    }

    // A job whose worker could not be registered a moment ago is excused, and one that the plan at
    // hand has put back: the next plan finds it.
    bool could_start(const Job& each) const
    {
        return each.brief.state == JobSlotState::queued && each.brief.source_resolved &&
               (!each.brief.cancel_requested || each.brief.interrupted) &&
               each.job_worker < 0 && !each.is_put_back && each.brief.not_before <= now_ &&
               now_ >= workers_not_before_;
    }

    // Between two wake-ups there must be nothing to do.
    void check_nothing_is_missed()
    {
        const std::int64_t promised = next_wake_;
        CHECK(plan().empty());
        next_wake_ = promised;
    }

    void check_rules()
    {
        int ledger_workers = 0;
        int other_workers = 0;
        std::set<std::pair<std::int64_t, int>> numbers;
        std::set<std::int64_t> job_workers;
        for (const Worker& each : workers_) {
            if (each.brief.state == WorkerState::free)
                continue;
            (each.brief.kind == WorkerKind::ledger ? ledger_workers : other_workers)++;
            if (each.brief.kind == WorkerKind::table)
                CHECK(numbers.insert({each.job_id, each.number}).second);
            if (each.brief.kind == WorkerKind::job)
                CHECK(job_workers.insert(each.job_id).second);
        }
        CHECK(ledger_workers <= 1);
        // One slot is always left for the ledger worker.
        CHECK(other_workers <= static_cast<int>(workers_.size()) - 1);
        check_nobody_is_stuck();
    }

    // A running job without a table worker gets one unless all slots are taken.
    void check_nobody_is_stuck()
    {
        if (latch_set_ || now_ < workers_not_before_ || now_ >= next_wake_)
            return;
        const auto free_slots =
            std::count_if(workers_.begin(), workers_.end(),
                          [](const Worker& each) { return each.brief.state == WorkerState::free; });
        for (const Job& each : jobs_) {
            const bool stuck = each.brief.state == JobSlotState::running && !each.brief.drain &&
                               !each.brief.cancel_requested && table_workers_of(each) == 0;
            CHECK_FALSE((stuck && free_slots > 1));
        }
    }

    std::mt19937_64 dice_;
    bool chaos_ = true;
    std::vector<Job> jobs_;
    std::vector<Worker> workers_;
    std::int64_t now_ = 1000 * second;
    std::int64_t next_wake_ = 0;
    std::int64_t ledger_not_before_ = 0;
    std::int64_t workers_not_before_ = 0;
    std::uint64_t next_position_ = 1;
    std::uint32_t scan_next_ = 0;
    std::uint32_t scanned_ = 0;
    bool scan_pending_ = true;
    bool check_databases_ = false;
    bool latch_set_ = true;
    int submitted_ = 0;
    int ended_ = 0;
};

std::uint64_t first_seed()
{
    const char* given = std::getenv("PGCLONE_TEST_SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

} // namespace

TEST_CASE("a life of faults, then rest")
{
    constexpr int worlds = 10;
    constexpr int chaos_steps = 1000;
    constexpr int quiet_steps = 20'000;
    const std::uint64_t first = first_seed();
    for (std::uint64_t seed = first; seed < first + worlds; seed++) {
        CAPTURE(seed);
        const int job_slots = static_cast<int>(1 + seed % 17);
        const int worker_slots = static_cast<int>(3 + seed % 11);
        World world(seed, job_slots, worker_slots);
        for (int i = 0; i < chaos_steps; i++)
            world.step(true);
        CHECK(world.submitted() > 0);
        int steps = 0;
        while (!world.is_empty() && steps++ < quiet_steps)
            world.step(false);
        CHECK(world.is_empty());
        CHECK(world.ended() == world.submitted());
    }
}

TEST_CASE("six jobs over eight slots all end")
{
    for (std::uint64_t seed = 1; seed <= 20; seed++) {
        CAPTURE(seed);
        World world(seed, 6, 8);
        for (int i = 0; i < 40; i++) // enough to submit six and more
            world.step(true);
        CHECK(world.submitted() >= 6);
        int steps = 0;
        while (!world.is_empty() && steps++ < 2000)
            world.step(false);
        CHECK(world.ended() == world.submitted());
    }
}
