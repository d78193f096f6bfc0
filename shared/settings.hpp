// Configuration parameters (prefix "pgclone."), as plain variables that the GUC machinery writes.
// A worker re-reads them after a reload; the next task sees the new values.
#pragma once

namespace pgclone::settings {

extern int max_jobs;             // slots of unfinished jobs; fixed at server start
extern int max_workers;          // worker slots; fixed at server start
extern int default_parallel;     // table workers of a job that does not say
extern int split_threshold;      // kilobytes; larger tables are copied in pieces; 0 = none is
extern int connect_timeout;      // milliseconds, to either server
extern int stall_timeout;        // milliseconds without a byte from the source; 0 = no limit
extern int retry_limit;          // further attempts of a task after a transient error
extern bool resume_on_start;     // jobs that a restart interrupted go on by themselves
extern char* loopback_conninfo;  // replaces the default address of this server; may be empty

// Declares the parameters to the server. Call once, from _PG_init.
void define_settings();

} // namespace pgclone::settings
