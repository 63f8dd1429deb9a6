/*
 * fork-and-deploy: forks a repository, runs a GitHub Actions workflow that changes it (codemods),
 * and deploys the resulting commit.
 */
#include "actions.h"
#include "slipway/workflow.h"

static const struct step_definition steps[] = {
	{ .id = "repo", .action = &github_repository, .input_key = "repo" },
	{ .id = "codemods",
		.action = &github_workflow_run,
		.input_key = "codemods",
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "ref",
				.value = "${step.repo.defaultBranch}",
				.overridable = true }) },
	{ .id = "project",
		.action = &vercel_project,
		.input_key = "project",
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "repositoryId", .value = "${step.repo.id}" }) },
	{ .id = "env",
		.action = &vercel_environment,
		.input_key = "env",
		.bind = BIND({ .field = "project", .value = "${step.project.id}" }) },
	/* Vercel refuses a domain while the latest production deployment has failed, so the domain
	   comes after it. */
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
	/* The deployment's own URL may require a login, so the alias is checked. With a secret that
	   opens it, check the own URL instead: the alias is the app's domain, and whoever sets that
	   would receive the secret. */
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
	.summary = "Forks a repository, changes it with a GitHub Actions workflow, and deploys the "
		   "resulting commit",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
