/*
 * What an executor tells its supervisor over its channel: what it is doing, so that the supervisor can renew the
 * lease, keep the deadline, and clear up when the executor is gone.
 */
#ifndef SLIPWAY_WORKER_NOTICE_H
#define SLIPWAY_WORKER_NOTICE_H

#include "store/runs.h"

struct notice {
	bool busy; /* false: it holds no lease, and the rest is empty */
	struct lease lease;
	int64_t time_left_ms; /* of the attempt */
	int64_t attempt, attempts;
};

#endif
