#include "worker/result_set.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <boost/json.hpp>

#include "shared/error_types.hpp"

namespace pgclone {

namespace json = boost::json;

namespace {

// The queries are ours, so a result of another shape is a bug of ours or a server that is none.
[[noreturn]] void raise_unexpected(std::string_view column, std::string_view what)
{
    throw PgError(sqlstate::internal_error, "unexpected query result in column \"" +
                                                std::string(column) + "\": " + std::string(what));
}

} // namespace

bool ResultSet::has_column(std::string_view column) const noexcept
{
    return std::find(columns_.begin(), columns_.end(), column) != columns_.end();
}

const ResultSet::Value& ResultSet::value(std::size_t row, std::string_view column) const
{
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    if (found == columns_.end())
        raise_unexpected(column, "no such column");
    if (row >= rows_.size())
        raise_unexpected(column, "no row " + std::to_string(row));
    const auto index = static_cast<std::size_t>(std::distance(columns_.begin(), found));
    if (index >= rows_[row].size())
        raise_unexpected(column, "row " + std::to_string(row) + " is too short");
    return rows_[row][index];
}

const std::string& ResultSet::text(std::size_t row, std::string_view column) const
{
    // Never destroyed: a static destructor would run in the exit of every server process.
    static const std::string& empty = *new std::string;
    const Value& found = value(row, column);
    return found ? *found : empty;
}

bool ResultSet::boolean(std::size_t row, std::string_view column) const
{
    const Value& found = value(row, column);
    if (!found)
        raise_unexpected(column, "null");
    if (*found != "t" && *found != "f")
        raise_unexpected(column, "not a boolean");
    return *found == "t";
}

std::int64_t ResultSet::integer(std::size_t row, std::string_view column) const
{
    const Value& found = value(row, column);
    if (!found)
        raise_unexpected(column, "null");
    std::int64_t number = 0;
    const char* const end = found->data() + found->size();
    const auto [stop, error] = std::from_chars(found->data(), end, number);
    if (error != std::errc() || stop != end)
        raise_unexpected(column, "not an integer");
    return number;
}

bool ResultSet::is_null(std::size_t row, std::string_view column) const
{
    return !value(row, column).has_value();
}

std::vector<std::string> ResultSet::list(std::size_t row, std::string_view column) const
{
    const Value& found = value(row, column);
    if (!found)
        raise_unexpected(column, "null");
    json::parse_options limits;
    // A database in SQL_ASCII hands out any bytes.
    limits.allow_invalid_utf8 = true;
    boost::system::error_code error;
    const json::value parsed = json::parse(*found, error, {}, limits);
    if (error || !parsed.is_array())
        raise_unexpected(column, "not a JSON array");
    std::vector<std::string> elements;
    for (const json::value& element : parsed.get_array()) {
        const json::string* text = element.if_string();
        if (text == nullptr)
            raise_unexpected(column, "not an array of strings");
        elements.emplace_back(text->data(), text->size());
    }
    return elements;
}

} // namespace pgclone
