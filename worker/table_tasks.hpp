// Plans the tasks that clone one table. Pure: no connection, no clock.
//
// The clone is built under working names, invisible to those who look for the final one, and the
// last task (`publish`) gives it its final names in one transaction, in which the table that it
// replaces is dropped or renamed. So the old table is intact until a complete copy takes its
// place, and a job that fails leaves the final name as it was.
//
// Whatever the source has and the clone will not have is a task with a skip_reason, unless an
// option asked for it to be left out.
#pragma once

#include <string>
#include <vector>

#include "worker/clone_task.hpp"
#include "worker/table_definition.hpp"
#include "worker/table_split.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

// The tasks in order of execution; none if the state says `skip`. Raises XX000 if a definition
// that the source printed cannot be taken apart.
std::vector<CloneTask> plan_table_tasks(const TableDefinition& definition, const TargetState& state,
                                        const TargetNaming& naming, const CloneOptions& options,
                                        const SplitRules& split = {});

// Statements that drop all that an unfinished job made. Each is safe whatever exists, and none
// touches anything but working names: a schema that the job created stays.
std::vector<std::string> cleanup_statements(const std::vector<CloneTask>& tasks,
                                            const TargetNaming& naming);

} // namespace pgclone
