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

/* Takes workers off the list that have not reported for an hour: they were killed. */
enum error_class workers_tidy(struct redis *redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Takes the worker off the list. */
enum error_class worker_leave(struct redis *redis, const char *name, struct error *error) SLIPWAY_MUST_CHECK;

#endif
