// The only door through which server headers come in. Include it last, and only in files named
// *_pg.cpp or *_pg.hpp: its macros (Min, Max, snprintf, _, ...) break standard headers that
// follow it.
#pragma once

extern "C" {
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}
