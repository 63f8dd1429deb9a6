/*
 * Serves the executors over their channels: gives them runs, and answers what they ask, each
 * question in a coroutine.
 */
#ifndef SLIPWAY_WORKER_SERVICE_H
#define SLIPWAY_WORKER_SERVICE_H

#include "worker/supervision.h"

struct step_definition;

/* An executor has started. */
void service_open(struct slot *slot, int channel);

/* It has ended: takes what it had said before. A run that it had not begun is handed back. */
void service_close(struct slot *slot);

/* Every tick: kills those that stay in their places after their last run. */
void service_check(struct supervisor *supervisor);

/* Whether it would begin a run now. */
bool service_is_idle(const struct slot *slot);

/* Gives it a run that is believed, whose lease was taken at that time; where that fails, hands the
 * run back. In a coroutine. */
void service_give(struct slot *slot, const struct step_definition *step, const struct claim *claim,
	const char *input_digest, int64_t taken_at);

#endif
