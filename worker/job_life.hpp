// The state of a job worker, and one method for each part of a job's life. Defined in job_worker.cpp
// (from the first connection to the last task), job_resume.cpp (what an earlier life of the server
// or a lost snapshot has left behind), job_conclusion.cpp (the end, good or bad).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/settings.hpp"
#include "worker/database_creation.hpp"
#include "worker/job_planner.hpp"
#include "worker/job_tasks.hpp"
#include "worker/ledger_client.hpp"
#include "worker/progress_sampler.hpp"
#include "worker/sessions.hpp"
#include "worker/source_snapshot.hpp"

namespace pgclone {

// How long the job's table workers have to go.
inline constexpr milliseconds dismissal_limit{5000};
// How long to clean up when the server wants this process to end.
inline constexpr milliseconds hurried_cleanup_limit{2000};
// Of each lock that stands in the way of undoing what the job has made.
inline constexpr const char* cleanup_lock_timeout = "SET lock_timeout = '2s'";

// Thrown when there is nothing to do and nobody to tell: the job's slot is no longer ours, or
// its ledger row was final already.
struct JobIsOver {};

class JobWorker {
  public:
    explicit JobWorker(EventLoop& loop)
        : loop_(loop), target_(loop, SessionSide::target), snapshot_(loop), work_(loop),
          sampler_(loop)
    {
    }

    Async<void> run();
    void check_job();

  private:
    Async<void> clone();
    Async<void> clone_once();
    Async<void> start_anew();
    Async<void> go_on();
    Async<void> begin_anew();
    bool must_begin_anew() const;
    Async<void> drop_reverted(std::vector<LoadedTask> loaded);
    Async<void> start_in_ledger();
    Async<void> open_source_snapshot();
    Async<void> create_database();
    Async<void> plan();
    void call_table_workers();
    Async<void> carry_out(std::map<std::int32_t, TaskProgress> progress);
    void forget_what_the_ledger_has();
    Async<void> follow_snapshot(bool mixed);
    Async<void> complete_in_ledger();
    Async<void> publish_database(JobOutcome outcome);
    Async<void> publish_database_once(JobOutcome outcome);
    Async<void> conclude(JobOutcome outcome);
    Async<void> clean_up(JobOutcome outcome);
    Async<void> clean_up_patiently(JobOutcome outcome, EventLoop::HoldInterrupts& hold);
    std::vector<std::string> remembered_cleanup() const;
    std::string past_return_hint() const;
    void report_unwritten(const PgError& error, bool is_clean, JobOutcome& outcome) const;
    Async<void> write_outcome(JobOutcome outcome);
    Async<void> open_target();
    Async<void> open_target_patiently();
    Async<void> prepare_another_plan();
    int retries() const { return ledger_job_.options.retries.value_or(settings::retry_limit); }
    void hand_over(const JobOutcome& outcome, bool next_cleans_up);
    void set_phase(JobPhase phase);
    // Where the objects go: another database than the job's own if it creates one.
    PgSession& work_target() { return has_work_database() ? work_.session() : target_; }
    const JobIdentity& work_job() { return has_work_database() ? work_.identity() : job_; }
    bool has_work_database() const { return job_.creates_database; }
    bool may_have_made_something() const
    {
        return interrupted_ || has_begun_database_ || !tasks_.empty();
    }
    bool is_past_return() const { return runner_ && runner_->is_past_return(); }
    int parallel() const
    {
        return ledger_job_.options.parallel.value_or(settings::default_parallel);
    }

    EventLoop& loop_;
    PgSession target_; // where the job was submitted
    SourceSnapshot snapshot_;
    WorkDatabase work_;
    ProgressSampler sampler_;
    JobIdentity job_;
    LedgerJob ledger_job_;
    std::unique_ptr<JobPlanner> planner_;
    std::vector<CloneTask> tasks_;
    std::optional<JobTasks> runner_;
    std::vector<std::string> leftovers_; // why something could not be undone
    bool copy_stays_ = false;    // since what it replaces is being dropped
    bool interrupted_ = false;   // there is only to clean up
    bool is_incomplete_ = false; // on_error = continue met errors: what was made stays
    bool has_begun_database_ = false; // its creation, which comes before the plan
    bool is_published_ = false;  // the database that it created
    int source_version_ = 0;       // 150004, once it is open
    bool source_given_up_ = false; // after all attempts to open the snapshot
    JobPhase phase_ = JobPhase::connecting;
};

// As the job's slot has them.
JobTotals read_totals();

} // namespace pgclone
