// Where the postmaster's child becomes a job or table worker: attach, signals, then C++.
#include "worker/job_worker.hpp"
#include "worker/table_worker.hpp"

#include "shared/boundary_pg.hpp"
#include "worker/worker_services_pg.hpp"

extern "C" {
PGDLLEXPORT void pgclone_job_worker_main(Datum argument);
PGDLLEXPORT void pgclone_table_worker_main(Datum argument);
}

using namespace pgclone;

void pgclone_job_worker_main(Datum argument)
{
    attach_worker(argument, WorkerKind::job);
    install_worker_signals();
    clean_environment();
    limit_memory();
    call_cpp([] { run_job_worker(); });
}

void pgclone_table_worker_main(Datum argument)
{
    attach_worker(argument, WorkerKind::table);
    install_worker_signals();
    clean_environment();
    limit_memory();
    call_cpp([] { run_table_worker(); });
}
