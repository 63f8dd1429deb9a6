/*
 * teardown: removes what an app has created, according to its ledger, in reverse order. Adopted
 * resources are kept, resources that no longer exist are no error, and a failed step continues
 * where it stopped.
 */
#include "actions.h"
#include "slipway/workflow.h"

static const struct step_definition steps[] = {
	{ .id = "domains", .action = &vercel_domain_remove, .input_key = "teardown" },
	/* Its deployments and variables go with it. */
	{ .id = "projects",
		.action = &vercel_project_delete,
		.input_key = "teardown",
		.needs = NEEDS("domains") },
	/* Those of http.request: the input has the credentials for their APIs. */
	{ .id = "resources",
		.action = &http_remove,
		.input_key = "resources",
		.needs = NEEDS("projects") },
	{ .id = "repositories",
		.action = &github_repository_delete,
		.input_key = "teardown",
		.needs = NEEDS("projects") },
};

const struct workflow_definition teardown = {
	.id = "teardown",
	.summary = "Removes what the app has created: domains, Vercel projects, resources of other "
		   "APIs, repositories",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
