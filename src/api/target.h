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

/* Finds them; step may be NULL. Errors: ERROR_NOT_FOUND with the place and the names that exist. */
enum error_class target_find(const char *app, const char *workflow, const char *step,
	struct target *ret_target, struct error *error) SLIPWAY_MUST_CHECK;

/* From the body of a POST: appId, workflowId and actionId. The last may be absent unless
 * `needs_step`. */
enum error_class target_from_body(const cJSON *body, bool needs_step, struct target *ret_target,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The target's name in the store. Its step is NULL where the target is all steps. */
struct run_name target_name(const struct target *target);

#endif
