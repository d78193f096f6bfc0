#include "worker/database_creation.hpp"

#include <utility>

#include "shared/clone_options.hpp"
#include "shared/cpp_only.hpp"
#include "worker/catalog_sql.hpp"
#include "worker/randomness.hpp"
#include "worker/worker_services.hpp"

namespace pgclone {

namespace {

using Parameters = PgSession::Parameters;

// A call of a ledger function with the job's id and at most one text. The types are spelled out
// for the reason given in ledger_client.cpp.
std::string ledger_call(const JobIdentity& job, std::string_view function, bool with_text)
{
    return "SELECT * FROM " + quote_identifier(job.extension_schema) + "." + std::string(function) +
           "($1::pg_catalog.int8" + (with_text ? ", $2::pg_catalog.text)" : ")");
}

std::string id_of(const JobIdentity& job)
{
    return std::to_string(job.job_id);
}

PgError with_hint_for_roles(const PgError& error)
{
    if (error.sqlstate() != sqlstate::undefined_object || !error.hint().empty())
        return error;
    return PgError(error.sqlstate(), error.message(), error.detail(),
                   "Create it on this server first. Options \"role_map\", \"owners\" and \"acls\" "
                   "say otherwise for roles.");
}

} // namespace

// --- Making it

Async<void> WorkDatabase::create(PgSession& target, JobIdentity job, ResultSet properties,
                                 CloneOptions options)
{
    job_ = std::move(job);
    properties_ = std::move(properties);
    options_ = std::move(options);
    target_encoding_ = std::string(target.parameter_status("server_encoding"));
    const std::string name = "pgclone_" + id_of(job_) + "_" + random_tag();
    // CREATE DATABASE waits for the disk, and with it for this, which is before it in the WAL.
    co_await note_name(target, name);
    name_ = name;
    const std::string statement =
        create_database_statement(properties_, name_, target.server_version());
    co_await target.query(statement);
    co_await rehearse(target);

    identity_ = job_;
    identity_.creates_database = true;
    identity_.work_database_name = name_;
    // Whatever schemas the source has, the extension is in nobody's way.
    identity_.work_extension_schema = options_.keep_extension ? job_.extension_schema : name_;
    identity_ = in_work_database(identity_);
    co_await announce(target);
    co_await open_session();
    co_await install_extension();
}

Async<void> WorkDatabase::note_name(PgSession& target, std::optional<std::string> name)
{
    const std::string sql = ledger_call(job_, "pgclone_ledger_set_work_database", true);
    Parameters parameters{id_of(job_), name};
    co_await target.query(sql, parameters);
}

// What would fail at the end fails now.
Async<void> WorkDatabase::rehearse(PgSession& target)
{
    const std::vector<std::string> statements = database_statements(properties_, name_, options_);
    std::optional<PgError> failure;
    co_await target.execute("BEGIN");
    try {
        for (const std::string& statement : statements)
            co_await target.query(statement);
    } catch (const PgError& error) {
        failure = with_hint_for_roles(error);
    }
    if (target.is_open())
        co_await target.execute("ROLLBACK");
    if (failure)
        throw *failure;
}

// From here on sessions of the job's workers there are let into its ledger.
Async<void> WorkDatabase::announce(PgSession& target)
{
    const std::string sql(catalog_sql::database_oid);
    Parameters parameters{name_};
    const ResultSet row = co_await target.query(sql, parameters);
    const auto oid = static_cast<std::uint32_t>(row.integer(0, "oid"));
    server::update_job([this, oid](JobSlot& job) noexcept {
        job.work_database = oid;
        copy_text(job.work_database_name, name_);
    });
}

Async<void> WorkDatabase::open_session()
{
    const std::string application_name = "pgclone job " + id_of(job_);
    co_await open_loopback(session_, identity_, application_name);
    const int pid = session_.backend_pid();
    server::update_self([pid](WorkerSlot& worker) noexcept { worker.work_pid = pid; });
}

Async<void> WorkDatabase::install_extension()
{
    const std::string schema = quote_identifier(identity_.extension_schema);
    const std::string create_schema = "CREATE SCHEMA IF NOT EXISTS " + schema;
    const std::string create_extension = "CREATE EXTENSION pgclone WITH SCHEMA " + schema;
    const std::string create_shadow = ledger_call(identity_, "pgclone_ledger_shadow", false);
    Parameters parameters{id_of(job_)};
    co_await session_.query(create_schema);
    co_await session_.query(create_extension);
    co_await session_.query(create_shadow, parameters);
    // Table workers wait for this.
    server::update_job([this](JobSlot& job) noexcept {
        copy_text(job.work_extension_schema, identity_.work_extension_schema);
    });
    server::wake_table_workers();
}

// --- Completing it

Async<void> WorkDatabase::detach()
{
    const std::string encoding = target_encoding_;
    co_await export_ledger(encoding);
    if (options_.keep_extension) {
        const std::string sql = ledger_call(identity_, "pgclone_ledger_unshadow", false);
        Parameters parameters{id_of(job_)};
        co_await session_.query(sql, parameters);
    } else {
        co_await remove_extension();
    }
    session_.close();
    server::update_self([](WorkerSlot& worker) noexcept { worker.work_pid = 0; });
}

Async<void> WorkDatabase::export_ledger(std::string target_encoding)
{
    const std::string sql = ledger_call(identity_, "pgclone_ledger_export", false);
    Parameters parameters{id_of(job_)};
    const ResultSet rows = co_await session_.query(sql, parameters);
    const bool fits = can_be_stored(session_.parameter_status("server_encoding"), target_encoding);
    ledger_.clear();
    for (std::size_t row = 0; row < rows.size(); row++)
        ledger_.push_back(fits ? rows.text(row, "part") : in_ascii(rows.text(row, "part")));
}

// The database's own event triggers have been cloned by now. What goes here is not theirs.
Async<void> WorkDatabase::remove_extension()
{
    const std::string sql(catalog_sql::enabled_event_triggers);
    const ResultSet triggers = co_await session_.query(sql);
    const std::string drop_schema = "DROP SCHEMA " + quote_identifier(identity_.extension_schema);
    co_await session_.execute("BEGIN");
    for (std::size_t row = 0; row < triggers.size(); row++) {
        const std::string statement = triggers.text(row, "disable");
        co_await session_.query(statement);
    }
    co_await session_.query("DROP EXTENSION pgclone");
    co_await session_.query(drop_schema);
    for (std::size_t row = 0; row < triggers.size(); row++) {
        const std::string statement = triggers.text(row, "enable");
        co_await session_.query(statement);
    }
    co_await session_.execute("COMMIT");
}

Async<void> WorkDatabase::publish(PgSession& target)
{
    const std::string final_name = *options_.target_database;
    const std::string rename =
        "ALTER DATABASE " + quote_identifier(name_) + " RENAME TO " + quote_identifier(final_name);
    const std::vector<std::string> statements =
        database_statements(properties_, final_name, options_);
    co_await target.query(rename);
    for (const std::string& statement : statements)
        co_await target.query(statement);
    co_await import_ledger(target);
    co_await note_name(target, std::nullopt);
}

Async<void> WorkDatabase::import_ledger(PgSession& target)
{
    const std::string sql = ledger_call(job_, "pgclone_ledger_import", true);
    for (const std::string& part : ledger_) {
        Parameters parameters{id_of(job_), part};
        co_await target.query(sql, parameters);
    }
}

// --- Giving it up

Async<void> WorkDatabase::abandon(PgSession& target, JobIdentity job)
{
    job_ = std::move(job);
    if (name_.empty()) {
        const std::string sql = ledger_call(job_, "pgclone_ledger_work_database", false);
        Parameters parameters{id_of(job_)};
        const ResultSet row = co_await target.query(sql, parameters);
        name_ = row.text(0, "pgclone_ledger_work_database");
    }
    if (name_.empty())
        co_return;
    const bool has_ledger = ledger_.empty() && !identity_.extension_schema.empty();
    // It may be in the middle of anything.
    session_.close();
    if (has_ledger) {
        try {
            co_await open_session();
            const std::string encoding(target.parameter_status("server_encoding"));
            co_await export_ledger(encoding);
        } catch (const PgError&) {
            // The job's own error says enough.
        }
        session_.close();
    }
    co_await drop(target);
    co_await note_name(target, std::nullopt);
    name_.clear();
    forget_in_slot();
}

// A statement of its own. Whoever looks at the database is sent away: it never was anybody's.
Async<void> WorkDatabase::drop(PgSession& target)
{
    const std::string statement =
        "DROP DATABASE IF EXISTS " + quote_identifier(name_) + " WITH (FORCE)";
    bool in_use = false;
    try {
        co_await target.query(statement);
    } catch (const PgError& error) {
        if (error.sqlstate() != sqlstate::object_in_use)
            throw;
        in_use = true;
    }
    if (!in_use)
        co_return;
    co_await drop_subscriptions();
    co_await target.query(statement);
}

// They, too, keep a database from being dropped. Theirs is a slot of another server, which is to
// stay what it is.
Async<void> WorkDatabase::drop_subscriptions()
{
    identity_ = job_;
    identity_.creates_database = true;
    identity_.work_database_name = name_;
    identity_ = in_work_database(identity_);
    co_await open_session();
    const std::string sql(catalog_sql::database_subscriptions);
    const ResultSet names = co_await session_.query(sql);
    for (std::size_t row = 0; row < names.size(); row++) {
        const std::string name = quote_identifier(names.text(row, "subname"));
        const std::string disable = "ALTER SUBSCRIPTION " + name + " DISABLE";
        const std::string let_go = "ALTER SUBSCRIPTION " + name + " SET (slot_name = NONE)";
        const std::string drop = "DROP SUBSCRIPTION " + name;
        co_await session_.query(disable);
        co_await session_.query(let_go);
        co_await session_.query(drop);
    }
    session_.close();
}

void WorkDatabase::forget_in_slot() noexcept
{
    server::update_self([](WorkerSlot& worker) noexcept { worker.work_pid = 0; });
    server::update_job([](JobSlot& job) noexcept {
        job.work_database = 0;
        job.work_database_name[0] = '\0';
        job.work_extension_schema[0] = '\0';
    });
}

} // namespace pgclone
