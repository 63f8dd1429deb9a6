/*
 * Keeps the leases and the deadlines of the executors at work, and kills those that may not go on.
 */
#ifndef SLIPWAY_WORKER_LEASES_H
#define SLIPWAY_WORKER_LEASES_H

#include "worker/supervision.h"

/*
 * At each tick: kills executors that are past their deadline or whose lease is in danger, and
 * forbids further requests where the worker ends soon, which needs no Redis; then renews all leases
 * that are due in one call, and looks at the others once a second whether somebody wants their run
 * to end.
 */
void leases_check(struct supervisor *supervisor);

#endif
