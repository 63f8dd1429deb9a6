/*
 * How a dry run ends: done, or in error where it was to find the world as an earlier one did.
 */
#ifndef SLIPWAY_ACTION_DRY_RUN_END_H
#define SLIPWAY_ACTION_DRY_RUN_END_H

#include "core/dry_run.h"

/* ERROR_PLAN_CHANGED, with what moved, where the input expects another hash than the plan has. What
 * does not fit into the message is in the events of the app. */
enum action_result dry_run_end(struct action_context *context, const struct dry_run_input *input,
	const struct dry_run_output *plan);

#endif
