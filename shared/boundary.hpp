// The C++ side of the two doors between C++ and the server (README.md in this folder).
//
//   entry: the server calls C++   run_catching() here, call_cpp() in boundary_pg.hpp
//   call:  C++ calls the server   call_server() here, run_guarded() in boundary_pg.cpp
//
// No exception leaves C++, no longjmp passes a frame that has something to destroy.
#pragma once

#include <exception>
#include <type_traits>

#include "shared/error_types.hpp"

namespace pgclone {

// Runs `body` and turns whatever it throws into `error`. Returns true if it threw nothing.
template <typename Body>
bool run_catching(Body&& body, ErrorRecord& error) noexcept
{
    try {
        body();
        return true;
    } catch (...) {
        record_current_exception(error);
        return false;
    }
}

// Runs thunk(argument) under sigsetjmp. Returns false with `error` filled if the server raised an
// ERROR; error stacks, memory context and interrupt holdoff counters are then as they were before.
// FATAL and PANIC end the process as ever. `thunk` must not throw. Implemented on the server side.
bool run_guarded(void (*thunk)(void*), void* argument, ErrorRecord* error) noexcept;

// Calls server code from C++: `body` may do what raises an ERROR, which arrives here as PgError.
// The frames of `body` are jumped over, so it must own nothing that has a destructor: prepare
// and use results outside, pass only references to plain data in. What `body` itself throws
// arrives unchanged.
//
// An error caught here leaves the transaction as it is; unless it is thrown on to the entry door,
// and so to the server, the transaction must be aborted by whoever catches it. A cancel request
// is such an error (57014): who swallows it has used it up.
//
// Not for error context callbacks, nor for a PG_CATCH block that re-throws: an error caught here
// empties the server's error stack, and with it the error that is being handled there.
template <typename Body>
void call_server(Body&& body)
{
    struct Call {
        std::remove_reference_t<Body>* body;
        std::exception_ptr thrown; // destroyed here, in a frame that no jump passes
    } call{&body, nullptr};
    auto thunk = [](void* argument) {
        Call& call = *static_cast<Call*>(argument);
        try {
            (*call.body)();
        } catch (...) {
            call.thrown = std::current_exception();
        }
    };
    ErrorRecord error;
    if (!run_guarded(thunk, &call, &error))
        throw PgError(error);
    if (call.thrown)
        std::rethrow_exception(call.thrown);
}

} // namespace pgclone
