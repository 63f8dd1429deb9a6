/*
 * What statuses show of steps that have ended, or never ran, as it was read less than a minute ago.
 * Nothing of that changes unless one of a few fields does, its marks: so whoever polls asks Redis
 * for the marks alone, and the status object is not made again.
 */
#ifndef SLIPWAY_STORE_ENDED_MEMORY_H
#define SLIPWAY_STORE_ENDED_MEMORY_H

#include "core/run.h"

/* A hand that changes a run, and not its marks, is seen so many ms later at the latest. */
#define ENDED_REMEMBERED_MS 60000

/* Each change of an ended run raises its version; and where Redis has lost the last changes, no
 * other run has ended at the same time. */
#define ENDED_MARKS 4
extern const char *const ended_marks[ENDED_MARKS];

struct ended_run {
	struct run run;                 /* with its status object */
	const char *marks[ENDED_MARKS]; /* as Redis has them, "" where it has none */
};

/* The one with this key, at a time of the monotonic clock; in the arena. NULL: it is not known. */
const struct ended_run *ended_recall(const char *key, int64_t now, struct arena *arena);

/* Remembers what was read; copies all of it. One that is too large is not remembered. */
void ended_remember(const char *key, const struct ended_run *ended, int64_t now);

/* It is not so any more. */
void ended_forget(const char *key);

#endif
