/*
 * What a worker logs at the end of an attempt: the failure, the time of the next attempt, and the
 * end of the run.
 */
#ifndef SLIPWAY_WORKER_ATTEMPT_LOG_H
#define SLIPWAY_WORKER_ATTEMPT_LOG_H

#include "core/run_log.h"
#include "store/runs.h"

/* All borrowed. */
struct attempt_end {
	const struct run *run;         /* whose attempt it was */
	const struct run_write *write; /* what was to be written about it */
	const struct run *ended; /* as run_write_told returns it; NULL: it could not be written */
	bool unknown; /* nobody knows whether it was: Redis was cut off after a try, and by the next
		       * the lease was gone
		       */
	int64_t attempt_ms;
};

/* A failed attempt, a wait, and the end of the run, one line each. */
void attempt_log(const struct attempt_end *end);

/* The end of a run; nothing where it is idle. attempt_ms: of its last attempt; -1: it had none, or
 * nobody knows. */
void run_ended_log(const struct run *run, int64_t attempt_ms);

/* A reap_listener's: the end of a run, or that it was taken over from a worker that is gone. */
void reaped_log(void *context, const struct run *run);

#endif
