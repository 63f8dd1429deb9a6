/*
 * Points at which a test can make a program fail: before and after all input and output of the
 * process.
 *
 * They exist only in the build of the fault suite (SLIPWAY_FAILPOINTS, see
 * tests/faults/failpoint.c). Other builds compile them to nothing.
 */
#ifndef SLIPWAY_BASE_FAILPOINT_H
#define SLIPWAY_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef SLIPWAY_FAILPOINTS
/* The point is named where.what, such as redis.before.claim. It may end or stop the process. If
 * true, behave as if the input or output at this point had failed. */
bool failpoint(const char *where, const char *what);
/* The same for each name of a list with blanks between: whether one of them is true. */
bool failpoints(const char *where, const char *names);
#else
#define failpoint(where, what)   ((void)(what), false)
#define failpoints(where, names) ((void)(names), false)
#endif

#endif
