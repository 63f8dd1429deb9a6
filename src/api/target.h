/*
 * Which workflow, step and app a request is about.
 */
#ifndef SLIPWAY_API_TARGET_H
#define SLIPWAY_API_TARGET_H

#include "core/workflow.h"
#include "slipway/error.h"
#include "store/keys.h"

struct target {
	const char *app;
	const struct workflow_definition *workflow;
	const struct step_definition *step; /* NULL: all steps */
};

/* Finds them; step may be NULL. Errors: ERROR_NOT_FOUND with the place and what there is. */
enum error_class target_find(const char *app, const char *workflow, const char *step, struct target *ret_target,
	struct error *error) SLIPWAY_MUST_CHECK;

/* From the body of a POST: appId, workflowId, and actionId, which must be there where `needs_step`. */
enum error_class target_from_body(
	const cJSON *body, bool needs_step, struct target *ret_target, struct error *error) SLIPWAY_MUST_CHECK;

/* What the store calls it. The step is NULL where the target is all steps. */
struct run_name target_name(const struct target *target);

#endif
