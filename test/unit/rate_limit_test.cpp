#include "shared/rate_limit.hpp"

#include "test/unit/expect_error.hpp"

#include <string>

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

std::int64_t parse(std::string_view text)
{
    return parse_rate_limit(text, "argument \"rate_limit\"");
}

PgError refused(std::string_view text)
{
    CAPTURE(text);
    return expect_error("22023", [&] { parse(text); });
}

} // namespace

TEST_CASE("rates with units")
{
    CHECK(parse("50MB/s") == 50LL * 1024 * 1024);
    CHECK(parse("50MB") == 50LL * 1024 * 1024);
    CHECK(parse("1B/s") == 1);
    CHECK(parse("800kB/s") == 800 * 1024);
    CHECK(parse("2GB/s") == 2LL * 1024 * 1024 * 1024);
    CHECK(parse("1TB/s") == 1024LL * 1024 * 1024 * 1024);
    CHECK(parse("1024TB/s") == 1024LL * 1024 * 1024 * 1024 * 1024);
}

TEST_CASE("fractions and blanks")
{
    CHECK(parse("1.5kB/s") == 1536);
    CHECK(parse(".5kB") == 512);
    CHECK(parse("2.kB") == 2048);
    CHECK(parse("0.0625GB/s") == 64 * 1024 * 1024);
    CHECK(parse("1.9B") == 1);
    CHECK(parse("  50 MB /s\n") == 50LL * 1024 * 1024);
}

TEST_CASE("no limit")
{
    for (const char* text : {"0", "none", " 0 ", "0.0", "0MB/s", "0 B", "0/s"})
        CHECK(parse(text) == no_rate_limit);
}

TEST_CASE("what is no rate")
{
    for (const char* text :
         {"",       " ",        "MB",     "MB/s",     "fast",     "50",    "1e6B",
          "50mb/s", "50KB/s",   "50MB/m", "50MB/s/s", "50MB/sec", "5 0MB", "1.2.3MB",
          ".",      ".MB",      "-1MB/s", "+1MB/s",   "nan",      "inf",   "NONE",
          "0x10MB", "50MB/s x", "none/s", "50 /s",    "1,5MB/s",  "0xyz",  "50M\xc3\xa9"}) {
        const PgError error = refused(text);
        CHECK(error.message() ==
              "argument \"rate_limit\" must be a rate like \"50MB/s\", or \"none\"");
        CHECK(mentions(error, "\"kB\""));
        CHECK_FALSE(error.detail().empty());
    }
}

TEST_CASE("rates out of range")
{
    for (const char* text : {"0.5B/s", "0.0000000001kB", "1025TB/s", "99999999999999999999999TB"})
        CHECK(mentions(refused(text), "less than a byte, or more than"));
    refused(std::string(5000, '9') + "TB");
}

TEST_CASE("the text is not repeated")
{
    CHECK_FALSE(mentions(refused("password=secret"), "secret"));
}
