/*
 * Takes runs off the queue for the executors that are idle, and no more than those: nothing is
 * taken ahead of an executor that could begin it.
 */
#ifndef SLIPWAY_WORKER_DISPATCH_H
#define SLIPWAY_WORKER_DISPATCH_H

#include "worker/supervision.h"

/* Prepares it; before the first wake. */
enum error_class dispatch_open(
	struct supervisor *supervisor, struct error *error) SLIPWAY_MUST_CHECK;

/* An executor is idle: at the end of this turn runs are taken for all that are. */
void dispatch_wake(struct supervisor *supervisor);

/* At each tick: whether somebody is idle and nobody waits for runs. */
void dispatch_check(struct supervisor *supervisor);

/* Frees what it has kept. */
void dispatch_close(struct supervisor *supervisor);

#endif
