// The library's entry: configuration, shared memory, and the one static worker.
#include "shared/settings.hpp"
#include "shared/shared_memory_pg.hpp"
#include "worker/supervisor_pg.hpp"

extern "C" {
#include "postmaster/bgworker.h"

PG_MODULE_MAGIC;

void _PG_init(void);
}

namespace pgclone {
void install_submit_callbacks();     // sql_api/submit_queue_pg.cpp
void install_drop_extension_hook();  // sql_api/drop_extension_pg.cpp
}

// Loaded by shared_preload_libraries: declares everything. Loaded later, by a function call in a
// server that does not preload it: nothing, and each function says what is missing.
void _PG_init(void)
{
    if (!process_shared_preload_libraries_in_progress)
        return;
    pgclone::settings::define_settings();
    pgclone::install_shared_memory_hooks();
    pgclone::install_submit_callbacks();
    pgclone::install_drop_extension_hook();
    pgclone::register_supervisor();
}
