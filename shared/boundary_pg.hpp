// The server side of the entry door: how a SQL function or a worker's main calls C++.
#pragma once

#include <type_traits>

#include "shared/boundary.hpp"
#include "shared/server_pg.hpp"

namespace pgclone {

// Raises `source` as an ERROR with its SQLSTATE, message, detail and hint. A malformed SQLSTATE
// becomes XX000; bytes that are no characters of the server's encoding become question marks.
[[noreturn]] void raise_error(const ErrorRecord& source);

// Runs `body` (C++ that may throw) and raises what it throws as an ERROR, after the exception is
// gone and every frame of it unwound. `body` must not call server code that can raise, except
// through call_server(). What it captures and returns must be plain data, since raising jumps
// over it.
template <typename Body>
auto call_cpp(Body&& body)
{
    static_assert(std::is_trivially_destructible_v<std::remove_reference_t<Body>>,
                  "what is captured by value would not be destroyed when an error is raised");
    using Result = std::invoke_result_t<Body&>;
    ErrorRecord error;
    if constexpr (std::is_void_v<Result>) {
        if (!run_catching(body, error))
            raise_error(error);
    } else {
        static_assert(std::is_trivially_destructible_v<Result> &&
                      std::is_trivially_default_constructible_v<Result>);
        Result result;
        if (!run_catching([&] { result = body(); }, error))
            raise_error(error);
        return result;
    }
}

} // namespace pgclone
