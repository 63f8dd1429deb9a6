/*
 * Runs an action's .validate over a decoded input; implements that part of slipway/action.h.
 */
#ifndef SLIPWAY_CORE_INPUT_CHECK_H
#define SLIPWAY_CORE_INPUT_CHECK_H

#include "base/faults.h"
#include "slipway/action.h"

/*
 * What the action finds wrong with the input beyond its table, at places below `place`. Where
 * faults is NULL, the first fault is the error; else all are noted, and the error is one for which
 * the list has no room.
 */
enum error_class input_check_run(const struct action_definition *action, const void *input,
	const char *place, struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

#endif
