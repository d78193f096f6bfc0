// Values as bytes for a ScratchFile, and back: one list of the fields of a struct serves both
// directions, so that none is forgotten in one of them. Only this process reads what it has written.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "shared/error_types.hpp"

namespace pgclone {

// A struct is a value of these if visit_fields(value, visit) is found for it, which calls visit(field)
// for each of its fields, or if it has such a member function.
class FieldPacker {
  public:
    template <typename Value>
    requires std::is_arithmetic_v<Value>
    void operator()(const Value& value)
    {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void operator()(const std::string& text)
    {
        (*this)(static_cast<std::uint32_t>(text.size()));
        bytes_ += text;
    }
    template <typename Value>
    void operator()(const std::optional<Value>& value)
    {
        (*this)(value.has_value());
        if (value)
            (*this)(*value);
    }
    template <typename Value>
    void operator()(const std::vector<Value>& values)
    {
        (*this)(static_cast<std::uint32_t>(values.size()));
        for (const Value& value : values)
            (*this)(value);
    }
    template <typename First, typename Second>
    void operator()(const std::variant<First, Second>& value)
    {
        (*this)(value.index() == 0);
        std::visit([this](const auto& alternative) { (*this)(alternative); }, value);
    }
    // (The lists of fields are for both directions; this one changes nothing.)
    template <typename Struct>
    requires std::is_class_v<Struct>
    void operator()(const Struct& value)
    {
        visit_fields(const_cast<Struct&>(value), *this);
    }

    std::string_view bytes() const noexcept { return bytes_; }

  private:
    std::string bytes_;
};

class FieldUnpacker {
  public:
    explicit FieldUnpacker(std::string_view bytes) : rest_(bytes) {}

    template <typename Value>
    requires std::is_arithmetic_v<Value>
    void operator()(Value& value)
    {
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
    }
    void operator()(std::string& text)
    {
        const std::uint32_t size = read<std::uint32_t>();
        text = take(size);
    }
    template <typename Value>
    void operator()(std::optional<Value>& value)
    {
        value.reset();
        if (read<bool>())
            (*this)(value.emplace());
    }
    template <typename Value>
    void operator()(std::vector<Value>& values)
    {
        values.clear();
        const std::uint32_t size = read<std::uint32_t>();
        values.reserve(size);
        for (std::uint32_t i = 0; i < size; i++)
            (*this)(values.emplace_back());
    }
    template <typename First, typename Second>
    void operator()(std::variant<First, Second>& value)
    {
        if (read<bool>())
            (*this)(value.template emplace<First>());
        else
            (*this)(value.template emplace<Second>());
    }
    template <typename Struct>
    requires std::is_class_v<Struct>
    void operator()(Struct& value) { visit_fields(value, *this); }

  private:
    template <typename Value>
    Value read()
    {
        Value value{};
        (*this)(value);
        return value;
    }
    std::string_view take(std::size_t size)
    {
        if (size > rest_.size())
            throw PgError(sqlstate::internal_error, "what a temporary file gave back is malformed");
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
};

} // namespace pgclone
