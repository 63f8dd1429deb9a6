/*
 * The hash slipway:workers: who works, for people and for `slipway status`.
 */
#ifndef SLIPWAY_STORE_WORKERS_H
#define SLIPWAY_STORE_WORKERS_H

#include "store/redis.h"

struct worker_heartbeat {
	const char *name;
	const char *version;
	size_t executors, busy;
};

/* Writes {"at","version","executors","busy"} under the worker's name. */
enum error_class worker_heartbeat(
	struct redis *redis, const struct worker_heartbeat *beat, struct error *error) SLIPWAY_MUST_CHECK;

#define WORKER_SILENT_MS 15000     /* three reports were missed: it is gone, or cut off */
#define WORKER_NEVER_MS  INT64_MAX /* the age of a report that cannot be read, or is of a time to come */

/* Calls for each worker on the list, with the time since it last reported. Both times are by the clock of Redis, so no
 * machine's own clock matters; where that of Redis was set back, a report from before counts as never. */
enum error_class workers_list(struct redis *redis,
	void (*each)(void *context, const struct worker_heartbeat *beat, int64_t age_ms), void *context,
	struct error *error) SLIPWAY_MUST_CHECK;

struct workers_tally {
	size_t alive, silent;
};

/* Counts those that reported within WORKER_SILENT_MS, and the others: they were killed, or cannot reach Redis. */
enum error_class workers_count(
	struct redis *redis, struct workers_tally *ret_tally, struct error *error) SLIPWAY_MUST_CHECK;

/* Takes workers off the list that have not reported for an hour: they were killed. */
enum error_class workers_tidy(struct redis *redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Takes the worker off the list. */
enum error_class worker_leave(struct redis *redis, const char *name, struct error *error) SLIPWAY_MUST_CHECK;

#endif
