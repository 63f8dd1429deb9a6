/*
 * Places at which a test can hit a program: before and after everything that leaves the process.
 *
 * They exist in the build of the fault suite only (SLIPWAY_FAILPOINTS, see tests/faults/failpoint.c); elsewhere they
 * are nothing at all.
 */
#ifndef SLIPWAY_BASE_FAILPOINT_H
#define SLIPWAY_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef SLIPWAY_FAILPOINTS
/* The point is where.what, such as redis.before.claim. It may end or stop the process; true: behave as if the input or
 * output at this point had failed. */
bool failpoint(const char *where, const char *what);
#else
#define failpoint(where, what) ((void)(what), false)
#endif

#endif
