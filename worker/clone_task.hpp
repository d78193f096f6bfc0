// A unit of work of a job: what the planner makes, the ledger keeps and a worker carries out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/cpp_only.hpp"
#include "shared/job_state.hpp"

namespace pgclone {

enum class TaskKind {
    schema,
    sequence,
    table,
    data,
    index,
    constraint,
    foreign_key,
    trigger,
    comment,
    acl,
    owner,
    sequence_value,
    publish,
};

struct CloneTask {
    std::int32_t task_id = 0; // from 1, in order of execution
    // All tasks of a stage may run at once, when all of the stages before are done.
    std::int32_t stage = 0;
    TaskKind kind = TaskKind::table;
    JobPhase phase = JobPhase::schema;
    bool in_table_worker = false; // else the job worker does it
    // The object in the user's words (final names on the target).
    std::string schema_name;
    std::string object_name;
    // DDL for the target, run in one transaction with the done-mark. Each is one statement.
    std::vector<std::string> statements;
    // Of one task of the job: what drops all that the job makes until it is done.
    std::vector<std::string> cleanup;
    // Not empty: the task is not carried out, and this says why.
    std::string skip_reason;

    // Of a data task only:
    std::string source_copy; // COPY ... TO STDOUT
    std::string target_copy; // COPY ... FROM STDIN
    std::string truncate;    // TRUNCATE of the table that this job made
    std::string format;      // 'text' | 'binary'
    std::vector<std::string> column_list;
    std::string predicate;
    std::int64_t source_filenode = 0; // pg_relation_filenode in the snapshot, 0 = not checked
    std::uint32_t source_oid = 0;    // of the table, as the snapshot sees it
    std::string source_schema;       // the table to lock on the source
    std::string source_table;
};

std::string_view to_text(TaskKind kind) noexcept;

// As JSON for the ledger's `spec` column, and back. from_json raises XX000 if it is malformed.
std::string to_json(const std::vector<CloneTask>& tasks);
CloneTask task_from_json(std::string_view json);

} // namespace pgclone
