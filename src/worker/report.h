/*
 * What an executor and its supervisor tell each other. Over the channel the executor reports which
 * run it has, so that the supervisor can renew the lease, keep the deadline, and clean up when the
 * executor is gone. The lease expiry lives in shared memory, so an executor that was suspended
 * (SIGSTOP, a pause of the machine) makes no provider call after it.
 */
#ifndef SLIPWAY_WORKER_REPORT_H
#define SLIPWAY_WORKER_REPORT_H

#include <stdatomic.h>

#include "store/runs.h"

/* An executor's status. */
struct report {
	bool busy; /* false: it holds no lease, and the rest is empty */
	struct lease lease;
	int64_t claimed_at;   /* when the lease was requested; monotonic, which is one clock for all
				 processes */
	int64_t time_left_ms; /* of the attempt */
	int64_t attempt, attempts;
	char run_id[RUN_ID_SIZE], request[IDENTIFIER_SIZE]; /* for the log */
};

/* One per executor. Set by the executor when it claims a run, and by the supervisor with each
 * renewal. */
struct lease_expiry {
	_Atomic int64_t at; /* monotonic */
};

#endif
