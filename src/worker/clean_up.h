/*
 * What becomes of the run of an executor that has ended.
 */
#ifndef SLIPWAY_WORKER_CLEAN_UP_H
#define SLIPWAY_WORKER_CLEAN_UP_H

#include "worker/supervision.h"

/* Of an executor that had a run when it ended: writes the failure, hands the run back, or gives its
 * lease up, by why it has ended. */
void clean_up_after(struct supervisor *supervisor, const struct slot *slot);

/* In a coroutine: hands a run back that nobody has begun; where Redis does not take that, once it
 * does. taken_at is monotonic. */
void release_unbegun(struct supervisor *supervisor, const struct claim *claim, int64_t taken_at);

/* In a coroutine: ends a run that nobody has begun, for something that is stored about it is not
 * believed, and tells the operators. */
void refuse_claim(struct supervisor *supervisor, const struct claim *claim, int64_t taken_at,
	const struct error *refusal);

/* A run that could not be written about is handed back once Redis can be reached, and no crash is
 * counted. Where there is no room the lease runs out, as for a crash. */
void release_later(struct supervisor *supervisor, const struct lease *lease);

/* In a coroutine: releases runs that could not be when their executors ended. ERROR_NONE, or why
 * Redis cannot be reached. */
enum error_class release_pending(
	struct supervisor *supervisor, struct error *error) SLIPWAY_MUST_CHECK;

#endif
