// What the two halves of the boundary test call of each other, in plain types.
#pragma once

#include <cstddef>

#include "shared/error_types.hpp"

namespace pgclone::boundary_test {

// --- Implemented on the C++ side. All of these may throw.

// An object whose constructions and destructions are counted.
struct Tracked {
    Tracked();
    ~Tracked();
    Tracked(const Tracked&) = delete;
    Tracked& operator=(const Tracked&) = delete;
    static int alive;
    static long made;
};

// Throws what `kind` names.
void throw_kind(const char* kind);
void throw_error(const ErrorRecord& error);

// Calls body(argument) through the call door, with objects alive around it, and deals with the
// error as `action` says: throw_on, rethrow, replace, swallow, swallow_twice, nested_catch.
// Swallowed: `outcome` gets what was caught.
void call_and_handle(const char* action, void (*body)(void*), void* argument, ErrorRecord& outcome);

// One door after the other down to `depth`: C++ calls the server, which calls C++, ... The side
// `fail_side` ('c' or 's', else nobody) of level `fail_level` fails with SQLSTATE
// `sqlstate`; level `catch_level` catches what comes from below, and `outcome` says what.
struct Tower {
    int depth;
    int fail_level;
    char fail_side;
    int catch_level;
    bool replace; // the catching level throws an error of its own
    bool through_executor;
    bool reached_bottom;
    ErrorRecord outcome;
};
void climb_cpp(Tower& tower, int level);

// --- Implemented on the server side. Both may raise an ERROR.

void climb_server(Tower& tower, int level);
void raise_record(const ErrorRecord& error);

} // namespace pgclone::boundary_test
