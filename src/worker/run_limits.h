/*
 * The setting SLIPWAY_RUN_LIMITS: how many runs are run at a time. A mistake in it would be a limit
 * that nobody keeps, so a worker does not start with one.
 */
#ifndef SLIPWAY_WORKER_RUN_LIMITS_H
#define SLIPWAY_WORKER_RUN_LIMITS_H

#include "slipway/error.h"

/*
 * Whether each word of the text is NAME=NUMBER, where the name is `tenant`, `app` or an action of
 * this build, and the number 1 to 100,000. ERROR_INVALID_INPUT if not; NULL has no words.
 */
enum error_class run_limits_check(const char *text, struct error *error) SLIPWAY_MUST_CHECK;

#endif
