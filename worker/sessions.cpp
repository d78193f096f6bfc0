#include "worker/sessions.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "shared/loopback.hpp"
#include "shared/settings.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/host_resolver.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

constexpr int oldest_source = 100000;

constexpr const char* hint_for_work_database =
    "pgclone logs in to the database that it creates as the role that submitted the job. The "
    "database has a name of its own until it is complete, so pg_hba.conf must let that role in to "
    "all databases.";

// The connection string of the job slot, parsed. From here on the password lives in this process
// alone, as libpq keeps it for the life of the connection, too.
ConnectionParameters read_source_parameters()
{
    char text[conninfo_bytes] = "";
    server::update_job(
        [&text](JobSlot& job) noexcept { std::memcpy(text, job.conninfo, sizeof(text)); });
    ConnectionParameters parameters;
    try {
        parameters = parse_conninfo(text);
    } catch (...) {
        explicit_bzero(text, sizeof(text));
        throw;
    }
    explicit_bzero(text, sizeof(text));
    return parameters;
}

void set_default(ConnectionParameters& parameters, std::string_view keyword, std::string value)
{
    if (find_parameter(parameters, keyword).empty())
        set_parameter(parameters, keyword, std::move(value));
}

// A host that is gone is noticed within about 30 s, in whatever state the session is.
void set_keepalives(ConnectionParameters& parameters)
{
    set_default(parameters, "keepalives", "1");
    set_default(parameters, "keepalives_idle", "10");
    set_default(parameters, "keepalives_interval", "5");
    set_default(parameters, "keepalives_count", "4");
    set_default(parameters, "tcp_user_timeout", "30000");
}

LoopbackLogin loopback_login(const JobIdentity& job)
{
    const server::ServerAddress address = server::server_address();
    LoopbackLogin login;
    login.configured = settings::loopback_conninfo ? settings::loopback_conninfo : "";
    login.socket_directory = address.socket_directory;
    login.port = address.port;
    login.role = job.role_name;
    login.database = job.database_name;
    return login;
}

// connect_timeout of the connection string (seconds, 0 = none), at most the server's.
milliseconds source_timeout(const ConnectionParameters& parameters)
{
    const milliseconds limit(settings::connect_timeout);
    const std::string_view text = find_parameter(parameters, "connect_timeout");
    int seconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    return seconds > 0 ? std::min<milliseconds>(limit, std::chrono::seconds(seconds)) : limit;
}

// Each address of the host gets the whole time, as libpq has it.
Async<void> connect_to_source(PgSession& session, ConnectionParameters parameters)
{
    const milliseconds timeout = source_timeout(parameters);
    std::vector<std::string> addresses = resolve_host(parameters);
    while (addresses.size() > 1) {
        set_parameter(parameters, "hostaddr", addresses.front());
        addresses.erase(addresses.begin());
        try {
            co_await session.connect(parameters, timeout);
            co_return;
        } catch (const PgError& error) {
            // The server at that address answered: the others would say the same.
            if (error.sqlstate() != sqlstate::unable_to_connect)
                throw;
        }
    }
    if (!addresses.empty())
        set_parameter(parameters, "hostaddr", addresses.front());
    co_await session.connect(parameters, timeout);
}

} // namespace

JobIdentity read_job_identity()
{
    struct {
        std::int64_t job_id;
        char role_name[name_bytes];
        char database_name[name_bytes];
        char extension_schema[name_bytes];
        char schema_name[name_bytes];
        char table_name[name_bytes];
        bool creates_database;
        char work_database_name[name_bytes];
        char work_extension_schema[name_bytes];
    } copy = {};
    const bool found = server::update_job([&copy](JobSlot& job) noexcept {
        copy.job_id = job.job_id;
        std::memcpy(copy.role_name, job.role_name, name_bytes);
        std::memcpy(copy.database_name, job.database_name, name_bytes);
        std::memcpy(copy.extension_schema, job.extension_schema, name_bytes);
        std::memcpy(copy.schema_name, job.schema_name, name_bytes);
        std::memcpy(copy.table_name, job.table_name, name_bytes);
        copy.creates_database = job.creates_database;
        std::memcpy(copy.work_database_name, job.work_database_name, name_bytes);
        std::memcpy(copy.work_extension_schema, job.work_extension_schema, name_bytes);
    });
    if (!found)
        throw PgError(sqlstate::query_canceled, "the job is gone");
    return {copy.job_id,           copy.role_name,          copy.database_name,
            copy.extension_schema, copy.schema_name,        copy.table_name,
            copy.creates_database, copy.work_database_name, copy.work_extension_schema};
}

JobIdentity in_work_database(JobIdentity job)
{
    if (!job.creates_database)
        return job;
    job.database_name = job.work_database_name;
    job.extension_schema = job.work_extension_schema;
    return job;
}

Async<JobIdentity> await_work_database(EventLoop& loop)
{
    for (;;) {
        const std::uint64_t seen = loop.wakes();
        const JobIdentity job = read_job_identity();
        // The schema is filled in last.
        if (!job.creates_database || !job.work_extension_schema.empty())
            co_return in_work_database(job);
        co_await loop.wait_for_wake(seen, Clock::time_point::max());
    }
}

Async<void> open_loopback(PgSession& session, JobIdentity job, std::string application_name)
{
    const LoopbackLogin login = loopback_login(job);
    ConnectionParameters parameters = loopback_parameters(login);
    set_parameter(parameters, "application_name", application_name);
    set_parameter(parameters, "client_encoding", "UTF8");
    set_parameter(parameters, "options", loopback_options);
    const milliseconds timeout(settings::connect_timeout);
    try {
        co_await session.connect(parameters, timeout);
    } catch (const PgError& error) {
        const PgError explained = explain_loopback_failure(error, login);
        if (!job.creates_database || job.database_name != job.work_database_name ||
            explained.hint() == error.hint())
            throw explained;
        // A line with that database's name would be of no use to the next job.
        throw PgError(error.sqlstate(), error.message(), error.detail(), hint_for_work_database);
    }
    const std::string settings_query(catalog_sql::target_session);
    co_await session.query(settings_query);
}

Async<void> open_source(PgSession& session, bool unprivileged, std::string application_name)
{
    ConnectionParameters parameters = read_source_parameters();
    if (unprivileged) {
        check_unprivileged_source(parameters);
        // What the operating-system user of the server could prove is not the submitter's.
        set_parameter(parameters, "gssencmode", "disable");
        set_parameter(parameters, "passfile", "/dev/null");
        set_parameter(parameters, "sslcert", "/dev/null/none");
    }
    set_keepalives(parameters);
    set_parameter(parameters, "application_name", application_name);
    set_parameter(parameters, "client_encoding", "UTF8");

    co_await connect_to_source(session, parameters);
    if (unprivileged && !session.used_password()) {
        session.close();
        throw PgError("2F003", "password is required",
                      "Non-superusers cannot clone from a source that does not request a password.",
                      "The authentication method of the source server must be changed.");
    }
    if (session.server_version() < oldest_source) {
        session.close();
        throw PgError(sqlstate::feature_not_supported,
                      "source servers older than PostgreSQL 10 are not supported");
    }
    session.set_stall_timeout(milliseconds(settings::stall_timeout));
    const std::string settings_query(catalog_sql::source_session);
    co_await session.query(settings_query);
}

} // namespace pgclone
