/*
 * The hash slipway:workers: which workers are running, for people and for `slipway status`.
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
enum error_class worker_heartbeat(struct redis *redis, const struct worker_heartbeat *beat,
	struct error *error) SLIPWAY_MUST_CHECK;

#define WORKER_SILENT_MS 15000 /* three heartbeats were missed: the worker is gone or cut off */
/* The age of a heartbeat that cannot be read, or is in the future */
#define WORKER_NEVER_MS INT64_MAX

/* Calls `each` for each worker on the list, with the age of its last heartbeat. Both times are by
 * the clock of Redis, so the machines' clocks do not matter; if the clock of Redis was set back,
 * earlier heartbeats count as never. */
enum error_class workers_list(struct redis *redis,
	void (*each)(void *context, const struct worker_heartbeat *beat, int64_t age_ms),
	void *context, struct error *error) SLIPWAY_MUST_CHECK;

struct workers_tally {
	size_t alive, silent;
};

/* Counts the workers with a heartbeat within WORKER_SILENT_MS, and the others: killed, or unable to
 * reach Redis. */
enum error_class workers_count(struct redis *redis, struct workers_tally *ret_tally,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Removes workers from the list that have sent no heartbeat for an hour: they were killed. */
enum error_class workers_tidy(struct redis *redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes the worker from the list. */
enum error_class worker_leave(
	struct redis *redis, const char *name, struct error *error) SLIPWAY_MUST_CHECK;

#endif
