#include "boundary_test.hpp"

#include <limits>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared/boundary.hpp"
#include "shared/cpp_only.hpp"

namespace pgclone::boundary_test {

int Tracked::alive = 0;
long Tracked::made = 0;

Tracked::Tracked()
{
    alive++;
    made++;
}

Tracked::~Tracked() { alive--; }

namespace {

struct TextlessException : std::exception {
    const char* what() const noexcept override { return nullptr; }
};

// Throws from a destructor's neighbourhood: the object is destroyed while the exception flies.
struct ThrowingConstructor {
    Tracked first;
    ThrowingConstructor() { throw std::runtime_error("constructor failed"); }
};

// NOLINTNEXTLINE(misc-no-recursion): what it is for
[[noreturn]] void throw_deep(int depth)
{
    Tracked here;
    const std::string filler(static_cast<std::size_t>(depth) * 100, 'x');
    if (depth > 0)
        throw_deep(depth - 1);
    throw PgError("P0D01", "thrown deep down", "The stack had " + filler.substr(0, 0) + "frames.");
}

// Allocates for real, so that the exception comes from operator new and not from a test. The
// size is hidden from the optimiser, which may leave out a pair of new and delete.
void exhaust_memory()
{
    volatile std::size_t size = std::numeric_limits<std::size_t>::max() / 4;
    const std::vector<char> block(size);
    if (block.empty())
        throw std::logic_error("no memory was asked for");
}

} // namespace

void throw_kind(const char* kind)
{
    const std::string_view name(kind);
    Tracked around;
    std::vector<std::string> owned(3, std::string(1000, 'x'));
    if (name == "bad_alloc")
        throw std::bad_alloc();
    if (name == "exhausted")
        exhaust_memory();
    if (name == "logic_error")
        throw std::logic_error("logic is broken");
    if (name == "int")
        throw 1;
    if (name == "text")
        throw "a string literal";
    if (name == "textless")
        throw TextlessException();
    if (name == "library")
        static_cast<void>(std::string("short").at(1000));
    if (name == "optional")
        std::optional<int>().value();
    if (name == "constructor")
        ThrowingConstructor();
    if (name == "deep")
        throw_deep(50);
    if (name == "rethrown") {
        try {
            throw std::runtime_error("caught once");
        } catch (const std::exception&) {
            Tracked in_handler;
            throw;
        }
    }
    if (name == "nested") {
        try {
            throw std::runtime_error("first");
        } catch (const std::exception&) {
            Tracked in_handler;
            throw PgError("P0N01", "second, thrown while the first was handled");
        }
    }
}

void throw_error(const ErrorRecord& error)
{
    Tracked around;
    throw PgError(error);
}

void call_and_handle(const char* action, void (*body)(void*), void* argument, ErrorRecord& outcome)
{
    const std::string_view name(action);
    Tracked around;
    const auto call = [&] {
        Tracked outside_of_body;
        std::vector<std::string> owned(3, std::string(1000, 'x'));
        call_server([&] { body(argument); });
    };
    if (name == "throw_on") {
        call();
        return;
    }
    const int rounds = name == "swallow_twice" ? 2 : 1;
    for (int round = 0; round < rounds; round++) {
        try {
            Tracked in_try;
            call();
        } catch (const PgError& error) {
            Tracked in_handler;
            if (name == "rethrow")
                throw;
            if (name == "replace")
                throw PgError("P0R01", "replaced: " + error.message(), error.detail(),
                              "Was " + error.sqlstate() + ".");
            if (name == "nested_catch") {
                // A second error raised and caught while the first exception is being handled.
                try {
                    call();
                } catch (const PgError& second) {
                    fill_record(outcome, second.sqlstate(), "both: " + error.message(),
                                second.message());
                }
                continue;
            }
            fill_record(outcome, error.sqlstate(), error.message(), error.detail(), error.hint());
        }
    }
}

void climb_cpp(Tower& tower, int level)
{
    Tracked around;
    const std::string owned(1000, 'x');
    if (level == tower.fail_level && tower.fail_side == 'c')
        throw PgError("P0C" + std::to_string(10 + level), "C++ failed at level " +
                      std::to_string(level), "Detail %s of C++.", "Hint %n of C++.");
    try {
        Tracked in_try;
        call_server([&] { climb_server(tower, level); });
    } catch (const PgError& error) {
        Tracked in_handler;
        if (level != tower.catch_level)
            throw;
        fill_record(tower.outcome, error.sqlstate(),
                    "level " + std::to_string(level) + " caught: " + error.message(),
                    error.detail(), error.hint());
        if (tower.replace)
            throw PgError("P0X" + std::to_string(10 + level), tower.outcome.message);
    }
}

} // namespace pgclone::boundary_test
