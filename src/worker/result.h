/*
 * Writes how an attempt ended, and logs it: the same for an executor and for the supervisor of one
 * that is gone.
 */
#ifndef SLIPWAY_WORKER_RESULT_H
#define SLIPWAY_WORKER_RESULT_H

#include "worker/batch.h"

/* All borrowed. */
struct result {
	struct batch *batch;
	const struct lease *lease;
	const struct run *run; /* whose attempt it was, for the log */
	int64_t claimed_at;    /* monotonic */
	const struct run_write *write;
};

/* How long a write is repeated while Redis does not take it. */
struct result_retries {
	int tries_max;
	int64_t pause_ms;      /* between two tries */
	int64_t give_up_at;    /* monotonic: no try begins after it */
	const int64_t *end_at; /* the same, as it stands by then; 0: none. NULL: none */
	struct loop *loop;     /* of the coroutine that waits between two tries; NULL: it blocks */
};

/* The run goes back to the queue at once, and neither an attempt nor a crash is counted. */
extern const struct run_write result_release;

/*
 * Writes the result until Redis takes it, refuses it with ERROR_LEASE_LOST, or the retries are used
 * up. A write that took effect without our knowing is refused the second time; the log then says
 * that its outcome is unconfirmed.
 */
enum error_class result_commit(const struct result *result, const struct result_retries *retries,
	struct arena *arena, struct error *error) SLIPWAY_MUST_CHECK;

#endif
