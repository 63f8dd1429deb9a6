/*
 * The input of a plan: that of all steps of a workflow, for the mode plan and for a start that
 * names a plan.
 */
#ifndef SLIPWAY_API_PLAN_INPUT_H
#define SLIPWAY_API_PLAN_INPUT_H

#include "api/request.h"
#include "core/dry_run.h"
#include "core/input.h"

/* The step and the budget of what is given are not used. Of `expected` (may be NULL) all is
 * taken but the steps. *ret_input is the caller's. */
enum error_class plan_input_build(const struct service *service, const struct input_sources *given,
	const struct dry_run_input *expected, cJSON **ret_input,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
