#include "shared/settings.hpp"

#include <climits>

#include "shared/server_pg.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace pgclone {
// On the C++ side (sql_api/submit_request.cpp): false with a plain text of what is wrong.
bool validate_loopback_conninfo(const char* text, char* reason, std::size_t reason_bytes) noexcept;
} // namespace pgclone

namespace pgclone::settings {

int max_jobs = 256;
int max_workers = 8;
int default_parallel = 2;
int split_threshold = 1024 * 1024;
int connect_timeout = 10000;
int stall_timeout = 300000;
int retry_limit = 3;
bool resume_on_start = true;
char* loopback_conninfo = nullptr;

namespace {

bool check_loopback(char** newval, void**, GucSource)
{
    char reason[256];
    if (!*newval || !**newval || validate_loopback_conninfo(*newval, reason, sizeof(reason)))
        return true;
    GUC_check_errdetail("%s", reason);
    return false;
}

} // namespace

void define_settings()
{
    DefineCustomIntVariable("pgclone.max_jobs",
                            "Sets the maximum number of unfinished clone jobs.", nullptr, &max_jobs,
                            256, 1, 65536, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "pgclone.max_workers", "Sets the maximum number of pgclone worker processes.",
        "They are taken from \"max_worker_processes\". One is kept free for the ledger worker; a "
        "job takes at least two.",
        &max_workers, 8, 3, 1024, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pgclone.default_parallel",
                            "Sets the number of table workers of a job that does not say.", nullptr,
                            &default_parallel, 2, 1, 64, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "pgclone.split_threshold",
        "Sets the size above which several workers copy a table in pieces.",
        "The size is that of its rows, with TOAST. 0 copies every table whole.", &split_threshold,
        1024 * 1024, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pgclone.connect_timeout",
                            "Sets how long a worker waits for a connection to be established.",
                            nullptr, &connect_timeout, 10000, 100, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS,
                            nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "pgclone.stall_timeout",
        "Sets how long the source may send nothing before its session is given up.",
        "0 waits for ever. A query that filters rows may be silent for long and yet be at work; a "
        "host that is gone is noticed by TCP keepalives, whatever this says.",
        &stall_timeout, 300000, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pgclone.retry_limit",
                            "Sets how often a task is tried again after a transient error.",
                            nullptr, &retry_limit, 3, 0, 100, PGC_SIGHUP, 0, nullptr, nullptr,
                            nullptr);
    DefineCustomBoolVariable("pgclone.resume_on_start",
                             "Lets jobs go on that a restart or crash of the server interrupted.",
                             "If it is off, they are held until pgclone_resume.", &resume_on_start,
                             true, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "pgclone.loopback_conninfo",
        "Sets how workers connect to this server.",
        "Empty means the first entry of \"unix_socket_directories\" and the server's port. It may "
        "not set user or dbname.",
        &loopback_conninfo, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_loopback, nullptr, nullptr);
#if PG_VERSION_NUM >= 150000
    MarkGUCPrefixReserved("pgclone");
#else
    EmitWarningsOnPlaceholders("pgclone");
#endif
}

} // namespace pgclone::settings
