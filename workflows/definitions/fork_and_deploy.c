/*
 * fork-and-deploy: forks a repository, runs a GitHub Actions workflow that changes it (codemods), and deploys the
 * resulting commit.
 */
#include "actions.h"
#include "slipway/workflow.h"

static const struct step_definition steps[] = {
	{ .id = "repo", .action = &github_repository, .input_key = "repo" },
	{ .id = "codemods",
		.action = &github_workflow_run,
		.input_key = "codemods",
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "ref", .value = "${step.repo.defaultBranch}", .overridable = true }) },
	{ .id = "project",
		.action = &vercel_project,
		.input_key = "project",
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "repositoryId", .value = "${step.repo.id}" }) },
	{ .id = "env",
		.action = &vercel_environment,
		.input_key = "env",
		.bind = BIND({ .field = "project", .value = "${step.project.id}" }) },
	/* Vercel refuses a domain while the last production deployment has failed, so that comes after. */
	{ .id = "deployment",
		.action = &vercel_deployment,
		.input_key = "deployment",
		.bind = BIND({ .field = "project", .value = "${step.project.id}" },
			{ .field = "projectName", .value = "${step.project.name}" },
			{ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "repositoryId", .value = "${step.repo.id}" },
			{ .field = "branch", .value = "${step.codemods.ref}" },
			{ .field = "sha", .value = "${step.codemods.headCommit}" },
			{ .field = "after", .value = "${step.env.updatedAt}" }) },
	{ .id = "domain",
		.action = &vercel_domain,
		.input_key = "domain",
		.needs = NEEDS("deployment"),
		.bind = BIND({ .field = "project", .value = "${step.project.id}" }) },
	/* The deployment's own url may be behind a login. With what opens it, that is asked all the same: the alias is
	 * the app's domain, and whoever says that would have the secret sent to himself. */
	{ .id = "check",
		.action = &http_check,
		.input_key = "check",
		.needs = NEEDS("domain"),
		.bind = BIND({ .field = "url",
			.value = "${step.deployment.alias}",
			.overridable = true,
			.with_secret = "${step.deployment.url}" }) },
};

const struct workflow_definition fork_and_deploy = {
	.id = "fork-and-deploy",
	.summary = "A fork, changed by a workflow of its own, and a deployment of the commit that came of it",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
