// Names and patterns as users write them, and how they are quoted for statements.
#include "fuzz_target.hpp"

#include <string>

#include "shared/clone_options.hpp"
#include "shared/rate_limit.hpp"

using namespace pgclone;

namespace {

// What `quoted` stands for, by SQL's rules: doubled quotes inside, E'' with doubled backslashes.
std::string unquote(std::string_view quoted, char quote)
{
    const bool escaped = quoted.starts_with('E');
    if (escaped)
        quoted.remove_prefix(1);
    fuzz::require(quoted.size() >= 2 && quoted.front() == quote && quoted.back() == quote);
    quoted = quoted.substr(1, quoted.size() - 2);
    std::string text;
    while (!quoted.empty()) {
        const char c = quoted.front();
        // A single one would end the name or the text: what follows would be SQL.
        if (c == quote || (escaped && c == '\\')) {
            fuzz::require(quoted.size() >= 2 && quoted[1] == c);
            quoted.remove_prefix(1);
        } else {
            fuzz::require(quote == '"' || c != '\\');
        }
        text += c;
        quoted.remove_prefix(1);
    }
    return text;
}

bool is_name(std::string_view name)
{
    return !name.empty() && name.size() < name_bytes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = fuzz::as_text(data, size);
    fuzz::require(unquote(quote_identifier(text), '"') == text);
    fuzz::require(unquote(quote_literal(text), '\'') == text);
    fuzz::succeeds(
        [&] {
            const QualifiedName name = parse_qualified_name(text, "object");
            fuzz::require(is_name(name.schema) && is_name(name.name));
            fuzz::require(parse_qualified_name(quote_qualified(name), "object") == name);
        },
        sqlstate::invalid_parameter_value);
    fuzz::succeeds(
        [&] {
            const std::string name = parse_schema_name(text, "schema");
            fuzz::require(is_name(name));
            fuzz::require(parse_schema_name(quote_identifier(name), "schema") == name);
        },
        sqlstate::invalid_parameter_value);
    fuzz::succeeds(
        [&] {
            const TablePattern pattern = parse_table_pattern(text, "include");
            matches_any({pattern}, text, text);
        },
        sqlstate::invalid_parameter_value);
    // A quoted name is a pattern that fits that name.
    if (is_name(text))
        fuzz::require(matches_any({parse_table_pattern(quote_identifier(text), "include")}, "", text));
    fuzz::succeeds(
        [&] {
            const std::int64_t limit = parse_rate_limit(text, "argument \"rate_limit\"");
            fuzz::require(limit == no_rate_limit || limit > 0);
        },
        sqlstate::invalid_parameter_value);
    return 0;
}
