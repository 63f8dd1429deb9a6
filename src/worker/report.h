/*
 * What an executor and its supervisor tell each other. Over the channel the executor says what it is doing, so that the
 * supervisor can renew the lease, keep the deadline, and clear up when the executor is gone. In shared memory stands
 * until when the lease is theirs, so that a process that was stopped and wakes up late calls no provider any more.
 */
#ifndef SLIPWAY_WORKER_REPORT_H
#define SLIPWAY_WORKER_REPORT_H

#include <stdatomic.h>

#include "store/runs.h"

struct notice {
	bool busy; /* false: it holds no lease, and the rest is empty */
	struct lease lease;
	int64_t claimed_at;   /* when the lease was asked for; monotonic, which is one clock for all processes */
	int64_t time_left_ms; /* of the attempt */
	int64_t attempt, attempts;
	char run_id[RUN_ID_SIZE], request[IDENTIFIER_SIZE]; /* for the log */
};

/* One for each executor. Set by the executor when it claims, and by the supervisor with every renewal. */
struct tenure {
	_Atomic int64_t at; /* monotonic */
};

#endif
