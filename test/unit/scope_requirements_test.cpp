#include "worker/scope_requirements.hpp"

#include "test/unit/expect_error.hpp"
#include "test/unit/scope_fixture.hpp"

using namespace pgclone;
using namespace pgclone::test;

TEST_CASE("a definition that only newer servers know is missing its server version")
{
    Fixture fixture;
    fixture.add_table(10, "plain");
    fixture.add_table(20, "virtual").needs_version = 180000;
    CHECK(newer_than_target(fixture.catalog.close(), fixture.selection, 180006).empty());
    const std::vector<MissingObject> missing = newer_than_target(fixture.catalog.close(), fixture.selection, 150020);
    REQUIRE(missing.size() == 1);
    CHECK(missing[0].first.kind == "server version");
    CHECK(missing[0].first.name == "18");
    CHECK(missing[0].second == "needed by table \"s\".\"virtual\"");
    const PgError error = expect_error("42704", [&] { raise_missing(missing); });
    CHECK(mentions(error, "PostgreSQL 18 (needed by table \"s\".\"virtual\")"));
    CHECK(error.hint().find("\"exclude\"") != std::string::npos);

    // Not if it is left out.
    for (std::string& reason : fixture.selection.reasons)
        reason = "excluded";
    CHECK(newer_than_target(fixture.catalog.close(), fixture.selection, 150020).empty());
}

TEST_CASE("what is missing is listed with who needs it, and what provides it")
{
    const std::vector<ScopeRequirement> requirements = {
        {{"type", "public.hstore"}, "table \"s\".\"a\"", "hstore"},
        {{"role", "alice"}, "schema \"s\"", ""},
        {{"type", "there"}, "table \"s\".\"b\"", ""},
    };
    const std::vector<MissingObject> missing =
        explain_missing(requirements, {{"role", "alice"}, {"type", "public.hstore"}});
    REQUIRE(missing.size() == 2);
    CHECK(missing[0].second == "needed by table \"s\".\"a\"; extension \"hstore\" provides it");
    CHECK(missing[1].second == "needed by schema \"s\"");
    const PgError error = expect_error("42704", [&] { raise_missing(missing); });
    CHECK(mentions(error, "role_map"));
    CHECK(mentions(error, "Create on the target first what is missing"));
}

TEST_CASE("only memberships: a question of rights")
{
    const std::vector<MissingObject> missing = {
        {{"membership", "alice"}, "needed by schema \"s\""}};
    const PgError error = expect_error("42501", [&] { raise_missing(missing); });
    CHECK(mentions(error, "Not a member: membership \"alice\""));
}
