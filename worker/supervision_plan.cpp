#include "worker/supervision_plan.hpp"

#include <algorithm>

#include "shared/cpp_only.hpp"

namespace pgclone {

namespace {

// The plan while it is made: what is left to give away, and what was decided.
class Planner {
  public:
    Planner(const SupervisionInput& input, const SupervisionLimits& limits,
            SupervisorAction* actions, int max_actions) noexcept
        : input_(input), limits_(limits), actions_(actions), max_actions_(max_actions),
          next_wake_(input.now + limits.safety_tick)
    {
    }

    int run(std::int64_t& next_wake) noexcept
    {
        look_at_workers();
        end_jobs();
        start_ledger_worker();
        rescue_running_jobs();
        const bool queue_blocked = start_queued_jobs();
        if (!queue_blocked)
            widen_running_jobs();
        next_wake = full_ ? input_.now : next_wake_;
        return count_;
    }

  private:
    void add(SupervisorActionKind kind, std::int32_t index, std::uint32_t generation,
             std::uint32_t database) noexcept
    {
        if (count_ == max_actions_) {
            full_ = true;
            return;
        }
        actions_[count_++] = {kind, index, generation, database};
    }

    void add(SupervisorActionKind kind, const JobBrief& job) noexcept
    {
        add(kind, job.index, job.generation, job.database);
    }

    void wake_at(std::int64_t time) noexcept { next_wake_ = std::min(next_wake_, time); }

    bool is_due(std::int64_t time) noexcept
    {
        if (time <= input_.now)
            return true;
        wake_at(time);
        return false;
    }

    // Slots that jobs may have: one stays free for a ledger worker unless it is running.
    int spare_slots() const noexcept { return free_slots_ - (ledger_active_ ? 0 : 1); }

    void look_at_workers() noexcept
    {
        for (int i = 0; i < input_.worker_count; i++) {
            const WorkerBrief& worker = input_.workers[i];
            if (worker.state == WorkerState::free) {
                free_slots_++;
                continue;
            }
            if (worker.kind == WorkerKind::ledger)
                ledger_active_ = true;
            if (worker.state == WorkerState::registered &&
                is_due(worker.registered_at + limits_.attach_timeout))
                add(SupervisorActionKind::reap_worker, worker.index, worker.generation, 0);
        }
        // Else jobs could take the last process of the server, and none be left for the ledger.
        const int busy = input_.worker_count - free_slots_;
        if (input_.usable_workers > 0)
            free_slots_ = std::clamp(input_.usable_workers - busy, 0, free_slots_);
    }

    void end_jobs() noexcept
    {
        for (int i = 0; i < input_.job_count; i++) {
            const JobBrief& job = input_.jobs[i];
            if (job.state == JobSlotState::queued && job.cancel_requested && !job.interrupted)
                add(SupervisorActionKind::end_cancelled_job, job);
            else if (job.state == JobSlotState::running && !job.job_worker_alive)
                add(SupervisorActionKind::end_abandoned_job, job);
        }
    }

    // A job that only a ledger worker can help: to write its end, or to resolve its source.
    // What end_jobs() has just decided counts from the next call on, which follows at once.
    const JobBrief* first_job_for_ledger() noexcept
    {
        const JobBrief* found = nullptr;
        for (int i = 0; i < input_.job_count; i++) {
            const JobBrief& job = input_.jobs[i];
            const bool ending = job.state == JobSlotState::ending;
            const bool unresolved = job.state == JobSlotState::queued && !job.source_resolved &&
                                    !job.cancel_requested;
            if (!ending && !unresolved)
                continue;
            // One that failed in its database waits, and lets those of other databases by.
            if (is_due(job.not_before) && (!found || job.queue_position < found->queue_position))
                found = &job;
        }
        return found;
    }

