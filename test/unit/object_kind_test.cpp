#include "worker/object_kind.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace pgclone;

namespace {

constexpr int kind_count = static_cast<int>(ObjectKind::database) + 1;

} // namespace

TEST_CASE("every kind has a word of its own, and is found by it")
{
    std::set<std::string_view> words;
    for (int i = 0; i < kind_count; i++) {
        const auto kind = static_cast<ObjectKind>(i);
        CAPTURE(i);
        CHECK(traits(kind).kind == kind);
        CHECK_FALSE(to_text(kind).empty());
        CHECK(parse_object_kind(to_text(kind)) == kind);
        words.insert(to_text(kind));
    }
    CHECK(words.size() == kind_count);
    for (const char* text : {"", "Table", "tables", "table ", "partitioned table"})
        CHECK(parse_object_kind(text) == std::nullopt);
}

TEST_CASE("words that are not the names in the code")
{
    CHECK(to_text(ObjectKind::operator_) == "operator");
    CHECK(to_text(ObjectKind::default_) == "default");
    CHECK(to_text(ObjectKind::foreign_data_wrapper) == "foreign-data wrapper");
    CHECK(to_text(ObjectKind::statistics) == "statistics object");
    CHECK(to_text(ObjectKind::materialized_view) == "materialized view");
    CHECK(to_text(ObjectKind::text_search_parser) == "text search parser");
}

TEST_CASE("sections")
{
    using Kind = ObjectKind;
    for (const Kind kind : {Kind::schema, Kind::extension, Kind::type, Kind::function, Kind::table,
                            Kind::sequence, Kind::view, Kind::materialized_view, Kind::default_,
                            Kind::check_constraint, Kind::large_object})
        CHECK(traits(kind).section == ObjectSection::before_data);
    for (const Kind kind :
         {Kind::index, Kind::constraint, Kind::index_attachment, Kind::index_mark,
          Kind::foreign_key, Kind::rule, Kind::statistics, Kind::trigger, Kind::policy})
        CHECK(traits(kind).section == ObjectSection::after_data);
    for (const Kind kind : {Kind::publication, Kind::publication_member, Kind::subscription,
                            Kind::event_trigger, Kind::default_privileges, Kind::database})
        CHECK(traits(kind).section == ObjectSection::last);
}

TEST_CASE("what must precede the data")
{
    std::set<ObjectKind> kinds;
    for (int i = 0; i < kind_count; i++)
        if (traits(static_cast<ObjectKind>(i)).must_precede_data)
            kinds.insert(static_cast<ObjectKind>(i));
    CHECK(kinds ==
          std::set{ObjectKind::table, ObjectKind::foreign_table, ObjectKind::large_object});
}
