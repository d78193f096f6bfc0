#include "worker/clone_task.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/json.hpp>

#include "shared/error_types.hpp"

namespace pgclone {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 20> kind_names = {
    "schema",  "sequence", "table",   "object", "data",           "large_objects",
    "refresh", "validate", "analyze", "index",  "constraint",     "foreign_key",
    "trigger", "comment",  "acl",     "owner",  "sequence_value",
    "check_replaced", "drop_replaced", "publish"};
static_assert(static_cast<std::size_t>(TaskKind::publish) + 1 == kind_names.size());

constexpr std::array<std::string_view, 9> transaction_words = {
    "ABORT", "BEGIN", "COMMIT", "END", "PREPARE", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"};

// With a word (a comment could hide one), and with none that is about transactions.
bool begins_like_ddl(std::string_view statement)
{
    std::string word;
    for (const char c : statement) {
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            break;
        word += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return !word.empty() && std::find(transaction_words.begin(), transaction_words.end(), word) ==
                                transaction_words.end();
}

constexpr auto last_phase = JobPhase::cleanup;

// Both directions go through one list of the fields (visit_fields), so that none is forgotten in
// one of them. Writer and Reader are the visitors. Most tasks use few of the fields, and a plan may
// have many thousands of tasks: what has its default value is not written.

class Writer {
  public:
    explicit Writer(bool is_row) : is_row_(is_row) {}

    template <typename Value>
    void of_row(std::string_view name, const Value& value, const Value& usual)
    {
        if (is_row_)
            write(name, value);
        else
            unless_default(name, value, usual);
    }

    template <typename Value>
    void unless_default(std::string_view name, const Value& value, const Value& usual)
    {
        if (value != usual)
            write(name, value);
    }

    void parts(std::string_view name, const std::vector<ObjectStatements>& parts);

    json::object take() { return std::move(object_); }

  private:
    void write(std::string_view name, const std::string& value)
    {
        add(name, to_json_string(value));
    }
    void write(std::string_view name, TaskKind value) { add(name, to_json_string(to_text(value))); }
    void write(std::string_view name, JobPhase value) { add(name, to_json_string(to_text(value))); }
    void write(std::string_view name, const std::vector<std::string>& value)
    {
        json::array array;
        array.reserve(value.size());
        for (const std::string& element : value)
            array.emplace_back(to_json_string(element));
        add(name, std::move(array));
    }
    template <typename Integer>
    void write(std::string_view name, const std::vector<Integer>& value)
    {
        add(name, json::array(value.begin(), value.end()));
    }
    template <typename Scalar>
    requires std::is_arithmetic_v<Scalar>
    void write(std::string_view name, Scalar value) { add(name, value); }

    static json::string_view to_json_string(std::string_view text)
    {
        return {text.data(), text.size()};
    }
    template <typename Value>
    void add(std::string_view name, Value&& value)
    {
        object_.emplace(to_json_string(name), std::forward<Value>(value));
    }

    bool is_row_;
    json::object object_;
};

class Reader {
  public:
    Reader(const json::object& object, bool is_row) : object_(object), is_row_(is_row) {}

    template <typename Value>
    void of_row(std::string_view name, Value& value, const Value& usual)
    {
        if (is_row_ && find(name) == nullptr)
            raise_malformed(name);
        unless_default(name, value, usual);
    }

    template <typename Value>
    void unless_default(std::string_view name, Value& value, const Value& usual)
    {
        value = usual;
        if (const json::value* found = find(name))
            read(name, *found, value);
    }

    void parts(std::string_view name, std::vector<ObjectStatements>& parts);

    [[noreturn]] static void raise_malformed(std::string_view name)
    {
        throw PgError(sqlstate::internal_error,
                      "malformed task in the ledger: \"" + std::string(name) + "\"");
    }

  private:
    const json::value* find(std::string_view name) const
    {
        return object_.if_contains({name.data(), name.size()});
    }

    static void read(std::string_view name, const json::value& found, std::string& value)
    {
        const json::string* text = found.if_string();
        if (text == nullptr)
            raise_malformed(name);
        value.assign(text->data(), text->size());
    }
    static void read(std::string_view name, const json::value& found, bool& value)
    {
        if (!found.is_bool())
            raise_malformed(name);
        value = found.get_bool();
    }
    static void read(std::string_view name, const json::value& found, TaskKind& value)
    {
        std::string word;
        read(name, found, word);
        const auto* known = std::find(kind_names.begin(), kind_names.end(), word);
        if (known == kind_names.end())
            raise_malformed(name);
        value = static_cast<TaskKind>(known - kind_names.begin());
    }
    static void read(std::string_view name, const json::value& found, JobPhase& value)
    {
        std::string word;
        read(name, found, word);
        for (int i = 0; i <= static_cast<int>(last_phase); i++) {
            if (to_text(static_cast<JobPhase>(i)) == word) {
                value = static_cast<JobPhase>(i);
                return;
            }
        }
        raise_malformed(name);
    }
    template <typename Element>
    static void read(std::string_view name, const json::value& found, std::vector<Element>& value)
    {
        if (!found.is_array())
            raise_malformed(name);
        value.clear();
        for (const json::value& element : found.get_array())
            read(name, element, value.emplace_back());
    }
    template <typename Integer>
    requires std::is_integral_v<Integer>
    static void read(std::string_view name, const json::value& found, Integer& value)
    {
        if (!found.is_int64() || found.get_int64() < std::numeric_limits<Integer>::min() ||
            found.get_int64() > std::numeric_limits<Integer>::max())
            raise_malformed(name);
        value = static_cast<Integer>(found.get_int64());
    }

    const json::object& object_;
    bool is_row_;
};

// Of what a task and a part of a table have in common; in which order does not matter.
template <typename Field>
void visit_object(Field field)
{
    field("object_kind", &ObjectStatements::object_kind);
    field("schema_name", &ObjectStatements::schema_name);
    field("object_name", &ObjectStatements::object_name);
    field("search_path", &ObjectStatements::search_path);
    field("statements", &ObjectStatements::statements);
}

template <typename Part, typename Visitor>
void visit_part(Part& part, Visitor& visit)
{
    const ObjectStatements usual;
    const auto field = [&](std::string_view name, auto member) {
        visit.unless_default(name, part.*member, usual.*member);
    };
    field("kind", &ObjectStatements::kind);
    field("phase", &ObjectStatements::phase);
    visit_object(field);
}

template <typename Task, typename Visitor>
void visit_fields(Task& task, Visitor& visit)
{
    const CloneTask usual;
    const auto field = [&](std::string_view name, auto member) {
        visit.unless_default(name, task.*member, usual.*member);
    };
    // These are columns of the ledger that must not be null.
    visit.of_row("task_id", task.task_id, usual.task_id);
    visit.of_row("stage", task.stage, usual.stage);
    visit.of_row("kind", task.kind, usual.kind);
    visit.of_row("phase", task.phase, usual.phase);
    visit_object(field);
    field("in_table_worker", &CloneTask::in_table_worker);
    field("after", &CloneTask::after);
    field("due_stage", &CloneTask::due_stage);
    field("batched", &CloneTask::batched);
    field("locked_tables", &CloneTask::locked_tables);
    field("shared_tables", &CloneTask::shared_tables);
    field("completes_table", &CloneTask::completes_table);
    field("dropped_schemas", &CloneTask::dropped_schemas);
    field("cleanup", &CloneTask::cleanup);
    field("skip_reason", &CloneTask::skip_reason);
    field("source_copy", &CloneTask::source_copy);
    field("target_copy", &CloneTask::target_copy);
    field("truncate", &CloneTask::truncate);
    field("filled_table", &CloneTask::filled_table);
    field("format", &CloneTask::format);
    field("column_list", &CloneTask::column_list);
    field("predicate", &CloneTask::predicate);
    field("part", &CloneTask::part);
    field("parts", &CloneTask::parts);
    field("unlogged", &CloneTask::unlogged);
    field("source_oid", &CloneTask::source_oid);
    field("source_schema", &CloneTask::source_schema);
    field("source_table", &CloneTask::source_table);
    field("large_objects", &CloneTask::large_objects);
    visit.parts("parts_of_table", task.parts_of_table);
    field("btree_bytes", &CloneTask::btree_bytes);
    field("estimated_rows", &CloneTask::estimated_rows);
    field("estimated_bytes", &CloneTask::estimated_bytes);
    field("conflict", &CloneTask::conflict);
    field("missing", &CloneTask::missing);
}

void Writer::parts(std::string_view name, const std::vector<ObjectStatements>& parts)
{
    if (parts.empty())
        return;
    json::array array;
    array.reserve(parts.size());
    for (const ObjectStatements& part : parts) {
        Writer writer(false);
        visit_part(part, writer);
        array.emplace_back(writer.take());
    }
    add(name, std::move(array));
}

void Reader::parts(std::string_view name, std::vector<ObjectStatements>& parts)
{
    parts.clear();
    const json::value* found = find(name);
    if (found == nullptr)
        return;
    if (!found->is_array())
        raise_malformed(name);
    parts.reserve(found->get_array().size());
    for (const json::value& element : found->get_array()) {
        if (!element.is_object())
            raise_malformed(name);
        Reader reader(element.get_object(), false);
        visit_part(parts.emplace_back(), reader);
    }
}

} // namespace

std::string_view to_text(TaskKind kind) noexcept
{
    const auto index = static_cast<std::size_t>(kind);
    return index < kind_names.size() ? kind_names[index] : std::string_view("unknown");
}

std::string describe(const ObjectStatements& object)
{
    std::string kind =
        object.object_kind.empty() ? std::string(to_text(object.kind)) : object.object_kind;
    std::replace(kind.begin(), kind.end(), '_', ' ');
    const std::string schema = object.schema_name.empty() ? "" : object.schema_name + ".";
    return kind + " \"" + schema + object.object_name + "\"";
}

namespace {

void check_all(const std::vector<std::string>& statements, const ObjectStatements& object)
{
    for (const std::string& statement : statements)
        if (!begins_like_ddl(statement))
            throw PgError(sqlstate::protocol_violation,
                          "the source sent no definition for " + describe(object));
}

} // namespace

void check_statements(const CloneTask& task)
{
    check_all(task.statements, task);
    check_all(task.cleanup, task);
    for (const ObjectStatements& part : task.parts_of_table)
        check_all(part.statements, part);
}

std::size_t count_statements(const CloneTask& task)
{
    std::size_t statements =
        task.statements.size() + static_cast<std::size_t>(task.forgotten_statements);
    for (const ObjectStatements& part : task.parts_of_table)
        statements += part.statements.size();
    return statements;
}

void forget_statements(CloneTask& task)
{
    task.forgotten_statements = static_cast<std::int32_t>(count_statements(task));
    // An assignment would keep the memory.
    const auto forget = [](auto&... values) { (std::decay_t<decltype(values)>().swap(values), ...); };
    forget(task.statements, task.parts_of_table, task.column_list, task.large_objects);
    forget(task.source_copy, task.target_copy, task.predicate, task.truncate, task.filled_table,
           task.search_path, task.source_schema, task.source_table);
}

std::string task_to_json(const CloneTask& task)
{
    Writer writer(true);
    visit_fields(task, writer);
    return json::serialize(writer.take());
}

std::string ledger_row_json(const CloneTask& task)
{
    const std::string_view kind =
        task.kind == TaskKind::data || task.object_kind.empty() ? to_text(task.kind)
                                                                : task.object_kind;
    Writer row(true);
    const std::string none;
    row.of_row("task_id", task.task_id, 0);
    row.of_row("stage", task.stage, 0);
    row.of_row("kind", std::string(kind), none);
    row.of_row("phase", task.phase, JobPhase::schema);
    row.unless_default("schema_name", task.schema_name, none);
    row.unless_default("object_name", task.object_name, none);
    row.unless_default("format", task.format, none);
    row.unless_default("column_list", task.column_list, {});
    row.unless_default("predicate", task.predicate, none);
    row.unless_default("skip_reason", task.skip_reason, none);
    row.of_row("spec", task_to_json(task), none);
    return json::serialize(row.take());
}

CloneTask task_from_json(std::string_view text)
{
    json::parse_options limits;
    // A database in SQL_ASCII holds any bytes.
    limits.allow_invalid_utf8 = true;
    boost::system::error_code error;
    const json::value parsed = json::parse({text.data(), text.size()}, error, {}, limits);
    if (error || !parsed.is_object())
        Reader::raise_malformed("spec");
    CloneTask task;
    Reader reader(parsed.get_object(), true);
    visit_fields(task, reader);
    for (ObjectStatements& part : task.parts_of_table)
        part.task_id = task.task_id;
    return task;
}

} // namespace pgclone
