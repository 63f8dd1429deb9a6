/*
 * What the logs tell of a run: the same pairs in every line, whichever program writes it.
 */
#ifndef SLIPWAY_CORE_RUN_LOG_H
#define SLIPWAY_CORE_RUN_LOG_H

#include "base/log.h"
#include "core/run.h"

/* Begins a line about a run: app, workflow, step, run, attempt, and the request that triggered it,
 * as far as they are known. */
void run_line(
	struct log_line *line, enum log_level level, const char *event, const struct run *run);

/*
 * Begins the line for a run that has ended: as above, with status, reason (skipped), crashes,
 * milliseconds since it was queued, and the class of its error with the provider's response that it
 * comes of. A warning where it failed.
 */
void run_end_line(struct log_line *line, const struct run *run);

#endif
