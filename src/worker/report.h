/*
 * What the supervisor knows of a run that an executor has, and what both have in shared memory. The
 * lease expiry lives there, so an executor that was suspended (SIGSTOP, a pause of the machine)
 * makes no provider call after it; and whether it has begun, so that a run which it was given while
 * it ended is no crash.
 */
#ifndef SLIPWAY_WORKER_REPORT_H
#define SLIPWAY_WORKER_REPORT_H

#include <stdatomic.h>

#include "core/signed_text.h"
#include "store/runs.h"

/* The run of an executor. */
struct report {
	bool busy; /* false: it holds no lease, and the rest is empty */
	struct lease lease;
	int64_t claimed_at;   /* when the lease was requested; monotonic, which is one clock for all
				 processes */
	int64_t time_left_ms; /* of the attempt */
	int64_t attempt, attempts;
	char input_digest[MAC_DIGEST_SIZE];
	char run_id[RUN_ID_SIZE], request[IDENTIFIER_SIZE]; /* for the log */
};

/* One per executor. */
struct lease_expiry {
	_Atomic int64_t at;    /* monotonic; set by the supervisor */
	_Atomic int64_t begun; /* the number of the last run that it has begun; set by it */
};

#endif
