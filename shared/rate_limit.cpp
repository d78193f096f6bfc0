#include "shared/rate_limit.hpp"

#include <cstddef>
#include <string>

#include "shared/error_types.hpp"

namespace pgclone {

namespace {

constexpr std::string_view blanks = " \t\r\n\f\v";
constexpr double most_bytes = 1024.0 * 1024 * 1024 * 1024 * 1024; // a second

[[noreturn]] void raise_wrong_rate(std::string_view what, std::string_view detail)
{
    throw PgError(sqlstate::invalid_parameter_value,
                  std::string(what) + " must be a rate like \"50MB/s\", or \"none\"",
                  std::string(detail),
                  "Valid units are \"B\", \"kB\", \"MB\", \"GB\" and \"TB\", with or without "
                  "\"/s\".");
}

std::string_view trim(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Cuts a number like 50 or 1.5 off the beginning of `text`; false if there is none. Not strtod():
// that knows more kinds of numbers, and the locale.
bool take_number(std::string_view& text, double& number)
{
    bool found = false;
    double weight = 0; // of the next digit after the point
    number = 0;
    while (!text.empty()) {
        const char c = text.front();
        if (c == '.' && weight == 0) {
            weight = 0.1;
        } else if (c >= '0' && c <= '9') {
            found = true;
            number = weight == 0 ? number * 10 + (c - '0') : number + weight * (c - '0');
            weight /= 10;
        } else {
            break;
        }
        text.remove_prefix(1);
    }
    return found;
}

// 0 if there is no such unit.
double bytes_of(std::string_view unit)
{
    double bytes = 1;
    for (const std::string_view name : {"B", "kB", "MB", "GB", "TB"}) {
        if (unit == name)
            return bytes;
        bytes *= 1024;
    }
    return 0;
}

} // namespace

std::int64_t parse_rate_limit(std::string_view text, std::string_view what)
{
    std::string_view rest = trim(text);
    if (rest == "none")
        return no_rate_limit;
    double number = 0;
    if (!take_number(rest, number))
        raise_wrong_rate(what, rest.empty() ? "It is empty." : "It does not begin with a number.");
    rest = trim(rest);
    if (rest.ends_with("/s"))
        rest = trim(rest.substr(0, rest.size() - 2));
    if (number == 0 && rest.empty())
        return no_rate_limit;
    if (rest.empty())
        raise_wrong_rate(what, "It has no unit.");
    const double bytes = number * bytes_of(rest);
    if (bytes_of(rest) == 0)
        raise_wrong_rate(what, "Its unit is unknown.");
    if (number == 0)
        return no_rate_limit;
    if (bytes < 1 || bytes > most_bytes)
        raise_wrong_rate(what, "It is less than a byte, or more than 1024 TB a second.");
    return static_cast<std::int64_t>(bytes);
}

} // namespace pgclone