    void start_ledger_worker() noexcept
    {
        const JobBrief* job = first_job_for_ledger();
        if (!job && !input_.scan_pending && !input_.check_databases)
            return;
        // Its end sets the supervisor's latch, so there is nothing to wake up for.
        if (ledger_active_ || free_slots_ == 0)
            return;
        std::uint32_t database = 0;
        if (!input_.check_databases)
            database = job ? job->database : input_.scan_next;
        const bool slots_due = is_due(input_.workers_not_before);
        const bool list_due = database != 0 || is_due(input_.ledger_not_before);
        if (!slots_due || !list_due)
            return;
        add(SupervisorActionKind::start_ledger_worker, -1, 0, database);
        ledger_active_ = true;
        free_slots_--;
    }

    static bool takes_table_workers(const JobBrief& job) noexcept
    {
        return job.state == JobSlotState::running && job.job_worker_alive && !job.drain &&
               !job.cancel_requested && job.table_workers < job.wanted_table_workers;
    }

    // A running job without any table worker cannot move: it goes before the queue.
    void rescue_running_jobs() noexcept
    {
        for (int i = 0; i < input_.job_count; i++) {
            const JobBrief& job = input_.jobs[i];
            if (!takes_table_workers(job) || job.table_workers > 0 || spare_slots() < 1)
                continue;
            if (!is_due(input_.workers_not_before))
                return;
            add(SupervisorActionKind::start_table_worker, job);
            free_slots_--;
        }
    }

    // Returns true if a job that is due has to wait for slots: then nobody else gets them.
    bool start_queued_jobs() noexcept
    {
        std::uint64_t after = 0;
        while (const JobBrief* job = next_queued(after)) {
            after = job->queue_position;
            if (!is_startable(*job))
                continue;
            if (spare_slots() < 2 || !is_due(input_.workers_not_before)) {
                report_waiting_jobs(after);
                return true;
            }
            add(SupervisorActionKind::start_job, *job);
            free_slots_ -= 2;
        }
        return false;
    }

    bool is_startable(const JobBrief& job) noexcept
    {
        // One that was put back for its clean-up: the worker that gave up may not be gone yet.
        return job.source_resolved && (!job.cancel_requested || job.interrupted) &&
               !job.job_worker_alive && is_due(job.not_before);
    }

    void report_waiting_jobs(std::uint64_t from) noexcept
    {
        for (int i = 0; i < input_.job_count; i++) {
            const JobBrief& job = input_.jobs[i];
            if (job.state == JobSlotState::queued && job.queue_position >= from &&
                !job.wait_reported && is_startable(job))
                add(SupervisorActionKind::report_no_slot, job);
        }
    }

    const JobBrief* next_queued(std::uint64_t after) const noexcept
    {
        const JobBrief* found = nullptr;
        for (int i = 0; i < input_.job_count; i++) {
            const JobBrief& job = input_.jobs[i];
            if (job.state == JobSlotState::queued && job.queue_position > after &&
                (!found || job.queue_position < found->queue_position))
                found = &job;
        }
        return found;
    }

    // Slots that nobody else wants go to running jobs, to the narrowest one first. One a job and
    // call: starting it sets the latch, and the next plan gives away the next.
    void widen_running_jobs() noexcept
    {
        for (int width = 1; width < input_.worker_count; width++) {
            for (int i = 0; i < input_.job_count; i++) {
                const JobBrief& job = input_.jobs[i];
                if (!takes_table_workers(job) || job.table_workers != width)
                    continue;
                if (spare_slots() < 1 || !is_due(input_.workers_not_before))
                    return;
                add(SupervisorActionKind::start_table_worker, job);
                free_slots_--;
            }
        }
    }

    const SupervisionInput& input_;
    const SupervisionLimits& limits_;
    SupervisorAction* actions_;
    int max_actions_;
    std::int64_t next_wake_;
    int count_ = 0;
    int free_slots_ = 0;
    bool ledger_active_ = false;
    bool full_ = false;
};

} // namespace

int plan_supervision(const SupervisionInput& input, const SupervisionLimits& limits,
                     SupervisorAction* actions, int max_actions, std::int64_t& next_wake) noexcept
{
    Planner planner(input, limits, actions, max_actions);
    return planner.run(next_wake);
}

} // namespace pgclone
