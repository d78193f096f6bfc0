#include "shared/error_types.hpp"

#include <cstring>
#include <new>
#include <stdexcept>

#include "shared/boundary.hpp"
#include "test/unit/expect_error.hpp"

using namespace pgclone;

TEST_CASE("a text that fits is copied whole")
{
    char target[6];
    CHECK(copy_text(target, "hallo"));
    CHECK(std::strcmp(target, "hallo") == 0);
    CHECK(copy_text(target, ""));
    CHECK(target[0] == '\0');
    CHECK(copy_text(target, "ab€")); // up to the last byte
    CHECK(std::string_view(target) == "ab€");
}

TEST_CASE("a text that does not fit is cut between two characters")
{
    struct Case {
        std::string_view text;
        std::string_view kept;
    };
    char target[6]; // five bytes of text
    const Case cases[] = {
        {"abcdef", "abcde"},
        {"abcdä", "abcd"}, // ends in the middle of two bytes
        {"abcäx", "abcä"},
        {"abc€", "abc"},   // after two of three
        {"abcd€", "abcd"}, // after one of three
        {"ab€x", "ab€"},
        {"ab\U0001F6D2", "ab"},   // after three of four
        {"abc\U0001F6D2", "abc"}, // after two of four
        {"abcd\U0001F6D2", "abcd"},
        {"a\U0001F6D2x", "a\U0001F6D2"},
        {"äääää", "ää"},
    };
    for (const Case& each : cases) {
        CAPTURE(each.text);
        CHECK_FALSE(copy_text(target, each.text));
        CHECK(std::string_view(target) == each.kept);
    }
}

TEST_CASE("cutting writes nothing beyond the target")
{
    char memory[8];
    std::memset(memory, 'x', sizeof(memory));
    CHECK_FALSE(copy_text(memory, 4, "abcdefgh"));
    CHECK(std::memcmp(memory, "abc\0xxxx", 8) == 0);
    CHECK_FALSE(copy_text(memory, 1, "abc"));
    CHECK(std::memcmp(memory, "\0bc\0xxxx", 8) == 0);
}

TEST_CASE("every length around the size of a record's field")
{
    for (const std::string character : {"a", "ä", "€", "\U0001F6D2"}) {
        for (int lead = 0; lead < 4; lead++) {
            std::string text(static_cast<std::size_t>(lead), '.');
            while (text.size() < 2 * ErrorRecord::text_bytes)
                text += character;
            ErrorRecord record;
            fill_record(record, "XX000", text);
            const std::string_view kept = record.message;
            CHECK(kept.size() < ErrorRecord::text_bytes);
            CHECK(kept.size() + character.size() >= ErrorRecord::text_bytes);
            CHECK((kept.size() - static_cast<std::size_t>(lead)) % character.size() == 0);
            CHECK(text.starts_with(kept));
        }
    }
}

TEST_CASE("an error goes through a record and back")
{
    ErrorRecord record;
    fill_record(record, "22023", "message", "Detail.", "Hint.");
    const PgError error(record);
    CHECK(error.sqlstate() == "22023");
    CHECK(error.message() == "message");
    CHECK(error.detail() == "Detail.");
    CHECK(error.hint() == "Hint.");
    CHECK(std::string_view(error.what()) == "message");

    fill_record(record, "22023", "other");
    CHECK(record.detail[0] == '\0');
    CHECK(record.hint[0] == '\0');
    fill_record(record, "too long", "");
    CHECK(std::strlen(record.sqlstate) == 5);
}

TEST_CASE("what is thrown is recorded")
{
    ErrorRecord record;
    CHECK(run_catching([] {}, record));

    CHECK_FALSE(run_catching([] { throw PgError("42P01", "m", "D.", "H."); }, record));
    CHECK(std::string_view(record.sqlstate) == "42P01");
    CHECK(std::string_view(record.message) == "m");
    CHECK(std::string_view(record.detail) == "D.");
    CHECK(std::string_view(record.hint) == "H.");

    CHECK_FALSE(run_catching([] { throw std::bad_alloc(); }, record));
    CHECK(std::string_view(record.sqlstate) == "53200");
    CHECK(record.detail[0] == '\0');

    CHECK_FALSE(run_catching([] { throw std::runtime_error("oops"); }, record));
    CHECK(std::string_view(record.sqlstate) == "XX000");
    CHECK(std::string_view(record.message) == "oops");

    CHECK_FALSE(run_catching([] { throw 7; }, record));
    CHECK(std::string_view(record.sqlstate) == "XX000");
}

TEST_CASE("a foreign server's SQLSTATE is taken only if it is one")
{
    for (const char* text : {"", "abcde", "00000", "42", "423010", "42 01", "42\x01\x02" "3"})
        CHECK(PgError(text, "x").sqlstate() == "XX000");
    CHECK(PgError("57P01", "x").sqlstate() == "57P01");
}
