// The rows of a query as text, free of libpq, so that what reads them can be tested without it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/cpp_only.hpp"

namespace pgclone {

class ResultSet {
  public:
    using Value = std::optional<std::string>; // nullopt = NULL

    ResultSet() = default;
    ResultSet(std::vector<std::string> columns, std::vector<std::vector<Value>> rows)
        : columns_(std::move(columns)), rows_(std::move(rows))
    {
    }

    std::size_t size() const noexcept { return rows_.size(); }
    bool empty() const noexcept { return rows_.empty(); }
    bool has_column(std::string_view column) const noexcept;

    // The value of `column` in `row`. Raises XX000 if there is no such row or column.
    const Value& value(std::size_t row, std::string_view column) const;

    // The same, as a type; NULL raises XX000, but for text() it is the empty string.
    const std::string& text(std::size_t row, std::string_view column) const;
    bool boolean(std::size_t row, std::string_view column) const; // 't' / 'f'
    std::int64_t integer(std::size_t row, std::string_view column) const;
    bool is_null(std::size_t row, std::string_view column) const;

    // The elements of a JSON array of strings in `column` (how catalog queries return lists).
    std::vector<std::string> list(std::size_t row, std::string_view column) const;

  private:
    std::vector<std::string> columns_;
    std::vector<std::vector<Value>> rows_;
};

} // namespace pgclone
