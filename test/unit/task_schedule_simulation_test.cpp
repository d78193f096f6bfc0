// Carries out made-up plans and compares what the schedule says with what looking at every task
// says.
#include "worker/task_schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <tuple>

using namespace pgclone;

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr BatchLimits one_task{1, 1000};
constexpr auto job_worker = Executor::job_worker;
constexpr auto table_worker = Executor::table_worker;

using Ids = std::vector<std::int32_t>;

// A made-up plan, and a job with a few workers that carries it out, with failures of all sorts.
// What the schedule says is compared with a second one that looks at everything each time.
class Simulation {
  public:
    explicit Simulation(std::uint64_t seed) : dice_(seed)
    {
        const int count = 1 + roll(60);
        const int stage_length = 1 + roll(20);
        const int tables = 1 + roll(12);
        for (int id = 1; id <= count; id++) {
            ScheduledTask added;
            added.task_id = id;
            added.stage = 1 + id / stage_length % 5;
            added.in_table_worker = roll(3) != 0;
            added.due_stage = roll(3) == 0 ? added.stage + roll(4) : 0;
            added.batched = roll(4) != 0;
            added.statements = roll(4);
            added.bytes = roll(3) == 0 ? roll(10) : 0;
            added.reads_source = roll(5) == 0;
            if (roll(12) == 0)
                added.progress = TaskProgress::skipped;
            for (int locks = std::max(roll(5) - 2, 0); locks > 0; locks--)
                added.locks.push_back({static_cast<std::uint32_t>(1 + roll(tables)), roll(3) == 0});
            for (const auto& [other, its_plan] : plan_)
                if (its_plan.stage <= added.stage && roll(std::min(id, 8)) == 0 && roll(2) == 0)
                    added.after.push_back(other);
            plan_[id] = added;
        }
        std::vector<ScheduledTask> tasks;
        for (const auto& [id, planned] : plan_)
            tasks.push_back(planned);
        std::shuffle(tasks.begin(), tasks.end(), dice_);
        schedule_.emplace(tasks);
        workers_ = std::vector<Worker>(static_cast<std::size_t>(2 + roll(4)));
        workers_[0].executor = job_worker;
    }

