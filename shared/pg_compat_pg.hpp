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
#include "access/multixact.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/vacuum.h"
#include "utils/acl.h"
#include "utils/rel.h"
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

// `catalog`: pg_class or pg_extension, by their OIDs.
inline bool is_owner(Oid catalog, Oid object, Oid role)
{
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(catalog, object, role);
#else
    return catalog == RelationRelationId ? pg_class_ownercheck(object, role)
                                         : pg_extension_ownercheck(object, role);
#endif
}

// What ANALYZE writes to a table's row of pg_class. `pages`: of all, InvalidBlockNumber for a
// partitioned table; `visible` and `frozen`: of those that are wholly so.
inline void update_relation_counts(Relation relation, BlockNumber pages, double rows,
                                   BlockNumber visible, [[maybe_unused]] BlockNumber frozen)
{
    vac_update_relstats(relation, pages, rows, visible,
#if PG_VERSION_NUM >= 180000
                        frozen,
#endif
                        relation->rd_rel->relhasindex, InvalidTransactionId, InvalidMultiXactId,
#if PG_VERSION_NUM >= 150000
                        nullptr, nullptr,
#endif
                        true);
}

} // namespace pgclone
