#include "worker/job_cleanup.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

// In one transaction: it holds locks on all that it drops.
constexpr std::size_t group_size = 100;

// The statements from `begin` to before `end`, in one transaction. Returns the failure, if any,
// with the index among `statements` of the one that failed (`end`: the commit); all are undone
// then.
Async<std::optional<PipelineError>> run_group(EventLoop& loop, PgSession& target,
                                              const std::vector<std::string>& statements,
                                              std::size_t begin, std::size_t end)
{
    std::vector<std::string> transaction{"BEGIN"};
    transaction.insert(transaction.end(), statements.begin() + static_cast<std::ptrdiff_t>(begin),
                       statements.begin() + static_cast<std::ptrdiff_t>(end));
    transaction.emplace_back("COMMIT");
    std::optional<PipelineError> failure;
    try {
        co_await target.pipeline(std::move(transaction));
    } catch (const PipelineError& error) {
        loop.check_interrupts(); // at the deadline a statement is still under way
        const std::size_t index = std::max<std::size_t>(error.statement(), 1) - 1;
        failure.emplace(error, begin + index);
    }
    if (failure)
        co_await target.execute("ROLLBACK");
    co_return failure;
}

// A statement that could not be run, and why.
struct Leftover {
    std::string statement;
    std::string reason;
    bool is_blocked = false; // by somebody's lock
};

// What an earlier attempt, or somebody else, has undone.
bool is_gone(const PgError& error)
{
    constexpr std::array<std::string_view, 4> gone = {
        sqlstate::undefined_table, sqlstate::undefined_object, sqlstate::undefined_schema,
        sqlstate::undefined_function};
    return std::find(gone.begin(), gone.end(), error.sqlstate()) != gone.end();
}

bool is_blocked(const PgError& error)
{
    return error.sqlstate() == sqlstate::lock_not_available ||
           error.sqlstate() == sqlstate::deadlock_detected;
}

// All statements in their order, each that fails passed over.
Async<std::vector<Leftover>> run_all(EventLoop& loop, PgSession& target,
                                     const std::vector<std::string>& statements)
{
    std::vector<Leftover> leftovers;
    std::size_t next = 0;
    std::size_t size = group_size;
    while (next < statements.size()) {
        const std::size_t end = std::min(next + size, statements.size());
        const std::optional<PipelineError> failure =
            co_await run_group(loop, target, statements, next, end);
        if (!failure) {
            next = end;
            size = group_size;
        } else if (end == next + 1 || failure->statement() == next) {
            if (!is_gone(*failure))
                leftovers.push_back({statements[next], failure->message(), is_blocked(*failure)});
            next++;
            size = group_size;
        } else {
            // Those before it once more; then it is the first, and is passed over. (If it was the
            // commit, fewer at a time.)
            const bool is_commit = failure->statement() == end;
            size = is_commit ? (end - next) / 2 : failure->statement() - next;
        }
    }
    co_return leftovers;
}

} // namespace

Async<std::vector<std::string>> run_cleanup(EventLoop& loop, PgSession& target,
                                            std::vector<std::string> statements,
                                            std::int64_t job_id)
{
    // What something else still needed may go when that is gone: a sequence that a default uses
    // goes after the default's table. A lock may be given up; the caller's deadline ends the wait.
    std::vector<Leftover> leftovers;
    bool go_on = !statements.empty();
    while (go_on) {
        const std::size_t before = statements.size();
        leftovers = co_await run_all(loop, target, statements);
        statements.clear();
        bool any_blocked = false;
        for (const Leftover& leftover : leftovers) {
            statements.push_back(leftover.statement);
            any_blocked |= leftover.is_blocked;
        }
        go_on = !statements.empty() && (any_blocked || statements.size() < before);
        loop.check_interrupts(); // the deadline
    }
    std::vector<std::string> reasons;
    for (const Leftover& leftover : leftovers) {
        server::log_message("pgclone job " + std::to_string(job_id) +
                            " could not clean up: " + leftover.reason);
        reasons.push_back(leftover.reason);
    }
    co_return reasons;
}

} // namespace pgclone
