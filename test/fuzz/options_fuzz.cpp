// parse_options: jsonb can hold anything, and the scope decides what is allowed.
#include "fuzz_target.hpp"

#include "shared/clone_options.hpp"

using namespace pgclone;

namespace {

constexpr int scopes = 4; // table, schema, database, functions

void check(const CloneOptions& options)
{
    fuzz::require(!options.parallel || *options.parallel > 0);
    fuzz::require(!options.retries || *options.retries >= 0);
    fuzz::require(options.rate_limit == no_rate_limit || options.rate_limit > 0);
    for (const auto* name : {&options.target_schema, &options.target_name, &options.target_database})
        fuzz::require(!*name || (!(*name)->empty() && (*name)->size() < name_bytes));
    for (const std::string& column : options.columns)
        fuzz::require(!column.empty() && column.size() < name_bytes);
    for (const auto* patterns : {&options.include, &options.exclude}) {
        for (const TablePattern& pattern : *patterns)
            fuzz::require(!pattern.name.empty());
        matches_any(*patterns, "public", "a name, \"in quotes\" and with * and ?");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const auto scope = static_cast<JobScope>(data[0] % scopes);
    const std::string_view text = fuzz::as_text(data + 1, size - 1);
    fuzz::succeeds([&] { check(parse_options(text, scope)); }, sqlstate::invalid_parameter_value,
                   sqlstate::feature_not_supported);
    return 0;
}
