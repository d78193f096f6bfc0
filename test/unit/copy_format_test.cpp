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
            const CopyPlan frozen = plan_copy({"s", "t"}, table, columns, "", binary, true);
            const CopyPlan plain = plan_copy({"s", "t"}, table, columns, "", binary, false);
            CHECK(frozen.target_copy != plain.target_copy);
            CHECK(without_freeze(frozen.target_copy) == plain.target_copy);
            CHECK(without_freeze(plain.target_copy) == plain.target_copy);
        }
    }
}
