// Differences between PostgreSQL majors, all in one place. Built and tested: 15, 17, 18, 19rc1
// (test/matrix.sh). The guards for 14 and 16 are untested: they follow those versions' headers.
#pragma once

#include "shared/server_pg.hpp"

#if PG_VERSION_NUM < 140000
#error "pgclone needs PostgreSQL 14 or later"
#endif

// shmem_request_hook exists from 15 on; before, memory is requested directly in _PG_init.
#define PGCLONE_HAS_SHMEM_REQUEST_HOOK (PG_VERSION_NUM >= 150000)

// From 19 on, shared memory is requested and initialized by registered callbacks.
#define PGCLONE_HAS_SHMEM_CALLBACKS (PG_VERSION_NUM >= 190000)

// 14 has SetSingleFuncCall's work still spelled out by every caller.
#define PGCLONE_HAS_MATERIALIZED_SRF (PG_VERSION_NUM >= 150000)

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_extension.h"
#include "utils/acl.h"
}

namespace pgclone {

// The timeline that this server writes. Not to be called during recovery.
inline TimeLineID current_timeline()
{
#if PG_VERSION_NUM >= 150000
    return GetWALInsertionTimeLine();
#else
    RecoveryInProgress(); // fills it in
    return ThisTimeLineID;
#endif
}

inline bool is_extension_owner(Oid extension, Oid role)
{
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(ExtensionRelationId, extension, role);
#else
    return pg_extension_ownercheck(extension, role);
#endif
}

} // namespace pgclone
