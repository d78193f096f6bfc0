#include "worker/clone_task.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include <boost/json.hpp>

#include "shared/error_types.hpp"

namespace pgclone {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 13> kind_names = {
    "schema",  "sequence", "table", "data",  "index",          "constraint", "foreign_key",
    "trigger", "comment",  "acl",   "owner", "sequence_value", "publish"};
static_assert(static_cast<std::size_t>(TaskKind::publish) + 1 == kind_names.size());

constexpr auto last_phase = JobPhase::cleanup;

// Both directions go through one list of the fields (visit_fields), so that none is forgotten in
// one of them. Writer and Reader are the visitors.

class Writer {
  public:
    void operator()(std::string_view name, const std::string& value) { add(name, value); }
    void operator()(std::string_view name, std::int32_t value) { add(name, value); }
    void operator()(std::string_view name, std::uint32_t value) { add(name, value); }
    void operator()(std::string_view name, std::int64_t value) { add(name, value); }
    void operator()(std::string_view name, bool value) { add(name, value); }
    void operator()(std::string_view name, TaskKind value) { add(name, to_text(value)); }
    void operator()(std::string_view name, JobPhase value) { add(name, to_text(value)); }
    void operator()(std::string_view name, const std::vector<std::string>& value)
    {
        json::array array;
        array.reserve(value.size());
        for (const std::string& element : value)
            array.emplace_back(json::string_view(element.data(), element.size()));
        object_.emplace(key(name), std::move(array));
    }

    json::object take() { return std::move(object_); }

  private:
    static json::string_view key(std::string_view name) { return {name.data(), name.size()}; }

    void add(std::string_view name, std::string_view value)
    {
        object_.emplace(key(name), json::string_view(value.data(), value.size()));
    }
    template <typename Scalar>
    requires std::is_arithmetic_v<Scalar>
    void add(std::string_view name, Scalar value) { object_.emplace(key(name), value); }

    json::object object_;
};

class Reader {
  public:
    explicit Reader(const json::object& object) : object_(object) {}

    void operator()(std::string_view name, std::string& value) { value = text(name, find(name)); }
    void operator()(std::string_view name, std::int32_t& value) { read_integer(name, value); }
    void operator()(std::string_view name, std::uint32_t& value) { read_integer(name, value); }
    void operator()(std::string_view name, std::int64_t& value) { read_integer(name, value); }
    void operator()(std::string_view name, bool& value)
    {
        const json::value& found = find(name);
        if (!found.is_bool())
            raise_malformed(name);
        value = found.get_bool();
    }
    void operator()(std::string_view name, TaskKind& value)
    {
        const std::string word = text(name, find(name));
        const auto* known = std::find(kind_names.begin(), kind_names.end(), word);
        if (known == kind_names.end())
            raise_malformed(name);
        value = static_cast<TaskKind>(known - kind_names.begin());
    }
    void operator()(std::string_view name, JobPhase& value)
    {
        const std::string word = text(name, find(name));
        for (int i = 0; i <= static_cast<int>(last_phase); i++) {
            if (to_text(static_cast<JobPhase>(i)) == word) {
                value = static_cast<JobPhase>(i);
                return;
            }
        }
        raise_malformed(name);
    }
    void operator()(std::string_view name, std::vector<std::string>& value)
    {
        const json::value& found = find(name);
        if (!found.is_array())
            raise_malformed(name);
        value.clear();
        for (const json::value& element : found.get_array())
            value.push_back(text(name, element));
    }

    [[noreturn]] static void raise_malformed(std::string_view name)
    {
        throw PgError(sqlstate::internal_error,
                      "malformed task in the ledger: \"" + std::string(name) + "\"");
    }

  private:
    const json::value& find(std::string_view name) const
    {
        const json::value* found = object_.if_contains({name.data(), name.size()});
        if (found == nullptr)
            raise_malformed(name);
        return *found;
    }

    static std::string text(std::string_view name, const json::value& value)
    {
        const json::string* text = value.if_string();
        if (text == nullptr)
            raise_malformed(name);
        return std::string(text->data(), text->size());
    }

    template <typename Integer>
    void read_integer(std::string_view name, Integer& value)
    {
        const json::value& found = find(name);
        if (!found.is_int64() || found.get_int64() < std::numeric_limits<Integer>::min() ||
            found.get_int64() > std::numeric_limits<Integer>::max())
            raise_malformed(name);
        value = static_cast<Integer>(found.get_int64());
    }

    const json::object& object_;
};

template <typename Task, typename Visitor>
void visit_fields(Task& task, Visitor& visit)
{
    visit("task_id", task.task_id);
    visit("stage", task.stage);
    visit("kind", task.kind);
    visit("phase", task.phase);
    visit("in_table_worker", task.in_table_worker);
    visit("schema_name", task.schema_name);
    visit("object_name", task.object_name);
    visit("statements", task.statements);
    visit("cleanup", task.cleanup);
    visit("skip_reason", task.skip_reason);
    visit("source_copy", task.source_copy);
    visit("target_copy", task.target_copy);
    visit("truncate", task.truncate);
    visit("format", task.format);
    visit("column_list", task.column_list);
    visit("predicate", task.predicate);
    visit("source_filenode", task.source_filenode);
    visit("source_oid", task.source_oid);
    visit("source_schema", task.source_schema);
    visit("source_table", task.source_table);
}

} // namespace

std::string_view to_text(TaskKind kind) noexcept
{
    const auto index = static_cast<std::size_t>(kind);
    return index < kind_names.size() ? kind_names[index] : std::string_view("unknown");
}

std::string to_json(const std::vector<CloneTask>& tasks)
{
    json::array array;
    array.reserve(tasks.size());
    for (const CloneTask& task : tasks) {
        Writer writer;
        visit_fields(task, writer);
        array.emplace_back(writer.take());
    }
    return json::serialize(array);
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
    Reader reader(parsed.get_object());
    visit_fields(task, reader);
    return task;
}

} // namespace pgclone
