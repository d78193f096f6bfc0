// What the tests of this folder share.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "shared/error_types.hpp"

namespace pgclone::test {

// Runs `body`, which must throw a PgError with `sqlstate`, and returns the error.
template <typename Body>
PgError expect_error(std::string_view sqlstate, Body&& body)
{
    try {
        body();
    } catch (const PgError& error) {
        CHECK(error.sqlstate() == sqlstate);
        return error;
    }
    FAIL("no error was raised");
    return PgError("00000", "");
}

inline bool mentions(const PgError& error, std::string_view text)
{
    return error.message().find(text) != std::string::npos ||
           error.detail().find(text) != std::string::npos ||
           error.hint().find(text) != std::string::npos;
}

} // namespace pgclone::test
