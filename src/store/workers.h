/*
 * The hashes slipway:workers and slipway:definitions: which workers are running, what they run, and
 * which definitions they have.
 */
#ifndef SLIPWAY_STORE_WORKERS_H
#define SLIPWAY_STORE_WORKERS_H

#include "slipway/field.h"
#include "store/redis.h"

struct worker_heartbeat {
	const char *name;
	const char *version;
	size_t executors, busy;
	const char *started_at;     /* as clock_format writes it; "" if unknown */
	struct string_list running; /* TENANT APP WORKFLOW STEP of each under way */
	bool draining;              /* it is stopping, and takes no more runs */
};

/* Writes all but the name under the worker's name, with the time as "at". */
enum error_class worker_heartbeat(struct redis *redis, const struct worker_heartbeat *beat,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Publishes which definitions the worker has, as core/digest.h lists them. `again`: only if there
 * are none under its name, for example because Redis has lost them.
 */
enum error_class worker_publish(struct redis *redis, const char *name,
	const struct string_map *definitions, bool again, struct error *error) SLIPWAY_MUST_CHECK;

#define WORKER_SILENT_MS 15000 /* seven heartbeats were missed: the worker is gone or cut off */
/* The age of a heartbeat that cannot be read, or is in the future */
#define WORKER_NEVER_MS INT64_MAX

/* Calls `each` for each worker on the list, with the age of its last heartbeat. Both times are by
 * the clock of Redis, so the machines' clocks do not matter; if the clock of Redis was set back,
 * earlier heartbeats count as never. */
enum error_class workers_list(struct redis *redis,
	void (*each)(void *context, const struct worker_heartbeat *beat, int64_t age_ms),
	void *context, struct error *error) SLIPWAY_MUST_CHECK;

/* A worker on the list, with what it has published. */
struct worker_row {
	struct worker_heartbeat beat;
	int64_t age_ms; /* of its last heartbeat */
	struct string_map definitions;
};
struct worker_rows {
	const struct worker_row *items;
	size_t count;
};

/* Reads the whole list, in no order; texts are in the arena. */
enum error_class workers_read(struct redis *redis, struct arena *arena,
	struct worker_rows *ret_rows, struct error *error) SLIPWAY_MUST_CHECK;

/* After this long without a heartbeat, a status no longer counts on a worker: two were missed. */
#define WORKER_ABSENT_MS 4500

struct redisReply;

/* The same for the reply to an HGETALL of KEY_WORKERS, which the caller has read at now_ms. */
void workers_each(const struct redisReply *beats, int64_t now_ms,
	void (*each)(void *context, const struct worker_heartbeat *beat, int64_t age_ms),
	void *context);

struct workers_tally {
	size_t alive, silent;
};

/* Counts the workers with a heartbeat within WORKER_SILENT_MS, and the others: killed, or unable to
 * reach Redis. */
enum error_class workers_count(struct redis *redis, struct workers_tally *ret_tally,
	struct error *error) SLIPWAY_MUST_CHECK;

/* What there is for tenants to share. */
struct workers_capacity {
	size_t tenants;   /* that have apps on the list */
	size_t executors; /* of workers that take runs; not read for one tenant: 0 */
};

/* Reads it, without the executors of the worker that asks: it knows its own. */
enum error_class workers_capacity_read(struct redis *redis, const char *asking,
	struct workers_capacity *ret_capacity, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes workers from the list that have sent no heartbeat for an hour: they were killed. */
enum error_class workers_tidy(struct redis *redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes the worker from the list. */
enum error_class worker_leave(
	struct redis *redis, const char *name, struct error *error) SLIPWAY_MUST_CHECK;

#endif
