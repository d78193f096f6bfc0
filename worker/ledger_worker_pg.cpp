// The ledger worker: the one kind that attaches to a database. Short-lived; it touches pgclone's
// own tables and the system catalogs only, and never the network.
//
// In a database it resolves the foreign servers of waiting jobs, writes the final states that no
// loopback session could write, and, once after a start, puts the jobs back on the queue that the
// restart interrupted. Without a database it looks at the list of them.
#include "shared/settings.hpp"
#include "worker/foreign_server.hpp"

#include "shared/boundary_pg.hpp"
#include "shared/shared_memory_pg.hpp"
#include "sql_api/ledger_access_pg.hpp"
#include "sql_api/requeue_pg.hpp"
#include "worker/worker_services_pg.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "foreign/foreign.h"
#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

PGDLLEXPORT void pgclone_ledger_worker_main(Datum argument);
}

namespace pgclone {

namespace {

constexpr TimestampTz scan_retry_pause = 10'000'000; // us until a failed search is tried again

// Which job of this database is next in one of the two states that need us; -1 = none. Copies
// the slot without its secret.
struct JobCopy {
    int index;
    uint32 generation;
    JobSlot slot;
};

bool next_job(bool ending, uint64 after_position, JobCopy& copy)
{
    copy.index = -1;
    const TimestampTz now = GetCurrentTimestamp();
    lock_shared();
    for (int i = 0; i < shared_state->max_jobs; i++) {
        const JobSlot& job = job_slot(i);
        const bool wanted = ending ? job.state == JobSlotState::ending
                                   : job.state == JobSlotState::queued && !job.source_resolved &&
                                         !job.cancel_requested;
        if (!wanted || job.database != MyDatabaseId || job.queue_position <= after_position ||
            job.not_before > now)
            continue;
        if (copy.index < 0 || job.queue_position < copy.slot.queue_position) {
            copy.index = i;
            copy.generation = job.generation;
            memcpy(&copy.slot, &job, offsetof(JobSlot, conninfo));
        }
    }
    unlock();
    return copy.index >= 0;
}

void begin_work()
{
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    SPI_connect();
    PushActiveSnapshot(GetTransactionSnapshot());
}

void commit_work()
{
    SPI_finish();
    PopActiveSnapshot();
    CommitTransactionCommand();
}

// Runs `work` with `argument` in a transaction of its own. On an error it is rolled back, and
// `error` says why.
bool in_transaction(void (*work)(void*), void* argument, ErrorRecord& error)
{
    struct Work {
        void (*run)(void*);
        void* argument;
    } guarded = {work, argument};
    const bool done = run_guarded(
        [](void* pointer) {
            const Work& work = *static_cast<Work*>(pointer);
            begin_work();
            work.run(work.argument);
            commit_work();
        },
        &guarded, &error);
    if (!done)
        AbortCurrentTransaction();
    return done;
}

// --- Final states

// Texts in slots are UTF-8. In a database of another encoding what is not ASCII is shown as '?': the
// news must not be lost for want of a character.
Datum text_datum(const char* text)
{
    if (GetDatabaseEncoding() == PG_UTF8)
        return CStringGetTextDatum(text);
    char* copy = pstrdup(text);
    for (char* c = copy; *c; c++) {
        if (IS_HIGHBIT_SET(*c))
            *c = '?';
    }
    return CStringGetTextDatum(copy);
}

bool extension_exists() { return OidIsValid(get_extension_oid("pgclone", true)); }

void finish_in_ledger(int64 job_id, const JobOutcome& outcome, const JobSlot& job)
{
    if (!extension_exists())
        return; // dropped, and the ledger with it
    const char* status = nullptr;
    switch (outcome.status) {
    case JobStatus::completed:
        status = "completed";
        break;
    case JobStatus::cancelled:
        status = "cancelled";
        break;
    default:
        status = "failed";
        break;
    }
    const ErrorRecord& error = outcome.error;
    const Oid types[] = {INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
                         TEXTOID, INT8OID, INT8OID, INT4OID, BOOLOID};
    const Datum values[] = {Int64GetDatum(job_id),
                            CStringGetTextDatum(status),
                            CStringGetTextDatum("finishing"),
                            text_datum(error.sqlstate),
                            text_datum(error.message),
                            text_datum(error.detail),
                            text_datum(error.hint),
                            Int64GetDatum(job.rows_done),
                            Int64GetDatum(job.bytes_done),
                            Int32GetDatum(outcome.status == JobStatus::completed
                                              ? job.tables_completed
                                              : 0),
                            BoolGetDatum(true)};
    call_ledger("pgclone_ledger_finish", {11, types, values, nullptr}, false);
}

void write_final_states()
{
    JobCopy copy;
    uint64 position = 0;
    while (next_job(true, position, copy)) {
        position = copy.slot.queue_position;
        ErrorRecord error;
        const bool written = in_transaction(
            [](void* pointer) {
                const JobSlot& job = static_cast<JobCopy*>(pointer)->slot;
                finish_in_ledger(job.job_id, job.outcome, job);
            },
            &copy, error);
        bool released = false;
        lock_exclusive();
        JobSlot& job = job_slot(copy.index);
        if (job.generation == copy.generation && job.state == JobSlotState::ending) {
            released = written;
            if (written)
                release_job_slot(copy.index);
            else
                job.not_before = ledger_retry_at(job.ledger_attempts++);
        }
        unlock();
        if (released)
            broadcast_job_ended();
        if (!written)
            ereport(LOG, (errmsg("could not write the final state of pgclone job " INT64_FORMAT
                                 ": %s",
                                 copy.slot.job_id, error.message)));
    }
}

// --- Foreign servers

int append_options(List* list, ForeignOption* options, int count, int max)
{
    ListCell* cell;
    foreach (cell, list) {
        const auto* option = static_cast<DefElem*>(lfirst(cell));
        if (count < max)
            options[count++] = {option->defname, defGetString(const_cast<DefElem*>(option))};
    }
    return count;
}

struct Resolution {
    const JobCopy* copy;
    char conninfo[conninfo_bytes];
};

// With the rights that the submitter has now, not those of this process.
void resolve_server(Resolution& resolution)
{
    const JobSlot& job = resolution.copy->slot;
    constexpr int max_options = 128;
    auto* options =
        static_cast<ForeignOption*>(palloc(sizeof(ForeignOption) * max_options));

    ForeignServer* server = GetForeignServerByName(job.server_name, false);
#if PG_VERSION_NUM >= 160000
    const AclResult allowed = object_aclcheck(ForeignServerRelationId, server->serverid, job.role,
                                              ACL_USAGE);
#else
    const AclResult allowed = pg_foreign_server_aclcheck(server->serverid, job.role, ACL_USAGE);
#endif
    if (allowed != ACLCHECK_OK)
        aclcheck_error(allowed, OBJECT_FOREIGN_SERVER, server->servername);
    UserMapping* mapping = GetUserMapping(job.role, server->serverid);
    ForeignDataWrapper* wrapper = GetForeignDataWrapper(server->fdwid);

    int count = append_options(wrapper->options, options, 0, max_options);
    count = append_options(server->options, options, count, max_options);
    count = append_options(mapping->options, options, count, max_options);
    const bool unprivileged = !superuser_arg(job.role);
    call_cpp([&] { write_server_conninfo(options, count, unprivileged, resolution.conninfo); });
}

void resolve_sources()
{
    JobCopy copy;
    Resolution resolution;
    uint64 position = 0;
    while (next_job(false, position, copy)) {
        position = copy.slot.queue_position;
        resolution.copy = &copy;
        ErrorRecord error;
        const bool resolved = in_transaction(
            [](void* pointer) { resolve_server(*static_cast<Resolution*>(pointer)); }, &resolution,
            error);
        lock_exclusive();
        JobSlot& job = job_slot(copy.index);
        if (job.generation == copy.generation && job.state == JobSlotState::queued) {
            if (resolved) {
                memcpy(job.conninfo, resolution.conninfo, conninfo_bytes);
                job.source_resolved = true;
            } else {
                job.outcome.status = JobStatus::failed;
                job.outcome.error = error;
                job.not_before = 0;
                job.state = JobSlotState::ending;
            }
        }
        unlock();
        explicit_bzero(&resolution, sizeof(resolution));
    }
}

// --- After a start

// Jobs that the ledger calls unfinished and that no slot knows were interrupted by a crash or a
// restart. A job's slot is reserved before its row can be seen, and freed after its row is
// final, so a visible unfinished row without a slot is nobody's.
bool has_slot(int64 job_id)
{
    lock_shared();
    bool found = false;
    for (int i = 0; i < shared_state->max_jobs && !found; i++) {
        const JobSlot& job = job_slot(i);
        found = job.state != JobSlotState::free && job.database == MyDatabaseId &&
                job.job_id == job_id;
    }
    unlock();
    return found;
}

// Some jobs found no room in the queue: the search is to be repeated.
bool queue_was_full = false;

// Puts the job on the queue again, to run or to have its leavings dropped by the submitter's own
// hand: this process must not touch tables of users. False if there is no room.
bool requeue(const RequeuedJob& job)
{
    lock_exclusive();
    const int index = reserve_job_slot();
    if (index >= 0) {
        fill_job_slot(job, job_slot(index));
        publish_job_slot(index);
    }
    unlock();
    return index >= 0;
}

// Nobody is there to do anything as.
void end_without_role(const RequeuedJob& job)
{
    auto* outcome = static_cast<JobOutcome*>(palloc0(sizeof(JobOutcome)));
    auto* nothing = static_cast<JobSlot*>(palloc0(sizeof(JobSlot)));
    outcome->status = JobStatus::failed;
    fill_record(outcome->error, "42704", "the role that submitted the job does not exist any more");
    finish_in_ledger(job.job_id, *outcome, *nothing);
}

void requeue_interrupted_jobs(void*)
{
    queue_was_full = false;
    if (!extension_exists())
        return;
    static const Oid types[] = {TIMESTAMPTZOID, BOOLOID};
    const Datum values[] = {TimestampTzGetDatum(shared_state->crashed_at),
                            BoolGetDatum(settings::resume_on_start)};
    const bool nulls[] = {shared_state->crashed_at == 0, false};
    const uint64 count =
        call_ledger("pgclone_ledger_interrupted", {lengthof(types), types, values, nulls}, false);
    auto* jobs = static_cast<RequeuedJob*>(palloc(sizeof(RequeuedJob) * (count + 1)));
    for (uint64 i = 0; i < count; i++)
        read_requeued_job(i, DatumGetInt64(ledger_value(i, 1, nullptr)), jobs[i]);
    for (uint64 i = 0; i < count; i++) {
        if (has_slot(jobs[i].job_id))
            continue;
        if (!jobs[i].role_name || !jobs[i].database_name)
            end_without_role(jobs[i]);
        else if (!requeue(jobs[i]))
            queue_was_full = true;
    }
}

// --- The list of databases

struct DatabaseList {
    Oid after;       // in: the one that was searched last
    Oid next;        // out: the smallest one above it that takes connections
    int orphans;     // out: jobs whose database is gone
    int* orphan_slots;
    uint32* orphan_generations;
};

void read_databases(void* pointer)
{
    auto& list = *static_cast<DatabaseList*>(pointer);
    list.next = InvalidOid;
    Relation relation = table_open(DatabaseRelationId, AccessShareLock);
    TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
    HeapTuple tuple;
    while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr) {
        const auto* database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
        if (database->datallowconn && database->oid > list.after &&
            (list.next == InvalidOid || database->oid < list.next))
            list.next = database->oid;
        // Strike out the jobs whose database is here.
        for (int i = 0; i < list.orphans; i++) {
            if (list.orphan_slots[i] >= 0 &&
                job_slot(list.orphan_slots[i]).database == database->oid)
                list.orphan_slots[i] = -1;
        }
    }
    table_endscan(scan);
    table_close(relation, AccessShareLock);
}

// Frees the slots of jobs whose database was dropped, and finds the next one to search.
bool look_at_databases(Oid after)
{
    auto* list = static_cast<DatabaseList*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(DatabaseList)));
    list->after = after;
    list->orphan_slots = static_cast<int*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(int) * shared_state->max_jobs));
    list->orphan_generations = static_cast<uint32*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(uint32) * shared_state->max_jobs));
    lock_shared();
    for (int i = 0; i < shared_state->max_jobs; i++) {
        const JobSlot& job = job_slot(i);
        // A running job finds out by itself.
        if (job.state == JobSlotState::ending || job.state == JobSlotState::queued) {
            list->orphan_slots[list->orphans] = i;
            list->orphan_generations[list->orphans] = job.generation;
            list->orphans++;
        }
    }
    unlock();

    ErrorRecord error;
    if (!in_transaction(read_databases, list, error)) {
        ereport(LOG, (errmsg("could not read the list of databases: %s", error.message)));
        return false;
    }

    lock_exclusive();
    for (int i = 0; i < list->orphans; i++) {
        const int index = list->orphan_slots[i];
        if (index >= 0 && job_slot(index).generation == list->orphan_generations[i])
            release_job_slot(index);
    }
    shared_state->check_databases = false;
    if (shared_state->scan_pending) {
        shared_state->scan_next = list->next;
        shared_state->scan_pending = list->next != InvalidOid;
        if (!shared_state->scan_pending && shared_state->scan_failed) {
            // What is done already is found done: only what failed is tried again.
            shared_state->scan_pending = true;
            shared_state->scan_failed = false;
            shared_state->scan_after = InvalidOid;
            shared_state->ledger_not_before = GetCurrentTimestamp() + scan_retry_pause;
        }
    }
    unlock();
    broadcast_job_ended();
    return true;
}

