// From a submit to a slot on the queue. A slot is reserved in PRE_COMMIT, where an error is still
// possible, and published at COMMIT, where it is not: an error there would be a PANIC.
#include <cstddef>
#include <type_traits>

#include "sql_api/submit_queue_pg.hpp"

extern "C" {
#include "access/xact.h"
}

namespace pgclone {

namespace {

static_assert(std::is_trivially_copyable_v<JobSlot>);

struct PendingSubmit {
    PendingSubmit* next;
    SubTransactionId subtransaction;
    int slot_index; // -1 = none reserved
    JobSlot job;    // its conninfo is secret: wipe before freeing
};

// In the order of the submits, in TopMemoryContext: the abort callbacks of a transaction run
// after its memory may be gone.
PendingSubmit* first_submit = nullptr;
PendingSubmit* last_submit = nullptr;
int submit_count = 0;
bool callbacks_installed = false;

PendingSubmit* submit_of(JobSlot* job)
{
    return reinterpret_cast<PendingSubmit*>(reinterpret_cast<char*>(job) -
                                            offsetof(PendingSubmit, job));
}

void free_submit(PendingSubmit* submit)
{
    explicit_bzero(submit, sizeof(*submit));
    pfree(submit);
}

void free_all_submits()
{
    while (first_submit) {
        PendingSubmit* const next = first_submit->next;
        free_submit(first_submit);
        first_submit = next;
    }
    last_submit = nullptr;
    submit_count = 0;
}

void give_back_slots()
{
    bool reserved = false;
    for (PendingSubmit* submit = first_submit; submit; submit = submit->next)
        reserved = reserved || submit->slot_index >= 0;
    if (!reserved)
        return;
    lock_exclusive();
    for (PendingSubmit* submit = first_submit; submit; submit = submit->next) {
        if (submit->slot_index >= 0)
            release_job_slot(submit->slot_index);
        submit->slot_index = -1;
    }
    unlock();
}

void reserve_slots()
{
    bool full = false;
    lock_exclusive();
    for (PendingSubmit* submit = first_submit; submit && !full; submit = submit->next) {
        submit->slot_index = reserve_job_slot();
        full = submit->slot_index < 0;
        if (full)
            break;
        JobSlot& slot = job_slot(submit->slot_index);
        const uint32 generation = slot.generation;
        slot = submit->job;
        slot.state = JobSlotState::reserved;
        slot.generation = generation;
    }
    unlock();
    if (!full)
        return;
    give_back_slots();
    ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("job queue is full"),
                    errdetail("There is room for %d unfinished jobs.", shared_state->max_jobs),
                    errhint("Wait until jobs have ended, or increase \"pgclone.max_jobs\".")));
}

void publish_slots()
{
    lock_exclusive();
    for (PendingSubmit* submit = first_submit; submit; submit = submit->next)
        // -1: submitted by another library's callback after ours had reserved. It stays in the
        // ledger, and the search after the next start ends it.
        if (submit->slot_index >= 0)
            publish_job_slot(submit->slot_index);
    unlock();
    wake_supervisor();
}

void on_transaction_event(XactEvent event, void*)
{
    if (!first_submit)
        return;
    switch (event) {
    case XACT_EVENT_PRE_COMMIT:
        reserve_slots();
        break;
    case XACT_EVENT_COMMIT:
        publish_slots();
        free_all_submits();
        break;
    case XACT_EVENT_ABORT:
        give_back_slots();
        free_all_submits();
        break;
    case XACT_EVENT_PRE_PREPARE:
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot PREPARE a transaction that has submitted a pgclone job")));
        break;
    default:
        break;
    }
}

// Unlinks what `mine` rolls back.
void drop_submits_of(SubTransactionId mine)
{
    PendingSubmit** link = &first_submit;
    last_submit = nullptr;
    while (*link) {
        PendingSubmit* const submit = *link;
        if (submit->subtransaction == mine) {
            *link = submit->next;
            free_submit(submit);
            submit_count--;
        } else {
            last_submit = submit;
            link = &submit->next;
        }
    }
}

void on_subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
                             void*)
{
    if (!first_submit)
        return;
    if (event == SUBXACT_EVENT_ABORT_SUB) {
        drop_submits_of(mine);
    } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
        for (PendingSubmit* submit = first_submit; submit; submit = submit->next) {
            if (submit->subtransaction == mine)
                submit->subtransaction = parent;
        }
    }
}

} // namespace

void install_submit_callbacks(); // called by module_pg.cpp

void install_submit_callbacks()
{
    if (callbacks_installed)
        return;
    RegisterXactCallback(on_transaction_event, nullptr);
    RegisterSubXactCallback(on_subtransaction_event, nullptr);
    callbacks_installed = true;
}

JobSlot* prepare_submit()
{
    Assert(callbacks_installed);
    // It would fail at commit anyway; this keeps the list from growing until then.
    if (submit_count >= shared_state->max_jobs)
        ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("job queue is full"),
                        errdetail("There is room for %d unfinished jobs; this transaction alone "
                                  "has submitted as many.",
                                  shared_state->max_jobs),
                        errhint("Submit in several transactions, or increase "
                                "\"pgclone.max_jobs\".")));
    auto* submit = static_cast<PendingSubmit*>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(PendingSubmit)));
    submit->slot_index = -1;
    submit->job.job_worker = -1;
    return &submit->job;
}

void queue_submit(JobSlot* job)
{
    PendingSubmit* const submit = submit_of(job);
    submit->subtransaction = GetCurrentSubTransactionId();
    if (last_submit)
        last_submit->next = submit;
    else
        first_submit = submit;
    last_submit = submit;
    submit_count++;
}

bool is_own_pending_submit(int64 job_id)
{
    for (const PendingSubmit* submit = first_submit; submit; submit = submit->next) {
        if (submit->job.job_id == job_id)
            return true;
    }
    return false;
}

} // namespace pgclone
