/*
 * Which workflow, step and app a request is about. The app is one of its tenant.
 */
#ifndef SLIPWAY_API_TARGET_H
#define SLIPWAY_API_TARGET_H

#include "api/request.h"
#include "core/workflow.h"
#include "slipway/error.h"
#include "store/keys.h"

struct target {
	const char *tenant, *app;
	const struct workflow_definition *workflow;
	const struct step_definition *step; /* NULL: all steps */
	/* As the request names them; step_id is NULL where it names none. */
	const char *workflow_id, *step_id;
};

/* From the body of a POST: appId, workflowId and actionId. The last may be absent unless
 * `needs_step`. Errors: ERROR_NOT_FOUND with the place and the names that exist. */
enum error_class target_from_body(const struct service *service, const cJSON *body, bool needs_step,
	struct target *ret_target, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same for what only reads or ends runs: workflow or step may be NULL because this build does
 * not have them. Another build may have runs of them; if there is none, answer with target_unknown.
 */
enum error_class target_from_body_any(const struct service *service, const cJSON *body,
	bool needs_step, struct target *ret_target, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether this build has what the target names. */
bool target_is_known(const struct target *target);

/* Sets the error that says so where this build does not have it. */
enum error_class target_unknown(const struct target *target, struct error *error);

/* Its app. */
struct app_name target_app(const struct target *target);

/* The target's name in the store. Its step is NULL where the target is all steps. */
struct run_name target_name(const struct target *target);

#endif
