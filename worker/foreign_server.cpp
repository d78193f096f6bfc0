#include "worker/foreign_server.hpp"

#include <cstring>

#include "shared/conninfo.hpp"
#include "shared/error_types.hpp"
#include "shared/job_state.hpp"

namespace pgclone {

void write_server_conninfo(const ForeignOption* options, int count, bool unprivileged,
                           char* conninfo)
{
    ConnectionParameters parameters;
    for (int i = 0; i < count; i++) {
        if (is_libpq_keyword(options[i].name))
            set_parameter(parameters, options[i].name, options[i].value);
    }
    if (unprivileged)
        check_unprivileged_source(parameters);
    std::string text = render_conninfo(parameters);
    const bool fits = copy_text(conninfo, conninfo_bytes, text);
    explicit_bzero(text.data(), text.size());
    if (!fits)
        throw PgError(sqlstate::invalid_parameter_value,
                      "the options of the foreign server are too long");
}

} // namespace pgclone
