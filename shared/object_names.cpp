// Names and patterns as users write them, and as statements need them.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/clone_options.hpp"
#include "shared/error_types.hpp"

namespace pgclone {

namespace {

constexpr std::size_t max_name_length = name_bytes - 1;

// In a pattern: the next character stands for itself.
constexpr char escape = '\\';

std::string in_quotes(std::string_view text)
{
    return "\"" + std::string(text) + "\"";
}

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

bool is_wildcard(char c)
{
    return c == '*' || c == '?';
}

char fold_ascii(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// What is being read: for messages.
struct NameSort {
    std::string subject; // argument "object" is not a valid qualified name
    std::string_view hint;
};

class NameParser {
  public:
    NameParser(std::string_view text, NameSort sort) : rest_(text), sort_(std::move(sort)) {}

    QualifiedName parse_qualified()
    {
        begin();
        QualifiedName name;
        name.schema = read_name();
        if (rest_.empty())
            raise("It has no schema.");
        read_dot();
        name.name = read_name();
        if (!rest_.empty() && rest_.front() == '.')
            raise("It has more than two parts.");
        end();
        return name;
    }

    std::string parse_single()
    {
        begin();
        std::string name = read_name();
        if (!rest_.empty() && rest_.front() == '.')
            raise("It has more than one part.");
        end();
        return name;
    }

    TablePattern parse_pattern()
    {
        begin();
        TablePattern pattern;
        pattern.name = read_pattern();
        if (!rest_.empty()) {
            read_dot();
            pattern.schema = std::move(pattern.name);
            pattern.name = read_pattern();
        }
        if (!rest_.empty() && rest_.front() == '.')
            raise("It has more than two parts.");
        end();
        return pattern;
    }

  private:
    [[noreturn]] void raise(std::string_view detail) const
    {
        throw PgError(sqlstate::invalid_parameter_value, sort_.subject, std::string(detail),
                      std::string(sort_.hint));
    }

    void begin()
    {
        skip_space();
        if (rest_.empty())
            raise("It is empty.");
    }

    void end() const
    {
        if (!rest_.empty())
            raise("There is text after the name.");
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

    void check_part(std::size_t length) const
    {
        if (length == 0)
            raise("A part of it is empty.");
        if (length > max_name_length)
            raise("A part of it is longer than 63 bytes.");
    }

    // A part and the white space after it.
    std::string read_name()
    {
        std::string part;
        if (!rest_.empty() && rest_.front() == '"')
            part = read_quoted();
        else
            part = read_unquoted();
        check_part(part.size());
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

    // Quoted and unquoted pieces may follow each other, as in psql: "My"*
    std::string read_pattern()
    {
        std::string part;
        std::size_t length = 0; // of what a name must have at least
        while (!rest_.empty() && rest_.front() != '.' && !is_name_space(rest_.front())) {
            if (rest_.front() == '"') {
                const std::string piece = read_quoted();
                length += piece.size();
                for (const char c : piece)
                    append_literal(part, c);
            } else if (is_wildcard(rest_.front())) {
                part += rest_.front();
                rest_.remove_prefix(1);
            } else if (continues_name(rest_.front())) {
                length++;
                part += fold_ascii(rest_.front());
                rest_.remove_prefix(1);
            } else {
                raise("A part of it has a character that must be quoted.");
            }
        }
        check_part(part.empty() ? 0 : std::max<std::size_t>(length, 1));
        skip_space();
        return part;
    }

    static void append_literal(std::string& pattern, char c)
    {
        if (is_wildcard(c) || c == escape)
            pattern += escape;
        pattern += c;
    }

    std::string_view rest_;
    NameSort sort_;
};

// --- Matching

// One character off the front, of UTF-8 or of a one-byte encoding.
void skip_character(std::string_view& text)
{
    text.remove_prefix(1);
    while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0) == 0x80)
        text.remove_prefix(1);
}

// Matches one character of the text; false leaves both as they are.
bool take_one(std::string_view& pattern, std::string_view& text)
{
    if (pattern.empty() || text.empty())
        return false;
    if (pattern.front() == '?') {
        pattern.remove_prefix(1);
        skip_character(text);
        return true;
    }
    const std::size_t escaped = pattern.front() == escape ? 1 : 0;
    if (pattern[escaped] != text.front())
        return false;
    pattern.remove_prefix(escaped + 1);
    text.remove_prefix(1);
    return true;
}

bool matches(std::string_view pattern, std::string_view text)
{
    // What followed the last star, and where in the text it was tried: if it does not fit there,
    // the star stands for one more character.
    std::string_view after_star;
    std::string_view tried_at;
    bool star = false;
    while (!pattern.empty() || !text.empty()) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            after_star = pattern;
            tried_at = text;
            star = true;
        } else if (!take_one(pattern, text)) {
            if (!star || tried_at.empty())
                return false;
            skip_character(tried_at);
            text = tried_at;
            pattern = after_star;
        }
    }
    return true;
}

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

QualifiedName parse_qualified_name(std::string_view text, std::string_view argument)
{
    NameParser parser(text, {"argument " + in_quotes(argument) + " is not a valid qualified name",
                             "Write it as schema.table, with double quotes around a part that has "
                             "upper-case letters or special characters."});
    return parser.parse_qualified();
}

std::string parse_schema_name(std::string_view text, std::string_view argument)
{
    NameParser parser(text, {"argument " + in_quotes(argument) + " is not a valid schema name",
                             "Write the name of one schema, with double quotes around it if it "
                             "has upper-case letters or special characters."});
    return parser.parse_single();
}

TablePattern parse_table_pattern(std::string_view text, std::string_view option)
{
    NameParser parser(text, {"option " + in_quotes(option) + " has a pattern that is not valid",
                             "Write it as name or schema.name, with * for any characters, ? for "
                             "one, and double quotes around what stands for itself."});
    return parser.parse_pattern();
}

bool matches_any(const std::vector<TablePattern>& patterns, std::string_view schema,
                 std::string_view name)
{
    for (const TablePattern& pattern : patterns) {
        if ((pattern.schema.empty() || matches(pattern.schema, schema)) &&
            matches(pattern.name, name))
            return true;
    }
    return false;
}

bool is_system_schema(std::string_view name) noexcept
{
    return name.starts_with("pg_") || name == "information_schema";
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