    void run()
    {
        for (const LeftOutTask& left_out : schedule_->left_out_by_plan())
            CHECK(schedule_->progress(left_out.task_id) == TaskProgress::skipped);
        for (int step = 0; !schedule_->all_finished(); step++) {
            REQUIRE(step < 10'000);
            check_counts();
            Worker& worker =
                workers_[static_cast<std::size_t>(roll(static_cast<int>(workers_.size())))];
            if (worker.batch.empty())
                give_work(worker);
            else if (roll(2) == 0)
                end_batch(worker);
            if (all_idle())
                wait_for_the_clock();
            if (roll(100) == 0)
                skip_one();
        }
        check_counts();
        CHECK(all_idle());
        for (const auto& [id, planned] : plan_)
            check_end(planned);
    }

  private:
    struct Worker {
        Executor executor = table_worker;
        Ids batch;
    };

    int roll(int below) { return static_cast<int>(dice_() % static_cast<std::uint64_t>(below)); }

    bool is_ended(std::int32_t id) const { return schedule_->progress(id) >= TaskProgress::done; }

    bool all_idle() const
    {
        return std::all_of(workers_.begin(), workers_.end(),
                           [](const Worker& worker) { return worker.batch.empty(); });
    }

    bool stage_has_begun(std::int32_t stage) const
    {
        return std::all_of(plan_.begin(), plan_.end(), [&](const auto& each) {
            const std::int32_t due = std::max(each.second.stage, each.second.due_stage);
            return due >= stage || is_ended(each.first);
        });
    }

    bool is_locked(const ScheduledTask& wanted) const
    {
        for (const Worker& worker : workers_)
            for (const std::int32_t other : worker.batch)
                for (const TableLock held : plan_.at(other).locks)
                    for (const TableLock lock : wanted.locks)
                        if (lock.table == held.table && (lock.exclusive || held.exclusive))
                            return true;
        return false;
    }

    bool needs_are_met(const ScheduledTask& planned, const Ids& batch) const
    {
        return std::all_of(planned.after.begin(), planned.after.end(), [&](std::int32_t id) {
            return schedule_->progress(id) == TaskProgress::done ||
                   std::find(batch.begin(), batch.end(), id) != batch.end();
        });
    }

    // A pending task that only the clock or a worker keeps from running.
    bool is_open(const ScheduledTask& planned, const Ids& batch = {}) const
    {
        return schedule_->progress(planned.task_id) == TaskProgress::pending &&
               stage_has_begun(planned.stage) && needs_are_met(planned, batch);
    }

    // What the schedule has to say, found by looking at every task for each place.
    Ids expected_batch(Executor executor, const BatchLimits& limits)
    {
        for (auto& [id, time] : not_before_)
            if (time <= now_ && is_open(plan_.at(id)))
                time = 0;
        Ids batch;
        int statements = 0;
        std::int64_t bytes = 0;
        for (;;) {
            const ScheduledTask* next = nullptr;
            for (const auto& [id, planned] : plan_) {
                if (planned.in_table_worker != (executor == table_worker) || not_before_[id] > 0 ||
                    std::find(batch.begin(), batch.end(), id) != batch.end() ||
                    !is_open(planned, batch) || is_locked(planned))
                    continue;
                const auto place = [](const ScheduledTask& task) {
                    return std::tuple(task.in_table_worker && task.batched, task.stage,
                                      task.task_id);
                };
                if (next == nullptr || place(planned) < place(*next))
                    next = &planned;
            }
            if (next == nullptr)
                return batch;
            statements += next->statements;
            bytes += next->bytes;
            const bool shares = next->batched && batch.size() < limits.tasks &&
                                statements <= limits.statements && bytes <= limits.bytes;
            if (!batch.empty() && !shares)
                return batch;
            batch.push_back(next->task_id);
            if (!next->batched)
                return batch;
        }
    }

    void give_work(Worker& worker)
    {
        const BatchLimits limits{static_cast<std::size_t>(1 + roll(8)), 1 + roll(12), roll(20)};
        const Ids expected = expected_batch(worker.executor, limits);
        const Ids batch = schedule_->next_batch(worker.executor, now_, limits);
        REQUIRE(batch == expected);
        for (const std::int32_t id : batch)
            schedule_->start(id);
        worker.batch = batch;
    }

    // Nobody does anything, so either somebody can or the clock will change that.
    void wait_for_the_clock()
    {
        if (schedule_->all_finished() || !expected_batch(job_worker, one_task).empty() ||
            !expected_batch(table_worker, one_task).empty())
            return;
        std::int64_t earliest = never;
        for (const auto& [id, planned] : plan_)
            if (is_open(planned) && not_before_[id] > now_)
                earliest = std::min(earliest, not_before_[id]);
        REQUIRE(schedule_->next_retry(now_) == earliest);
        REQUIRE(earliest != never);
        now_ = earliest;
    }

    // As the job worker takes note of it.
    void end_batch(Worker& worker)
    {
        const Ids batch = std::move(worker.batch);
        worker.batch.clear();
        if (roll(3) != 0) {
            for (const std::int32_t id : batch)
                schedule_->finish(id);
            return;
        }
        if (batch.size() > 1 && roll(3) == 0) {
            for (const std::int32_t id : batch) {
                schedule_->put_back_alone(id);
                plan_[id].batched = false;
            }
            return;
        }
        const std::int32_t culprit =
            batch[static_cast<std::size_t>(roll(static_cast<int>(batch.size())))];
        for (const std::int32_t id : batch)
            if (id != culprit)
                schedule_->put_back(id);
        if (roll(2) == 0) {
            const int before = schedule_->failures(culprit);
            not_before_[culprit] = now_ + 1 + roll(100);
            schedule_->try_again(culprit, not_before_[culprit]);
            CHECK(schedule_->failures(culprit) == before + 1);
            return;
        }
        for (const LeftOutTask& left_out : schedule_->fail(culprit)) {
            CHECK(left_out.cause == culprit);
            CHECK(schedule_->progress(left_out.task_id) == TaskProgress::skipped);
        }
        CHECK(schedule_->progress(culprit) == TaskProgress::failed);
    }

    void skip_one()
    {
        const std::int32_t id = 1 + roll(static_cast<int>(plan_.size()));
        if (schedule_->progress(id) != TaskProgress::pending)
            return;
        schedule_->skip(id);
        plan_[id].progress = TaskProgress::skipped;
    }

    void check_counts() const
    {
        int open = 0;
        int left = 0;
        int begun = 0;
        bool needs_source = false;
        for (const auto& [id, planned] : plan_) {
            const TaskProgress progress = schedule_->progress(id);
            const bool is_left = planned.in_table_worker && !is_ended(id);
            left += is_left ? 1 : 0;
            open += is_left && stage_has_begun(planned.stage) ? 1 : 0;
            needs_source = needs_source || (planned.reads_source && !is_ended(id));
            begun += planned.reads_source &&
                             (progress == TaskProgress::running || progress == TaskProgress::done)
                         ? 1
                         : 0;
        }
        CHECK(schedule_->open_table_worker_tasks() == open);
        CHECK(schedule_->source_is_needed() == needs_source);
        CHECK(schedule_->source_tasks_begun() == begun);
        const int useful = schedule_->useful_table_workers(4);
        CHECK((useful > 0) == (left > 0));
        CHECK(useful <= std::min(left, 4));
    }

    // Done if it could be, skipped if something that it needs was not done. (One that failed for
    // good did so in a transaction with what it needs, which failed later.)
    void check_end(const ScheduledTask& planned) const
    {
        const TaskProgress progress = schedule_->progress(planned.task_id);
        const bool may_be_done =
            needs_are_met(planned, {}) && planned.progress != TaskProgress::skipped;
        CHECK((progress == TaskProgress::failed ||
               progress == (may_be_done ? TaskProgress::done : TaskProgress::skipped)));
    }

    std::mt19937_64 dice_;
    std::map<std::int32_t, ScheduledTask> plan_; // as it is by now
    std::optional<TaskSchedule> schedule_;
    std::vector<Worker> workers_;
    std::map<std::int32_t, std::int64_t> not_before_;
    std::int64_t now_ = 0;
};

} // namespace

TEST_CASE("whatever fails and in whatever order it ends, each task ends as it must")
{
    const char* given = std::getenv("PGCLONE_TEST_SEED");
    const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    for (std::uint64_t seed = first; seed < first + 300; seed++) {
        CAPTURE(seed);
        Simulation simulation(seed);
        simulation.run();
    }
}