Oid database_to_scan()
{
    lock_shared();
    const Oid database = shared_state->scan_pending ? shared_state->scan_next : InvalidOid;
    unlock();
    return database;
}

// The search of this database is over; the next one is found by this worker, too.
bool finish_scan(bool searched)
{
    lock_exclusive();
    shared_state->scan_failed = shared_state->scan_failed || !searched;
    shared_state->scan_after = MyDatabaseId;
    unlock();
    return look_at_databases(MyDatabaseId);
}

void work_in_database()
{
    if (database_to_scan() == MyDatabaseId) {
        ErrorRecord error;
        const bool searched = in_transaction(requeue_interrupted_jobs, nullptr, error);
        if (!searched)
            ereport(LOG, (errmsg("could not search the ledger of pgclone: %s", error.message)));
        if (!finish_scan(searched && !queue_was_full))
            return;
    }
    write_final_states();
    resolve_sources();
    // What could not be resolved has a final state by now.
    write_final_states();
    note_ledger_success();
}

// Whatever ALTER DATABASE ... SET says. A lock that somebody holds on the ledger of one database
// must not hold up the ledgers of all others for long.
void fix_settings()
{
    const char* const settings[][2] = {
        {"search_path", ""},
        {"default_transaction_read_only", "off"},
        {"default_transaction_isolation", "read committed"},
        {"session_replication_role", "origin"},
        {"statement_timeout", "0"},
        {"lock_timeout", "3s"},
    };
    for (const auto& setting : settings)
        SetConfigOption(setting[0], setting[1], PGC_SUSET, PGC_S_OVERRIDE);
}

Oid assigned_database(Datum argument)
{
    lock_shared();
    const Oid database = worker_slot(DatumGetInt32(argument)).database;
    unlock();
    return database;
}

} // namespace

} // namespace pgclone

using namespace pgclone;

void pgclone_ledger_worker_main(Datum argument)
{
    attach_worker(argument, WorkerKind::ledger);
    // Not the default handler, which raises inside the signal handler.
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();

    const Oid database = assigned_database(argument);
    BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
    fix_settings();
    if (OidIsValid(database)) {
        work_in_database();
    } else {
        lock_shared();
        const Oid after = shared_state->scan_after;
        unlock();
        if (look_at_databases(after))
            note_ledger_success();
    }
}
