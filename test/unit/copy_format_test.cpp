#include "worker/copy_format.hpp"

#include <doctest/doctest.h>

using namespace pgclone;

TEST_CASE("a COPY into a table that was not truncated is without FREEZE")
{
    for (const bool binary : {false, true}) {
        for (const bool has_columns : {false, true}) {
            const std::vector<std::string> columns =
                has_columns ? std::vector<std::string>{"a", "FREEZE"} : std::vector<std::string>{};
            // Names that look like options stay.
            const QualifiedName table{"s", "t WITH (FREEZE)"};
            const CopyPlan frozen = plan_copy({{"s", "t"}, columns, ""}, table, binary, true);
            const CopyPlan plain = plan_copy({{"s", "t"}, columns, ""}, table, binary, false);
            CHECK(frozen.target_copy != plain.target_copy);
            CHECK(without_freeze(frozen.target_copy) == plain.target_copy);
            CHECK(without_freeze(plain.target_copy) == plain.target_copy);
        }
    }
}

TEST_CASE("padding is not sent")
{
    const QualifiedName table{"s", "t"};
    CopySource source{table, {"id", "Pad"}, "", {"Pad"}};
    const std::string trimmed =
        R"(COPY (SELECT "id", pg_catalog.rtrim(pg_catalog.bpcharsend("Pad"), ' '::pg_catalog.bytea) )"
        R"(FROM ONLY "s"."t")";
    const CopyPlan plan = plan_copy(source, table, true);
    CHECK(plan.source_copy == trimmed + ") TO STDOUT WITH (FORMAT binary)");
    // The target has columns, and does not know.
    CHECK(plan.target_copy ==
          R"(COPY "s"."t" ("id", "Pad") FROM STDIN WITH (FREEZE, FORMAT binary))");
    SUBCASE("of some rows")
    {
        source.where = "id > 5";
        CHECK(plan_copy(source, table, true).source_copy ==
              trimmed + " WHERE (\nid > 5\n)) TO STDOUT WITH (FORMAT binary)");
    }
    SUBCASE("but as text, which would show bytes in hexadecimal digits, it is")
    {
        CHECK(plan_copy(source, table, false).source_copy ==
              R"(COPY "s"."t" ("id", "Pad") TO STDOUT)");
    }
}
