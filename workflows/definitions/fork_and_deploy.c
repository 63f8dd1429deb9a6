/*
 * fork-and-deploy: a fork that a workflow of its own changes first (codemods), and a deployment of just the commit that
 * came of it.
 */
#include "actions.h"
#include "definitions.h"

static const struct step_definition steps[] = {
	{ .id = "repo", .action = &github_repository, .input_key = "repo" },
	{ .id = "codemods",
		.action = &github_workflow_run,
		.input_key = "codemods",
		.bind = BIND({ "repository", "${step.repo.fullName}" }, { "ref", "${step.repo.defaultBranch}" }) },
	{ .id = "project",
		.action = &vercel_project,
		.input_key = "project",
		.bind = BIND({ "repository", "${step.repo.fullName}" }, { "repositoryId", "${step.repo.id}" }) },
	{ .id = "env",
		.action = &vercel_environment,
		.input_key = "env",
		.bind = BIND({ "project", "${step.project.id}" }) },
	/* Vercel refuses a domain while the last production deployment has failed, so that comes after. */
	{ .id = "deployment",
		.action = &vercel_deployment,
		.input_key = "deployment",
		.bind = BIND({ "project", "${step.project.id}" }, { "projectName", "${step.project.name}" },
			{ "repository", "${step.repo.fullName}" }, { "repositoryId", "${step.repo.id}" },
			{ "branch", "${step.codemods.ref}" }, { "sha", "${step.codemods.headCommit}" },
			{ "after", "${step.env.updatedAt}" }) },
	{ .id = "domain",
		.action = &vercel_domain,
		.input_key = "domain",
		.needs = NEEDS("deployment"),
		.bind = BIND({ "project", "${step.project.id}" }) },
	/* The deployment's own url may be behind a login. */
	{ .id = "check",
		.action = &http_check,
		.input_key = "check",
		.needs = NEEDS("domain"),
		.bind = BIND({ "url", "${step.deployment.alias}" }) },
};

const struct workflow_definition fork_and_deploy = {
	.id = "fork-and-deploy",
	.summary = "A fork, changed by a workflow of its own, and a deployment of the commit that came of it",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
