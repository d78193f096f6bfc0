#include "shared/clone_options.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <set>
#include <system_error>
#include <utility>

#include <boost/json.hpp>

#include "shared/error_types.hpp"
#include "shared/rate_limit.hpp"

namespace pgclone {

namespace json = boost::json;

namespace {

constexpr std::size_t max_name_length = name_bytes - 1;
constexpr std::size_t max_unique_key_length = 255;
constexpr int max_retries = 100;

// Deep enough for every option; the parser and the destructors of its values recurse.
constexpr std::size_t max_json_depth = 16;

std::string in_quotes(std::string_view text)
{
    return "\"" + std::string(text) + "\"";
}

std::string option_called(std::string_view name)
{
    return "option " + in_quotes(name);
}

// Values are described, never repeated: they can be long, and a connection string may have been
// given in the wrong place.
std::string_view describe(const json::value& value)
{
    switch (value.kind()) {
    case json::kind::null:
        return "It is null.";
    case json::kind::bool_:
        return "It is a boolean.";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
        return "It is a number.";
    case json::kind::string:
        return "It is a string.";
    case json::kind::array:
        return "It is an array.";
    case json::kind::object:
        return "It is an object.";
    }
    return "";
}

[[noreturn]] void raise_invalid(std::string message, std::string_view detail = {},
                                std::string hint = {})
{
    throw PgError(sqlstate::invalid_parameter_value, std::move(message), std::string(detail),
                  std::move(hint));
}

// `what` completes "option "x" must be ...".
[[noreturn]] void raise_wrong_value(std::string_view option, std::string_view what,
                                    std::string_view detail)
{
    raise_invalid(option_called(option) + " must be " + std::string(what), detail);
}

bool is_blank(std::string_view text)
{
    return text.find_first_not_of(" \t\n\r\f\v") == std::string_view::npos;
}

// One of the names in `columns` or `role_map`, or a name option itself.
std::string read_name_value(std::string_view option, std::string_view what,
                            const json::value& value)
{
    const json::string* text = value.if_string();
    if (text == nullptr)
        raise_wrong_value(option, what, describe(value));
    if (text->empty())
        raise_wrong_value(option, what, "A name in it is empty.");
    if (text->size() > max_name_length)
        raise_wrong_value(option, what, "A name in it is longer than 63 bytes.");
    return std::string(text->data(), text->size());
}

using OptionReader = void (*)(std::string_view option, const json::value& value,
                              CloneOptions& options);

template <bool CloneOptions::*member>
void read_flag(std::string_view option, const json::value& value, CloneOptions& options)
{
    if (!value.is_bool())
        raise_wrong_value(option, "true or false", describe(value));
    options.*member = value.get_bool();
}

template <std::optional<int> CloneOptions::*member, int lowest, int highest>
void read_integer(std::string_view option, const json::value& value, CloneOptions& options)
{
    const std::string what =
        "an integer from " + std::to_string(lowest) + " to " + std::to_string(highest);
    // What does not fit into 64 bits has become a double, just as what has a fraction.
    if (!value.is_int64() && value.is_number())
        raise_wrong_value(option, what, "It is a number with a fraction, or out of range.");
    if (!value.is_int64())
        raise_wrong_value(option, what, describe(value));
    const std::int64_t number = value.get_int64();
    if (number < lowest || number > highest)
        raise_wrong_value(option, what, "It is " + std::to_string(number) + ".");
    options.*member = static_cast<int>(number);
}

template <std::optional<std::string> CloneOptions::*member>
void read_name(std::string_view option, const json::value& value, CloneOptions& options)
{
    options.*member = read_name_value(option, "a string of 1 to 63 bytes", value);
}

void read_where(std::string_view option, const json::value& value, CloneOptions& options)
{
    const json::string* text = value.if_string();
    if (text == nullptr)
        raise_wrong_value(option, "a string that holds an SQL expression", describe(value));
    if (is_blank(*text))
        raise_wrong_value(option, "a string that holds an SQL expression", "It is empty.");
    options.where.emplace(text->data(), text->size());
}

void read_rate_limit(std::string_view option, const json::value& value, CloneOptions& options)
{
    const json::string* text = value.if_string();
    if (text == nullptr)
        raise_wrong_value(option, "a string that says a rate, like \"50MB/s\", or \"none\"",
                          describe(value));
    options.rate_limit = parse_rate_limit({text->data(), text->size()}, option_called(option));
}

void read_unique_key(std::string_view option, const json::value& value, CloneOptions& options)
{
    const json::string* text = value.if_string();
    if (text == nullptr || text->empty() || text->size() > max_unique_key_length) {
        raise_wrong_value(option, "a string of 1 to 255 bytes",
                          text == nullptr ? describe(value)
                          : text->empty() ? "It is empty."
                                          : "It is longer.");
    }
    options.unique_key.emplace(text->data(), text->size());
}

void read_columns(std::string_view option, const json::value& value, CloneOptions& options)
{
    constexpr std::string_view what = "an array of distinct column names";
    const json::array* array = value.if_array();
    if (array == nullptr)
        raise_wrong_value(option, what, describe(value));
    if (array->empty())
        raise_wrong_value(option, what, "It is empty.");
    std::set<std::string> seen;
    for (const json::value& element : *array) {
        std::string name = read_name_value(option, what, element);
        if (!seen.insert(name).second)
            raise_wrong_value(option, what, "The name " + in_quotes(name) + " occurs twice.");
        options.columns.push_back(std::move(name));
    }
}

void read_conflict(std::string_view option, const json::value& value, CloneOptions& options)
{
    constexpr std::array<std::pair<std::string_view, ConflictAction>, 4> actions = {{
        {"error", ConflictAction::error},
        {"skip", ConflictAction::skip},
        {"replace", ConflictAction::replace},
        {"rename", ConflictAction::rename},
    }};
    constexpr std::string_view what = "\"error\", \"skip\", \"replace\" or \"rename\"";
    const json::string* text = value.if_string();
    if (text == nullptr)
        raise_wrong_value(option, what, describe(value));
    const std::string_view word(text->data(), text->size());
    const auto* found = std::find_if(actions.begin(), actions.end(),
                                     [&](const auto& action) { return action.first == word; });
    if (found == actions.end())
        raise_wrong_value(option, what, "It is another string.");
    options.conflict = found->second;
}

template <std::vector<TablePattern> CloneOptions::*member>
void read_patterns(std::string_view option, const json::value& value, CloneOptions& options)
{
    constexpr std::string_view what = "an array of table patterns";
    const json::array* array = value.if_array();
    if (array == nullptr)
        raise_wrong_value(option, what, describe(value));
    if (array->empty())
        raise_wrong_value(option, what, "It is empty.");
    for (const json::value& element : *array) {
        const json::string* text = element.if_string();
        if (text == nullptr)
            raise_wrong_value(option, what, describe(element));
        (options.*member).push_back(parse_table_pattern({text->data(), text->size()}, option));
    }
}

void read_analyze(std::string_view option, const json::value& value, CloneOptions& options)
{
    constexpr std::string_view what = "true, false or \"always\"";
    const json::string* text = value.if_string();
    if (text == nullptr && !value.is_bool())
        raise_wrong_value(option, what, describe(value));
    if (text != nullptr && *text != "always")
        raise_wrong_value(option, what, "It is another string.");
    options.always_analyze = text != nullptr;
    options.analyze = text != nullptr || value.get_bool();
}

void read_on_error(std::string_view option, const json::value& value, CloneOptions& options)
{
    constexpr std::string_view what = "\"stop\" or \"continue\"";
    const json::string* text = value.if_string();
    if (text == nullptr)
        raise_wrong_value(option, what, describe(value));
    if (*text != "stop" && *text != "continue")
        raise_wrong_value(option, what, "It is another string.");
    options.on_error = *text == "stop" ? OnError::stop : OnError::continue_;
}

void read_consistency(std::string_view option, const json::value& value, CloneOptions& options)
{
    constexpr std::string_view what = "\"strict\" or \"relaxed\"";
    const json::string* text = value.if_string();
    if (text == nullptr)
        raise_wrong_value(option, what, describe(value));
    if (*text != "strict" && *text != "relaxed")
        raise_wrong_value(option, what, "It is another string.");
    options.consistency = *text == "strict" ? Consistency::strict : Consistency::relaxed;
}

void read_role_map(std::string_view option, const json::value& value, CloneOptions& options)
{
    constexpr std::string_view what = "an object with a target role's name for each source role";
    const json::object* object = value.if_object();
    if (object == nullptr)
        raise_wrong_value(option, what, describe(value));
    for (const json::key_value_pair& entry : *object) {
        std::string source_role = read_name_value(option, what, json::value(entry.key()));
        options.role_map[std::move(source_role)] = read_name_value(option, what, entry.value());
    }
}

// Sets of scopes.
constexpr unsigned in_scope(JobScope scope)
{
    return 1U << static_cast<unsigned>(scope);
}
constexpr unsigned table = in_scope(JobScope::table);
constexpr unsigned schema = in_scope(JobScope::schema);
constexpr unsigned database = in_scope(JobScope::database);
constexpr unsigned functions = in_scope(JobScope::functions);
constexpr unsigned with_tables = table | schema | database;
constexpr unsigned everywhere = with_tables | functions;

struct OptionRule {
    std::string_view name;
    OptionReader read;
    unsigned scopes; // where it can be honoured
};

// All options there are, in the order in which errors list them.
constexpr auto option_rules = std::to_array<OptionRule>({
    {"data", read_flag<&CloneOptions::data>, with_tables},
    {"target_database", read_name<&CloneOptions::target_database>, database},
    {"target_schema", read_name<&CloneOptions::target_schema>, table | schema | functions},
    {"target_name", read_name<&CloneOptions::target_name>, table},
    {"columns", read_columns, table},
    {"where", read_where, table},
    {"include", read_patterns<&CloneOptions::include>, schema | database},
    {"exclude", read_patterns<&CloneOptions::exclude>, schema | database},
    {"indexes", read_flag<&CloneOptions::indexes>, with_tables},
    {"constraints", read_flag<&CloneOptions::constraints>, with_tables},
    {"triggers", read_flag<&CloneOptions::triggers>, with_tables},
    {"views", read_flag<&CloneOptions::views>, schema | database},
    {"matviews", read_flag<&CloneOptions::matviews>, schema | database},
    {"functions", read_flag<&CloneOptions::functions>, schema | database},
    {"comments", read_flag<&CloneOptions::comments>, everywhere},
    {"owners", read_flag<&CloneOptions::owners>, everywhere},
    {"acls", read_flag<&CloneOptions::acls>, everywhere},
    {"role_map", read_role_map, everywhere},
    {"conflict", read_conflict, everywhere},
    {"on_error", read_on_error, schema | database | functions},
    {"analyze", read_analyze, schema | database},
    {"keep_extension", read_flag<&CloneOptions::keep_extension>, database},
    {"parallel", read_integer<&CloneOptions::parallel, 1, max_parallel>, with_tables},
    {"rate_limit", read_rate_limit, with_tables},
    {"retries", read_integer<&CloneOptions::retries, 0, max_retries>, everywhere},
    {"unique_key", read_unique_key, everywhere},
    {"consistency", read_consistency, schema | database},
});

// Insertions, deletions and replacements that make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); i++) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); j++) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::string hint_for_unknown(std::string_view name, JobScope scope)
{
    constexpr std::size_t close_enough = 2;
    std::string hint;
    std::string list;
    std::size_t best = close_enough + 1;
    std::string_view closest;
    for (const OptionRule& rule : option_rules) {
        if ((rule.scopes & in_scope(scope)) == 0)
            continue;
        list += (list.empty() ? "" : ", ") + std::string(rule.name);
        const std::size_t distance = edit_distance(name, rule.name);
        // A word of three letters is within two changes of nearly anything.
        if (distance < best && distance < rule.name.size() / 2) {
            best = distance;
            closest = rule.name;
        }
    }
    if (!closest.empty())
        hint = "Perhaps you meant the option " + in_quotes(closest) + ". ";
    return hint + "Options of scope " + in_quotes(to_text(scope)) + " are: " + list + ".";
}

// Where the option can be used instead.
std::string hint_for_other_scope(const OptionRule& rule)
{
    std::string list;
    for (const JobScope scope :
         {JobScope::table, JobScope::schema, JobScope::database, JobScope::functions}) {
        if ((rule.scopes & in_scope(scope)) != 0)
            list += (list.empty() ? "" : ", ") + in_quotes(to_text(scope));
    }
    return "Scopes that have it are: " + list + ".";
}

void read_option(std::string_view name, const json::value& value, JobScope scope,
                 CloneOptions& options)
{
    const auto* rule = std::find_if(option_rules.begin(), option_rules.end(),
                                    [&](const OptionRule& each) { return each.name == name; });
    if (rule == option_rules.end()) {
        char short_name[name_bytes];
        copy_text(short_name, name);
        raise_invalid("unknown option " + in_quotes(short_name), {},
                      hint_for_unknown(short_name, scope));
    }
    if ((rule->scopes & in_scope(scope)) == 0) {
        throw PgError(sqlstate::feature_not_supported,
                      option_called(name) + " cannot be used in scope " + in_quotes(to_text(scope)),
                      {}, hint_for_other_scope(*rule));
    }
    if (value.is_null()) {
        raise_invalid(option_called(name) + " must not be null", {},
                      "Leave the option out to get its default.");
    }
    rule->read(name, value, options);
}

// What is not the same in all scopes.
CloneOptions defaults_of(JobScope scope)
{
    CloneOptions options;
    options.owners = options.acls = scope != JobScope::table;
    options.analyze = scope == JobScope::schema || scope == JobScope::database;
    return options;
}

void check_contradictions(const CloneOptions& options)
{
    if (options.where && !options.data)
        raise_invalid("option \"where\" cannot be used when option \"data\" is false",
                      "No row would be copied.");
    if (!options.role_map.empty() && !options.owners && !options.acls)
        raise_invalid("option \"role_map\" needs option \"owners\" or \"acls\"",
                      "Without them no role of the source is looked at.");
    if (options.target_schema && is_system_schema(*options.target_schema))
        raise_invalid("option \"target_schema\" must not name a system schema");
    if (options.keep_extension && !options.target_database)
        raise_invalid("option \"keep_extension\" needs option \"target_database\"",
                      "Only in a database that the job creates could the extension be left out.");
    if (options.on_error == OnError::continue_ && (options.conflict == ConflictAction::replace ||
                                                   options.conflict == ConflictAction::rename))
        raise_invalid("option \"on_error\" cannot be \"continue\" when option \"conflict\" is "
                      "\"replace\" or \"rename\"",
                      "What could not be cloned would be gone on the target.");
    if (options.conflict != ConflictAction::error && options.target_database)
        raise_invalid("option \"conflict\" cannot be used with option \"target_database\"",
                      "There is nothing in a new database that could be in the way.");
}

} // namespace

CloneOptions parse_options(std::string_view json_text, JobScope scope)
{
    json::parse_options limits;
    limits.max_depth = max_json_depth;
    // The text is in the database's encoding, which the server has checked already.
    limits.allow_invalid_utf8 = true;
    boost::system::error_code error;
    const json::value top = json::parse(json_text, error, {}, limits);
    if (error == json::error::too_deep)
        raise_invalid("argument \"options\" is nested too deeply");
    if (error)
        raise_invalid("argument \"options\" is not valid JSON");
    const json::object* object = top.if_object();
    if (object == nullptr)
        raise_invalid("argument \"options\" must be a JSON object", describe(top));

    CloneOptions options = defaults_of(scope);
    for (const json::key_value_pair& entry : *object) {
        const std::string_view name(entry.key().data(), entry.key().size());
        read_option(name, entry.value(), scope, options);
    }
    check_contradictions(options);
    return options;
}

} // namespace pgclone
