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

namespace pgclone {

namespace json = boost::json;

namespace {

constexpr std::size_t max_name_length = name_bytes - 1;
constexpr std::size_t max_unique_key_length = 255;
constexpr int max_parallel = 64;
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

struct OptionRule {
    std::string_view name;
    OptionReader read; // null: an option of other scopes
};

// All options there are, in the order in which errors list them.
constexpr auto option_rules = std::to_array<OptionRule>({
    {"data", read_flag<&CloneOptions::data>},
    {"target_name", read_name<&CloneOptions::target_name>},
    {"target_schema", read_name<&CloneOptions::target_schema>},
    {"columns", read_columns},
    {"where", read_where},
    {"indexes", read_flag<&CloneOptions::indexes>},
    {"constraints", read_flag<&CloneOptions::constraints>},
    {"triggers", read_flag<&CloneOptions::triggers>},
    {"comments", read_flag<&CloneOptions::comments>},
    {"owners", read_flag<&CloneOptions::owners>},
    {"acls", read_flag<&CloneOptions::acls>},
    {"role_map", read_role_map},
    {"conflict", read_conflict},
    {"parallel", read_integer<&CloneOptions::parallel, 1, max_parallel>},
    {"retries", read_integer<&CloneOptions::retries, 0, max_retries>},
    {"unique_key", read_unique_key},
    {"include", nullptr},
    {"exclude", nullptr},
    {"views", nullptr},
    {"matviews", nullptr},
    {"functions", nullptr},
    {"on_error", nullptr},
    {"consistency", nullptr},
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

std::string hint_for_unknown(std::string_view name)
{
    constexpr std::size_t close_enough = 2;
    std::string hint;
    std::string list;
    std::size_t best = close_enough + 1;
    std::string_view closest;
    for (const OptionRule& rule : option_rules) {
        if (rule.read == nullptr)
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
    return hint + "Options of scope \"table\" are: " + list + ".";
}

void read_option(std::string_view name, const json::value& value, JobScope scope,
                 CloneOptions& options)
{
    const auto* rule = std::find_if(option_rules.begin(), option_rules.end(),
                                    [&](const OptionRule& each) { return each.name == name; });
    if (rule == option_rules.end()) {
        char short_name[name_bytes];
        copy_text(short_name, name);
        raise_invalid("unknown option " + in_quotes(short_name), {}, hint_for_unknown(short_name));
    }
    if (rule->read == nullptr) {
        throw PgError(sqlstate::feature_not_supported, option_called(name) +
                                                           " cannot be used in scope " +
                                                           in_quotes(to_text(scope)));
    }
    if (value.is_null()) {
        raise_invalid(option_called(name) + " must not be null", {},
                      "Leave the option out to get its default.");
    }
    rule->read(name, value, options);
}

void check_contradictions(const CloneOptions& options)
{
    if (options.where && !options.data)
        raise_invalid("option \"where\" cannot be used when option \"data\" is false",
                      "No row would be copied.");
    if (!options.role_map.empty() && !options.owners && !options.acls)
        raise_invalid("option \"role_map\" needs option \"owners\" or \"acls\"",
                      "Without them no role of the source is looked at.");
}

// --- Object names

bool is_name_space(char c)
{
    return std::string_view(" \t\n\r\f\v").find(c) != std::string_view::npos;
}

// As in SQL, every byte of a character beyond ASCII counts as a letter: server encodings have no
// ASCII byte within a longer character.
bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool continues_name(char c)
{
    return starts_name(c) || (c >= '0' && c <= '9') || c == '$';
}

char fold_ascii(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

class NameParser {
  public:
    NameParser(std::string_view text, std::string_view argument) : rest_(text), argument_(argument)
    {
    }

    QualifiedName parse()
    {
        QualifiedName name;
        skip_space();
        if (rest_.empty())
            raise("It is empty.");
        name.schema = read_part();
        if (rest_.empty())
            raise("It has no schema.");
        read_dot();
        name.name = read_part();
        if (!rest_.empty() && rest_.front() == '.')
            raise("It has more than two parts.");
        if (!rest_.empty())
            raise("There is text after the name.");
        return name;
    }

  private:
    [[noreturn]] void raise(std::string_view detail) const
    {
        raise_invalid("argument " + in_quotes(argument_) + " is not a valid qualified name", detail,
                      "Write it as schema.table, with double quotes around a part that has "
                      "upper-case letters or special characters.");
    }

    void skip_space()
    {
        while (!rest_.empty() && is_name_space(rest_.front()))
            rest_.remove_prefix(1);
    }

    void read_dot()
    {
        if (rest_.front() != '.')
            raise("A part of it has a character that must be quoted.");
        rest_.remove_prefix(1);
        skip_space();
    }

    // A part and the white space after it.
    std::string read_part()
    {
        std::string part;
        if (!rest_.empty() && rest_.front() == '"')
            part = read_quoted();
        else
            part = read_unquoted();
        if (part.empty())
            raise("A part of it is empty.");
        if (part.size() > max_name_length)
            raise("A part of it is longer than 63 bytes.");
        skip_space();
        return part;
    }

    std::string read_quoted()
    {
        std::string part;
        rest_.remove_prefix(1);
        for (;;) {
            const std::size_t quote = rest_.find('"');
            if (quote == std::string_view::npos)
                raise("A double quote is not closed.");
            part += rest_.substr(0, quote);
            rest_.remove_prefix(quote + 1);
            if (rest_.empty() || rest_.front() != '"')
                return part;
            part += '"';
            rest_.remove_prefix(1);
        }
    }

    std::string read_unquoted()
    {
        std::string part;
        if (!rest_.empty() && rest_.front() != '.' && !starts_name(rest_.front()))
            raise("A part of it has a character that must be quoted.");
        while (!rest_.empty() && continues_name(rest_.front())) {
            part += fold_ascii(rest_.front());
            rest_.remove_prefix(1);
        }
        return part;
    }

    std::string_view rest_;
    std::string_view argument_;
};

std::string with_doubled(std::string_view text, std::string_view doubled)
{
    std::string result;
    result.reserve(text.size() + 8);
    for (const char c : text) {
        if (doubled.find(c) != std::string_view::npos)
            result += c;
        result += c;
    }
    return result;
}

} // namespace

CloneOptions parse_options(std::string_view json_text, JobScope scope)
{
    if (scope != JobScope::table) {
        throw PgError(sqlstate::feature_not_supported,
                      "scope " + in_quotes(to_text(scope)) + " is not supported yet");
    }
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

    CloneOptions options;
    for (const json::key_value_pair& entry : *object) {
        const std::string_view name(entry.key().data(), entry.key().size());
        read_option(name, entry.value(), scope, options);
    }
    check_contradictions(options);
    return options;
}

QualifiedName parse_qualified_name(std::string_view text, std::string_view argument)
{
    return NameParser(text, argument).parse();
}

std::string quote_identifier(std::string_view name)
{
    return in_quotes(with_doubled(name, "\""));
}

std::string quote_literal(std::string_view text)
{
    // With a backslash in it, only the E form means the same under both settings of
    // standard_conforming_strings.
    const bool escaped = text.find('\\') != std::string_view::npos;
    return (escaped ? "E'" : "'") + with_doubled(text, "'\\") + "'";
}

std::string quote_qualified(const QualifiedName& name)
{
    return quote_identifier(name.schema) + "." + quote_identifier(name.name);
}

} // namespace pgclone
