#include "worker/retry_policy.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace pgclone;
using std::chrono::milliseconds;

TEST_CASE("errors that may go away by themselves")
{
    for (const char* sqlstate :
         {"08000", "08001", "08003", "08006", "08P01", "53000", "53100", "53200",
          "53300", "53400", "40001", "40P01", "55P03", "55006", "57014", "57P01",
          "57P02", "57P03", "57P04", "57P05", "58030", "25P03", "25P04"}) {
        CAPTURE(sqlstate);
        CHECK(is_transient(sqlstate));
    }
}

TEST_CASE("errors that stay")
{
    for (const char* sqlstate :
         {"00000", "0A000", "21000", "22000", "22003", "22P02", "22P04", "23502", "23503", "23505",
          "23514", "25P02", "25006", "28000", "28P01", "2BP01", "2F003", "3D000", "3F000", "40002",
          "42501", "42601", "42703", "42704", "42P01", "42P07", "54000", "54001", "55000", "57000",
          "58000", "58P01", "F0000", "P0001", "XX000", "XX001", "XX002"}) {
        CAPTURE(sqlstate);
        CHECK_FALSE(is_transient(sqlstate));
    }
}

TEST_CASE("what is no SQLSTATE is not transient")
{
    for (const char* text : {"", "08", "0800", "080001", "53", "57P0", "57P011", " 8001"})
        CHECK_FALSE(is_transient(text));
}

TEST_CASE("back-off doubles up to its limit")
{
    const int expected[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    int attempt = 1;
    for (const int ms : expected)
        CHECK(backoff(attempt++, 0.0) == milliseconds(ms));
    CHECK(backoff(std::numeric_limits<int>::max(), 0.0) == milliseconds(30000));
    CHECK(backoff(0, 0.0) == milliseconds(500));
    CHECK(backoff(std::numeric_limits<int>::min(), 0.0) == milliseconds(500));
}

TEST_CASE("jitter adds up to a quarter")
{
    CHECK(backoff(1, 1.0) == milliseconds(625));
    CHECK(backoff(1, 0.5) == milliseconds(562));
    CHECK(backoff(9, 1.0) == milliseconds(37500));
    // Dice that are not between 0 and 1 do no harm.
    CHECK(backoff(1, -5.0) == milliseconds(500));
    CHECK(backoff(1, 1e300) == milliseconds(625));
    CHECK(backoff(1, std::numeric_limits<double>::infinity()) == milliseconds(625));
    CHECK(backoff(1, std::numeric_limits<double>::quiet_NaN()) == milliseconds(500));
    for (int attempt = 1; attempt < 12; attempt++) {
        for (int i = 0; i < 100; i++) {
            const milliseconds delay = backoff(attempt, i / 100.0);
            CHECK(delay >= backoff(attempt, 0.0));
            CHECK(delay <= backoff(attempt, 0.0) * 5 / 4);
        }
    }
}
