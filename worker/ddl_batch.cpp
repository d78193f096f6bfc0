#include "worker/ddl_batch.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "shared/clone_options.hpp"
#include "shared/error_types.hpp"

namespace pgclone {

namespace {

// Of an error's detail, which has place for about a thousand bytes.
constexpr std::size_t shown_statement_bytes = 400;
constexpr std::size_t shown_detail_bytes = 500;

// Statements that may have a password in them.
constexpr std::array<std::string_view, 3> secret_kinds = {"subscription", "user mapping", "server"};

// What an error says could not be done: "refresh", "materialized view".
struct Wording {
    std::string_view key;
    std::string_view verb;
    std::string_view noun; // empty = the task's kind
};

// By object_kind.
constexpr std::array<Wording, 8> kind_wordings = {{
    {"refresh", "refresh", "materialized view"},
    {"validation", "validate", "constraint"},
    {"analyze", "analyze", "table"},
    {"sequence value", "set", ""},
    {"privileges", "set", ""},
    {"owner and privileges", "set", "owner and privileges of"},
    {"default privileges", "set", ""},
    {"large objects", "copy", ""},
}};

// By the first word of the statement.
constexpr std::array<Wording, 6> statement_wordings = {{
    {"ALTER", "alter", ""},
    {"DROP", "drop", ""},
    {"COMMENT", "comment on", ""},
    {"SECURITY", "label", ""},
    {"GRANT", "set privileges of", ""},
    {"REVOKE", "set privileges of", ""},
}};

Wording wording(const ObjectStatements& object, std::string_view statement)
{
    if (object.kind == TaskKind::data)
        return {"", "copy", "table"};
    for (const Wording& known : kind_wordings)
        if (known.key == object.object_kind)
            return known;
    for (const Wording& known : statement_wordings)
        if (statement.starts_with(known.key))
            return known;
    return {"", "create", ""};
}

// At most `limit` bytes of it, cut at a character.
std::string shortened(std::string_view text, std::size_t limit)
{
    if (text.size() <= limit)
        return std::string(text);
    std::string start(limit + 1, '\0');
    copy_text(start.data(), start.size(), text);
    start.resize(start.find('\0'));
    return start + "...";
}

} // namespace

bool may_be_batched(const CloneTask& task)
{
    const auto changes_setting = [](const std::string& statement) {
        return statement.starts_with("SET ");
    };
    const bool is_short = task.in_table_worker ? task.batched
                                               : task.kind == TaskKind::object ||
                                                     !task.object_kind.empty();
    return is_short && task.dropped_schemas.empty() && task.kind != TaskKind::publish &&
           std::none_of(task.statements.begin(), task.statements.end(), changes_setting);
}

DdlBatch::DdlBatch(std::vector<std::string> before,
                   const std::vector<const ObjectStatements*>& tasks,
                   std::vector<std::string> after)
    : statements_(std::move(before))
{
    for (const ObjectStatements* task : tasks) {
        use_search_path(task->search_path);
        first_statements_.push_back(statements_.size());
        statements_.insert(statements_.end(), task->statements.begin(), task->statements.end());
    }
    end_of_tasks_ = statements_.size();
    std::move(after.begin(), after.end(), std::back_inserter(statements_));
}

void DdlBatch::use_search_path(const std::string& search_path)
{
    if (search_path == search_path_)
        return;
    statements_.push_back(set_search_path(search_path));
    search_path_ = search_path;
}

std::optional<DdlBatch::Culprit> DdlBatch::culprit(std::size_t statement) const
{
    if (statement >= end_of_tasks_)
        return std::nullopt;
    const auto after =
        std::upper_bound(first_statements_.begin(), first_statements_.end(), statement);
    if (after == first_statements_.begin())
        return std::nullopt;
    // (To set the search_path of the next task cannot fail but by an interrupt.)
    return Culprit{static_cast<std::size_t>(after - first_statements_.begin()) - 1,
                   statements_[statement]};
}

std::string set_search_path(const std::string& search_path)
{
    return "SELECT pg_catalog.set_config('search_path', " + quote_literal(search_path) + ", true)";
}

namespace {

// Somebody else made an object of the same name, and committed just now: the server knows it only as
// a key of a catalog's index.
bool is_lost_race(const PgError& error)
{
    constexpr std::string_view unique_violation = "23505";
    return error.sqlstate() == unique_violation &&
           error.message().find("constraint \"pg_") != std::string::npos;
}

PgError name_race(const PgError& error)
{
    if (!is_lost_race(error))
        return error;
    return PgError(sqlstate::duplicate_object,
                   "an object of the same name was created at the same time", error.detail());
}

} // namespace

PgError explain_failure(const ObjectStatements& object, const PgError& original,
                        std::string_view statement)
{
    PgError error = name_race(original);
    // Where there is but one table, the server's words are enough.
    if (object.object_kind.empty() && object.kind != TaskKind::data)
        return error;
    const Wording words = wording(object, statement);
    ObjectStatements named;
    named.kind = object.kind;
    named.object_kind = words.noun.empty() ? object.object_kind : words.noun;
    named.schema_name = object.schema_name;
    named.object_name = object.object_name;
    std::string detail = shortened(error.detail(), shown_detail_bytes);
    const bool has_secret = std::find(secret_kinds.begin(), secret_kinds.end(),
                                      std::string_view(object.object_kind)) != secret_kinds.end();
    if (!statement.empty() && !has_secret)
        detail += (detail.empty() ? "The statement was: " : " The statement was: ") +
                  shortened(statement, shown_statement_bytes);
    return PgError(error.sqlstate(),
                   "could not " + std::string(words.verb) + " " + describe(named) + ": " +
                       error.message(),
                   detail, error.hint());
}

PgError explain_failure(const CloneTask& task, const PgError& original, std::string_view statement)
{
    if (task.kind == TaskKind::data && task.object_kind.empty() && !task.completes_table)
        return name_race(original);
    return explain_failure(static_cast<const ObjectStatements&>(task), original, statement);
}

bool concerns_whole_job(const PgError& error)
{
    constexpr std::array<std::string_view, 4> classes = {
        "08",  // connection exception
        "53",  // insufficient resources
        "57P", // operator intervention
        "58",  // system error
    };
    return std::any_of(classes.begin(), classes.end(), [&](std::string_view prefix) {
        return error.sqlstate().starts_with(prefix);
    });
}

} // namespace pgclone
