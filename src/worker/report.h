/*
 * What the supervisor knows of a run that an executor has, and what both have in shared memory. The
 * lease expiry lives there, so an executor that was suspended (SIGSTOP, a pause of the machine)
 * makes no provider call after it; whether it has begun, so that a run which it was given while it
 * ended is no crash; and whether it asks a provider to change something, so that a cancel does not
 * cut that off.
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

/* One per executor. What it sets itself is not to be relied on: its action may do anything. */
struct executor_shared {
	_Atomic int64_t lease_until; /* monotonic; set by the supervisor */
	_Atomic bool closed;         /* no further request is sent, and what only reads is aborted;
					set by the supervisor */
	_Atomic bool changing; /* a request is under way that may change something; set by it */
	_Atomic int64_t begun; /* the number of the last run that it has begun; set by it */
};

#endif
