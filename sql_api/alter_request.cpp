#include "sql_api/alter_request.hpp"

#include <string>

#include "shared/cpp_only.hpp"
#include "shared/error_types.hpp"
#include "shared/rate_limit.hpp"

namespace pgclone {

void read_alteration(const std::int32_t* parallel, const char* rate_limit,
                     JobAlteration& alteration)
{
    if (!parallel && !rate_limit)
        throw PgError(sqlstate::invalid_parameter_value,
                      "argument \"parallel\" or \"rate_limit\" must be given");
    if (parallel && (*parallel < 1 || *parallel > max_parallel))
        throw PgError(sqlstate::invalid_parameter_value,
                      "argument \"parallel\" must be from 1 to " + std::to_string(max_parallel),
                      "It is " + std::to_string(*parallel) + ".");
    alteration.parallel = parallel ? *parallel : 0;
    alteration.rate_limit =
        rate_limit ? parse_rate_limit(rate_limit, "argument \"rate_limit\"") : 0;
}

} // namespace pgclone
