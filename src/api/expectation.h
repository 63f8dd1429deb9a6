/*
 * What a start by the hash of a plan expects: that the world is as that plan saw it. The deployment
 * begins with a step that looks (core/dry_run.h), and all else needs that step.
 */
#ifndef SLIPWAY_API_EXPECTATION_H
#define SLIPWAY_API_EXPECTATION_H

#include "api/request.h"
#include "api/target.h"
#include "core/dry_run.h"
#include "core/input.h"
#include "store/deployments.h"

struct expectation {
	struct dry_run_input plan; /* its hash, and what it saw; no hash: nothing is expected */
	const char *text;          /* the same as JSON, as a deployment has it; NULL: nothing */
	bool met;                  /* the deployment has found it so, and does not look again */
};

/* For a start: the plan with this hash, which is the last of the workflow, or the one that its last
 * deployment was started by. ERROR_PLAN_CHANGED where neither has the hash (NULL: none is named).
 * Texts are in the service's arena. */
enum error_class expectation_find(const struct service *service, const struct target *target,
	const char *hash, struct expectation *ret_expectation,
	struct error *error) SLIPWAY_MUST_CHECK;

/* For a retry: what the deployment was started with. */
enum error_class expectation_read(const struct service *service,
	const struct deployment *deployment, struct expectation *ret_expectation,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The step that looks, as the script takes it. The step of the sources is not used. */
enum error_class expectation_prepare(const struct service *service,
	const struct input_sources *sources, const struct expectation *expectation,
	const char *after, struct start_step *ret_step, struct error *error) SLIPWAY_MUST_CHECK;

/* The names of what comes before the first steps of the deployment, in the service's arena: what it
 * comes after (may be NULL), and the step that looks. */
enum error_class expectation_first(const struct service *service, const struct target *target,
	const struct expectation *expectation, const char *after, const char **ret_names,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
