#include "shared/server_message.hpp"

#include "test/unit/expect_error.hpp"

using pgclone::clean_text;
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

TEST_CASE("what is no character of UTF-8 becomes a question mark")
{
    CHECK(clean_text("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\x98") ==
          "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\x98");
    CHECK(clean_text("latin \xef") == "latin ?");         // a lead byte at the end
    CHECK(clean_text("cut \xe2\x82") == "cut ??");        // a character that is cut off
    CHECK(clean_text("\xe2(\xa1") == "?(?");              // no continuation
    CHECK(clean_text("\xc0\xaf") == "??");                // overlong forms
    CHECK(clean_text("\xe0\x80\xaf") == "???");
    CHECK(clean_text("\xf0\x80\x80\xaf") == "????");
    CHECK(clean_text("\xed\xa0\x80") == "???");           // a surrogate
    CHECK(clean_text("\xf4\x90\x80\x80") == "????");      // beyond the last one
    CHECK(clean_text("\xf5\x80\x80\x80") == "????");
}

TEST_CASE("control characters become question marks, but for tabs and line ends")
{
    CHECK(clean_text("a\tb\nc") == "a\tb\nc");
    CHECK(clean_text("\a\x1b[2J\r\x7f") == "??[2J??");
    CHECK(clean_text("\xc2\x9b[2J") == "?[2J"); // the same as ESC [
    CHECK(clean_text("\xc2\x80\xc2\x9f\xc2\xa0") == "??\xc2\xa0");
}
