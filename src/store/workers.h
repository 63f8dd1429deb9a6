/*
 * The hash slipway:workers: who works, for people and for `slipway status`.
 */
#ifndef SLIPWAY_STORE_WORKERS_H
#define SLIPWAY_STORE_WORKERS_H

#include "store/redis.h"

struct worker_beat {
	const char *name;
	const char *version;
	size_t executors, busy;
};

/* Writes {"at","version","executors","busy"} under the worker's name. */
enum error_class worker_beat(
	struct redis *redis, const struct worker_beat *beat, struct error *error) SLIPWAY_MUST_CHECK;

/* Calls for each worker on the list, with the time since it last reported by this machine's clock. A beat that cannot
 * be read counts as never. */
enum error_class workers_list(struct redis *redis,
	void (*each)(void *context, const struct worker_beat *beat, int64_t age_ms), void *context,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Takes workers off the list that have not reported for an hour: they were killed. */
enum error_class workers_tidy(struct redis *redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Takes the worker off the list. */
enum error_class worker_leave(struct redis *redis, const char *name, struct error *error) SLIPWAY_MUST_CHECK;

#endif
