// DROP EXTENSION pgclone: the jobs of the database are cancelled first. Their transactions have locks
// on the ledger, which it would wait for as long as their tables are large.
#include "shared/pg_compat_pg.hpp"
#include "shared/shared_memory_pg.hpp"

extern "C" {
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "tcop/utility.h"
}

namespace pgclone {

void install_drop_extension_hook(); // called by module_pg.cpp

namespace {

ProcessUtility_hook_type previous_hook = nullptr;

bool drops_this_extension(const Node* statement)
{
    if (!IsA(statement, DropStmt))
        return false;
    const auto* drop = reinterpret_cast<const DropStmt*>(statement);
    if (drop->removeType != OBJECT_EXTENSION)
        return false;
    const ListCell* cell;
    foreach (cell, drop->objects) {
        if (strcmp(strVal(lfirst(cell)), "pgclone") == 0)
            return true;
    }
    return false;
}

// Whoever may not drop it must not stop jobs by trying.
bool may_drop_it()
{
    const Oid extension = get_extension_oid("pgclone", true);
    return OidIsValid(extension) && is_owner(ExtensionRelationId, extension, GetUserId());
}

void cancel_jobs_of_database()
{
    lock_exclusive();
    for (int i = 0; i < shared_state->max_jobs; i++) {
        JobSlot& job = job_slot(i);
        if (job.database != MyDatabaseId ||
            (job.state != JobSlotState::queued && job.state != JobSlotState::running))
            continue;
        job.cancel_requested = true;
        signal_workers_of_job(i);
    }
    unlock();
    wake_supervisor();
}

void on_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                ProcessUtilityContext context, ParamListInfo parameters,
                QueryEnvironment* environment, DestReceiver* receiver, QueryCompletion* completion)
{
    if (shared_state && drops_this_extension(statement->utilityStmt) && may_drop_it())
        cancel_jobs_of_database();
    const ProcessUtility_hook_type next = previous_hook ? previous_hook : standard_ProcessUtility;
    next(statement, query, read_only_tree, context, parameters, environment, receiver, completion);
}

} // namespace

void install_drop_extension_hook()
{
    previous_hook = ProcessUtility_hook;
    ProcessUtility_hook = on_utility;
}

} // namespace pgclone
