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
    object, // of scopes schema, database and functions: DDL, by the job worker, many at a time
    data,
    large_objects,
    refresh,  // of a materialized view
    validate, // of a foreign key
    analyze,
    index,
    constraint,
    foreign_key,
    trigger,
    comment,
    acl,
    owner,
    sequence_value,
    check_replaced,
    drop_replaced, // when it has begun, the job is not undone any more
    publish,
};

// An object of the target, and the statements that make it or do something to it.
struct ObjectStatements {
    std::int32_t task_id = 0; // of the task that runs them: from 1, in order of execution
    TaskKind kind = TaskKind::table;
    JobPhase phase = JobPhase::schema;
    // What the views show instead of the kind (but for data), and messages call the object, if it
    // is not empty: view, function, index, ...
    std::string object_kind;
    // In the user's words (final names on the target).
    std::string schema_name;
    std::string object_name;
    // Of the transaction on the target (SET LOCAL search_path), an SQL list; empty = as the session.
    std::string search_path;
    // DDL for the target, run in one transaction with the done-mark. Each is one statement.
    std::vector<std::string> statements;
};

struct CloneTask : ObjectStatements {
    // All tasks of a stage may run at once, when all of the stages before are done.
    std::int32_t stage = 0;
    bool in_table_worker = false; // else the job worker does it
    // Tasks of this or earlier stages without which this one makes no sense: it starts when they
    // are done, and is left out if one of them failed or was left out. Ids in ascending order.
    std::vector<std::int32_t> after;
    // The stage that waits for its end; 0 = the next one.
    std::int32_t due_stage = 0;
    // Of a table worker's task: it is short, and may share a transaction with others.
    bool batched = false;
    // Tables (their OIDs on the source) that its transaction keeps locked on the target, such that
    // nobody else's task may touch them, or that others' may but for those.
    std::vector<std::uint32_t> locked_tables;
    std::vector<std::uint32_t> shared_tables;
    bool completes_table = false; // a table of the job is done when it, or its last piece, is
    // Of the last three kinds: schemas with what was replaced, to be dropped unless others depend on
    // it by now.
    std::vector<std::string> dropped_schemas;
    // What undoes a task that is done, when the job fails: run for the last task first, each
    // statement by itself. That of the task `publish` is run whether it is done or not.
    std::vector<std::string> cleanup;
    // Not empty: the task is not carried out, and this says why.
    std::string skip_reason;

    // Of a data task only:
    std::string source_copy; // COPY ... TO STDOUT
    std::string target_copy; // COPY ... FROM STDIN
    std::string truncate;    // TRUNCATE of the table that this job made
    std::string filled_table; // that the job made and the rows go to, qualified and quoted
    std::string format;      // 'text' | 'binary'
    std::vector<std::string> column_list;
    std::string predicate;
    // One of the `parts` pieces of a table that was cut, from 1; 0 = the whole table. Each copies
    // the rows of `predicate` in a transaction of its own, so none may truncate the table.
    std::int32_t part = 0;
    std::int32_t parts = 0;
    bool unlogged = false; // a crash of the target empties it

    // Of a data task: the table to copy and to lock. Of one that analyzes: the table whose statistics
    // on the source do as well, if they are good; 0 = none.
    std::uint32_t source_oid = 0; // as the snapshot sees it
    std::string source_schema;
    std::string source_table;

    // Of a small table's data task: what is made in its transaction before the rows (phase schema)
    // and after them. They have the id of their task, and nothing of their own in the ledger.
    std::vector<ObjectStatements> parts_of_table;

    // Of a large_objects task: their OIDs, the same on both sides. They exist on the target, empty.
    std::vector<std::uint32_t> large_objects;

    // Of a task that builds a B-tree index: its size on the source; -1 = none, or unknown.
    std::int64_t btree_bytes = -1;

    // How many there were: of forget_statements(), not of the ledger.
    std::int32_t forgotten_statements = 0;

    // For people, and for pgclone_plan:
    std::int64_t estimated_rows = -1; // -1 = it copies none, or unknown
    std::int64_t estimated_bytes = -1;
    std::string conflict; // of a dry run: what stands in the way on the target
    std::string missing;  // of a dry run: what the target lacks
};

std::string_view to_text(TaskKind kind) noexcept;

// kind and name as messages show it: view "sales.totals".
std::string describe(const ObjectStatements& object);

// Raises 08P01 if a statement of the task, also of those that undo it, begins or ends a
// transaction: their texts come from the source, and one that is no honest server could end the
// transaction that they share with their done-marks.
void check_statements(const CloneTask& task);

// Takes from a table worker's task what it alone needs, and reads from the ledger: the statements.
// A plan may have 100,000 tasks, and the job worker keeps it to the end. How many there were is noted.
void forget_statements(CloneTask& task);

// Of the task and its parts, with those that were forgotten.
std::size_t count_statements(const CloneTask& task);

// As JSON for the ledger's `spec` column, without what has its default value, and back.
// task_from_json raises XX000 if it is malformed.
std::string task_to_json(const CloneTask& task);
// For pgclone_ledger_plan: what goes into columns of the ledger, and as `spec` the above.
std::string ledger_row_json(const CloneTask& task);
CloneTask task_from_json(std::string_view text);

} // namespace pgclone
