/*
 * site: a client's site, from the repository to a checked production deployment. Files, variables,
 * secrets, access and branch protection are optional.
 */
#include "actions.h"
#include "slipway/workflow.h"

static const struct step_definition steps[] = {
	{ .id = "repo", .action = &github_repository, .input_key = "repo" },
	{ .id = "files",
		.action = &github_files,
		.input_key = "files",
		.optional = true,
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "branch",
				.value = "${step.repo.defaultBranch}",
				.overridable = true }) },
	{ .id = "variables",
		.action = &github_variables,
		.input_key = "variables",
		.optional = true,
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" }) },
	{ .id = "secrets",
		.action = &github_secrets,
		.input_key = "secrets",
		.optional = true,
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" }) },
	{ .id = "access",
		.action = &github_access,
		.input_key = "access",
		.optional = true,
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" }) },
	{ .id = "project",
		.action = &vercel_project,
		.input_key = "project",
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "repositoryId", .value = "${step.repo.id}" }) },
	{ .id = "env",
		.action = &vercel_environment,
		.input_key = "env",
		.bind = BIND({ .field = "project", .value = "${step.project.id}" }) },
	{ .id = "deployment",
		.action = &vercel_deployment,
		.input_key = "deployment",
		.needs = NEEDS("files"),
		.bind = BIND({ .field = "project", .value = "${step.project.id}" },
			{ .field = "projectName", .value = "${step.project.name}" },
			{ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "repositoryId", .value = "${step.repo.id}" },
			{ .field = "branch",
				.value = "${step.repo.defaultBranch}",
				.overridable = true },
			{ .field = "after", .value = "${step.env.updatedAt}" }) },
	/* Vercel refuses a domain while the latest production deployment has failed. */
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
	/* The last step that touches the repository: it may forbid direct commits to the branch. */
	{ .id = "protection",
		.action = &github_protection,
		.input_key = "protection",
		.optional = true,
		.needs = NEEDS("files"),
		.bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" },
			{ .field = "branch",
				.value = "${step.repo.defaultBranch}",
				.overridable = true }) },
};

const struct workflow_definition site = {
	.id = "site",
	.summary = "A site: repository, Vercel project, environment, production deployment, "
		   "domain, check",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
