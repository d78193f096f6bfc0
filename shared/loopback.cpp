#include "shared/loopback.hpp"

#include <pwd.h>
#include <unistd.h>

#include "shared/clone_options.hpp"

namespace pgclone {

namespace {

// The user that the server runs as: what `peer` sees of a worker.
std::string system_user()
{
    const passwd* entry = getpwuid(geteuid());
    return entry ? entry->pw_name : "postgres";
}

} // namespace

ConnectionParameters loopback_parameters(const LoopbackLogin& login)
{
    ConnectionParameters parameters;
    if (!login.configured.empty()) {
        parameters = parse_conninfo(login.configured);
        check_loopback_conninfo(parameters);
    } else {
        set_parameter(parameters, "host",
                      login.socket_directory.empty() ? "localhost" : login.socket_directory);
    }
    if (find_parameter(parameters, "port").empty())
        set_parameter(parameters, "port", std::to_string(login.port));
    set_parameter(parameters, "user", login.role);
    set_parameter(parameters, "dbname", login.database);
    return parameters;
}

PgError explain_loopback_failure(const PgError& failure, const LoopbackLogin& login)
{
    if (!failure.sqlstate().starts_with("28"))
        return failure;
    const ConnectionParameters parameters = loopback_parameters(login);
    const std::string_view host = find_parameter(parameters, "host");
    const std::string who =
        quote_identifier(login.database) + " " + quote_identifier(login.role) + " ";
    std::string hint = "pgclone logs in to this server as the role that submitted the job. ";
    if (host.starts_with("/") || host.starts_with("@"))
        hint += "Add this line before the others of pg_hba.conf: local " + who +
                "peer map=pgclone -- and this line to pg_ident.conf: pgclone " + system_user() +
                " " + quote_identifier(login.role) + " -- then reload the configuration.";
    else
        hint += "Add a line like this before the others of pg_hba.conf: host " + who +
                "127.0.0.1/32 scram-sha-256 -- so that it fits pgclone.loopback_conninfo, then "
                "reload the configuration.";
    return PgError(failure.sqlstate(), failure.message(), failure.detail(), hint);
}

} // namespace pgclone
