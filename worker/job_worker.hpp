// The job worker's program. See README.md in this folder for its states.
#pragma once

namespace pgclone {

// Runs the job of this process from its ledger row to its final state. What it throws, no
// handler of the job could deal with: the process ends and the supervisor ends the job.
void run_job_worker();

} // namespace pgclone
