/*
 * What a worker tells about itself every few seconds: what it runs, and which definitions it has.
 */
#ifndef SLIPWAY_WORKER_HEARTBEAT_H
#define SLIPWAY_WORKER_HEARTBEAT_H

#include "base/clock.h"
#include "store/runs.h"

/* One per supervisor. */
struct heartbeat {
	const char *worker; /* its name; borrowed */
	char started_at[CLOCK_TEXT_SIZE];
	bool published; /* its definitions, by this process */
	bool drains;    /* others are told, or will be */
};

/* Begins one; sends nothing yet. */
void heartbeat_init(struct heartbeat *heartbeat, const char *worker);

/* What differs from one to the next. Borrowed. */
struct heartbeat_state {
	size_t executors;
	const struct lease *const *running; /* of the executors at work */
	size_t running_count;
	bool draining; /* it takes no more runs */
};

/* Writes it to Redis. */
enum error_class heartbeat_send(struct redis *redis, struct heartbeat *heartbeat,
	const struct heartbeat_state *state, struct error *error) SLIPWAY_MUST_CHECK;

#endif
