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
	/* As the request names them; step_id is NULL where it names none. */
	const char *workflow_id, *step_id;
};

/* Finds them; step may be NULL. Errors: ERROR_NOT_FOUND with the place and the names that exist. */
enum error_class target_find(const char *app, const char *workflow, const char *step,
	struct target *ret_target, struct error *error) SLIPWAY_MUST_CHECK;

/* From the body of a POST: appId, workflowId and actionId. The last may be absent unless
 * `needs_step`. */
enum error_class target_from_body(const cJSON *body, bool needs_step, struct target *ret_target,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same for what only reads or ends runs: workflow or step may be NULL because this build does
 * not have them. Another build may have runs of them; if there is none, answer with target_unknown.
 */
enum error_class target_from_body_any(const cJSON *body, bool needs_step, struct target *ret_target,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether this build has what the target names. */
bool target_is_known(const struct target *target);

/* Sets the error that says so where this build does not have it. */
enum error_class target_unknown(const struct target *target, struct error *error);

/* The target's name in the store. Its step is NULL where the target is all steps. */
struct run_name target_name(const struct target *target);

#endif
