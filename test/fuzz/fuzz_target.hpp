// What the fuzz targets share. Each is a property: whatever the bytes are, a parser gives a value
// that keeps its promises, or raises a PgError that is fit to be shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shared/error_types.hpp"

namespace pgclone::fuzz {

// A property that does not hold ends the process, by which libFuzzer finds the input.
inline void require(bool holds)
{
    if (!holds)
        std::abort();
}

// Runs `body`; false if it raised an error, which must have one of these SQLSTATEs.
template <typename Body, typename... States>
bool succeeds(Body&& body, States... states)
{
    try {
        body();
        return true;
    } catch (const PgError& error) {
        require(((error.sqlstate() == states) || ...));
        require(!error.message().empty());
        return false;
    }
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size)
{
    return {reinterpret_cast<const char*>(data), size};
}

} // namespace pgclone::fuzz
