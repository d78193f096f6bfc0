#include "shared/server_message.hpp"

#include "test/unit/expect_error.hpp"

using pgclone::without_secret;

TEST_CASE("a password that a server repeats is masked")
{
    CHECK(without_secret("no, 'tulip' is wrong: tulip", "tulip") == "no, '***' is wrong: ***");
    CHECK(without_secret("tuliptulip", "tulip") == "******");
    CHECK(without_secret("nothing here", "tulip") == "nothing here");
    CHECK(without_secret("", "tulip").empty());
}

TEST_CASE("a mask is not searched again, and a password may consist of stars")
{
    CHECK(without_secret("a****b", "***") == "a****b");
    CHECK(without_secret("******", "***") == "******");
    CHECK(without_secret("x****y", "****") == "x***y");
}

TEST_CASE("what is too short is no secret")
{
    CHECK(without_secret("a text", "a") == "a text");
    CHECK(without_secret("a text", "") == "a text");
}
