/*
 * Which workflows and steps of an app have a run, for builds that no longer have them compiled in.
 */
#ifndef SLIPWAY_STORE_APP_STEPS_H
#define SLIPWAY_STORE_APP_STEPS_H

#include "core/run.h"
#include "slipway/workflow.h"
#include "store/redis.h"

/* The names are sorted by step; texts are in the arena. */
struct app_steps {
	struct run_name names[WORKFLOW_STEPS_MAX];
	size_t count;
};

/* Lists the steps of a workflow that Redis has had runs of for this app. A run may have expired
 * since. If there are more than WORKFLOW_STEPS_MAX, the others are left out. */
enum error_class app_steps_list(struct redis *redis, const struct app_name *app,
	const char *workflow, struct arena *arena, struct app_steps *ret_steps,
	struct error *error) SLIPWAY_MUST_CHECK;

#define APP_WORKFLOWS_MAX 64

/* Ids of workflows, sorted; texts are in the arena. */
struct app_workflows {
	const char *ids[APP_WORKFLOWS_MAX];
	size_t count;
};

/* Lists the workflows that Redis has had runs of for each of these apps of a tenant, in one round
 * trip for many. If there are more than APP_WORKFLOWS_MAX, the others are left out; an app whose
 * key is no hash has none. */
enum error_class app_workflows_list(struct redis *redis, const char *tenant,
	const char *const *apps, size_t count, struct arena *arena,
	struct app_workflows *ret_workflows, struct error *error) SLIPWAY_MUST_CHECK;

#endif
